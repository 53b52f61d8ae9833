"""All positions at one moment: two of these make rates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from mesh_assets.errors import StoreError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Record, Topic
from mesh_assets.metrics.time_lag import EndReading, TimeLags, time_lags
from mesh_assets.platforms.kafka import (
    KafkaReader,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    TopicMetadata,
    for_alike,
    values,
)
from mesh_assets.readings.ends import KeptEnds


class Positions(Record, frozen=True, kw_only=True):
    """All positions at one moment: end offsets by topic and partition, committed offsets by group, topic and
    partition.

    Only topics whose partitions were all read; the others have no rate. `topic_ids`: of those topics.
    """

    read_at: datetime
    ends: dict[str, dict[int, int]]
    committed: dict[str, dict[str, dict[int, int]]]
    topic_ids: dict[str, str | None]


def positions(topics: Iterable[Topic], groups: Iterable[ConsumerGroup], *, read_at: datetime) -> Positions:
    ends: dict[str, dict[int, int]] = {}
    topic_ids: dict[str, str | None] = {}
    for topic in topics:
        known = {one.partition: one.latest for one in topic.partitions if one.latest is not None}
        if topic.error is None and len(known) == len(topic.partitions):
            ends[topic.name], topic_ids[topic.name] = known, topic.id
    committed: dict[str, dict[str, dict[int, int]]] = {}
    for group in groups:
        by_topic = committed[group.group_id] = {}
        for offset in group.offsets or ():
            if offset.committed is not None:
                by_topic.setdefault(offset.topic, {})[offset.partition] = offset.committed
    return Positions(read_at=read_at, ends=ends, committed=committed, topic_ids=topic_ids)


def positions_of(previous: Document | None) -> Positions | None:
    """The positions in the latest document; None when it has no offsets."""
    if previous is None:
        return None
    read_at = previous.sections["topics"].collected_at
    if read_at is None:
        return None
    # A stale section's commits come from another moment, and would give a rate over the wrong window.
    same_moment = previous.sections["consumer_groups"].collected_at == read_at
    return positions(previous.topics, previous.consumer_groups if same_moment else (), read_at=read_at)


def ends_of(before: Positions | None, ids: Mapping[str, str | None]) -> EndReading | None:
    """The ends among these positions, for topics that are still the same."""
    if before is None:
        return None
    same = {topic: ends for topic, ends in before.ends.items() if before.topic_ids[topic] == ids.get(topic)}
    return EndReading(read_at=before.read_at, ends=same)


def read_lags(
    groups: Iterable[ConsumerGroup],
    topic_ids: Mapping[str, str | None],
    *,
    read_at: datetime,
    before: Positions | None,
    kept: KeptEnds | None,
) -> tuple[TimeLags, str | None]:
    """The time lags, and why the kept readings could not be read; None if they could. `kept`: the end offsets that the
    sensor has kept; None: there are none."""
    earlier = ends_of(before, topic_ids)
    try:
        return time_lags(groups, read_at=read_at, topic_ids=topic_ids, kept=kept, earlier=earlier), None
    except StoreError as error:
        return TimeLags(groups={}, topics={}), str(error)


# Between two readings, when no earlier document gives the first one for a rate.
_SHORT_WINDOW = timedelta(seconds=1)


def read_positions(
    kafka: KafkaReader,
    topics: Iterable[TopicMetadata],
    groups: Iterable[values.ConsumerGroup],
    *,
    since: datetime,
    sleep: Callable[[float], None],
) -> Positions:
    """Only the positions of these topics and groups a moment after `since`. Raises PlatformError."""
    left = since + _SHORT_WINDOW - datetime.now(UTC)
    # A clock can be set between the two readings.
    sleep(min(max(timedelta(), left), _SHORT_WINDOW).total_seconds())
    led = for_alike(_if_led)
    numbers: dict[str, tuple[int, ...]] = {}
    ids: dict[str, str | None] = {}
    for topic in topics:
        if topic.error is None and (known := led(topic.partitions)) is not None:
            numbers[topic.name], ids[topic.name] = known, topic.id
    reading = kafka.ends(numbers)
    ends = {
        name: {number: end for number, end in ones.items() if end is not None}
        for name, ones in reading.topics.items()
        if None not in ones.values()
    }
    return Positions(
        read_at=reading.read_at,
        ends=ends,
        committed=kafka.commits(
            {
                group.group_id: group.coordinator
                for group in groups
                if group.offsets is not None and group.coordinator is not None
            }
        ),
        topic_ids={name: ids[name] for name in ends},
    )


def _if_led(partitions: Sequence[PartitionMetadata]) -> tuple[int, ...] | None:
    """Their numbers; None if one of them has no leader."""
    if any(one.leader is None for one in partitions):
        return None
    return tuple(one.partition for one in partitions)


def without_producers(
    previous: Document | None, topics: Iterable[TopicMetadata], offsets: OffsetsReading
) -> frozenset[str]:
    """The topics that had no producers with kept state and have received nothing since: they have none now.
    The absence of producers must have been read after the ends that nothing has passed since, as collecting
    does."""
    if previous is None or previous.transactions is None or previous.transactions.producers is None:
        return frozenset()
    state, ends = previous.state("transactions"), previous.state("topics")
    if (state.status, state.stale_sources, ends.status) != ("fresh", (), "fresh"):
        return frozenset()
    if state.collected_at is None or ends.collected_at is None or state.collected_at < ends.collected_at:
        return frozenset()
    if previous.tickets.get("transactions", -1) != previous.tickets.get("topics"):
        return frozenset()
    producers = {one.topic for one in previous.transactions.producers}
    before = {topic.name: topic for topic in previous.topics if topic.name not in producers}
    return frozenset(
        topic.name
        for topic in topics
        if (known := before.get(topic.name)) is not None
        and topic.id is not None
        and topic.id == known.id
        and _is_where_it_was(topic, known, offsets.topics.get(topic.name, ()))
    )


def _is_where_it_was(topic: TopicMetadata, before: Topic, now: Sequence[PartitionOffsets]) -> bool:
    """With the same leaders, since a new one may have cut what was written."""
    return len(before.partitions) == len(now) == len(topic.partitions) and all(
        then.partition == one.partition == place.partition
        and then.leader == place.leader
        and then.latest == one.latest
        and one.latest is not None
        for then, one, place in zip(before.partitions, now, topic.partitions, strict=True)
    )
