"""Whose turn it is: a sensor visits each cluster once per round, and a round is as long as the sensor's
interval.

A tick of Dagster has a minute, and the next comes only after its minimum interval. So a sensor ticks more often than it
looks: a tick continues the round where the last one ended, starts the next round when it is time, and
otherwise ends at once. So clusters that one tick could not visit wait seconds, not another interval.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from mesh_assets.sensing.cursor import SensorCursor
from mesh_assets.sensing.sweep import Swept

Result = TypeVar("Result")

_TICK_SECONDS = 30
# Dagster's daemon looks at its sensors every 5 s (1.13: MIN_INTERVAL_LOOP_TIME), however short their intervals are.
_LEAST_TICK_SECONDS = 5


def tick_seconds(interval_seconds: int) -> int:
    """How often a sensor must tick to visit each cluster every `interval_seconds`: a tenth of that, between 5
    and 30 s; never less often than it visits."""
    return min(interval_seconds, max(_LEAST_TICK_SECONDS, min(_TICK_SECONDS, interval_seconds // 10)))


def rests_until(cursor: SensorCursor, *, now: float, interval_seconds: int) -> float | None:
    """When the next round begins, in seconds since 1970; None when there is something to do now.

    It begins a tick early, or a cluster would wait for its interval plus one tick.
    """
    if cursor.began is None or cursor.unreached or cursor.more:
        return None
    again = cursor.began + interval_seconds - tick_seconds(interval_seconds)
    # A round that began in the future did so before the clock was set back.
    return again if cursor.began <= now < again else None


def turn_of(
    cursor: SensorCursor, clusters: Sequence[str], *, now: float, interval_seconds: int
) -> tuple[float, list[str]]:
    """When the round began, and which of `clusters` to visit now, in order: those that the last tick did not
    reach come first, so the oldest visit leads. Those that hung or were slow have turns of their own (`sweep`).

    A round that has lasted an interval gives way to the next one: hanging clusters cannot delay a healthy one
    by more.
    """
    left = [name for name in dict.fromkeys(cursor.unreached) if name in set(clusters)]
    resting = cursor.began is None or not (
        0 <= now - cursor.began < interval_seconds - tick_seconds(interval_seconds)
    )
    began = now if resting or cursor.began is None else cursor.began
    return began, list(dict.fromkeys([*left, *clusters])) if resting else left


def moved_on(
    cursor: SensorCursor, swept: Swept[Result], clusters: Iterable[str], *, began: float, more: bool = False
) -> SensorCursor:
    """The cursor after those visits: the round, nothing about the clusters themselves. `more`: whether runs
    still have to be requested, so that the next tick has something to do."""
    known = set(clusters)
    late = {*swept.hung, *swept.slow}
    in_time = {*swept.seen, *swept.failed} - late
    return replace(
        cursor,
        began=began,
        unreached=tuple(name for name in swept.unreached if name in known),
        more=more,
        hung=tuple(sorted(({*cursor.hung} - in_time | late) & known)),
    )
