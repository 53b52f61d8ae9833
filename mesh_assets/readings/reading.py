"""One reading of a cluster: the end of every topic and the position of every group, in a number or two each."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from zlib import crc32

from msgspec import field

from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.lag import lag_records
from mesh_assets.inventory.records import Record
from mesh_assets.platforms.kafka import (
    ClusterMetadata,
    GroupsReading,
    KafkaReader,
    OffsetsReading,
    TopicMetadata,
    ends_after,
    leading_partitions,
)

Ends = dict[tuple[str, int], int]


class Reading(Record, frozen=True, kw_only=True):
    """What was read at one moment. What could not be read completely is left out, never counted as zero.

    `ends`: the sum of a topic's end offsets, by series (`series_name`: the topic and its id, so that a topic
    deleted and created again is another series). `commits`: the sum of a group's committed offsets, by the
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


def take_reading(cluster: Cluster, kafka: KafkaReader, metadata: ClusterMetadata) -> Reading:
    """Reads offsets and groups at the same time.

    Raises PlatformError when either cannot be read.
    """
    watched = cluster.anomalies

    def selects_group(group_id: str) -> bool:
        return cluster.consumer_groups.selects(group_id) and watched.consumer_groups.selects(group_id)

    with ThreadPoolExecutor(max_workers=2, thread_name_prefix=f"reading-{cluster.name}") as pool:
        # Of all topics, whatever the patterns say: a group's lag includes its lag on topics that they leave
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
    topics: Iterable[TopicMetadata],
    offsets: OffsetsReading,
    groups: GroupsReading,
    *,
    topic_ids: Mapping[str, str] | None = None,
    ends_after: OffsetsReading | None = None,
) -> Reading:
    """Builds a reading. `topic_ids`: the ids of all topics that exist; None: those of `topics`.
    `ends_after`: the offsets that lags are computed from; None: `offsets`."""
    topics = tuple(topics)
    ids = {topic.name: topic.id or "" for topic in topics} if topic_ids is None else topic_ids
    all_ends: Ends = {
        (name, partition.partition): partition.latest
        for name, partitions in offsets.topics.items()
        for partition in partitions
        if partition.latest is not None
    }
    ends = {}
    for topic in topics:
        places = [all_ends.get((topic.name, partition.partition)) for partition in topic.partitions]
        known = [end for end in places if end is not None]
        # Without a partition that has no leader, or could not be read, the sum would fall and rise again.
        if topic.error is None and places and len(known) == len(places):
            ends[series_name(topic.name, topic.id or "")] = sum(known)
    edges = {
        (name, partition.partition): partition
        for name, partitions in (ends_after or offsets).topics.items()
        for partition in partitions
    }
    commits, lags = {}, {}
    committed_on: dict[str, int] = {}
    for group in groups.groups:
        if group.offsets is None or any(offset.error is not None for offset in group.offsets):
            continue
        committed = {
            (offset.topic, offset.partition): offset.committed
            for offset in group.offsets
            if offset.committed is not None
        }
        if not committed:
            continue
        for name, partition in committed.keys() & all_ends.keys():
            committed_on[place_name(name, ids.get(name, ""), partition)] = all_ends[name, partition]
        commits[
            series_name(
                group.group_id, "|".join(f"{topic}:{partition}" for topic, partition in sorted(committed))
            )
        ] = sum(committed.values())
        behind = [
            None
            if (edge := edges.get(place)) is None
            else lag_records(committed=offset, start=edge.earliest, end=edge.latest)
            for place, offset in committed.items()
        ]
        known = [lag for lag in behind if lag is not None]
        if len(known) == len(behind):
            lags[group.group_id] = sum(known)
    return Reading(
        read_at=offsets.read_at,
        ends=ends,
        commits=commits,
        lags=lags,
        topics=frozenset(topic.name for topic in topics),
        groups=frozenset(group.group_id for group in groups.groups),
        places=committed_on,
    )


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
