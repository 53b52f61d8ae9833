"""How many values fields of different topics share, by sketches of the smallest keyed hashes.

A sketch holds the smallest K of the 64-bit hashes of a field's different values (a KMV sketch: Bar-Yossef et al., "Counting
distinct elements in a data stream", 2002). Hashes that lie under the largest of both sketches are those of the same values in
both, so their share estimates how many values are shared. The hashes are keyed and never leave memory.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mesh_assets.profiling.records import KeyOverlap

K = 1_024
FEWEST = 20
"""Different values that a field must have: of fewer, some are shared by chance."""
_LONGEST = 100
_MOST_FIELDS = 100
"""A value that more fields have binds everything, and says nothing."""
_SURE = 0.3
_DENSE = 10


@dataclass(frozen=True, slots=True)
class KeySketch:
    """`hashes`: the smallest, ascending. `name`: of the key, as relationships call it. `counter`: whole numbers so close
    together that any two such fields share many."""

    topic: str
    path: str
    name: str
    hashes: tuple[int, ...]
    distinct: int
    counter: bool


def sketch_of(topic: str, path: str, name: str, values: Sequence[Any], key: bytes) -> KeySketch | None:
    """None: the values, none of them null, cannot be those of a key: they are too few, long, or of a type that none has."""
    if not values or not all(
        isinstance(one, str | int | UUID) and not isinstance(one, bool) for one in values
    ):
        return None
    different = set(map(str, values))
    if len(different) < FEWEST or max(map(len, different)) > _LONGEST:
        return None
    numbers = [int(one) for one in different] if all(map(_is_whole, different)) else []
    counter = bool(numbers) and max(numbers) - min(numbers) < _DENSE * len(numbers)
    hashes = sorted(_hash(one, key) for one in different)[:K]
    return KeySketch(topic, path, name, tuple(hashes), len(different), counter)


def find_overlaps(cluster: str, sketches: Iterable[KeySketch]) -> list[KeyOverlap]:
    """Between fields of different topics: those of one name, also where they share nothing, and those of different names that
    share at least 0.3 and are no counters. An index from hash to fields, never a comparison of all with all."""
    known = list(sketches)
    pairs: set[tuple[int, int]] = set()
    by_hash: defaultdict[int, list[int]] = defaultdict(list)
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for number, sketch in enumerate(known):
        by_name[sketch.name].append(number)
        for hashed in sketch.hashes:
            by_hash[hashed].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for fields in by_hash.values():
        if len(fields) <= _MOST_FIELDS:
            shared.update(_pairs(fields))
    pairs.update(shared)
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


def _is_whole(text: str) -> bool:
    return len(text) < 19 and text.isascii() and text.removeprefix("-").isdigit()


def _hash(text: str, key: bytes) -> int:
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest()
    )
