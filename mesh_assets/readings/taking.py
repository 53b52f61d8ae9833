"""Takes a reading of a cluster. Tens of thousands of partitions are added up as columns: a look every few minutes makes no
object for each of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_assets.errors import PlatformError
from mesh_assets.estate.model import Cluster
from mesh_assets.platforms.kafka import (
    MISSING,
    ClusterMetadata,
    CommitsReading,
    Committed,
    Edges,
    KafkaReader,
    TopicMetadata,
    leading_partitions,
)
from mesh_assets.platforms.kafka.wire.partition_columns import COMMITTED, Numbers, Rows
from mesh_assets.readings.reading import Reading, series_name

ReadEdges = Callable[[Mapping[str, Sequence[int]]], Edges]


def take_reading(cluster: Cluster, kafka: KafkaReader, metadata: ClusterMetadata) -> Reading:
    """Reads offsets and groups at the same time.

    Raises PlatformError when either cannot be read.
    """
    watched = cluster.anomalies

    def selects_group(group_id: str) -> bool:
        return cluster.consumer_groups.selects(group_id) and watched.consumer_groups.selects(group_id)

    with ThreadPoolExecutor(max_workers=2, thread_name_prefix=f"reading-{cluster.name}") as pool:
        # For all topics, whatever the patterns say: a group's lag includes its lag on topics that they leave
        # out.
        edges = pool.submit(kafka.edges, leading_partitions(metadata))
        commits = pool.submit(kafka.committed, selects_group)
        selected = [
            topic
            for topic in metadata.topics
            if cluster.topics.selects(topic.name) and watched.topics.selects(topic.name)
        ]
        ids = {topic.name: topic.id or "" for topic in metadata.topics}
        return reading_of(selected, edges.result(), commits.result(), topic_ids=ids, again=kafka.edges)


def reading_of(
    topics: Iterable[TopicMetadata],
    edges: Edges,
    commits: CommitsReading,
    *,
    topic_ids: Mapping[str, str],
    again: ReadEdges,
) -> Reading:
    """Builds a reading. `topic_ids`: of all topics that exist. `again`: reads edges anew."""
    topics = tuple(topics)
    series = [series_name(topic, topic_ids.get(topic, "")) for topic in edges.partitions.topics]
    positions = _Positions(edges, commits.committed, series, again)
    return Reading(
        read_at=edges.read_at,
        ends=_ends(topics, edges, series),
        commits=positions.commits(),
        lags=positions.lags(),
        topics=frozenset(one.name for one in topics),
        groups=commits.groups,
        places=positions.places(),
        unlisted=frozenset() if commits.unlisted is None else commits.unlisted,
    )


def _ends(topics: Iterable[TopicMetadata], edges: Edges, series: Sequence[str]) -> dict[str, int]:
    partitions, latest = edges.partitions, edges.latest
    counts = dict(partitions.reduced(np.add, (latest != MISSING).astype(np.int64)))
    sums = dict(partitions.reduced(np.add, _addable(np.where(latest == MISSING, 0, latest))))
    names = dict(zip(partitions.topics, series, strict=True))
    return {
        names[topic.name]: sums[topic.name]
        for topic in topics
        # Without a partition that has no leader, or could not be read, the sum would fall and rise again.
        if topic.error is None and topic.partitions and counts.get(topic.name) == len(topic.partitions)
    }


class _Positions:
    """What groups have committed, a row for each partition, next to where the partition ends. Without the groups of which
    a part could not be read, and without those that have committed nothing."""

    def __init__(
        self, edges: Edges, committed: Mapping[str, Committed], series: Sequence[str], again: ReadEdges
    ) -> None:
        self._partitions = edges.partitions
        # One row more than there are partitions, for those that are not there.
        self._earliest, self._latest = np.append(edges.earliest, MISSING), np.append(edges.latest, MISSING)
        self._series = series
        self._again = again
        groups = [(name, one) for name, one in sorted(committed.items()) if one.rows]
        rows = _joined([one.rows for _, one in groups])
        if rows["code"].any():
            groups = [(name, one) for name, one in groups if not _joined([one.rows])["code"].any()]
            rows = _joined([one.rows for _, one in groups])
        self._groups = groups
        named = {topic: at for at, topic in enumerate(edges.partitions.topics)}
        runs = np.array([named.get(topic, -1) for _, one in groups for topic in one.topics], np.intp)
        counts = np.array([*chain.from_iterable(one.counts for _, one in groups)], np.intp)
        run_of = np.repeat(np.arange(len(runs)), counts)
        kept = np.flatnonzero(rows["offset"] >= 0)
        self._counts: list[int] = np.bincount(run_of[kept], minlength=len(runs)).tolist()
        self._committed: Numbers = rows["offset"][kept].astype(np.int64)
        self._numbers: Numbers = rows["number"][kept].astype(np.int64)
        sizes = np.array([len(one.rows) // COMMITTED.itemsize for _, one in groups], np.intp)
        group_of = np.repeat(np.arange(len(groups)), sizes)[kept]
        self._begins = np.flatnonzero(np.diff(group_of, prepend=-1))
        self._of_group: list[int] = group_of[self._begins].tolist()
        self._rows = edges.partitions.rows_at(runs[run_of[kept]], self._numbers)

    def commits(self) -> dict[str, int]:
        sums = dict(zip(self._of_group, _sums(self._committed, self._begins), strict=True))
        numbers, end, counts = self._numbers.tolist(), 0, iter(self._counts)
        found: dict[str, int] = {}
        for at, (group, one) in enumerate(self._groups):
            places: list[tuple[str, tuple[int, ...]]] = []
            for topic in one.topics:
                begin, end = end, end + next(counts)
                if end > begin:
                    places.append((topic, tuple(numbers[begin:end])))
            if places:
                places.sort()
                identity = "|".join([topic.join(_around(ones)) for topic, ones in places])
                found[series_name(group, identity)] = sums[at]
        return found

    def places(self) -> dict[str, int]:
        ends, partitions = self._latest, self._partitions
        used = np.zeros(len(ends), np.bool_)
        used[self._rows] = True
        rows = np.flatnonzero(used & (ends != MISSING))
        series = map(self._series.__getitem__, partitions.topic_of[rows].tolist())
        numbers = map(_after, map(partitions.numbers.__getitem__, rows.tolist()))
        return dict(zip(map(add, series, numbers), ends[rows].tolist(), strict=True))

    def lags(self) -> dict[str, int]:
        """By group; as everywhere (`inventory/lag.py`), what was removed does not wait, and a group that is beyond an end has
        no lag."""
        starts, ends = self._edges_now()
        start, end = starts[self._rows], ends[self._rows]
        unknown = (end == MISSING) | (self._committed > end)
        waiting = np.where(unknown, 0, end - np.maximum(self._committed, start))
        unknown_of = np.logical_or.reduceat(unknown, self._begins).tolist() if len(self._begins) else []
        return {
            self._groups[at][0]: lag
            for at, lag, not_known in zip(
                self._of_group, _sums(waiting, self._begins), unknown_of, strict=True
            )
            if not not_known
        }

    def _edges_now(self) -> tuple[Numbers, Numbers]:
        """The edges, read again where a group has committed beyond the end: a fast consumer can have passed the one that was
        read. MISSING where that fails."""
        starts, ends = self._earliest, self._latest
        end = ends[self._rows]
        passed = np.array(sorted({*self._rows[(end != MISSING) & (self._committed > end)].tolist()}), np.intp)
        if not len(passed):
            return starts, ends
        starts, ends = starts.copy(), ends.copy()
        try:
            now = self._again(self._partitions.places(passed))
            starts[passed], ends[passed] = now.earliest, now.latest
        except PlatformError:
            starts[passed] = ends[passed] = MISSING
        return starts, ends


def _joined(parts: Sequence[bytes]) -> NDArray[Any]:
    return np.frombuffer(b"".join(parts), COMMITTED)


@lru_cache(maxsize=1 << 12)
def _after(number: int) -> str:
    return f":{number}"


@lru_cache(maxsize=1 << 12)
def _around(numbers: tuple[int, ...]) -> tuple[str, ...]:
    """What stands around a topic's name where its partitions are listed: `t:0|t:1`."""
    ordered = sorted(numbers)
    return ("", *(f":{number}|" for number in ordered[:-1]), f":{ordered[-1]}")


def _sums(column: Numbers, begins: Rows) -> list[int]:
    """Of the runs that begin there."""
    if not len(begins):
        return []
    sums: list[int] = np.add.reduceat(_addable(column), begins).tolist()
    return sums


def _addable(column: Numbers) -> NDArray[Any]:
    """As Python's numbers if 64 bits may not hold a sum of them: only a confused broker has such offsets."""
    largest = max(int(column.max(initial=0)), -int(column.min(initial=0)))
    return column.astype(object) if largest > (2**63 - 1) // max(1, len(column)) else column
