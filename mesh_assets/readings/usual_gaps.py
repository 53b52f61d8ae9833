"""How long a topic usually waits for its next record, from the kept readings.

A gap is the time between two chunks of readings (an hour) at whose ends the topic's end offsets had grown:
comparing every reading would take as long as twelve discoveries. A gap counts only if readings were taken
throughout: during an outage of the sensor, nobody knows when records arrived. The usual wait is the longest
gap in the two weeks that readings are kept, if they cover at least a week (weekends are usual) and records
arrived often enough.
"""

import itertools
from collections.abc import Iterable

from mesh_assets.inventory.records import Record
from mesh_assets.readings.history import Chunk
from mesh_assets.readings.window import USUAL_INTERVAL_SECONDS

COVERED_SECONDS = 7 * 24 * 3_600.0
"""The least time from the first to the last reading of a topic."""
FEWEST_GAPS = 20
_OUTAGE_SECONDS = 3 * USUAL_INTERVAL_SECONDS
"""Two readings farther apart have missed what came between; a single failed one is usual."""


class UsualGap(Record, frozen=True, array_like=True):
    """`longest_seconds`: the longest of `gaps` gaps between records, to an hour."""

    longest_seconds: float
    gaps: int


class EstateGaps(Record, frozen=True, kw_only=True):
    """The result `analysis/usual_gaps.json`: by cluster id and series, for topics known long enough."""

    clusters: dict[str, dict[str, UsualGap]]


class _Series:
    """What is known about a topic up to a chunk. `arrived_at` None: nothing has arrived since readings began
    or failed."""

    __slots__ = ("arrived_at", "end", "first_at", "gaps", "longest", "seen_at")

    def __init__(self, at: float, end: int) -> None:
        self.first_at = self.seen_at = at
        self.end = end
        self.arrived_at: float | None = None
        self.longest = 0.0
        self.gaps = 0


def usual_gaps(chunks: Iterable[Chunk]) -> dict[str, UsualGap]:
    """By series (a topic and its id: a recreated topic starts over), without those not known long enough.
    `chunks`: of one cluster, oldest first; read one at a time, so two weeks need no more memory than an
    hour."""
    known: dict[str, _Series] = {}
    before: float | None = None
    for chunk in chunks:
        at = chunk.times[-1]
        broken = before is not None and _has_outage([before, *chunk.times])
        before = at
        for series, column in chunk.ends.items():
            end, one = column[-1], known.get(series)
            if end is None:
                if one is not None:
                    one.arrived_at = None
            elif one is None:
                known[series] = _Series(at, end)
            else:
                if broken or end < one.end:  # an end that went back: records were lost
                    one.arrived_at = None
                elif end > one.end:
                    if one.arrived_at is not None:
                        one.gaps += 1
                        one.longest = max(one.longest, at - one.arrived_at)
                    one.arrived_at = at
                one.seen_at, one.end = at, end
    return {
        series: UsualGap(one.longest, one.gaps)
        for series, one in known.items()
        if one.gaps >= FEWEST_GAPS and one.seen_at - one.first_at >= COVERED_SECONDS
    }


def _has_outage(times: list[float]) -> bool:
    return any(later - earlier > _OUTAGE_SECONDS for earlier, later in itertools.pairwise(times))
