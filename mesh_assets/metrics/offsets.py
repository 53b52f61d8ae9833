"""Metrics from offsets, which every Kafka has. Rates are means between two readings of the offsets."""

from collections.abc import Iterable, Mapping
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
    PartitionHealth,
    Topic,
    TopicRate,
)
from mesh_assets.metrics.measurements import figures
from mesh_assets.metrics.positions import Positions
from mesh_assets.metrics.retention import group_topics
from mesh_assets.metrics.time_lag import TimeLag, TimeLags
from mesh_assets.platforms.kafka.values import ClusterMetadata

NOT_AVAILABLE = (
    "bytes in and out per second: offsets count records, not bytes",
    "records out per second: offsets show what groups commit, not what clients read",
    "cluster load, request rates and connections: the brokers' own metrics are not read",
    "connectors' bytes, dead letters and what sources write: Kafka Connect's REST interface does not have them",
)
"""Figures that offsets cannot give. A platform with its own metrics has some of them, and its own list."""


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
    rates = []
    for topic in topics:
        grown = None if before is None else _grown(topic, before, after)
        rate = None if grown is None else _per_second(grown, before, after)
        rates.append(
            TopicRate(topic=topic.name, records_in_per_second=rate, message_count=topic.details.message_count)
        )
    return tuple(rates)


def _grown(topic: Topic, before: Positions, after: Positions) -> int | None:
    """By how many records; None: unknown, e.g. for a topic that was deleted and recreated in between."""
    then, now = before.ends.get(topic.name), after.ends.get(topic.name)
    if then is None or not now or before.topic_ids[topic.name] != topic.id:
        return None
    if now == then:
        return 0
    # A partition that did not exist before began at 0. Offsets that went back belong to another topic of the same name.
    growth = [end - then.get(partition, 0) for partition, end in now.items()]
    return None if min(growth) < 0 else sum(growth)


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
        for group_id, now in after.committed.items():
            then = before.committed.get(group_id, {})
            # Resetting offsets is not consumption: it counts as zero, not as a negative rate.
            growth = [
                max(0, committed - earlier[partition])
                for topic, ones in now.items()
                if (earlier := then.get(topic))
                for partition, committed in ones.items()
                if partition in earlier
            ]
            if growth:
                grown[group_id] = sum(growth)
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
    under_replicated = offline = leaderless = 0
    under_min_isr: int | None = 0
    for topic in topics:
        min_isr = _min_isr(topic.config)
        if min_isr is None:
            under_min_isr = None
        for one in topic.partitions:
            in_sync, replicas = len(one.isr), len(one.replicas)
            under_replicated += in_sync < replicas
            # Kafka lowers the setting to the number of replicas: it can be met with fewer of them.
            if under_min_isr is not None and in_sync < min(min_isr or 0, replicas):
                under_min_isr += 1
            offline += live.isdisjoint(one.replicas)
            leaderless += one.leader is None
    return PartitionHealth(
        partitions=sum(len(topic.partitions) for topic in topics),
        under_replicated=under_replicated,
        under_min_isr=under_min_isr,
        offline=offline,
        leaderless=leaderless,
    )


def _min_isr(config: Mapping[str, str | None] | None) -> int | None:
    value = None if config is None else config.get("min.insync.replicas")
    return int(value) if value is not None and value.isdecimal() else None
