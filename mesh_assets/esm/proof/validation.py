"""The whole proof: read the position, write test messages, wait for the group, read the counts, judge."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from mesh_assets.errors import EstateError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.connection.login import KafkaLogin, properties_of
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.proof.content import Content, content_for
from mesh_assets.esm.proof.evidence import (
    Counts,
    Member,
    Position,
    full_minute_after,
    get_initial_offset,
    merge_members,
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
from mesh_assets.esm.proof.verdict import Evidence, Verdict, judge, taken
from mesh_assets.platforms.kafka.settings import ClientProperties
from mesh_assets.platforms.kafka.wire.running import RunningCluster

WARM_SECONDS = 30.0
NEW_SECONDS = 300.0
"""Without members or commits, a mapping may need minutes until its pollers run."""

METRICS_SECONDS = 180.0
"""CloudWatch usually has Lambda's counts within a minute or two."""

_POSITION_PAUSE_SECONDS = 0.5
_METRICS_PAUSE_SECONDS = 2.0
# Before the minute begins, so that the position is older than anything counted, but no older than needed.
_READING = timedelta(seconds=2)
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
    before: Position
    deadline_seconds: float
    produced: Produced | None = None
    progress: tuple[PartitionProgress, ...] = ()
    members: tuple[Member, ...] = ()
    counts: Counts | None = None
    elapsed_seconds: float = 0.0


class ValidationRequest(Struct, frozen=True, kw_only=True):
    """What to write and how long to wait.

    `deadline_seconds` None: 30 for a mapping at work, 300 for a new one, plus its batching window.
    """

    messages: int = 10
    bytes_each: int = 256
    key: str | None = None
    deadline_seconds: float | None = None
    metrics_seconds: float = METRICS_SECONDS


def plan_validation(
    account: AwsAccount, mapping: EventSourceMapping, login: KafkaLogin, request: ValidationRequest
) -> ProducePlan:
    """What a validation would write, and who else reads it. Only reads.

    Raises EstateError for a mapping that reads no Kafka topic, an incomplete login or an absurd number of messages,
    PlatformError when brokers or AWS refuse or do not answer.
    """
    content = content_for(account, mapping, request.bytes_each)
    return _plan(properties_of(login, account), mapping, request, content)


