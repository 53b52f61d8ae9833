"""Metrics from offsets, which every Kafka has. Rates are means between two readings of the offsets."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import inf

from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.links import sink_group
from mesh_assets.inventory.records import (
    Broker,
    Connector,
    ConnectorRate,
    GroupRate,
    GroupTopicRate,
    Metrics,
    MetricsSource,
    Partition,
    PartitionHealth,
    Record,
    Topic,
    TopicRate,
)
from mesh_assets.metrics.measurements import figures
from mesh_assets.metrics.retention import group_topics
from mesh_assets.metrics.time_lag import TimeLag, TimeLags
from mesh_assets.platforms.kafka import values
from mesh_assets.platforms.kafka.values import ClusterMetadata

NOT_AVAILABLE = (
    "bytes in and out per second: offsets count records, not bytes",
    "records out per second: offsets show what groups commit, not what clients read",
    "cluster load, request rates and connections: the brokers' own metrics are not read",
    "connectors' bytes, dead letters and what sources write: Kafka Connect's REST interface does not have them",
)
"""Figures that offsets cannot give. A platform with its own metrics has some of them, and its own list."""

PartitionKey = tuple[str, int]


class Positions(Record, frozen=True, kw_only=True):
    """All positions at one moment: end offsets by topic and partition, committed offsets by group, topic and
    partition.

    Only topics whose partitions were all read; the others have no rate. `topic_ids`: of those topics.
    """

    read_at: datetime
    ends: dict[PartitionKey, int]
    committed: dict[tuple[str, str, int], int]
    topic_ids: dict[str, str | None]


def positions(topics: Iterable[Topic], groups: Iterable[ConsumerGroup], *, read_at: datetime) -> Positions:
    whole = [
        topic
        for topic in topics
        if topic.error is None and all(partition.latest is not None for partition in topic.partitions)
    ]
    return Positions(
        read_at=read_at,
        ends={
            (topic.name, p.partition): p.latest
            for topic in whole
            for p in topic.partitions
            if p.latest is not None
        },
        committed=committed_by(groups),
        topic_ids={topic.name: topic.id for topic in whole},
    )


def committed_by(
    groups: Iterable[ConsumerGroup | values.ConsumerGroup],
) -> dict[tuple[str, str, int], int]:
    """What groups have committed, as records or as it was read."""
    return {
        (group.group_id, offset.topic, offset.partition): offset.committed
        for group in groups
        for offset in group.offsets or ()
        if offset.committed is not None
    }


def offset_metrics(
    metadata: ClusterMetadata,
    topics: tuple[Topic, ...],
    groups: tuple[ConsumerGroup, ...],
    *,
    before: Positions | None,
    after: Positions,
    connectors: Iterable[Connector] = (),
    time_lags: TimeLags | None = None,
) -> Metrics:
    """The metrics that offsets give. `before` None, or not earlier than `after`: there is no window, so there
    are no rates. `time_lags`: those known."""
    window = None if before is None else (after.read_at - before.read_at).total_seconds()
    usable = before if window is not None and window > 0 else None
    topic_rates = _topic_rates(topics, before=usable, after=after)
    lags = time_lags or TimeLags(groups={}, topics={})
    near = group_topics(groups, topics, time_lags=lags.topics)
    group_rates = _group_rates(groups, near, before=usable, after=after, time_lags=lags.groups)
    connector_rates = _sink_rates(connectors, group_rates)
    start, end, seconds = (None, None, None) if usable is None else (usable.read_at, after.read_at, window)
    told = figures(
        {
            "topics": topic_rates,
            "consumer_groups": group_rates,
            "group_topics": near,
            "connectors": connector_rates,
        }
    )
    return Metrics(
        source="offsets",
        window_start=start,
        window_end=end,
        window_seconds=seconds,
        topics=topic_rates,
        consumer_groups=group_rates,
        brokers=tuple(Broker(id=b.id, host=b.host, port=b.port, rack=b.rack) for b in metadata.brokers),
        controller=None,
        partition_health=_health(metadata, topics),
        connectors=connector_rates,
        group_topics=near,
        sources=(
            MetricsSource(
                name="offsets",
                window_start=start,
                window_end=end,
                window_seconds=seconds,
                figures=(*told, "partition_health"),
            ),
        ),
    )


def _topic_rates(
    topics: tuple[Topic, ...], *, before: Positions | None, after: Positions
) -> tuple[TopicRate, ...]:
    grown: dict[str, int] = {}
    broken: set[str] = set()
    if before is not None:
        for (name, partition), end in after.ends.items():
            # A partition that did not exist before began at 0. Offsets that went back belong to another topic
            # of the same name.
            growth = end - before.ends.get((name, partition), 0)
            grown[name] = grown.get(name, 0) + growth
            if growth < 0:
                broken.add(name)
    rates = []
    for topic in topics:
        known = (
            before is not None
            and topic.name in grown
            and topic.name not in broken
            and _same_topic(topic, before)
        )
        rate = _per_second(grown[topic.name], before, after) if known else None
        rates.append(
            TopicRate(topic=topic.name, records_in_per_second=rate, message_count=topic.details.message_count)
        )
    return tuple(rates)


def _same_topic(topic: Topic, before: Positions | None) -> bool:
    """False if the topic was deleted and created again in between."""
    return before is not None and topic.name in before.topic_ids and before.topic_ids[topic.name] == topic.id


def _group_rates(
    groups: tuple[ConsumerGroup, ...],
    near: Iterable[GroupTopicRate],
    *,
    before: Positions | None,
    after: Positions,
    time_lags: Mapping[str, TimeLag],
) -> tuple[GroupRate, ...]:
    used: dict[str, float] = {}
    left: dict[str, float] = {}
    for one in near:
        if one.retention_used_percent is not None:
            used[one.group_id] = max(used.get(one.group_id, 0.0), one.retention_used_percent)
        if one.retention_left_seconds is not None:
            left[one.group_id] = min(left.get(one.group_id, inf), one.retention_left_seconds)
    grown: dict[str, int] = {}
    if before is not None:
        for (group, topic, partition), committed in after.committed.items():
            earlier = before.committed.get((group, topic, partition))
            if earlier is not None:
                # Resetting offsets is not consumption: it counts as zero, not as a negative rate.
                grown[group] = grown.get(group, 0) + max(0, committed - earlier)
    return tuple(
        GroupRate(
            group_id=group.group_id,
            records_committed_per_second=_per_second(grown[group.group_id], before, after)
            if group.group_id in grown
            else None,
            lag_records=group.total_lag_records,
            lag_seconds=None if (lag := time_lags.get(group.group_id)) is None else lag.seconds,
            lag_seconds_at_least=None if lag is None else lag.at_least_seconds,
            lost_records=group.lost_records,
            retention_used_percent=used.get(group.group_id),
            retention_left_seconds=left.get(group.group_id),
        )
        for group in groups
    )


def _sink_rates(connectors: Iterable[Connector], groups: Iterable[GroupRate]) -> tuple[ConnectorRate, ...]:
    """Sinks, by what their groups commit. A source's own records cannot be distinguished from others in its
    topics."""
    committed = {rate.group_id: rate.records_committed_per_second for rate in groups}
    rates = ((connector, committed.get(sink_group(connector) or "")) for connector in connectors)
    return tuple(
        ConnectorRate(connector=connector.name, connect=connector.connect, records_in_per_second=rate)
        for connector, rate in rates
        if rate is not None
    )


def _per_second(count: int, before: Positions | None, after: Positions) -> float | None:
    return None if before is None else round(count / (after.read_at - before.read_at).total_seconds(), 3)


def _health(metadata: ClusterMetadata, topics: tuple[Topic, ...]) -> PartitionHealth:
    live = {broker.id for broker in metadata.brokers}
    every = [(topic, partition) for topic in topics for partition in topic.partitions]
    min_isr = {topic.name: _min_isr(topic.config) for topic in topics}
    return PartitionHealth(
        partitions=len(every),
        under_replicated=sum(1 for _, p in every if len(p.isr) < len(p.replicas)),
        under_min_isr=(
            None
            if any(value is None for value in min_isr.values())
            else sum(
                # Kafka lowers the setting to the number of replicas: it can be met with fewer of them.
                1
                for topic, p in every
                if len(p.isr) < min(min_isr[topic.name] or 0, len(p.replicas))
            )
        ),
        offline=sum(1 for _, p in every if _offline(p, live)),
        leaderless=sum(1 for _, p in every if p.leader is None),
    )


def _min_isr(config: Mapping[str, str | None] | None) -> int | None:
    value = None if config is None else config.get("min.insync.replicas")
    return int(value) if value is not None and value.isdecimal() else None


def _offline(partition: Partition, live: set[int]) -> bool:
    return live.isdisjoint(partition.replicas)
