"""Partitions as columns: tens of thousands of numbers in a few arrays, not an object for each.

A topic has few partitions at each of many brokers, and brokers answer in the order of a hash table. So the
cost of a reading is the work done for each topic of an answer, and each access to something elsewhere in
memory.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_assets.platforms.kafka.wire.forms import Writer

Places = Mapping[str, Sequence[int]]
"""Partitions by topic, sorted."""
Numbers = NDArray[np.int64]
Rows = NDArray[np.intp]
"""Places in columns."""


class Partitions:
    """The partitions of topics, in order, one after the other, one row each."""

    def __init__(self, partitions_by_topic: Mapping[str, Collection[int]]) -> None:
        ordered = {topic: sorted(set(ones)) for topic, ones in sorted(partitions_by_topic.items())}
        self.topics = [*ordered]
        self.numbers: list[int] = [number for numbers in ordered.values() for number in numbers]
        counts = np.fromiter(map(len, ordered.values()), np.intp, len(ordered))
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

    def topics_at(self, rows: Rows) -> list[str]:
        return [self.topics[at] for at in np.unique(self.topic_of[rows]).tolist()]

    def places(self, rows: Rows) -> dict[str, tuple[int, ...]]:
        """Those rows, which are in order, by topic."""
        of_topic = self.topic_of[rows]
        begins = np.flatnonzero(np.diff(of_topic, prepend=-1))
        ends = np.append(begins[1:], len(rows)).tolist()
        numbers = self._column[rows].tolist()
        return {
            self.topics[topic]: tuple(numbers[begin:end])
            for topic, begin, end in zip(of_topic[begins].tolist(), begins.tolist(), ends, strict=True)
        }


class PartitionsAsked:
    """Partitions that one broker is asked for in one request. Names are encoded once, whatever is asked about
    them, and answers are looked up by them."""

    def __init__(self, places: Places) -> None:
        self.topics = [*places]
        self.numbers = [tuple(ones) for ones in places.values()]
        self.by_name = {topic.encode(): at for at, topic in enumerate(self.topics)}
        self._heads: dict[bool, list[tuple[bytes, tuple[int, ...]]]] = {}

    def heads(self, *, flexible: bool) -> list[tuple[bytes, tuple[int, ...]]]:
        """What is written before each topic's partitions, and the partitions."""
        if flexible not in self._heads:

            @cache
            def head(size: int) -> bytes:
                w = Writer(flexible=flexible)
                w.head_of_text(size)
                return bytes(w.data)

            self._heads[flexible] = [
                (head(len(name)) + name, numbers)
                for name, numbers in zip(self.by_name, self.numbers, strict=True)
            ]
        return self._heads[flexible]


def in_parts(places: Places, most: int) -> Iterator[Places]:
    """What one request can carry, in whole topics."""
    part: dict[str, Sequence[int]] = {}
    room = most
    for topic, numbers in places.items():
        if part and len(numbers) > room:
            yield part
            part, room = {}, most
        part[topic] = numbers
        room -= len(numbers)
    yield part