def _plan(
    properties: ClientProperties, mapping: EventSourceMapping, request: ValidationRequest, content: Content
) -> ProducePlan:
    return plan_test_messages(
        properties,
        topic=_topic(mapping),
        messages=request.messages,
        bytes_each=request.bytes_each,
        key=request.key,
        group=mapping.consumer_group_id,
        content=content,
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

    `plan_id` is that of the plan that was shown; raises PlanOutdatedError if the plan is different now. Raises
    EstateError like `plan_validation`, and PlatformError as soon as an offset or count cannot be read or a message
    cannot be written: partial evidence proves nothing.
    """
    # As it is now, and by Get: a list omits encrypted filters.
    mapping = get_mapping(account, mapping.uuid)
    topic, group = _topic(mapping), mapping.consumer_group_id
    properties = properties_of(login, account)
    content = content_for(account, mapping, request.bytes_each)
    plan = _plan(properties, mapping, request, content)
    if plan_id is not None:
        check_plan(plan, plan_id)
    with closing(RunningCluster(properties, 15)) as cluster:
        polls = mapping.state not in _NOT_POLLING
        if polls and content.unwritable is None:
            progress("waiting for the next full minute, from which CloudWatch counts")
            _sleep_until(full_minute_after(_now()) - _READING)
        before = get_initial_offset(cluster, group, topic, queue=mapping.is_queue)
        progress(f"group {group}: {_members(before)}, {_lag(before)}")
        warm = before.has_commits or bool(before.members)
        # A batch may be gathered for its whole window, even with nothing else to do.
        deadline_seconds = request.deadline_seconds or (
            (WARM_SECONDS if warm else NEW_SECONDS) + (mapping.max_batching_window or 0)
        )
        seen = Validation(
            verdict=Verdict(
                name="not processed",
                sentence=(
                    f"nothing was written: the mapping is {mapping.state}, so nothing polls; "
                    f"its last result: {mapping.last_processing_result}"
                ),
                advice="enable the mapping",
            ),
            uuid=mapping.uuid,
            function=mapping.function_name,
            topic=topic,
            group=group,
            mapping_state=mapping.state,
            last_result=mapping.last_processing_result,
            before=before,
            deadline_seconds=deadline_seconds,
        )
        if not polls:
            return seen
        if content.unwritable is not None:
            return msgspec.structs.replace(seen, verdict=_unwritten(content.unwritable))
        begins_at = full_minute_after(_now())
        _sleep_until(begins_at)
        # Here, before anything is written, a caller that no longer waits is noticed.
        progress(f"writing {plan.messages} messages")
        begun = time.monotonic()
        produced = produce_test_messages(properties, plan, content=content, progress=progress)
        now, members = _wait(
            cluster, before, produced, begun + deadline_seconds, progress, queue=mapping.is_queue
        )
        elapsed = time.monotonic() - begun
        found = check_offset_after_production(before, now, produced)
        passed = all(one.passed for one in found)
        counts = _counts(
            account, mapping, begins_at, request, passed=passed, messages=produced.messages, progress=progress
        )
        # After the counts: the mapping's own cover the group only if they cover all it has committed by now. A
        # share group's records are not counted by offsets: its members alone say who took them.
        by_group = 0
        if counts.per_mapping and not mapping.is_queue:
            by_group = read_position(cluster, group, topic, likely=now.kind).committed_since(before)
    earlier, mapping = mapping, get_mapping(account, mapping.uuid)
    evidence = Evidence(
        mapping=mapping,
        messages=produced.messages,
        before=before,
        progress=found,
        members=members,
        counts=counts,
        committed_by_group=by_group,
        at_least=now.at_least,
        changed=mapping.configuration != earlier.configuration,
        elapsed_seconds=elapsed,
        deadline_seconds=deadline_seconds,
    )
    return msgspec.structs.replace(
        seen,
        verdict=judge(evidence),
        mapping_state=mapping.state,
        last_result=mapping.last_processing_result,
        produced=produced,
        progress=found,
        members=members,
        counts=counts,
        elapsed_seconds=elapsed,
    )


def _unwritten(why: str) -> Verdict:
    return Verdict(
        name="unproven",
        sentence=f"nothing was written: the mapping reads records by a schema registry, and {why}",
        advice="let the topic's own producer write a record, and see the function's log and the on-failure destination",
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _sleep_until(moment: datetime) -> None:
    seconds = (moment - _now()).total_seconds()
    if seconds > 0:
        time.sleep(seconds)


def _wait(
    cluster: RunningCluster,
    before: Position,
    produced: Produced,
    deadline: float,
    progress: Progress,
    *,
    queue: bool,
) -> tuple[Position, tuple[Member, ...]]:
    """The last position read, and every member seen until then with all partitions it held."""
    seen = before.members
    reported, now = -1, before
    while True:
        now = read_position(cluster, before.group, before.topic, queue=queue, likely=now.kind)
        seen = merge_members(seen, now.members)
        partitions = check_offset_after_production(before, now, produced)
        passed = sum(one.passed for one in partitions)
        if passed != reported:
            progress(f"{passed} of {len(partitions)} partitions passed, {_members(now)}")
            reported = passed
        if passed == len(partitions) or time.monotonic() >= deadline:
            return now, seen
        time.sleep(min(_POSITION_PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))


def _counts(
    account: AwsAccount,
    mapping: EventSourceMapping,
    since: datetime,
    request: ValidationRequest,
    *,
    passed: bool,
    messages: int,
    progress: Progress,
) -> Counts:
    """The counts once they show what became of all messages, else those at the deadline.

    One reading is enough unless everything is committed.
    """
    deadline = time.monotonic() + (request.metrics_seconds if passed else 0.0)
    if passed:
        progress("offsets are passed; waiting for CloudWatch's counts")
    while True:
        counts = read_counts(account, mapping, since=since, now=_now)
        if _tell_all(counts, mapping, messages) or time.monotonic() >= deadline:
            return counts
        time.sleep(min(_METRICS_PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))


def _tell_all(counts: Counts, mapping: EventSourceMapping, messages: int) -> bool:
    """Whether enough counts have arrived to show what became of every message."""
    if counts.unread:
        return False
    if not counts.per_mapping:
        return bool(counts.invocations) and counts.errors is not None
    committed = taken(counts, mapping)
    # If nothing was delivered, no invocation shows whether the function raised.
    raised = counts.errors is not None or not counts.invoked
    return raised and committed >= messages and counts.delivered + counts.lost >= committed


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
