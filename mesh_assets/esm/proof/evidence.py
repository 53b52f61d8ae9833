"""What a verdict rests on: where the group stands in the topic, and what CloudWatch counted."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from confluent_kafka import KafkaError, TopicCollection
from msgspec import Struct

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.esm.arns import function_in
from mesh_assets.esm.aws_account import AwsAccount, call
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.inventory.lag import lag_records
from mesh_assets.platforms.kafka.consumer_groups import read_group
from mesh_assets.platforms.kafka.offsets import read_offsets
from mesh_assets.platforms.kafka.session import Session

# A group's position on a topic.
#
# An offset that cannot be read is an error, never zero; nothing committed yet is not.


class Member(Struct, frozen=True, kw_only=True):
    """A member of the group. `partitions`: the topic's partitions assigned to it."""

    client_id: str
    host: str
    partitions: tuple[int, ...]


class Position(Struct, frozen=True, kw_only=True):
    """A group on a topic at one moment, by partition. `committed` None: nothing committed there yet.

    `start`: the offset of the first record; `end`: the offset that the next one gets.
    """

    group: str
    topic: str
    committed: Mapping[int, int | None]
    start: Mapping[int, int]
    end: Mapping[int, int]
    members: tuple[Member, ...]

    @property
    def has_commits(self) -> bool:
        return any(offset is not None for offset in self.committed.values())

    @property
    def lag_records(self) -> int | None:
        """The lag on the partitions with a commit; None without any, or where the group is beyond the end."""
        lags = [
            lag_records(committed=offset, start=self.start.get(partition), end=self.end[partition])
            for partition, offset in self.committed.items()
            if offset is not None
        ]
        known = [lag for lag in lags if lag is not None]
        return sum(known) if known and len(known) == len(lags) else None


def partitions_of(session: Session, topic: str) -> tuple[int, ...]:
    """The topic's partitions.

    Raises RefusedError when it does not exist or may not be seen, UnreachableError without an answer.
    """
    session.connect()
    try:
        described = session.one(
            lambda: session.start(
                "describe_topics",
                session.admin.describe_topics,
                TopicCollection([topic]),
                request_timeout=session.timeout_seconds,
            )[topic],
            doing=f"reading topic {topic}",
            right=f"DESCRIBE on topic {topic}",
        )
    except UnexpectedAnswerError as error:
        if KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART).name() in str(error):
            raise RefusedError(
                f"{session.endpoint.servers} has no topic {topic}; check its name and the cluster"
            ) from error
        raise
    return tuple(sorted(partition.id for partition in described.partitions))


def read_position(session: Session, group: str, topic: str) -> Position:
    """The group's position now. Raises PlatformError as soon as one offset cannot be read."""
    partitions = partitions_of(session, topic)
    found = read_group(session, group)
    # After the commits: what is beyond these ends is beyond the end, not ahead of an older reading.
    offsets = read_offsets(session, {topic: partitions}).topics[topic]
    start: dict[int, int] = {}
    end: dict[int, int] = {}
    for one in offsets:
        if one.latest is None or one.earliest is None:
            raise UnexpectedAnswerError(
                f"the offsets of {topic}[{one.partition}] could not be read ({one.error}); nothing can be proven without it"
            )
        start[one.partition], end[one.partition] = one.earliest, one.latest
    committed: dict[int, int | None] = dict.fromkeys(partitions)
    if found is None:
        return Position(group=group, topic=topic, committed=committed, start=start, end=end, members=())
    if found.members is None or found.offsets is None:
        raise UnexpectedAnswerError(
            f"consumer group {group} could not be read ({found.error}); nothing can be proven without its offsets"
        )
    for place in found.offsets:
        if place.topic == topic:
            if place.error is not None:
                raise UnexpectedAnswerError(
                    f"what {group} committed on {topic}[{place.partition}] could not be read ({place.error})"
                )
            committed[place.partition] = place.committed
    members = tuple(
        Member(
            client_id=member.client_id,
            host=member.host.removeprefix("/"),
            partitions=member.assignment.get(topic, ()),
        )
        for member in found.members
    )
    return Position(group=group, topic=topic, committed=committed, start=start, end=end, members=members)


