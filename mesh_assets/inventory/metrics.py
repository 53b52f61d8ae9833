"""Metrics from offsets: what every Kafka can give. Rates are means between two readings of the offsets."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from mesh_assets.inventory.records import Broker, ConsumerGroup, GroupRate, Metrics, Partition, PartitionHealth, Record, Topic, TopicRate
from mesh_assets.platforms.kafka.values import ClusterMetadata

NOT_AVAILABLE = (
    "bytes in and out per second: offsets count records, not bytes",
    "retained bytes, request rates and connections: the brokers' own metrics are not read",
    "connector throughput: Kafka Connect's REST interface has none",
)

PartitionKey = tuple[str, int]


class Positions(Record, frozen=True, kw_only=True):
    """Where everything stood at one moment: end offsets by topic and partition, committed ones by group, topic and partition.

    Only topics all of whose partitions could be read: of the others no rate can be told. `topic_ids`: those topics.
    """

    read_at: datetime
    ends: dict[PartitionKey, int]
    committed: dict[tuple[str, str, int], int]
    topic_ids: dict[str, str | None]


def positions(topics: Iterable[Topic], groups: Iterable[ConsumerGroup], *, read_at: datetime) -> Positions:
    whole = [topic for topic in topics if topic.error is None and all(partition.latest is not None for partition in topic.partitions)]
    return Positions(
        read_at=read_at,
        ends={(topic.name, p.partition): p.latest for topic in whole for p in topic.partitions if p.latest is not None},
        committed={
            (group.group_id, offset.topic, offset.partition): offset.committed
            for group in groups
            for offset in group.offsets or ()
            if offset.committed is not None
        },
        topic_ids={topic.name: topic.id for topic in whole},
    )


def offset_metrics(
    metadata: ClusterMetadata, topics: tuple[Topic, ...], groups: tuple[ConsumerGroup, ...], *, before: Positions | None, after: Positions
) -> Metrics:
    """`before` None, or not earlier than `after`: no window, so no rates."""
    window = None if before is None else (after.read_at - before.read_at).total_seconds()
    usable = before if window is not None and window > 0 else None
    return Metrics(
        source="offsets",
        window_start=None if usable is None else usable.read_at,
        window_end=None if usable is None else after.read_at,
        window_seconds=None if usable is None else window,
        topics=_topic_rates(topics, before=usable, after=after),
        consumer_groups=_group_rates(groups, before=usable, after=after),
        brokers=tuple(Broker(id=b.id, host=b.host, port=b.port, rack=b.rack) for b in metadata.brokers),
        controller=metadata.controller_id,
        partition_health=_health(metadata, topics),
        not_available=NOT_AVAILABLE,
    )


def _topic_rates(topics: tuple[Topic, ...], *, before: Positions | None, after: Positions) -> tuple[TopicRate, ...]:
    grown: dict[str, int] = {}
    broken: set[str] = set()
    if before is not None:
        for (name, partition), end in after.ends.items():
            # A partition that was not there began at 0; offsets that went back belong to another topic of the same name.
            growth = end - before.ends.get((name, partition), 0)
            grown[name] = grown.get(name, 0) + growth
            if growth < 0:
                broken.add(name)
    rates = []
    for topic in topics:
        known = before is not None and topic.name in grown and topic.name not in broken and _same_topic(topic, before)
        rate = _per_second(grown[topic.name], before, after) if known else None
        rates.append(TopicRate(topic=topic.name, records_in_per_second=rate, message_count=topic.details.message_count))
    return tuple(rates)


def _same_topic(topic: Topic, before: Positions | None) -> bool:
    """Not one that was deleted and created again under the same name in between."""
    return before is not None and topic.name in before.topic_ids and before.topic_ids[topic.name] == topic.id


def _group_rates(groups: tuple[ConsumerGroup, ...], *, before: Positions | None, after: Positions) -> tuple[GroupRate, ...]:
    grown: dict[str, int] = {}
    if before is not None:
        for (group, topic, partition), committed in after.committed.items():
            earlier = before.committed.get((group, topic, partition))
            if earlier is not None:
                # Offsets set back by hand are no consumption; a reset counts as none rather than as a negative rate.
                grown[group] = grown.get(group, 0) + max(0, committed - earlier)
    return tuple(
        GroupRate(
            group_id=group.group_id,
            records_committed_per_second=_per_second(grown[group.group_id], before, after) if group.group_id in grown else None,
            lag_records=group.total_lag_records,
        )
        for group in groups
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
            else sum(1 for topic, p in every if len(p.isr) < (min_isr[topic.name] or 0))
        ),
        offline=sum(1 for _, p in every if _offline(p, live)),
        leaderless=sum(1 for _, p in every if p.leader is None),
    )


def _min_isr(config: Mapping[str, str | None] | None) -> int | None:
    value = None if config is None else config.get("min.insync.replicas")
    return int(value) if value is not None and value.isdigit() else None


def _offline(partition: Partition, live: set[int]) -> bool:
    return live.isdisjoint(partition.replicas)
