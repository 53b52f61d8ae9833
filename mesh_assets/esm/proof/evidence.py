"""What a verdict is based on: where the group is in the topic, and what CloudWatch counted."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from confluent_kafka import KafkaError
from msgspec import Struct

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.esm.arns import function_in
from mesh_assets.esm.aws_account import AwsAccount, call
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.importing import importing
from mesh_assets.inventory.groups import GroupMember
from mesh_assets.inventory.lag import lag_records
from mesh_assets.platforms.kafka.values import (
    ClusterMetadata,
    TopicMetadata,
)
from mesh_assets.platforms.kafka.wire.forms import BrokerError, Connections
from mesh_assets.platforms.kafka.wire.groups import RIGHT, SHARE_RIGHT
from mesh_assets.platforms.kafka.wire.named_groups import read_group, read_share_group
from mesh_assets.platforms.kafka.wire.offsets import read_offsets
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets.platforms.kafka.wire.topics import list_topics

# A group's position on a topic.
#
# An offset that cannot be read is an error, never zero; nothing committed yet is not.


class Member(Struct, frozen=True, kw_only=True):
    """A member of the group. `partitions`: the topic's partitions assigned to it, in one reading or in several
    (`merge_members`)."""

    client_id: str
    host: str
    partitions: tuple[int, ...]


class Position(Struct, frozen=True, kw_only=True):
    """A group on a topic at one moment, by partition. `committed` None: nothing committed there yet.

    `start`: the offset of the first record; `end`: the offset that the next one gets. A share group commits nothing:
    `committed` is then the offset before which it is done with every record (if `at_least`, it may be further). `kind`:
    of the group, so that the next look asks only for that; the most common kind if there is none yet.
    """

    group: str
    topic: str
    committed: Mapping[int, int | None]
    start: Mapping[int, int]
    end: Mapping[int, int]
    members: tuple[Member, ...]
    at_least: bool = False
    kind: str = "classic"

    def committed_since(self, before: "Position") -> int:
        """The most records that the group can have committed since `before`, on all partitions together.

        Where it had committed nothing, it began with the first record there was, or later. Offsets without a
        record (of transactions, of a compacted topic) count as records.
        """
        return sum(
            max(0, offset - (before.start.get(partition, 0) if was is None else was))
            for partition, offset in self.committed.items()
            if offset is not None
            for was in (before.committed.get(partition),)
        )

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


def merge_members(*readings: Iterable[Member]) -> tuple[Member, ...]:
    """Every member of the readings, with all partitions that it held in any of them."""
    held: dict[tuple[str, str], set[int]] = {}
    for member in chain(*readings):
        held.setdefault((member.client_id, member.host), set()).update(member.partitions)
    return tuple(
        Member(client_id=client_id, host=host, partitions=tuple(sorted(partitions)))
        for (client_id, host), partitions in held.items()
    )


def partitions_of(cluster: RunningCluster, topic: str) -> tuple[int, ...]:
    """The topic's partitions.

    Raises RefusedError when it does not exist or may not be seen, UnreachableError without an answer.
    """
    return tuple(one.partition for one in _read_topic(cluster, topic).partitions)


def _read_topic(cluster: RunningCluster, topic: str) -> TopicMetadata:
    async def read(kafka: Connections) -> TopicMetadata | None:
        listed = await list_topics(kafka, [topic])
        code = listed.codes.get(topic, 0)
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        if code:
            raise BrokerError(code)
        return listed.topics[topic]

    found = cluster.run(read, doing=f"reading topic {topic}", right=f"DESCRIBE on topic {topic}")
    if found is None:
        raise RefusedError(f"{cluster.endpoint.servers} has no topic {topic}; check its name and the cluster")
    return found


def read_position(
    cluster: RunningCluster, group: str, topic: str, *, queue: bool = False, likely: str = "classic"
) -> Position:
    """The group's position now; `queue`: it is a share group. `likely`: the kind it was last. Raises PlatformError as soon
    as one offset cannot be read."""
    known = _read_topic(cluster, topic)
    if queue:
        return _of_share_group(cluster, group, known)
    found = cluster.run(
        lambda kafka: read_group(
            kafka,
            group,
            likely=likely,
            endpoint=cluster.endpoint,
            timeout_seconds=cluster.timeout_seconds,
        ),
        doing=f"reading consumer group {group}",
        right=RIGHT,
    )
    # Read after the commits: anything beyond these ends really is beyond the end, not just ahead of an older reading.
    start, end = _edges(cluster, known)
    committed: dict[int, int | None] = dict.fromkeys(end)
    if found is None:
        return Position(group=group, topic=topic, committed=committed, start=start, end=end, members=())
    # Includes one whose member holds partitions that could not be decoded: it may be the one that commits.
    if found.type == "share":
        raise UnexpectedAnswerError(
            f"consumer group {group} is a share group, and a share group commits no offsets that could prove anything"
        )
    if found.members is None or found.offsets is None or found.error is not None:
        raise UnexpectedAnswerError(
            f"consumer group {group} could not be read ({found.error}); nothing can be proven without its members and offsets"
        )
    for place in found.offsets:
        if place.topic == topic:
            if place.error is not None:
                raise UnexpectedAnswerError(
                    f"what {group} committed on {topic}[{place.partition}] could not be read ({place.error})"
                )
            committed[place.partition] = place.committed
    members = _members(found.members, topic)
    return Position(
        group=group,
        topic=topic,
        committed=committed,
        start=start,
        end=end,
        members=members,
        kind=found.type,
    )


def _of_share_group(cluster: RunningCluster, group: str, known: TopicMetadata) -> Position:
    topic = known.name
    # Read before the group: without lag, it is then done with everything before these ends.
    start, end = _edges(cluster, known)
    found = cluster.run(
        lambda kafka: read_share_group(
            kafka, group, topic, endpoint=cluster.endpoint, timeout_seconds=cluster.timeout_seconds
        ),
        doing="reading a share group",
        right=SHARE_RIGHT,
    )
    begun = {
        partition: share
        for partition, share in found.partitions.items()
        if share.start is not None and partition in end
    }
    committed = {
        partition: None
        if (share := begun.get(partition)) is None or share.start is None
        else max(share.start, end[partition])
        if share.lag_records == 0
        else share.start
        for partition in end
    }
    return Position(
        group=group,
        topic=topic,
        committed=committed,
        start=start,
        end=end,
        members=_members(found.members, topic),
        at_least=any(share.lag_records is None for share in begun.values()),
    )


def _edges(cluster: RunningCluster, known: TopicMetadata) -> tuple[dict[int, int], dict[int, int]]:
    topic, partitions = known.name, [one.partition for one in known.partitions]
    leaders = ClusterMetadata(cluster_id=None, brokers=(), topics=(known,))
    start: dict[int, int] = {}
    end: dict[int, int] = {}
    found = cluster.run(
        lambda kafka: read_offsets(kafka, {topic: partitions}, leaders),
        doing="reading the offsets",
        right="DESCRIBE on the topic",
    )
    for one in found.topics[topic]:
        if one.latest is None or one.earliest is None:
            raise UnexpectedAnswerError(
                f"the offsets of {topic}[{one.partition}] could not be read ({one.error}); nothing can be proven without it"
            )
        start[one.partition], end[one.partition] = one.earliest, one.latest
    return start, end


def _members(found: Iterable[GroupMember], topic: str) -> tuple[Member, ...]:
    return tuple(
        Member(
            client_id=member.client_id,
            host=member.host.removeprefix("/"),
            partitions=member.assignment.get(topic, ()),
        )
        for member in found
    )


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
    "committed": "CommittedEventCount",
}


class Counts(Struct, frozen=True, kw_only=True):
    """`invocations` and `errors` are the function's, whoever calls it. The others are this mapping's records.

    `per_mapping`: whether the mapping counts its own at all (MetricsConfig EventCount); without it they are
    None. `unread`: those for which CloudWatch gave no complete answer, by name, with what it said: None there
    never means zero. `errors` is None until it has arrived for every minute with an invocation.
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
    committed: int | None = None
    unread: Mapping[str, str] = {}

    @property
    def lost(self) -> int:
        """The mapping's records that it committed without the function having processed them."""
        return (self.filtered or 0) + (self.dropped or 0) + (self.on_failure or 0)

    @property
    def delivered(self) -> int:
        """The mapping's records that an invocation took without failing, counted each time it took them."""
        return (self.invoked or 0) - (self.failed_invokes or 0)

    def known(self) -> dict[str, int]:
        """The counts that are known, by name, for people."""
        return {
            name.replace("_", " "): value
            for name in (*_OF_FUNCTION, *_OF_MAPPING)
            if (value := getattr(self, name)) is not None
        }