get_initial_offset = read_position
"""The position before anything is produced: the name under which agents know `read_position`."""


# CloudWatch's counts of a function and a mapping.
#
# Unknown is None: a missing data point may mean zero, or not yet arrived.

_NAMESPACE = "AWS/Lambda"
_PERIOD_SECONDS = 60
# Field → metric, of the function and of the mapping, which has its own only with EventCount.
_OF_FUNCTION = {"invocations": "Invocations", "errors": "Errors"}
_OF_MAPPING = {
    "polled": "PolledEventCount",
    "filtered": "FilteredOutEventCount",
    "invoked": "InvokedEventCount",
    "failed_invokes": "FailedInvokeEventCount",
    "dropped": "DroppedEventCount",
    "on_failure": "OnFailureDestinationDeliveredEventCount",
}


class Counts(Struct, frozen=True, kw_only=True):
    """`invocations` and `errors` are the function's, whoever calls it. The others are this mapping's records.

    `per_mapping`: whether the mapping counts its own at all (MetricsConfig EventCount); without it they are
    None.
    """

    per_mapping: bool
    invocations: int | None = None
    errors: int | None = None
    polled: int | None = None
    filtered: int | None = None
    invoked: int | None = None
    failed_invokes: int | None = None
    dropped: int | None = None
    on_failure: int | None = None

    @property
    def seen(self) -> int:
        """The mapping's records whose fate is counted."""
        return (self.invoked or 0) + (self.filtered or 0) + (self.dropped or 0) + (self.on_failure or 0)

    def known(self) -> dict[str, int]:
        """The counts that are known, by name, for people."""
        counts = {
            name.replace("_", " "): value
            for name, value in msgspec.structs.asdict(self).items()
            if name != "per_mapping"
        }
        return {name: value for name, value in counts.items() if value is not None}

    def since(self, earlier: "Counts") -> "Counts":
        """What was added since `earlier`, which was read over the same window."""
        grown = {
            name: None if value is None else value - (getattr(earlier, name) or 0)
            for name, value in msgspec.structs.asdict(self).items()
            if name != "per_mapping"
        }
        return Counts(per_mapping=self.per_mapping, **grown)


def window_start(moment: datetime) -> datetime:
    """The whole minute of `moment`: CloudWatch keeps no less."""
    return moment.replace(second=0, microsecond=0)


def read_counts(
    account: AwsAccount,
    mapping: EventSourceMapping,
    *,
    since: datetime,
    now: Callable[[], datetime] | None = None,
) -> Counts:
    """Sums since the minute of `since`, in one request.

    Raises PlatformError when CloudWatch refuses or does not answer.
    """
    function = function_in(mapping.function_arn)
    name = mapping.function_arn if function is None else function.name
    per_mapping = "EventCount" in mapping.metrics
    wanted = dict.fromkeys(_OF_FUNCTION, ("FunctionName", name))
    if per_mapping:
        wanted |= dict.fromkeys(_OF_MAPPING, ("EventSourceMappingUUID", mapping.uuid))
    moment = (now or (lambda: datetime.now(UTC)))()
    answer = call(
        account.client("cloudwatch").get_metric_data,
        action="cloudwatch:GetMetricData",
        resource=f"the metrics of function {name}",
        MetricDataQueries=[_query(field, dimension) for field, dimension in wanted.items()],
        StartTime=window_start(since),
        EndTime=window_start(moment) + timedelta(seconds=2 * _PERIOD_SECONDS),
    )
    sums: dict[str, int | None] = dict.fromkeys(wanted)
    for result in answer.get("MetricDataResults", ()):
        if result.get("Values"):
            sums[result["Id"]] = round(sum(result["Values"]))
    return Counts(per_mapping=per_mapping, **sums)


def _query(field: str, dimension: tuple[str, str]) -> dict[str, Any]:
    metric = {
        "Namespace": _NAMESPACE,
        "MetricName": (_OF_FUNCTION | _OF_MAPPING)[field],
        "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}],
    }
    return {
        "Id": field,
        "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Sum"},
        "ReturnData": True,
    }
