"""`mesh-assets esm validate`."""

import sys
import time
from typing import Any

import click
import msgspec

from mesh_assets.cli.esm.access import aws_access, region_option
from mesh_assets.cli.esm.login import AccessOnce, chosen_login, login_options
from mesh_assets.cli.esm.proof_text import produce_plan_text, validation_text
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.proof import ValidationRequest, plan_validation, validate_esm_processing
from mesh_assets.esm.proof.validation import METRICS_SECONDS


@click.command(short_help="Prove that a mapping processes messages.")
@click.argument("uuid")
@click.option(
    "--messages", type=click.IntRange(min=1), default=10, show_default=True, help="How many test messages."
)
@click.option(
    "--bytes",
    "bytes_each",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Of how many bytes each.",
)
@click.option("--key", metavar="TEXT", help="Their key. Default: none, and they go round the partitions.")
@click.option(
    "--deadline",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Default: 30 for a mapping at work, 300 for a new one.",
)
@click.option(
    "--metrics-wait",
    type=click.FloatRange(min=0),
    default=METRICS_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for CloudWatch's counts.",
)
@login_options
@region_option
@click.option(
    "--apply",
    "plan_id",
    metavar="PLAN-ID",
    help="Write the messages of this plan and judge. Default: only show the plan.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The plan, or the verdict with its evidence, as JSON on stdout, nothing else.",
)
def validate(
    uuid: str,
    messages: int,
    bytes_each: int,
    key: str | None,
    deadline: float | None,
    metrics_wait: float,
    region: str | None,
    plan_id: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Write test messages into the topic of the mapping with this UUID, and say what became of them.

    Verdicts: processed; committed, not processed; partly; behind; unproven; not processed; inconclusive
    (docs/esm-proof.md). The function is invoked with the messages, and every other group of the topic
    receives them: the plan names them. Exit code 0 only for processed.
    """
    access = AccessOnce(lambda: aws_access(region))
    mapping = get_mapping(access(), uuid)
    login, _ = chosen_login(access, mapping, options)
    request = ValidationRequest(
        messages=messages,
        bytes_each=bytes_each,
        key=key,
        deadline_seconds=deadline,
        metrics_seconds=metrics_wait,
    )
    if plan_id is None:
        plan = plan_validation(access(), mapping, login, request)
        click.echo(
            _json(plan) if as_json else "\n".join(produce_plan_text(plan, how="the same command with"))
        )
        return
    begun = time.monotonic()

    def tell(text: str) -> None:
        click.echo(f"{time.monotonic() - begun:6.1f} s  {text}", err=True)

    found = validate_esm_processing(access(), mapping, login, request, plan_id=plan_id, tell=tell)
    click.echo(_json(found) if as_json else "\n".join(validation_text(found)))
    if found.verdict.name != "processed":
        sys.exit(1)


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()
