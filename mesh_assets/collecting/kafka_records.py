"""Topics as records, from Kafka's bulk reads."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import Any, Literal

from mesh_assets.inventory.records import Partition, Topic, TopicDetails
from mesh_assets.inventory.storage_records import TopicStorage
from mesh_assets.platforms.kafka.storage import TopicSize
from mesh_assets.platforms.kafka.values import (
    OffsetsReading,
    PartitionOffsets,
    TopicConfigs,
    TopicMetadata,
)

NOTHING: Mapping[str, Any] = MappingProxyType({})

# The topics as records, put together from metadata, configs and offsets.


def topic_records(
    topics: Iterable[TopicMetadata],
    *,
    configs: Mapping[str, TopicConfigs],
    offsets: OffsetsReading,
    previous: Mapping[str, Topic],
    storage: Mapping[str, TopicStorage] = NOTHING,
    sizes: Mapping[str, TopicSize] = NOTHING,
) -> tuple[Topic, ...]:
    """One record per topic. Partitions or configs that could not be read stay as `previous` has them, with the
    error. `storage`, `sizes`: by topic; a missing topic was not asked about.

    Anything equal to what `previous` has is that same object, so a later comparison of the two has nothing to do."""
    same: _SameConfigs = {}
    return tuple(
        _record(
            topic,
            configs.get(topic.name),
            offsets.topics.get(topic.name, ()),
            previous.get(topic.name),
            storage.get(topic.name),
            sizes.get(topic.name),
            same,
        )
        for topic in topics
    )


_Config = dict[str, str | None]
_SameConfigs = dict[tuple[int, int], tuple[_Config, _Config, bool]]
"""By identity, of configs that many topics share, and with them, so that they last: whether the two are equal."""


def _known_config(values: _Config, before: _Config | None, same: _SameConfigs) -> _Config:
    if before is None:
        return values
    key = id(values), id(before)
    if key not in same:
        same[key] = values, before, values == before
    return before if same[key][2] else values


def topic_defaults(
    configs: Iterable[TopicConfigs], previous: Mapping[str, str] | None
) -> dict[str, str] | None:
    """The cluster-wide defaults of topics' configs, as topics that inherit them show them; None if no config
    could ever be read.

    Only these, because they are the same on every broker, while a static default is that of the broker which
    answered. One that no topic inherits at present stays as `previous` has it.
    """
    read = False
    found: dict[str, str] = {}
    elsewhere: set[str] = set()
    kinds: set[tuple[tuple[str, ...], ...]] = set()
    for topic in configs:
        if topic.values is None:
            continue
        read = True
        for name in topic.cluster_wide:
            value = topic.values.get(name)
            if value is not None:
                found[name] = value
        kind = (topic.overridden, topic.cluster_wide, topic.of_the_broker)
        if kind not in kinds:
            kinds.add(kind)
            elsewhere.update(topic.values.keys() - set().union(*kind))
    if not read:
        return None if previous is None else dict(previous)
    kept = {name: value for name, value in (previous or {}).items() if name not in elsewhere}
    return dict(sorted({**kept, **found}.items()))


def _record(
    topic: TopicMetadata,
    configs: TopicConfigs | None,
    offsets: tuple[PartitionOffsets, ...],
    previous: Topic | None,
    storage: TopicStorage | None,
    size: TopicSize | None,
    same: _SameConfigs,
) -> Topic:
    values: _Config | None
    overrides: tuple[str, ...]
    if configs is not None and configs.values is not None:
        values = _known_config(configs.values, None if previous is None else previous.config, same)
        overrides, config_error = configs.overridden, None
    else:
        values, overrides = (None, ()) if previous is None else (previous.config, previous.config_overrides)
        config_error = "not asked" if configs is None else configs.error or "no answer"
    partitions = (
        previous.partitions
        if topic.error is not None and previous is not None and not topic.partitions
        else _partitions(topic, offsets, size)
    )
    if previous is not None and partitions == previous.partitions:
        partitions = previous.partitions
    if previous is not None and storage == previous.storage:
        storage = previous.storage
    cleanup_policy = None if values is None else values.get("cleanup.policy")
    message_count, message_count_is = _message_count(partitions, cleanup_policy)
    return Topic(
        name=topic.name,
        id=topic.id if topic.id is not None or previous is None else previous.id,
        details=TopicDetails(
            partitions=len(partitions),
            replication_factor=_replication_factor(partitions, storage),
            cleanup_policy=cleanup_policy,
            internal=topic.internal,
            message_count=message_count,
            message_count_is=message_count_is,
        ),
        partitions=partitions,
        config=values,
        config_overrides=overrides,
        config_error=config_error,
        error=topic.error,
        storage=storage,
    )


def _replication_factor(partitions: tuple[Partition, ...], storage: TopicStorage | None) -> int:
    """Without the brokers that a reassignment adds: while it lasts, the replicas include both the old and the new."""
    adding = {one.partition: len(one.adding) for one in (storage and storage.reassignments) or ()}
    if not adding:
        return max([len(one.replicas) for one in partitions], default=0)
    return max((len(one.replicas) - adding.get(one.partition, 0) for one in partitions), default=0)


def _partitions(
    topic: TopicMetadata, offsets: tuple[PartitionOffsets, ...], size: TopicSize | None
) -> tuple[Partition, ...]:
    numbers = [partition.partition for partition in topic.partitions]
    readings: Sequence[PartitionOffsets | None] = offsets
    if [reading.partition for reading in offsets] != numbers:
        by_partition = {reading.partition: reading for reading in offsets}
        readings = [by_partition.get(number) for number in numbers]
    sizes = size.partitions if size is not None else repeat(None)
    return tuple(
        [
            Partition(
                partition=partition.partition,
                leader=partition.leader,
                replicas=partition.replicas,
                isr=partition.isr,
                earliest=None if reading is None else reading.earliest,
                latest=None if reading is None else reading.latest,
                error=partition.error or (None if reading is None else reading.error),
                bytes=of_leader,
            )
            # `repeat` has no end
            for partition, reading, of_leader in zip(topic.partitions, readings, sizes, strict=False)
        ]
    )


CountIs = Literal["exact_without_transactions", "upper_bound", "unknown"]


def _message_count(
    partitions: tuple[Partition, ...], cleanup_policy: str | None
) -> tuple[int | None, CountIs]:
    """The difference between offsets is the number of records only if none is missing in between: compaction
    removes some, and each transaction marker takes an offset."""
    total = 0
    for partition in partitions:
        if partition.earliest is None or partition.latest is None:
            return None, "unknown"
        total += max(0, partition.latest - partition.earliest)
    if cleanup_policy is not None and "compact" not in cleanup_policy:
        return total, "exact_without_transactions"
    return total, "upper_bound"
