"""The proof as a whole: look, write test messages, wait for the group to pass them, read the counts, judge."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from msgspec import Struct

from mesh_assets.errors import EstateError
from mesh_assets.esm.aws_account import AwsAccess
from mesh_assets.esm.connection.login import KafkaLogin, properties_of
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.proof.counts import Counts, read_counts
from mesh_assets.esm.proof.messages import (
    PartitionProgress,
    Produced,
    ProducePlan,
    check_offset_after_production,
    check_plan,
    plan_test_messages,
    produce_test_messages,
)
from mesh_assets.esm.proof.positions import Member, Position, get_initial_offset, read_position
from mesh_assets.esm.proof.verdict import Evidence, Verdict, judge
from mesh_assets.platforms.kafka.session import Session

WARM_SECONDS = 30.0
NEW_SECONDS = 300.0
"""A mapping that has neither members nor commits may need minutes until its pollers run."""

METRICS_SECONDS = 180.0
"""CloudWatch has Lambda's counts within a minute or two, as a rule."""

_LOOK_SECONDS = 0.5
_METRICS_LOOK_SECONDS = 2.0
_NOT_POLLING = ("Disabled", "Disabling", "Deleting")

Tell = Callable[[str], None]


class Validation(Struct, frozen=True, kw_only=True):
    """`produced` None: nothing was written, since the mapping does not poll."""

    verdict: Verdict
    uuid: str
    function: str
    topic: str
    group: str
    mapping_state: str | None
    last_result: str | None
    produced: Produced | None
    before: Position
    progress: tuple[PartitionProgress, ...]
    members: tuple[Member, ...]
    counts: Counts | None
    deadline_seconds: float
    elapsed_seconds: float


class ValidationRequest(Struct, frozen=True, kw_only=True):
    """What is written, and how long is waited. `deadline_seconds` None: 30 for a mapping that is at work, 300
    for a new one."""

    messages: int = 10
    bytes_each: int = 256
    key: str | None = None
    deadline_seconds: float | None = None
    metrics_seconds: float = METRICS_SECONDS


def plan_validation(
    access: AwsAccess, mapping: EventSourceMapping, login: KafkaLogin, request: ValidationRequest
) -> ProducePlan:
    """What a validation would write, and who else reads it. Reads only. Raises EstateError, PlatformError."""
    return plan_test_messages(
        properties_of(login, access),
        topic=_topic(mapping),
        messages=request.messages,
        bytes_each=request.bytes_each,
        key=request.key,
        group=mapping.consumer_group_id,
    )


def validate_esm_processing(
    access: AwsAccess,
    mapping: EventSourceMapping,
    login: KafkaLogin,
    request: ValidationRequest = ValidationRequest(),  # noqa: B008 - immutable
    *,
    plan_id: str | None = None,
    tell: Tell = lambda text: None,  # noqa: ARG005
) -> Validation:
    """Writes test messages into the mapping's topic and says what became of them. `login`: as whom they are
    written.

    `plan_id`: of the plan that was looked at; another one is refused (PlanOutdatedError). Raises
    PlatformError as soon as an offset or a count could not be read, or a message not be written: a proof is
    never made from a part.
    """
    topic, group = _topic(mapping), mapping.consumer_group_id
    properties = properties_of(login, access)
    plan = plan_validation(access, mapping, login, request)
    if plan_id is not None:
        check_plan(plan, plan_id)
    with closing(Session(properties, 15)) as session:
        before = get_initial_offset(session, group, topic)
        tell(f"group {group}: {_members(before)}, {_lag(before)}")
        warm = before.has_commits or bool(before.members)
        deadline_seconds = request.deadline_seconds or (WARM_SECONDS if warm else NEW_SECONDS)
        if mapping.state in _NOT_POLLING:
            return _result(mapping, before, before, None, None, deadline_seconds, 0.0, (), request.messages)
        begun_at = datetime.now(UTC)
        counts_before = read_counts(access, mapping, since=begun_at)
        begun = time.monotonic()
        produced = produce_test_messages(properties, plan, tell=tell)
        now, members = _wait(session, before, produced, begun + deadline_seconds, tell)
    elapsed = time.monotonic() - begun
    passed = all(one.passed for one in check_offset_after_production(before, now, produced))
    counts = _counts(
        access,
        mapping,
        begun_at,
        counts_before,
        request,
        passed=passed,
        messages=produced.messages,
        tell=tell,
    )
    mapping = get_mapping(access, mapping.uuid)
    return _result(
        mapping, before, now, produced, counts, deadline_seconds, elapsed, members, produced.messages
    )


