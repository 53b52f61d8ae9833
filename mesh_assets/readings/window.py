"""Readings over time: their cadence, and the window that rates are taken from."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from mesh_assets.estate.monitoring import AnomalyThresholds
from mesh_assets.inventory.records import Record
from mesh_assets.readings.history import Chunk, Column

# How often readings are taken, and what follows from it: which readings are close enough to compare, and how
# many are enough evidence.

USUAL_INTERVAL_SECONDS = 300.0
"""The sensor's own interval, which the thresholds are tuned for."""

# A shorter interval was chosen to watch something happen (demo, tests), so fewer readings are enough.
_SHORTENED_SECONDS = 60.0
# The daemon checks its sensors every 5 s, and a tick itself takes time: at short intervals, a reading can be
# late by much of an interval.
_LATE_SECONDS = 30.0


class Cadence(Record, frozen=True, kw_only=True):
    """The thresholds in numbers of readings, for one interval.

    Two readings give a rate when they are between `closest_seconds` and `farthest_seconds` apart: farther
    apart, there is a gap in which anything may have happened; closer, they say too little.
    `returned_readings`: how many ordinary readings in a row end an anomaly. `context_readings`: the recent
    readings that new ones are compared with.
    """

    interval_seconds: float
    minimum_readings: int
    unusual_readings: int
    silent_readings: int
    lag_readings: int
    expected_records: float
    returned_readings: int
    context_readings: int

    @property
    def closest_seconds(self) -> float:
        return self.interval_seconds / 2

    @property
    def farthest_seconds(self) -> float:
        """Bridges one missed reading; two make a gap."""
        return self.interval_seconds * 2.5 + _LATE_SECONDS

    @property
    def silent_seconds(self) -> float:
        """The shortest silence that counts, however many readings fall within it: readings can come early."""
        return self.silent_readings * self.interval_seconds * 0.75


def cadence_of(thresholds: AnomalyThresholds, *, interval_seconds: float) -> Cadence:
    """The estate's thresholds, or smaller ones when the interval is shortened."""
    shortened = interval_seconds < _SHORTENED_SECONDS
    return Cadence(
        interval_seconds=interval_seconds,
        minimum_readings=min(thresholds.minimum_readings, 8) if shortened else thresholds.minimum_readings,
        unusual_readings=min(thresholds.unusual_readings, 2) if shortened else thresholds.unusual_readings,
        silent_readings=min(thresholds.silent_readings, 2) if shortened else thresholds.silent_readings,
        lag_readings=min(thresholds.lag_readings, 4) if shortened else thresholds.lag_readings,
        expected_records=min(thresholds.expected_records, 8.0) if shortened else thresholds.expected_records,
        returned_readings=2 if shortened else 3,
        context_readings=8 if shortened else 24,
    )


# The newest readings of all series side by side, and the steps between them that can be judged.


class Step(NamedTuple):
    """What arrived between two readings that are close enough to each other."""

    records: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.records / self.seconds


class Window:
    """The readings of consecutive chunks.

    `seconds[n]`: the time between readings n-1 and n; None where that is a gap, or too short. A series has a
    column when the newest chunk knows it; the newest reading is the last value of each column.
    """

    def __init__(self, chunks: Sequence[Chunk], cadence: Cadence) -> None:
        self.times = [time for chunk in chunks for time in chunk.times]
        self.seconds = spacing(self.times, cadence)
        self.ends = _side_by_side(chunks, lambda chunk: chunk.ends)
        self.commits = _side_by_side(chunks, lambda chunk: chunk.commits)
        self.lags = _side_by_side(chunks, lambda chunk: chunk.lags)

    def newest_steps(self, column: Column, most: int) -> list[Step]:
        """The steps up to now without a gap between them, newest first, at most `most`. A counter that went
        back is also a gap: its topic was recreated, or its group's position was reset.
        """
        steps: list[Step] = []
        for index in range(len(column) - 1, 0, -1):
            step = self._step(column, index)
            if step is None or len(steps) == most:
                break
            steps.append(step)
        return steps

    def earlier_steps(self, column: Column, *, before: int, most: int) -> list[Step]:
        """The steps before the newest `before` ones, across gaps, newest first, at most `most`."""
        found: list[Step] = []
        for index in range(len(column) - 1 - before, 0, -1):
            step = self._step(column, index)
            if step is not None:
                found.append(step)
                if len(found) == most:
                    break
        return found

    def newest_values(self, column: Column, most: int) -> list[int]:
        """The values up to now without a gap between them, oldest first, at most `most`."""
        values: list[int] = []
        for index in range(len(column) - 1, -1, -1):
            value = column[index]
            if value is None or len(values) == most:
                break
            values.append(value)
            if self.seconds[index] is None:
                break
        return values[::-1]

    @property
    def newest_at(self) -> datetime:
        """The time of the newest reading."""
        return datetime.fromtimestamp(self.times[-1], UTC)

    def moment_before(self, steps: int) -> datetime:
        """The time at which the newest `steps` steps began."""
        return datetime.fromtimestamp(self.times[-1 - steps], UTC)

    def _step(self, column: Column, index: int) -> Step | None:
        seconds, value, before = self.seconds[index], column[index], column[index - 1]
        if seconds is None or value is None or before is None or value < before:
            return None
        return Step(value - before, seconds)


def spacing(times: Sequence[float], cadence: Cadence) -> list[float | None]:
    """For each reading, the seconds since the one before; None for the first, after a gap, and where two are
    too close.
    """
    closest, farthest = cadence.closest_seconds, cadence.farthest_seconds
    apart = [later - earlier for earlier, later in itertools.pairwise(times)]
    return (
        [None, *(seconds if closest <= seconds <= farthest else None for seconds in apart)] if times else []
    )


def _side_by_side(
    chunks: Sequence[Chunk], columns_of: Callable[[Chunk], Mapping[str, Column]]
) -> dict[str, Column]:
    if not chunks:
        return {}
    *older, newest = chunks
    columns: dict[str, Column] = {}
    missing: list[Column] = [[None] * len(chunk.times) for chunk in older]
    earlier = [columns_of(chunk) for chunk in older]
    for series, column in columns_of(newest).items():
        whole: Column = []
        for known, gap in zip(earlier, missing, strict=True):
            whole += known.get(series, gap)
        columns[series] = whole + column
    return columns
