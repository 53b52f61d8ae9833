"""What a sensor remembers between two ticks: where it stopped, and a little about each cluster. Small:
clusters at rest have no entry.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

import msgspec
from msgspec import field

from mesh_assets.inventory.records import Record

# What a sensor remembers between two ticks: where it stopped, and a little about each cluster.
#
# Small: clusters at rest have no entry. Things that cost a request each are read in slices, so that
# everything is seen within half an hour.


class Flaps(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A connector's recent failures.

    `since`: when the window began, in seconds since 1970. `failed`: whether it had failed when last seen.
    `flapping`: it failed more than once in the window before, so everything is held back until this one ends.
    """

    since: float
    failures: int = 0
    failed: bool = False
    flapping: bool = False


class ClusterCursor(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Where the observation of a cluster stopped.

    `…_after`: the last name of the last slice; None when everything fits into one. `bulk`: whether the
    registry has a bulk list, as far as known. `flaps`: by `endpoint/name`, only for connectors that failed
    recently.
    """

    versions_after: str | None = None
    levels_after: str | None = None
    configs_after: str | None = None
    bulk: bool = False
    flaps: dict[str, Flaps] = field(default_factory=dict)


class SensorCursor(Record, frozen=True, kw_only=True, omit_defaults=True):
    """`began`: when the round began, in seconds since 1970; None: there was none. `unreached`: clusters still
    to be visited, in order. `hung`: those that did not answer in time, or were slow; they come last. `more`:
    whether runs still have to be requested.
    """

    began: float | None = None
    unreached: tuple[str, ...] = ()
    hung: tuple[str, ...] = ()
    more: bool = False
    clusters: dict[str, ClusterCursor] = field(default_factory=dict)


_decoder = msgspec.json.Decoder(SensorCursor)
AT_REST = ClusterCursor()


def decode_cursor(text: str | None) -> SensorCursor:
    """The cursor in `text`; an empty one for a cursor from another version, since it only says where to
    continue.
    """
    if not text:
        return SensorCursor()
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError:
        return SensorCursor()


def encode_cursor(cursor: SensorCursor) -> str:
    kept = {name: state for name, state in cursor.clusters.items() if state != AT_REST}
    return msgspec.json.encode(msgspec.structs.replace(cursor, clusters=kept)).decode()


SEEN_WITHIN_SECONDS = 1800.0


def slice_size(count: int, *, interval_seconds: float, least: int, most: int) -> int:
    """How many of `count` to read in one tick. `least`: as many as are cheap anyway. `most` takes precedence
    over the half hour.
    """
    ticks = max(1, int(SEEN_WITHIN_SECONDS // interval_seconds))
    return min(most, max(least, math.ceil(count / ticks)))


def next_slice(names: Sequence[str], *, after: str | None, size: int) -> tuple[frozenset[str], str | None]:
    """`size` of the sorted `names` after `after`, wrapping around, and the name to continue after; None when
    all fit.

    The place is kept as a name, not a number, so names that come and go in the meantime shift nothing.
    """
    if len(names) <= size:
        return frozenset(names), None
    start = 0 if after is None else bisect_right(names, after)
    chosen = [names[(start + step) % len(names)] for step in range(size)]
    return frozenset(chosen), chosen[-1]
