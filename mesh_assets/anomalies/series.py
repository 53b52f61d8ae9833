"""What is unusual in the series of a topic or a consumer group."""

import itertools
import math
from collections.abc import Sequence
from statistics import median
from typing import Literal

from mesh_assets.anomalies.anomaly import Anomaly, usually, usually_at_most
from mesh_assets.anomalies.statistics import UsualLag, UsualRate, level
from mesh_assets.estate.monitoring import AnomalyThresholds
from mesh_assets.inventory.wording import duration, figure, named
from mesh_assets.readings.history import Column
from mesh_assets.readings.reading import resource_of
from mesh_assets.readings.window import Cadence, Step, Window

# Topics: fallen silent, too many records, too few.

_LONGEST_RUN = 36

LONGER_PAUSE = 1.5
"""How much longer than the longest pause so far a silence must be."""


class TopicRules:
    """Judges the newest readings of a topic by what is usual."""

    def __init__(self, window: Window, cadence: Cadence, thresholds: AnomalyThresholds) -> None:
        self._window = window
        self._cadence = cadence
        self._thresholds = thresholds

    def begins(self, series: str, column: Column, usual: UsualRate) -> Anomaly | None:
        newest = self._window.newest_steps(column, 1)
        if not newest or (newest[0].records > 0 and self._side(newest[0], usual) is None):
            return None  # the usual case
        return (
            self._silence(series, column, usual)
            if newest[0].records == 0
            else self._unusual_rate(series, column, usual)
        )

    def is_over(
        self,
        kind: Literal["topic_silent", "rate_spike", "rate_drop"],
        column: Column,
        usual: UsualRate | None,
    ) -> bool:
        """Whether it has come at least halfway back for several readings in a row, so that wavering around the
        threshold is one anomaly.
        """
        wanted = self._cadence.returned_readings
        steps = self._window.newest_steps(column, wanted)
        if len(steps) < wanted:
            return False
        if kind == "topic_silent":
            return all(step.records > 0 for step in steps)
        if usual is None:
            return False
        half = self._band(usual, kind) / 2
        off = [self._level(step) - usual.middle for step in steps]
        return all(each <= half if kind == "rate_spike" else each >= -half for each in off)

    def _silence(self, series: str, column: Column, usual: UsualRate) -> Anomaly | None:
        if not usual.steady:
            return None
        run = silent_run(self._window, column)
        if len(run) < self._cadence.silent_readings or len(run) <= LONGER_PAUSE * usual.longest_pause:
            return None
        seconds = sum(step.seconds for step in run)
        if seconds < self._cadence.silent_seconds:
            return None
        before = self._context(column, len(run))
        if before is None and usual.basis != "week":
            return None
        # Also compared with the last hours: a stream whose day fades out has not stopped.
        per_second = math.expm1(usual.middle) / self._cadence.interval_seconds
        expected = min(per_second, per_second if before is None else before) * seconds
        if expected < self._cadence.expected_records:
            return None
        return self._anomaly("topic_silent", series, run, usual)

    def _unusual_rate(self, series: str, column: Column, usual: UsualRate) -> Anomaly | None:
        run: list[Step] = []
        side: Literal["rate_spike", "rate_drop"] | None = None
        for step in self._window.newest_steps(column, _LONGEST_RUN):
            found = self._side(step, usual)
            if found is None or (side is not None and found != side):
                break
            side = found
            run.append(step)
        if side is None or len(run) < self._cadence.unusual_readings:
            return None
        # A topic filled in bursts is judged by its highest ones, and only once a week has shown when they
        # come.
        if not usual.steady and (side == "rate_drop" or usual.basis != "week" or mean(run) <= 2 * usual.peak):
            return None
        before = self._context(column, len(run))
        if before is None:
            return self._anomaly(side, series, run, usual) if usual.basis == "week" else None
        # Also compared with the last hours: slow change over a day, a holiday and a history's first
        # weekend are not anomalies.
        factor = self._factor(usual, side)
        apart = level(mean(run) * self._cadence.interval_seconds) - level(
            before * self._cadence.interval_seconds
        )
        sudden = apart >= math.log(factor) if side == "rate_spike" else apart <= -math.log(factor)
        return self._anomaly(side, series, run, usual) if sudden else None

    def _context(self, column: Column, judged: int) -> float | None:
        """The median rate of the hours before the judged steps; None when too little is known about them."""
        steps = self._window.earlier_steps(column, before=judged, most=self._cadence.context_readings)
        return (
            median(step.per_second for step in steps)
            if len(steps) >= min(8, self._cadence.context_readings)
            else None
        )

    def _side(self, step: Step, usual: UsualRate) -> Literal["rate_spike", "rate_drop"] | None:
        off = self._level(step) - usual.middle
        if off > self._band(usual, "rate_spike"):
            return "rate_spike"
        return "rate_drop" if off < -self._band(usual, "rate_drop") else None

    def _band(self, usual: UsualRate, side: Literal["rate_spike", "rate_drop"]) -> float:
        return max(self._thresholds.deviations * usual.deviation, math.log(self._factor(usual, side)))

    def _factor(self, usual: UsualRate, side: Literal["rate_spike", "rate_drop"]) -> float:
        factor = self._thresholds.spike_factor if side == "rate_spike" else self._thresholds.drop_factor
        # Until a whole week is known, the first night and the first weekend are new: rates must be twice as
        # far off (on the log scale).
        return factor if usual.basis == "week" else factor**2

    def _level(self, step: Step) -> float:
        return level(step.per_second * self._cadence.interval_seconds)

    def _anomaly(
        self,
        kind: Literal["topic_silent", "rate_spike", "rate_drop"],
        series: str,
        run: Sequence[Step],
        usual: UsualRate,
    ) -> Anomaly:
        topic = resource_of(series)
        lasting = duration(sum(step.seconds for step in run))
        return Anomaly(
            kind=kind,
            resource=topic,
            series=series,
            began_at=self._window.moment_before(len(run)),
            noticed_at=self._window.newest_at,
            sentence=f"{topic}: {figure(mean(run))} records/s for {lasting}, {usually(usual)}",
        )