def _wait(
    session: Session, before: Position, produced: Produced, deadline: float, tell: Tell
) -> tuple[Position, tuple[Member, ...]]:
    """The last look, and every member seen in between."""
    seen = {(member.client_id, member.host): member for member in before.members}
    told = -1
    while True:
        now = read_position(session, before.group, before.topic)
        seen |= {(member.client_id, member.host): member for member in now.members}
        progress = check_offset_after_production(before, now, produced)
        passed = sum(one.passed for one in progress)
        if passed != told:
            tell(f"{passed} of {len(progress)} partitions passed, {len(now.members)} members")
            told = passed
        if passed == len(progress) or time.monotonic() >= deadline:
            return now, tuple(seen.values())
        time.sleep(min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic())))


def _counts(
    access: AwsAccess,
    mapping: EventSourceMapping,
    since: datetime,
    earlier: Counts,
    request: ValidationRequest,
    *,
    passed: bool,
    messages: int,
    tell: Tell,
) -> Counts:
    """As soon as they tell of all messages; at the deadline what they tell until then. Where not all is
    committed, one look is enough."""
    deadline = time.monotonic() + (request.metrics_seconds if passed else 0.0)
    if passed:
        tell("offsets are passed; waiting for CloudWatch's counts")
    while True:
        counts = read_counts(access, mapping, since=since).since(earlier)
        complete = counts.seen >= messages if counts.per_mapping else bool(counts.invocations)
        if complete or time.monotonic() >= deadline:
            return counts
        time.sleep(min(_METRICS_LOOK_SECONDS, max(0.0, deadline - time.monotonic())))


def _result(
    mapping: EventSourceMapping,
    before: Position,
    now: Position,
    produced: Produced | None,
    counts: Counts | None,
    deadline_seconds: float,
    elapsed_seconds: float,
    members: tuple[Member, ...],
    messages: int,
) -> Validation:
    progress = () if produced is None else check_offset_after_production(before, now, produced)
    if produced is None:
        last = mapping.last_processing_result
        sentence = (
            f"nothing was written: the mapping is {mapping.state}, so nothing polls; its last result: {last}"
        )
        verdict = Verdict(name="not processed", sentence=sentence, advice="enable the mapping")
    else:
        verdict = judge(
            Evidence(
                mapping=mapping,
                messages=messages,
                before=before,
                progress=progress,
                members=members,
                counts=counts,
                elapsed_seconds=elapsed_seconds,
                deadline_seconds=deadline_seconds,
            )
        )
    return Validation(
        verdict=verdict,
        uuid=mapping.uuid,
        function=mapping.function_name,
        topic=before.topic,
        group=before.group,
        mapping_state=mapping.state,
        last_result=mapping.last_processing_result,
        produced=produced,
        before=before,
        progress=progress,
        members=members,
        counts=counts,
        deadline_seconds=deadline_seconds,
        elapsed_seconds=elapsed_seconds,
    )


def _topic(mapping: EventSourceMapping) -> str:
    if mapping.topic is None:
        raise EstateError(
            f"mapping {mapping.uuid} reads no Kafka topic; only those of Kafka can be validated"
        )
    return mapping.topic


def _members(position: Position) -> str:
    number = len(position.members)
    return f"{number} {'member' if number == 1 else 'members'}"


def _lag(position: Position) -> str:
    lag = position.lag_records
    return "nothing committed yet" if lag is None else f"{lag:,} records behind"
