"""Partitions as columns: tens of thousands of numbers in a few arrays, not an object for each.

A topic has few partitions at each of many brokers, and brokers answer in the order of a hash table. So the
cost of a reading is the work done for each topic of an answer, and each access to something elsewhere in
memory.

Without `np.unique`: its first call imports numpy.ma, 10 ms of CPU and 2 MB.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_assets.platforms.kafka.values import UnlistedGroups
from mesh_assets.platforms.kafka.wire.forms import Writer

Places = Mapping[str, Sequence[int]]
"""Partitions by topic, sorted."""
Numbers = NDArray[np.int64]
Rows = NDArray[np.intp]
"""Places in columns."""

MISSING = -(2**63)
"""Instead of an offset that could not be read."""
COMMITTED = np.dtype(
    [
        ("number", ">i4"),
        ("offset", ">i8"),
        ("epoch", ">i4"),
        ("metadata", "u1"),
        ("code", ">i2"),
        ("tags", "u1"),
    ]
)
"""A committed partition as a broker sends it, if no metadata came with the commit. An offset below 0: nothing is
committed there. `code`: Kafka's error, or 0."""


class Partitions:
    """The partitions of topics, in order, one after the other, one row each."""

    def __init__(self, partitions_by_topic: Mapping[str, Collection[int]]) -> None:
        @cache  # most topics have the same few partitions
        def in_order(numbers: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(sorted(set(numbers)))

        self.topics = sorted(partitions_by_topic)
        ordered = [in_order(tuple(partitions_by_topic[topic])) for topic in self.topics]
        self.numbers = [*chain.from_iterable(ordered)]
        counts = np.fromiter(map(len, ordered), np.intp, len(ordered))
        self.ends = np.cumsum(counts)
        self.begins = self.ends - counts
        self.topic_of = np.repeat(np.arange(len(ordered)), counts)
        self._column = np.array(self.numbers, np.int64)

    def __len__(self) -> int:
        return len(self.numbers)

    def by_topic(self, column: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
        """Each topic with its part of a column."""
        for topic, begin, end in zip(self.topics, self.begins.tolist(), self.ends.tolist(), strict=True):
            yield topic, column[begin:end]

    def reduced(self, by: np.ufunc, column: NDArray[Any]) -> Iterator[tuple[str, Any]]:
        """Each topic that has partitions, with what their part of the column comes to."""
        led = np.flatnonzero(self.ends > self.begins)
        if len(led):
            found = by.reduceat(column, self.begins[led]).tolist()
            yield from zip(map(self.topics.__getitem__, led.tolist()), found, strict=True)

    def topics_at(self, rows: Rows) -> list[str]:
        return [self.topics[at] for at in sorted({*self.topic_of[rows].tolist()})]

    def places(self, rows: Rows) -> dict[str, tuple[int, ...]]:
        """Those rows, which are in order, by topic."""
        of_topic = self.topic_of[rows]
        begins = np.flatnonzero(np.diff(of_topic, prepend=-1))
        ends = np.append(begins[1:], len(rows)).tolist()
        numbers = self._column[rows].tolist()
        topics = map(self.topics.__getitem__, of_topic[begins].tolist())
        return {
            topic: tuple(numbers[begin:end])
            for topic, begin, end in zip(topics, begins.tolist(), ends, strict=True)
        }

    def rows_at(self, topics: Rows, numbers: Numbers) -> Rows:
        """The row of each of these partitions; the one after the last where there is none. `topics`: their places in
        `topics`; -1: not there."""
        own = np.append(self.topic_of << 32 | self._column, -1)
        wanted = topics << 32 | numbers
        rows = np.searchsorted(own[:-1], wanted)
        return np.where(own[rows] == wanted, rows, len(self))


class Edges(NamedTuple):
    """Where partitions begin and end. `read_at`: when the first `latest` was requested, UTC."""

    read_at: datetime
    partitions: Partitions
    earliest: Numbers
    latest: Numbers


class Committed(NamedTuple):
    """What a group has committed, in the broker's order. `rows`: COMMITTED, one after the other; `counts`: how many of each
    topic."""

    topics: Sequence[str]
    counts: Sequence[int]
    rows: bytes


class CommitsReading(NamedTuple):
    """The selected `groups`, and what those have committed that their coordinators reported. `unlisted`: as in
    GroupsReading."""

    groups: frozenset[str]
    committed: dict[str, Committed]
    unlisted: UnlistedGroups | None


class PartitionsAsked:
    """Partitions that one broker is asked for in one request. Names are encoded once, whatever is asked about
    them, and answers are looked up by them."""

    def __init__(self, places: Places) -> None:
        self.topics = [*places]
        self.numbers = [tuple(ones) for ones in places.values()]
        self.by_name = {topic.encode(): at for at, topic in enumerate(self.topics)}
        self._heads: dict[bool, list[bytes]] = {}

    @cached_property
    def counts(self) -> Rows:
        return np.fromiter(map(len, self.numbers), np.intp, len(self.numbers))

    @cached_property
    def column(self) -> Numbers:
        """All numbers."""
        return np.fromiter(chain.from_iterable(self.numbers), np.int64)

    def written(self, partitions: Callable[[tuple[int, ...]], bytes], *, flexible: bool) -> bytes:
        """The topics, each with its partitions as they are written."""
        if flexible not in self._heads:

            @cache
            def head(size: int) -> bytes:
                w = Writer(flexible=flexible)
                w.head_of_text(size)
                return bytes(w.data)

            self._heads[flexible] = [head(len(name)) + name for name in self.by_name]
        blocks = {numbers: partitions(numbers) for numbers in {*self.numbers}}
        parts = zip(self._heads[flexible], map(blocks.__getitem__, self.numbers), strict=True)
        return b"".join([*chain.from_iterable(parts)])


def in_parts(places: Places, most: int) -> Iterator[Places]:
    """What one request can carry, in whole topics."""
    if sum(map(len, places.values())) <= most:
        yield places
        return
    part: dict[str, Sequence[int]] = {}
    room = most
    for topic, numbers in places.items():
        if part and len(numbers) > room:
            yield part
            part, room = {}, most
        part[topic] = numbers
        room -= len(numbers)
    yield part