def silent_run(window: Window, column: Column) -> list[Step]:
    """The newest steps in which nothing arrived."""
    run = []
    for step in window.newest_steps(column, _LONGEST_RUN):
        if step.records:
            break
        run.append(step)
    return run


def mean(steps: Sequence[Step]) -> float:
    """Records per second over all of them."""
    return sum(step.records for step in steps) / sum(step.seconds for step in steps)


# Consumer groups: a lag that keeps growing. A high lag that stays, or comes and goes as it always has, is
# usual.

# Half as much again as the highest usual lag: batch consumers let it grow regularly.
_ABOVE_PEAK = 1.5
# At least this share of the lag arrived within the judged readings.
_NEW_SHARE = 0.2
# The lag of a group without consumers grows at nearly every reading; that was reported when it began, or has
# always been so.
_ALWAYS_GROWING = 0.8


class LagRule:
    """Judges the newest lags of a group by what is usual."""

    def __init__(self, window: Window, cadence: Cadence, thresholds: AnomalyThresholds) -> None:
        self._window = window
        self._cadence = cadence
        self._thresholds = thresholds

    def begins(self, group: str, column: Column, usual: UsualLag) -> Anomaly | None:
        now = column[-1]
        if (
            now is None
            or now < max(self._thresholds.lag_records, _ABOVE_PEAK * usual.peak)
            or usual.growing >= _ALWAYS_GROWING
        ):
            return None
        steps = self._cadence.lag_readings
        lags = self._window.newest_values(column, steps + 1)
        if len(lags) <= steps or any(later <= earlier for earlier, later in itertools.pairwise(lags)):
            return None
        if lags[-1] - lags[0] < _NEW_SHARE * lags[-1]:
            return None
        began_at = self._window.moment_before(steps)
        lasting = duration(self._window.times[-1] - began_at.timestamp())
        return Anomaly(
            kind="lag_growing",
            resource=group,
            series=group,
            began_at=began_at,
            noticed_at=self._window.newest_at,
            sentence=(
                f"{named(group)}: lag grew from {figure(lags[0])} to {figure(lags[-1])} records in {lasting}, {usually_at_most(usual)}"
            ),
        )

    def is_over(self, column: Column, usual: UsualLag | None) -> bool:
        """Whether it has stopped growing for several readings in a row, or is back in its usual range."""
        lags = self._window.newest_values(column, self._cadence.returned_readings + 1)
        if len(lags) <= self._cadence.returned_readings:
            return False
        stopped = all(later <= earlier for earlier, later in itertools.pairwise(lags))
        return stopped or (usual is not None and lags[-1] <= usual.high)
