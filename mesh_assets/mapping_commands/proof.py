"""`mesh-assets esm produce` and `validate`: test messages, and the verdict on what became of them."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from mesh_assets.errors import MeshError
from mesh_assets.esm.connection.login import properties_of
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.proof import (
    Produced,
    ProducePlan,
    Validation,
    ValidationRequest,
    check_plan,
    content_for,
    plan_test_messages,
    plan_validation,
    produce_test_messages,
    validate_esm_processing,
)
from mesh_assets.esm.proof.validation import METRICS_SECONDS
from mesh_assets.inventory.wording import printed_json
from mesh_assets.mapping_commands.login import AccountOnce, chosen_login, login_options
from mesh_assets.mapping_commands.plans import aws_account, region_option


def produce_plan_text(plan: ProducePlan) -> Iterator[str]:
    """The plan for people: what would be written where, and who else receives it."""
    where = f"with key {plan.key!r}" if plan.key is not None else "one partition after the other"
    yield f"Plan {plan.id}: write {plan.messages:,} test messages of {plan.bytes_each:,} bytes to {plan.topic}, {where}"
    yield f"  brokers       {plan.endpoint}"
    yield f"  partitions    {len(plan.partitions)}"
    if plan.unwritable is not None:
        yield f"  format        none: the mapping reads records by a schema registry, and {plan.unwritable}"
    elif plan.format != "JSON":
        yield f"  format        {plan.format}, generated values"
    if plan.group is not None:
        yield f"  meant for     group {plan.group}"
    if plan.other_groups is None:
        yield f"  also read by  unknown: {plan.other_groups_error}"
    elif plan.other_groups:
        yield f"  also read by  {', '.join(plan.other_groups)}: they will receive the test messages too"
    elif not plan.possible_groups:
        yield "  also read by  no other group"
    if plan.possible_groups:
        yield f"  may be read by {', '.join(plan.possible_groups)}: what they read is not known"
    yield ""
    if plan.unwritable is not None:
        yield "Nothing has been written, and nothing would be."
    else:
        yield f"Nothing has been written. To do it: the same command with --apply {plan.id}"


def produced_text(produced: Produced) -> Iterator[str]:
    """What was written, for people."""
    yield f"Done: {produced.messages:,} test messages are in {produced.topic}, acknowledged within {produced.seconds:.1f} s"
    yield f"  test id       {produced.test_id}"
    for written in produced.partitions:
        yield f"  partition {written.partition:<4}offsets {written.first} to {written.last}"


def validation_text(found: Validation) -> Iterator[str]:
    """The verdict and its evidence, for people."""
    yield f"{found.verdict.name.upper()}: {found.verdict.sentence}"
    if found.verdict.advice:
        yield f"  what to do    {found.verdict.advice}"
    yield f"  mapping       {found.uuid}   {found.topic} → {found.function}   {found.mapping_state}   last result: {found.last_result}"
    yield f"  group         {found.group}   {', '.join(sorted({member.client_id for member in found.members})) or 'no member was seen'}"
    for one in found.progress:
        before = "nothing" if one.committed_before is None else str(one.committed_before)
        after = "nothing" if one.committed is None else str(one.committed)
        yield f"  partition {one.partition:<4}committed {before} → {after}, needs {one.last + 1}{'' if one.passed else '   NOT PASSED'}"
    if found.counts is not None:
        yield f"  counts        {', '.join(f'{name} {value:,}' for name, value in found.counts.known().items()) or 'none arrived'}"


def message_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which test messages to write: `messages`, `bytes_each`, `key`."""
    for option in (
        click.option("--key", metavar="TEXT", help="Their key. Default: none; the partitions take turns."),
        click.option(
            "--bytes",
            "bytes_each",
            type=click.IntRange(min=1),
            default=256,
            show_default=True,
            help="Bytes per message.",
        ),
        click.option(
            "--messages", type=click.IntRange(min=1), default=10, show_default=True, help="How many messages."
        ),
    ):
        command = option(command)
    return command


@click.command(short_help="Write test messages to a topic.")
@click.option(
    "--mapping",
    "uuid",
    metavar="UUID",
    help="Write to this mapping's topic, with its own credentials unless others are given.",
)
@click.option("--topic", metavar="NAME", help="Write to this topic, if no mapping or secret names one.")
@message_options
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
    """Write test messages to a topic and wait until all replicas have them: JSON with an id, a number and
    the time, or records of the latest schema where the mapping reads with a registry.

    Every group that reads the topic receives them: the plan names them. Without --apply nothing is written.
    """
    account = AccountOnce(lambda: aws_account(region))
    mapping = None if uuid is None else get_mapping(account(), uuid)
    login, uses_aws = chosen_login(account, mapping, options)
    wanted = topic or (mapping.topic if mapping is not None else None) or login.topic
    if wanted is None:
        raise MeshError("no topic is named; give --topic, or a mapping or secret that names one")
    properties = properties_of(login, account() if uses_aws else None)
    group = None if mapping is None else mapping.consumer_group_id
    # For a topic other than the mapping's, the mapping's format means nothing.
    content = (
        content_for(account(), mapping, bytes_each)
        if mapping is not None and wanted == mapping.topic
        else None
    )
    plan = plan_test_messages(
        properties,
        topic=wanted,
        messages=messages,
        bytes_each=bytes_each,
        key=key,
        group=group,
        content=content,
    )
    if plan_id is None:
        click.echo(printed_json(plan) if as_json else "\n".join(produce_plan_text(plan)))
        return
    check_plan(plan, plan_id)
    done = produce_test_messages(properties, plan, content=content)
    click.echo(printed_json(done) if as_json else "\n".join(produced_text(done)))


@click.command(short_help="Prove that a mapping processes messages.")
@click.argument("uuid")
@message_options
@click.option(
    "--deadline",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Default: 30 for a mapping at work, 300 for a new one, plus its batching window.",
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
    help="Write this plan's messages and judge. Default: only show the plan.",
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
    """Write test messages to the topic of the mapping with this UUID, and report what became of them.

    Verdicts: processed; committed, not processed; partly; behind; unproven; not processed; inconclusive
    (docs/esm-proof.md). It starts at the next full minute, because CloudWatch counts by the minute. The
    function is invoked with the messages, and every other group of the topic receives them: the plan names
    them. Exit code 0 only for processed.
    """
    account = AccountOnce(lambda: aws_account(region))
    mapping = get_mapping(account(), uuid)
    login, _ = chosen_login(account, mapping, options)
    request = ValidationRequest(
        messages=messages,
        bytes_each=bytes_each,
        key=key,
        deadline_seconds=deadline,
        metrics_seconds=metrics_wait,
    )
    if plan_id is None:
        plan = plan_validation(account(), mapping, login, request)
        click.echo(printed_json(plan) if as_json else "\n".join(produce_plan_text(plan)))
        return
    begun = time.monotonic()

    def progress(text: str) -> None:
        click.echo(f"{time.monotonic() - begun:6.1f} s  {text}", err=True)

    found = validate_esm_processing(account(), mapping, login, request, plan_id=plan_id, progress=progress)
    click.echo(printed_json(found) if as_json else "\n".join(validation_text(found)))
    if found.verdict.name != "processed":
        sys.exit(1)
