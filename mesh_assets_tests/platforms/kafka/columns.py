"""Readings as columns, made from the records that tests write down."""

import numpy as np

from mesh_assets.platforms.kafka import (
    MISSING,
    CommitsReading,
    Committed,
    CommittedPartition,
    Edges,
    GroupsReading,
    OffsetsReading,
)
from mesh_assets.platforms.kafka.wire.partition_columns import COMMITTED, Partitions

_FAILED = 29  # TOPIC_AUTHORIZATION_FAILED


def edges_of(reading: OffsetsReading) -> Edges:
    partitions = Partitions(
        {topic: [one.partition for one in ones] for topic, ones in reading.topics.items()}
    )
    ordered = [
        one
        for topic in partitions.topics
        for one in sorted(reading.topics[topic], key=lambda it: it.partition)
    ]
    return Edges(
        reading.read_at,
        partitions,
        np.array([MISSING if one.earliest is None else one.earliest for one in ordered], np.int64),
        np.array([MISSING if one.latest is None else one.latest for one in ordered], np.int64),
    )


def committed_of(offsets: tuple[CommittedPartition, ...]) -> Committed:
    by_topic: dict[str, list[tuple[int, ...]]] = {}
    for one in offsets:
        code = 0 if one.error is None else _FAILED
        row = (one.partition, -1 if one.committed is None else one.committed, -1, 0, code, 0)
        by_topic.setdefault(one.topic, []).append(row)
    rows = [row for ones in by_topic.values() for row in ones]
    return Committed(
        [*by_topic], [len(ones) for ones in by_topic.values()], np.array(rows, COMMITTED).tobytes()
    )


def commits_of(reading: GroupsReading) -> CommitsReading:
    return CommitsReading(
        frozenset(group.group_id for group in reading.groups),
        {
            group.group_id: committed_of(group.offsets)
            for group in reading.groups
            if group.offsets is not None
        },
        reading.unlisted,
    )
