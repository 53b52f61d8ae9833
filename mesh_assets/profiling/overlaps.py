"""How many values fields of different topics share, by sketches of the smallest keyed hashes.

A sketch holds the smallest K of the 64-bit hashes of a field's different values (a KMV sketch: Bar-Yossef et al., "Counting
distinct elements in a data stream", 2002). Below the smaller of the two sketches' largest hashes, both
sketches are complete, so the share of equal hashes there estimates how many values are shared. The hashes are
keyed and never leave memory.
"""

import hashlib
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from mesh_assets.profiling.figures import identifies
from mesh_assets.profiling.records import KeyOverlap

K = 1_024
FEWEST = 20
"""The fewest distinct values that a field must have: with fewer, some are shared by chance."""
_LONGEST = 100
_MOST_FIELDS = 100
"""A value that more fields than this share binds everything, and says nothing."""
_SURE = 0.3
_DENSE = 10
_TYPES_OF_KEYS = frozenset({str, int, UUID})
_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d(?:$|[T ]\d\d:\d\d)")
_NAMED_FOR_TIMES = re.compile(
    r"(?:^|[._-])(?:at|on|ts|time|timestamp|date|datetime|epoch|when)(?:_?(?:ms|us|ns|millis|seconds))?$"
    r"|[a-z](?:At|Time|Timestamp|Date|Ts|Epoch)(?:Ms|Millis|Seconds)?$"
)
_2000, _2100 = 946_684_800, 4_102_444_800
_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)


@dataclass(frozen=True, slots=True)
class KeySketch:
    """`hashes`: the smallest, ascending; an array, since those of all topics are in memory together. `name`:
    of the key, as in relationships. `counter`: whole numbers so close together that any two such fields share
    many."""

    topic: str
    path: str
    name: str
    hashes: "array[int]"
    distinct: int
    counter: bool


def sketch_of(topic: str, path: str, name: str, values: Sequence[Any], key: bytes) -> KeySketch | None:
    """None: the values, none of them null, cannot be those of a key: they are too few, too long, times,
    quantities, or of a type that keys never have."""
    if not values or not _TYPES_OF_KEYS.issuperset(map(type, values)):
        return None
    different = set(map(str, values))
    if len(different) < FEWEST or max(map(len, different)) > _LONGEST:
        return None
    numbers = [int(one) for one in different] if all(map(_is_whole, different)) else []
    if _are_times(path, different, numbers):
        return None
    counter = bool(numbers) and max(numbers) - min(numbers) < _DENSE * len(numbers)
    if counter and not identifies(path.rpartition(".")[2].rstrip("[]{}")):
        return None  # quantities and years, which any two topics share
    hashes = sorted(_hash(one, key) for one in different)[:K]
    return KeySketch(topic, path, name, array("Q", hashes), len(different), counter)


def find_overlaps(cluster: str, sketches: Iterable[KeySketch]) -> list[KeyOverlap]:
    """Between fields of different topics: those of one name, even if they share nothing, and those of
    different names that share at least 0.3 and are not counters. Hashes are sorted to find fields that have
    one in common, which avoids comparing all with all."""
    known = list(sketches)
    pairs: set[tuple[int, int]] = set()
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for number, sketch in enumerate(known):
        by_name[sketch.name].append(number)
    for fields in _with_one_hash(known):
        pairs.update(_pairs(fields))
    for fields in by_name.values():
        if len(fields) <= _MOST_FIELDS:
            pairs.update(_pairs(fields))
    found = []
    for numbers in sorted(pairs):
        one, other = (known[number] for number in numbers)
        if one.topic == other.topic:
            continue
        overlap = _overlap(cluster, one, other)
        same = one.name == other.name
        if overlap is not None and (
            same or (overlap.contained >= _SURE and not (one.counter or other.counter))
        ):
            found.append(overlap)
    return sorted(
        found, key=lambda one: (-one.contained, one.topic, one.path, one.other_topic, one.other_path)
    )


def _with_one_hash(sketches: Sequence[KeySketch]) -> Iterator[list[int]]:
    """The numbers of the sketches, ascending, that share a hash; one entry for each hash that between two and
    100 of them have."""
    if not sketches:
        return
    hashes = np.concatenate([np.frombuffer(one.hashes, dtype=np.uint64) for one in sketches])
    owners = np.repeat(np.arange(len(sketches)), [len(one.hashes) for one in sketches])
    order = np.argsort(hashes, kind="stable")
    hashes, owners = hashes[order], owners[order]
    starts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1])))
    lengths = np.diff(np.append(starts, hashes.size))
    wanted = (lengths > 1) & (lengths <= _MOST_FIELDS)
    for start, length in zip(starts[wanted].tolist(), lengths[wanted].tolist(), strict=True):
        yield owners[start : start + length].tolist()


def _pairs(fields: Sequence[int]) -> Iterable[tuple[int, int]]:
    return ((one, other) for place, one in enumerate(fields) for other in fields[place + 1 :])


def _overlap(cluster: str, one: KeySketch, other: KeySketch) -> KeyOverlap | None:
    smaller, larger = (one, other) if one.distinct <= other.distinct else (other, one)
    bounds = [sketch.hashes[-1] for sketch in (smaller, larger) if len(sketch.hashes) == K]
    bound = min(bounds) if bounds else 2**64
    within = [one for one in smaller.hashes if one <= bound]
    if len(within) < FEWEST // 2:
        return None  # the larger field has so many values that too few of the smaller are comparable
    contained = len(set(larger.hashes).intersection(within)) / len(within)
    return KeyOverlap(
        cluster=cluster,
        topic=smaller.topic,
        path=smaller.path,
        other_topic=larger.topic,
        other_path=larger.path,
        contained=contained,
        compared=len(within),
        distinct=smaller.distinct,
        other_distinct=larger.distinct,
    )


def _are_times(path: str, texts: Iterable[str], numbers: Sequence[int]) -> bool:
    """Whether values are times, which topics share without being keys: dates in ISO 8601, or seconds to
    nanoseconds since 1970 in a field named accordingly."""
    if not numbers:
        return all(map(_ISO_8601.match, texts))
    of_time = _NAMED_FOR_TIMES.search(path.rstrip("[]{}")) is not None
    return of_time and any(_2000 * unit <= min(numbers) <= max(numbers) < _2100 * unit for unit in _UNITS)


def _is_whole(text: str) -> bool:
    return len(text) < 19 and text.isascii() and text.removeprefix("-").isdigit()


def _hash(text: str, key: bytes) -> int:
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest()
    )
