"""Tools: test messages, and the proof that a mapping processes them. All connect as the mapping does."""

import time
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from pydantic import Field

from mesh_assets.agent_tools.tool import Question
from mesh_assets.answering.answers import Answer, BadArgumentError, current_call
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.errors import Auth
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.importing import importing
from mesh_assets.mapping_tools.connection import AuthArgument, SecretArn, login_of_mapping
from mesh_assets.mapping_tools.mappings import OpenService, PlanId, Uuid

if TYPE_CHECKING:
    from mesh_assets.esm.connection.login import KafkaLogin

_SECONDS = 15.0
_PAUSE_SECONDS = 0.5
_TO_A_FULL_MINUTE = 60.0
"""CloudWatch counts by the minute, so a proof may first wait for the next one."""

Messages = Annotated[int, Field(ge=1, le=10_000, description="How many test messages.")]
BytesEach = Annotated[
    int, Field(ge=1, le=1_000_000, description="Size of each message, in bytes; at most 16 MiB in all.")
]
Key = Annotated[
    str | None,
    Field(max_length=1_000, description="Their key; without one they are spread over the partitions."),
]


class PositionAnswer(Answer):
    """By partition: what the group has committed (null: nothing yet), the first record, and where the next
    one will go."""

    position: dict[str, Any]
    lag_records: int | None = None


class ProducedAnswer(Answer):
    """`applied` False: nothing was written. `plan` names the groups that would receive the messages."""

    applied: bool
    plan: dict[str, Any]
    produced: dict[str, Any] | None = None
    next: str


class ProgressAnswer(Answer):
    """`passed`: the group has committed beyond the last test message of each partition, after `waited_seconds`."""

    passed: bool
    waited_seconds: float
    partitions: list[dict[str, Any]]


class ValidationAnswer(Answer):
    """The verdict with its evidence. `applied` False: nothing was written; this is only the plan."""

    applied: bool
    plan: dict[str, Any]
    validation: dict[str, Any] | None = None
    next: str


def get_initial_offset(
    known: KnownEstate,
    open_service: OpenService,
    /,
    uuid: Uuid,
    secret_arn: SecretArn = None,
    auth: AuthArgument = None,
) -> PositionAnswer:
    """The current offsets of a mapping's consumer group on its topic, to pass to
    check_offset_after_production later."""
    with importing:
        from mesh_assets.esm import proof
        from mesh_assets.esm.connection.login import properties_of
        from mesh_assets.platforms.kafka.wire.running import RunningCluster

    account, mapping, login = _reached(known, open_service, uuid, secret_arn, auth)
    with closing(RunningCluster(properties_of(login, account), _SECONDS)) as cluster:
        position = proof.get_initial_offset(
            cluster, mapping.consumer_group_id, _topic(mapping), queue=mapping.is_queue
        )
    return PositionAnswer(position=_plain(position), lag_records=position.lag_records)


def produce_test_messages(
    known: KnownEstate,
    open_service: OpenService,
    may_write: bool,
    /,
    uuid: Uuid,
    messages: Messages = 10,
    bytes_each: BytesEach = 256,
    key: Key = None,
    secret_arn: SecretArn = None,
    auth: AuthArgument = None,
    plan_id: PlanId = None,
) -> ProducedAnswer:
    """Plans test messages to a mapping's topic, naming every group that would receive them; with plan_id
    writes them."""
    with importing:
        from mesh_assets.esm import proof
        from mesh_assets.esm.connection.login import properties_of

    if plan_id is not None:
        _check_may_write(may_write)
    account, mapping, login = _reached(known, open_service, uuid, secret_arn, auth)
    properties = properties_of(login, account)
    content = proof.content_for(account, mapping, bytes_each)
    plan = proof.plan_test_messages(
        properties,
        topic=_topic(mapping),
        messages=messages,
        bytes_each=bytes_each,
        key=key,
        group=mapping.consumer_group_id,
        content=content,
    )
    if plan_id is None:
        return ProducedAnswer(applied=False, plan=_plain(plan), next=_next(may_write))
    proof.check_plan(plan, plan_id)
    done = proof.produce_test_messages(properties, plan, content=content, progress=_report)
    return ProducedAnswer(
        applied=True, plan=_plain(plan), produced=_plain(done), next="check_offset_after_production"
    )


def check_offset_after_production(
    known: KnownEstate,
    open_service: OpenService,
    /,
    uuid: Uuid,
    initial: Annotated[dict[str, Any], Field(description="`position` as get_initial_offset answered it.")],
    produced: Annotated[
        dict[str, Any], Field(description="`produced` as produce_test_messages answered it.")
    ],
    deadline_seconds: Annotated[
        float, Field(ge=0, le=3_600, description="How long to wait for the group; 0: look once.")
    ] = 30.0,
    secret_arn: SecretArn = None,
    auth: AuthArgument = None,
) -> ProgressAnswer:
    """How far a mapping's consumer group has come since test messages were written: waits until it has passed
    them all."""
    with importing:
        from mesh_assets.esm import proof
        from mesh_assets.esm.connection.login import properties_of
        from mesh_assets.platforms.kafka.wire.running import RunningCluster

    _check_time(deadline_seconds)
    try:
        before = msgspec.convert(initial, proof.Position, strict=False)
        written = msgspec.convert(produced, proof.Produced, strict=False)
    except msgspec.ValidationError as error:
        raise BadArgumentError(f"pass initial and produced as they were answered: {error}") from error
    account, mapping, login = _reached(known, open_service, uuid, secret_arn, auth)
    _check_same(mapping, before.group, (before.topic, written.topic))
    if not written.partitions:
        raise BadArgumentError(
            "produced names no partition with a test message, so there is nothing to wait for"
        )
    begun = time.monotonic()
    with closing(RunningCluster(properties_of(login, account), _SECONDS)) as cluster:
        while True:
            now = proof.get_initial_offset(
                cluster, mapping.consumer_group_id, _topic(mapping), queue=mapping.is_queue
            )
            found = proof.check_offset_after_production(before, now, written)
            passed, waited = all(one.passed for one in found), time.monotonic() - begun
            if passed or waited >= deadline_seconds:
                break
            _report(f"{sum(one.passed for one in found)} of {len(found)} partitions passed")
            current_call().wait(min(_PAUSE_SECONDS, deadline_seconds - waited))
    return ProgressAnswer(
        passed=passed, waited_seconds=round(waited, 1), partitions=[_plain(one) for one in found]
    )


