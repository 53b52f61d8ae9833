"""`mesh-assets esm produce`."""

from typing import Any

import click
import msgspec

from mesh_assets.cli.esm.access import aws_access, region_option
from mesh_assets.cli.esm.login import AccessOnce, chosen_login, login_options
from mesh_assets.cli.esm.proof_text import produce_plan_text, produced_text
from mesh_assets.errors import MeshError
from mesh_assets.esm.connection.login import properties_of
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.proof import check_plan, plan_test_messages, produce_test_messages


@click.command(short_help="Write test messages into a topic.")
@click.option(
    "--mapping",
    "uuid",
    metavar="UUID",
    help="Into this mapping's topic, with its own access unless another is named.",
)
@click.option("--topic", metavar="NAME", help="Into this topic, where no mapping or secret names it.")
@click.option("--messages", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option(
    "--bytes",
    "bytes_each",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Of how many bytes each.",
)
@click.option("--key", metavar="TEXT", help="Their key. Default: none, and they go round the partitions.")
@login_options
@region_option
@click.option("--apply", "plan_id", metavar="PLAN-ID", help="Carry out this plan. Default: only show it.")
@click.option(
    "--json", "as_json", is_flag=True, help="The plan, or what was written, as JSON on stdout, nothing else."
)
def produce(
    uuid: str | None,
    topic: str | None,
    messages: int,
    bytes_each: int,
    key: str | None,
    region: str | None,
    plan_id: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Write test messages into a topic and wait until all replicas have them: JSON with an id, a number and
    the time.

    Every group that reads the topic receives them: the plan names them. Without --apply nothing is written.
    """
    access = AccessOnce(lambda: aws_access(region))
    mapping = None if uuid is None else get_mapping(access(), uuid)
    login, uses_aws = chosen_login(access, mapping, options)
    wanted = topic or (mapping.topic if mapping is not None else None) or login.topic
    if wanted is None:
        raise MeshError("no topic is named; give --topic, or a mapping or secret that names one")
    properties = properties_of(login, access() if uses_aws else None)
    group = None if mapping is None else mapping.consumer_group_id
    plan = plan_test_messages(
        properties, topic=wanted, messages=messages, bytes_each=bytes_each, key=key, group=group
    )
    if plan_id is None:
        click.echo(
            _json(plan) if as_json else "\n".join(produce_plan_text(plan, how="the same command with"))
        )
        return
    check_plan(plan, plan_id)
    done = produce_test_messages(properties, plan)
    click.echo(_json(done) if as_json else "\n".join(produced_text(done)))


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()
