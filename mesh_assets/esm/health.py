"""Whether mappings are healthy: states and last results from Lambda, the lag of their groups from Kafka."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.estate_clusters import (
    ReaderFactory,
    ShareReader,
    cluster_of,
    estate_share_group,
    kafka_reader,
)
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.inventory.lag import lag_records
from mesh_assets.platforms.kafka import (
    ConsumerGroup,
    PartitionOffsets,
    UnlistedGroups,
    ends_after,
    leading_partitions,
)


class MappingLag(Struct, frozen=True, kw_only=True):
    """The lag of a mapping's group on its topic.

    `cluster` None: the estate does not have the cluster, so nothing was asked. `lag_records` None: unknown,
    for the reason in `why`, or the group has committed nothing yet. `most_allowed`: the estate's limit for
    this cluster.
    """

    uuid: str
    cluster: str | None
    lag_records: int | None
    most_allowed: int | None = None
    failed: bool = False
    why: str | None = None


def mapping_lags(
    estate: Estate,
    account: AwsAccount,
    mappings: Iterable[EventSourceMapping],
    *,
    open_reader: ReaderFactory = kafka_reader,
    read_share: ShareReader = estate_share_group,
) -> tuple[MappingLag, ...]:
    """The lag of every mapping, from one reading per cluster and one per share group. A lag that cannot be read is
    unknown, never 0."""
    lags: list[MappingLag] = []
    by_cluster: dict[str, list[EventSourceMapping]] = defaultdict(list)
    # Many mappings read the same cluster, and AWS answers only a few such questions per second.
    known: dict[str, Cluster | PlatformError | None] = {}
    for mapping in mappings:
        if mapping.source not in known:
            known[mapping.source] = _cluster_or_failure(estate, account, mapping)
        cluster = known[mapping.source]
        if isinstance(cluster, PlatformError):
            lags.append(
                MappingLag(uuid=mapping.uuid, cluster=None, lag_records=None, failed=True, why=str(cluster))
            )
            continue
        if cluster is None:
            lags.append(
                MappingLag(
                    uuid=mapping.uuid, cluster=None, lag_records=None, why="its cluster is not in the estate"
                )
            )
        else:
            by_cluster[cluster.name].append(mapping)
    for name, of_cluster in by_cluster.items():
        lags += _of_cluster(estate.clusters[name], of_cluster, open_reader, read_share)
    return tuple(lags)


def _cluster_or_failure(
    estate: Estate, account: AwsAccount, mapping: EventSourceMapping
) -> Cluster | PlatformError | None:
    try:
        return cluster_of(
            estate,
            account,
            event_source_arn=mapping.event_source_arn,
            bootstrap_servers=mapping.bootstrap_servers,
        )
    except PlatformError as error:
        return error


def _of_cluster(
    cluster: Cluster,
    mappings: Sequence[EventSourceMapping],
    open_reader: ReaderFactory,
    read_share: ShareReader,
) -> list[MappingLag]:
    allowed = cluster.anomalies.lag_records
    try:
        reader = open_reader(cluster)
        try:
            wanted = {mapping.consumer_group_id for mapping in mappings if not mapping.is_queue}
            read = reader.groups(wanted.__contains__)
            groups = {group.group_id: group for group in read.groups}
            topics = {mapping.topic for mapping in mappings}
            leading = {
                topic: partitions
                for topic, partitions in leading_partitions(reader.metadata()).items()
                if topic in topics
            }
            offsets = ends_after(reader, reader.offsets(leading), read).topics
        finally:
            reader.close()
    except (PlatformError, EstateError) as error:
        return [
            MappingLag(
                uuid=m.uuid,
                cluster=cluster.name,
                lag_records=None,
                most_allowed=allowed,
                failed=True,
                why=str(error),
            )
            for m in mappings
        ]
    return [
        _lag_of_share_group(m, cluster, offsets.get(m.topic or ""), read_share)
        if m.is_queue
        else _lag(
            m,
            cluster.name,
            groups.get(m.consumer_group_id),
            offsets.get(m.topic or ""),
            allowed,
            unlisted=read.unlisted,
        )
        for m in mappings
    ]


def _lag(
    mapping: EventSourceMapping,
    cluster: str,
    group: ConsumerGroup | None,
    ends: Sequence[PartitionOffsets] | None,
    allowed: int,
    *,
    unlisted: UnlistedGroups | None,
) -> MappingLag:
    def unknown(why: str, *, failed: bool = True) -> MappingLag:
        return MappingLag(
            uuid=mapping.uuid, cluster=cluster, lag_records=None, most_allowed=allowed, failed=failed, why=why
        )

    if ends is None:
        return unknown(f"{cluster} has no topic {mapping.topic}")
    if group is None and unlisted is not None and mapping.consumer_group_id in unlisted:
        return unknown(unlisted.reason)
    if group is None:
        return unknown(f"group {mapping.consumer_group_id} has committed nothing yet", failed=False)
    if group.type == "share":
        return unknown(
            f"group {group.group_id} is a share group, which commits no offsets: set ConsumptionMode Queue"
        )
    if group.offsets is None:
        return unknown(group.error or f"the offsets of group {group.group_id} could not be read")
    edges = {partition.partition: partition for partition in ends}
    committed = [offset for offset in group.offsets if offset.topic == mapping.topic]
    broken = next((offset for offset in committed if offset.error is not None), None)
    if broken is not None:
        return unknown(f"partition {broken.partition}: {broken.error}")
    lag = 0
    known = False
    for offset in committed:
        if offset.committed is None:
            continue
        edge = edges.get(offset.partition)
        if edge is None or edge.latest is None:
            return unknown(f"the end of partition {offset.partition} could not be read")
        behind = lag_records(committed=offset.committed, start=edge.earliest, end=edge.latest)
        if behind is None:
            return unknown(
                f"group {group.group_id} is beyond the end of partition {offset.partition} ({offset.committed:,}, which ends at "
                f"{edge.latest:,}): the topic was recreated or truncated"
            )
        known = True
        lag += behind
    if not known:
        return unknown(f"group {group.group_id} has committed nothing on {mapping.topic} yet", failed=False)
    return MappingLag(uuid=mapping.uuid, cluster=cluster, lag_records=lag, most_allowed=allowed)


def _lag_of_share_group(
    mapping: EventSourceMapping,
    cluster: Cluster,
    ends: Sequence[PartitionOffsets] | None,
    read_share: ShareReader,
) -> MappingLag:
    """In queue mode: a share group commits no offsets, and the brokers count what waits for it."""
    group, topic = mapping.consumer_group_id, mapping.topic or ""

    def lag(records: int | None, why: str | None = None, *, failed: bool = False) -> MappingLag:
        return MappingLag(
            uuid=mapping.uuid,
            cluster=cluster.name,
            lag_records=records,
            most_allowed=cluster.anomalies.lag_records,
            failed=failed,
            why=why,
        )

    if ends is None:
        return lag(None, f"{cluster.name} has no topic {topic}", failed=True)
    try:
        found = read_share(cluster, group, topic)
    except (PlatformError, EstateError) as error:
        return lag(None, str(error), failed=True)
    begun = {number: one for number, one in found.partitions.items() if one.start is not None}
    if not begun:
        return lag(None, f"share group {group} has not started on any partition of {topic} yet")
    uncounted = sorted(number for number, one in begun.items() if one.lag_records is None)
    if uncounted:
        return lag(
            None,
            f"the brokers do not count what waits for share group {group} on partition {uncounted[0]} (Kafka before 4.2)",
            failed=True,
        )
    return lag(sum(one.lag_records or 0 for one in begun.values()))


_ON_ITS_WAY = frozenset({"Creating", "Enabling", "Enabled", "Updating"})
_NO_PROBLEM = frozenset({"OK", "No records processed"})


class Health(Struct, frozen=True, kw_only=True):
    """The result of one check: `sentence` sums it up; `failures` says why for each mapping that failed it, in the order
    of `failed`."""

    passed: bool
    sentence: str
    failures: tuple[str, ...] = ()
    failed: tuple[EventSourceMapping, ...] = ()


def enabled(mappings: Sequence[EventSourceMapping]) -> Health:
    """Whether every mapping is enabled or about to be."""
    return _health(
        [
            (m, f"{_name(m)} is {m.state} ({m.state_transition_reason or 'no reason given'})")
            for m in mappings
            if m.state not in _ON_ITS_WAY
        ],
        len(mappings),
        "not enabled",
    )


def last_result_ok(mappings: Sequence[EventSourceMapping]) -> Health:
    """Whether Lambda reports no problem. A mapping without a result yet passes."""
    bad = [
        m
        for m in mappings
        if m.last_processing_result is not None and m.last_processing_result not in _NO_PROBLEM
    ]
    said = [(m, f"{_name(m)}: {m.last_processing_result}") for m in bad]
    return _health(said, len(mappings), "with a problem")


def not_lagging(mappings: Sequence[EventSourceMapping], lags: Sequence[MappingLag]) -> Health:
    """Whether every lag is within its cluster's limit.

    A lag that could not be read fails: it may not be small.
    """
    by_uuid = {mapping.uuid: mapping for mapping in mappings}
    failures = []
    for lag in lags:
        mapping = by_uuid[lag.uuid]
        if lag.failed:
            failures.append((mapping, f"{_name(mapping)}: the lag is unknown: {lag.why}"))
        elif (
            lag.lag_records is not None
            and lag.most_allowed is not None
            and lag.lag_records > lag.most_allowed
        ):
            behind = f"{lag.lag_records:,} records behind (more than {lag.most_allowed:,})"
            failures.append((mapping, f"{_name(mapping)}: {behind}"))
    outside = sum(lag.cluster is None and not lag.failed for lag in lags)
    health = _health(failures, len(mappings) - outside, "lagging or unknown")
    if not outside:
        return health
    unchecked = f"{outside} not checked, because their clusters are not in the estate"
    return replace(
        health, sentence=unchecked if outside == len(mappings) else f"{health.sentence}; {unchecked}"
    )


def _health(failures: Sequence[tuple[EventSourceMapping, str]], number: int, words: str) -> Health:
    sentence = (
        f"{len(failures)} of {number} {words}"
        if failures
        else f"all {number} are healthy"
        if number
        else "there are no mappings"
    )
    return Health(
        passed=not failures,
        sentence=sentence,
        failures=tuple(why for _, why in failures),
        failed=tuple(mapping for mapping, _ in failures),
    )


def _name(mapping: EventSourceMapping) -> str:
    return f"{mapping.function_name} ← {mapping.topic} ({mapping.uuid})"
