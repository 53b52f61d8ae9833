"""One reading of a cluster: the end of every topic and the position of every group, in one or two numbers
each."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from msgspec import field

from mesh_assets.estate.model import Cluster
from mesh_assets.importing import importing
from mesh_assets.inventory.lag import lag_records
from mesh_assets.inventory.records import Record

if TYPE_CHECKING:  # its clients take 20 MB, which a process that only looks at kept readings does not need
    from mesh_assets.platforms.kafka import (
        ClusterMetadata,
        GroupsReading,
        KafkaReader,
        OffsetsReading,
        TopicMetadata,
    )


class Reading(Record, frozen=True, kw_only=True):
    """What was read at one moment. Anything that could not be read completely is left out, never counted as
    zero.

    `ends`: the sum of a topic's end offsets, by series (`series_name`: the topic and its id, so that a topic
    deleted and created again is a new series). `commits`: the sum of a group's committed offsets, by the
    group and the partitions it has committed on, so that the first commit on a partition does not count as
    consumption. `lags`: by group. `topics` and `groups`: all that exist, whether read or not. `places`: the
    end of each partition that a group has committed on, by `place_name`.
    """

    read_at: datetime
    ends: dict[str, int]
    commits: dict[str, int]
    lags: dict[str, int]
    topics: frozenset[str]
    groups: frozenset[str]
    places: dict[str, int] = field(default_factory=dict)


def take_reading(cluster: Cluster, kafka: "KafkaReader", metadata: "ClusterMetadata") -> Reading:
    """Reads offsets and groups at the same time.

    Raises PlatformError when either cannot be read.
    """
    with importing:
        from mesh_assets.platforms.kafka import ends_after, leading_partitions

    watched = cluster.anomalies

    def selects_group(group_id: str) -> bool:
        return cluster.consumer_groups.selects(group_id) and watched.consumer_groups.selects(group_id)

    with ThreadPoolExecutor(max_workers=2, thread_name_prefix=f"reading-{cluster.name}") as pool:
        # For all topics, whatever the patterns say: a group's lag includes its lag on topics that they leave
        # out.
        offsets = pool.submit(kafka.offsets, leading_partitions(metadata))
        groups = pool.submit(kafka.groups, selects_group)
        selected = [
            topic
            for topic in metadata.topics
            if cluster.topics.selects(topic.name) and watched.topics.selects(topic.name)
        ]
        ids = {topic.name: topic.id or "" for topic in metadata.topics}
        read, described = offsets.result(), groups.result()
        return reading_of(
            selected, read, described, topic_ids=ids, ends_after=ends_after(kafka, read, described)
        )


def reading_of(
    topics: "Iterable[TopicMetadata]",
    offsets: "OffsetsReading",
    groups: "GroupsReading",
    *,
    topic_ids: Mapping[str, str] | None = None,
    ends_after: "OffsetsReading | None" = None,
) -> Reading:
    """Builds a reading. `topic_ids`: the ids of all topics that exist; None: those of `topics`.
    `ends_after`: the offsets that lags are computed from; None: `offsets`."""
    topics = tuple(topics)
    ids = {one.name: one.id or "" for one in topics} if topic_ids is None else topic_ids
    ends = {}
    for described in topics:
        latest = {one.partition: one.latest for one in offsets.topics.get(described.name, ())}
        last = [latest.get(partition.partition) for partition in described.partitions]
        # Without a partition that has no leader, or could not be read, the sum would fall and rise again.
        if described.error is None and last and None not in last:
            ends[series_name(described.name, described.id or "")] = sum(
                end for end in last if end is not None
            )
    read = _Places(offsets, offsets if ends_after is None else ends_after, ids)
    commits, lags = {}, {}
    places: dict[str, int] = {}
    for group in groups.groups:
        if group.offsets is None or any(offset.error is not None for offset in group.offsets):
            continue
        committed = sorted(
            (offset.topic, offset.partition, offset.committed)
            for offset in group.offsets
            if offset.committed is not None
        )
        if not committed:
            continue
        lag: int | None = 0
        topic: str | None = None
        of_topic: dict[int, _Place] = {}
        for name, partition, offset in committed:
            if name != topic:
                topic, of_topic = name, read.of(name)
            place = of_topic.get(partition)
            if place is None:
                lag = None
                continue
            if place.end is not None:
                places[place.name] = place.end
            behind = lag_records(committed=offset, start=place.start_now, end=place.end_now)
            lag = None if lag is None or behind is None else lag + behind
        identity = "|".join(f"{name}:{partition}" for name, partition, _ in committed)
        commits[series_name(group.group_id, identity)] = sum(offset for _, _, offset in committed)
        if lag is not None:
            lags[group.group_id] = lag
    return Reading(
        read_at=offsets.read_at,
        ends=ends,
        commits=commits,
        lags=lags,
        topics=frozenset(one.name for one in topics),
        groups=frozenset(group.group_id for group in groups.groups),
        places=places,
    )


class _Place(NamedTuple):
    """A partition: where it ended, and its edges when lags are computed."""

    name: str
    end: int | None
    start_now: int | None
    end_now: int | None


class _Places:
    """The partitions of topics, by topic, built when somebody asks for the topic."""

    def __init__(self, offsets: "OffsetsReading", now: "OffsetsReading", ids: Mapping[str, str]) -> None:
        self._offsets = offsets
        self._now = now
        self._ids = ids
        self._known: dict[str, dict[int, _Place]] = {}

    def of(self, topic: str) -> dict[int, _Place]:
        known = self._known.get(topic)
        if known is None:
            series = series_name(topic, self._ids.get(topic, ""))
            read = self._offsets.topics.get(topic, ())
            edges = read if self._now is self._offsets else self._now.topics.get(topic, ())
            now = {one.partition: one for one in edges}
            known = self._known[topic] = {
                one.partition: _Place(
                    f"{series}:{one.partition}",
                    one.latest,
                    None if (edge := now.get(one.partition)) is None else edge.earliest,
                    None if edge is None else edge.latest,
                )
                for one in read
            }
        return known


def series_name(name: str, identity: str) -> str:
    """`orders/1c291ca3`: a name and a checksum of its identity. Ids of 22 random letters would double the
    history.
    """
    return f"{name}/{crc32(identity.encode()):08x}"


def place_name(topic: str, topic_id: str, partition: int) -> str:
    """`orders/1c291ca3:0`: a partition of exactly that topic."""
    return f"{series_name(topic, topic_id)}:{partition}"


def resource_of(series: str) -> str:
    """`orders/1c291ca3` → `orders`. A group's own slashes stay."""
    return series.rpartition("/")[0]