def full_minute_after(moment: datetime) -> datetime:
    """The next full minute: CloudWatch has no finer resolution, so counting from within a minute would include
    what happened earlier in it, whenever that arrives."""
    return moment.replace(second=0, microsecond=0) + timedelta(seconds=_PERIOD_SECONDS)


def read_counts(
    account: AwsAccount,
    mapping: EventSourceMapping,
    *,
    since: datetime,
    now: Callable[[], datetime] | None = None,
) -> Counts:
    """Sums since the full minute `since`.

    Raises PlatformError when CloudWatch refuses or does not answer.
    """
    function = function_in(mapping.function_arn)
    name = mapping.function_arn if function is None else function.name
    per_mapping = "EventCount" in mapping.metrics
    wanted = dict.fromkeys(_OF_FUNCTION, ("FunctionName", name))
    if per_mapping:
        wanted |= dict.fromkeys(_OF_MAPPING, ("EventSourceMappingUUID", mapping.uuid))
    moment = (now or (lambda: datetime.now(UTC)))()
    action, resource = "cloudwatch:GetMetricData", f"the metrics of function {name}"
    asked: dict[str, Any] = {
        "MetricDataQueries": [_query(field, dimension) for field, dimension in wanted.items()],
        "StartTime": since,
        "EndTime": full_minute_after(moment) + timedelta(seconds=_PERIOD_SECONDS),
    }
    with importing:
        from mesh_assets.platforms.aws.client import read_pages  # boto3 is heavy
    client = account.client("cloudwatch")
    pages = read_pages(
        lambda page: call(client.get_metric_data, action=action, resource=resource, **{**asked, **page}),
        what=f"{action} on {resource}",
    )
    points: dict[str, dict[datetime, float]] = {field: {} for field in wanted}
    # Until CloudWatch says that it was all.
    unread = dict.fromkeys(wanted, "no answer")
    for result in chain.from_iterable(page.get("MetricDataResults", ()) for page in pages):
        field, status = result["Id"], result.get("StatusCode", "Complete")
        if status == "Forbidden":
            raise RefusedError(
                f"{action} on {resource}: access denied; allow {action} to the role this runs as"
            )
        points[field].update(zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True))
        if status != "Complete":
            unread[field] = status
        elif unread.get(field) != "InternalError":
            unread.pop(field, None)
    sums = {
        field: round(sum(values.values())) if values and field not in unread else None
        for field, values in points.items()
    }
    if not sums["errors"] and points["invocations"].keys() - points["errors"].keys():
        sums["errors"] = None
    return Counts(per_mapping=per_mapping, unread=unread, **sums)


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
