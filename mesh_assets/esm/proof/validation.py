"""The proof as a whole: read the position, write test messages, wait for the group, read the counts, judge."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from msgspec import Struct

from mesh_assets.errors import EstateError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.connection.login import KafkaLogin, properties_of
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.proof.evidence import (
    Counts,
    Member,
    Position,
    get_initial_offset,
    read_counts,
    read_position,
)
from mesh_assets.esm.proof.messages import (
    PartitionProgress,
    Produced,
    ProducePlan,
    check_offset_after_production,
    check_plan,
    plan_test_messages,
    produce_test_messages,
)
from mesh_assets.esm.proof.verdict import Evidence, Verdict, judge
from mesh_assets.platforms.kafka.session import Session

WARM_SECONDS = 30.0
NEW_SECONDS = 300.0
"""Without members or commits, a mapping may need minutes until its pollers run."""

METRICS_SECONDS = 180.0
"""CloudWatch usually has Lambda's counts within a minute or two."""

_POSITION_PAUSE_SECONDS = 0.5
_METRICS_PAUSE_SECONDS = 2.0
_NOT_POLLING = ("Disabled", "Disabling", "Deleting")

Progress = Callable[[str], None]
"""Called with a sentence at each step."""


class Validation(Struct, frozen=True, kw_only=True):
    """The verdict with its evidence. `produced` None: nothing was written, because the mapping does not poll."""

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
    """What to write and how long to wait.

    `deadline_seconds` None: 30 for a mapping at work, 300 for a new one.
    """

    messages: int = 10
    bytes_each: int = 256
    key: str | None = None
    deadline_seconds: float | None = None
    metrics_seconds: float = METRICS_SECONDS


def plan_validation(
    account: AwsAccount, mapping: EventSourceMapping, login: KafkaLogin, request: ValidationRequest
) -> ProducePlan:
    """What a validation would write, and who else reads it. Reads only.

    Raises EstateError for a mapping of no Kafka topic, an incomplete login or an absurd number of messages,
    PlatformError when brokers or AWS refuse or do not answer.
    """
    return plan_test_messages(
        properties_of(login, account),
        topic=_topic(mapping),
        messages=request.messages,
        bytes_each=request.bytes_each,
        key=request.key,
        group=mapping.consumer_group_id,
    )


def validate_esm_processing(
    account: AwsAccount,
    mapping: EventSourceMapping,
    login: KafkaLogin,
    request: ValidationRequest = ValidationRequest(),  # noqa: B008 - immutable
    *,
    plan_id: str | None = None,
    progress: Progress = lambda text: None,  # noqa: ARG005
) -> Validation:
    """Writes test messages into the mapping's topic as `login` and judges what became of them.

    `plan_id` is that of the plan that was shown; PlanOutdatedError is raised when the plan is another one
    now. Raises EstateError as `plan_validation` does, and PlatformError as soon as an offset or count cannot
    be read or a message cannot be written: partial evidence proves nothing.
    """
    topic, group = _topic(mapping), mapping.consumer_group_id
    properties = properties_of(login, account)
    plan = plan_validation(account, mapping, login, request)
    if plan_id is not None:
        check_plan(plan, plan_id)
    with closing(Session(properties, 15)) as session:
        before = get_initial_offset(session, group, topic)
        progress(f"group {group}: {_members(before)}, {_lag(before)}")
        warm = before.has_commits or bool(before.members)
        deadline_seconds = request.deadline_seconds or (WARM_SECONDS if warm else NEW_SECONDS)
        if mapping.state in _NOT_POLLING:
            return _result(mapping, before, before, None, None, deadline_seconds, 0.0, (), request.messages)
        begun_at = datetime.now(UTC)
        counts_before = read_counts(account, mapping, since=begun_at)
        begun = time.monotonic()
        produced = produce_test_messages(properties, plan, progress=progress)
        now, members = _wait(session, before, produced, begun + deadline_seconds, progress)
    elapsed = time.monotonic() - begun
    passed = all(one.passed for one in check_offset_after_production(before, now, produced))
    counts = _counts(
        account,
        mapping,
        begun_at,
        counts_before,
        request,
        passed=passed,
        messages=produced.messages,
        progress=progress,
    )
    mapping = get_mapping(account, mapping.uuid)
    return _result(
        mapping, before, now, produced, counts, deadline_seconds, elapsed, members, produced.messages
    )


def _wait(
    session: Session, before: Position, produced: Produced, deadline: float, progress: Progress
) -> tuple[Position, tuple[Member, ...]]:
    """The last position read, and every member seen until then."""
    seen = {(member.client_id, member.host): member for member in before.members}
    reported = -1
    while True:
        now = read_position(session, before.group, before.topic)
        seen |= {(member.client_id, member.host): member for member in now.members}
        partitions = check_offset_after_production(before, now, produced)
        passed = sum(one.passed for one in partitions)
        if passed != reported:
            progress(f"{passed} of {len(partitions)} partitions passed, {len(now.members)} members")
            reported = passed
        if passed == len(partitions) or time.monotonic() >= deadline:
            return now, tuple(seen.values())
        time.sleep(min(_POSITION_PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))


def _counts(
    account: AwsAccount,
    mapping: EventSourceMapping,
    since: datetime,
    earlier: Counts,
    request: ValidationRequest,
    *,
    passed: bool,
    messages: int,
    progress: Progress,
) -> Counts:
    """The counts once they cover all messages, else those at the deadline.

    Unless everything is committed, one reading is enough.
    """
    deadline = time.monotonic() + (request.metrics_seconds if passed else 0.0)
    if passed:
        progress("offsets are passed; waiting for CloudWatch's counts")
    while True:
        counts = read_counts(account, mapping, since=since).since(earlier)
        complete = counts.seen >= messages if counts.per_mapping else bool(counts.invocations)
        if complete or time.monotonic() >= deadline:
            return counts
        time.sleep(min(_METRICS_PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))


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
        sentence = (
            f"nothing was written: the mapping is {mapping.state}, so nothing polls; "
            f"its last result: {mapping.last_processing_result}"
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
            f"mapping {mapping.uuid} reads no Kafka topic; only Kafka mappings can be validated"
        )
    return mapping.topic


def _members(position: Position) -> str:
    number = len(position.members)
    return f"{number} {'member' if number == 1 else 'members'}"


def _lag(position: Position) -> str:
    lag = position.lag_records
    if lag is None:
        return "beyond the end of the topic" if position.has_commits else "nothing committed yet"
    return f"{lag:,} records behind"