def validate_esm_processing(
    known: KnownEstate,
    open_service: OpenService,
    may_write: bool,
    /,
    uuid: Uuid,
    messages: Messages = 10,
    bytes_each: BytesEach = 256,
    key: Key = None,
    deadline_seconds: Annotated[
        float | None,
        Field(
            ge=1,
            le=3_600,
            description="How long to wait for the group; by default 30 for a mapping at work, 300 for a new one.",
        ),
    ] = None,
    metrics_seconds: Annotated[
        float | None,
        Field(ge=0, le=3_600, description="How long to wait for CloudWatch's counts; by default 180."),
    ] = None,
    secret_arn: SecretArn = None,
    auth: AuthArgument = None,
    plan_id: PlanId = None,
) -> ValidationAnswer:
    """Plans test messages; with plan_id writes them and judges by offsets, members and counts whether the
    mapping processes them."""
    with importing:
        from mesh_assets.esm import proof
        from mesh_assets.esm.proof.validation import METRICS_SECONDS, NEW_SECONDS

    metrics = METRICS_SECONDS if metrics_seconds is None else metrics_seconds
    if plan_id is not None:
        _check_may_write(may_write)
    account, mapping, login = _reached(known, open_service, uuid, secret_arn, auth)
    if plan_id is not None:
        longest = deadline_seconds or NEW_SECONDS + (mapping.max_batching_window or 0)
        _check_time(longest + metrics + _TO_A_FULL_MINUTE)
    request = proof.ValidationRequest(
        messages=messages,
        bytes_each=bytes_each,
        key=key,
        deadline_seconds=deadline_seconds,
        metrics_seconds=metrics,
    )
    plan = proof.plan_validation(account, mapping, login, request)
    if plan_id is None:
        return ValidationAnswer(applied=False, plan=_plain(plan), next=_next(may_write))
    found = proof.validate_esm_processing(account, mapping, login, request, plan_id=plan_id, progress=_report)
    return ValidationAnswer(
        applied=True, plan=_plain(plan), validation=_plain(found), next=found.verdict.advice or "done"
    )


def _check_time(seconds: float) -> None:
    """Raises BadArgumentError for a wait that would be cut off: messages would be written, but nothing
    reported about them."""
    most = current_call().seconds
    if seconds > most:
        raise BadArgumentError(
            f"this may wait {seconds:.0f} s, but a call is stopped after {most:.0f} s; nothing was done: give smaller deadlines, or start "
            "the server with a larger --call-timeout"
        )


def _check_same(mapping: EventSourceMapping, group: str, topics: tuple[str, str]) -> None:
    """Raises BadArgumentError for another mapping's answers: its offsets say nothing about this one."""
    if group != mapping.consumer_group_id or set(topics) != {mapping.topic}:
        raise BadArgumentError(
            f"initial and produced belong to another mapping: {mapping.uuid} reads topic {mapping.topic} as group "
            f"{mapping.consumer_group_id}"
        )


def _check_may_write(may_write: bool) -> None:
    if not may_write:
        raise BadArgumentError(
            "test messages are a change, which the server does not allow: start it with --allow-writes"
        )


def _next(may_write: bool) -> str:
    allowed = "call again with this plan's id to carry it out"
    return allowed if may_write else "the server may not write: --allow-writes"


def _reached(
    known: KnownEstate, open_service: OpenService, uuid: str, secret_arn: str | None, auth: Auth | None
) -> "tuple[AwsAccount, EventSourceMapping, KafkaLogin]":
    service = open_service()
    mapping = service.get(uuid)
    return service.account, mapping, login_of_mapping(known, service.account, mapping, secret_arn, auth)


def _topic(mapping: "EventSourceMapping") -> str:
    if mapping.topic is None:
        raise BadArgumentError(f"mapping {mapping.uuid} does not read a Kafka topic")
    return mapping.topic


def question_about_messages(answer: ProducedAnswer | ValidationAnswer) -> Question | None:
    if answer.applied or answer.plan["unwritable"] is not None:
        return None
    plan = answer.plan
    groups = plan["other_groups"]
    readers = f"not known ({plan['other_groups_error']})" if groups is None else ", ".join(groups) or "none"
    if plan.get("possible_groups"):
        may = f"{', '.join(plan['possible_groups'])} may read it, not known"
        readers = f"{', '.join(groups)}; {may}" if groups else may
    text = (
        f"Write {plan['messages']} test messages of {plan['bytes_each']} bytes ({plan['format']}) to {plan['topic']} "
        f"at {plan['endpoint']}.\n"
        f"Other groups that would receive them: {readers}\nCarry out plan {plan['id']}?"
    )
    return Question(plan_id=plan["id"], text=text)


def _report(text: str) -> None:
    current_call().progress_from_thread(0, None, text)


def _plain(record: Any) -> dict[str, Any]:
    """A record as JSON values, keys as text."""
    found: dict[str, Any] = msgspec.to_builtins(record, str_keys=True)
    return found
