"""Slices: what costs a request each is looked at in turn, so that everything is seen within half an hour."""

import math
from bisect import bisect_right
from collections.abc import Sequence

SEEN_WITHIN_SECONDS = 1800.0


def slice_size(count: int, *, interval_seconds: float, least: int, most: int) -> int:
    """How many of `count` to look at in one tick. `least`: what is cheap anyway; `most` wins over the half
    hour."""
    ticks = max(1, int(SEEN_WITHIN_SECONDS // interval_seconds))
    return min(most, max(least, math.ceil(count / ticks)))


def next_slice(names: Sequence[str], *, after: str | None, size: int) -> tuple[frozenset[str], str | None]:
    """`size` of the sorted `names` from behind `after` on, round the end, and the name to go on after; None:
    they were all.

    A name, not a number, remembers the place: names that come and go meanwhile shift nothing.
    """
    if len(names) <= size:
        return frozenset(names), None
    start = 0 if after is None else bisect_right(names, after)
    chosen = [names[(start + step) % len(names)] for step in range(size)]
    return frozenset(chosen), chosen[-1]
