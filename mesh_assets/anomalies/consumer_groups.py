"""Consumer groups: a lag that grows and grows. A high one that stays, or comes and goes as it always did, is
no news."""

import itertools

from mesh_assets.anomalies.anomaly import Finding, usually_at_most
from mesh_assets.anomalies.statistics import UsualLag
from mesh_assets.estate.monitoring import AnomalyThresholds
from mesh_assets.inventory.wording import duration, figure
from mesh_assets.readings.cadence import Cadence
from mesh_assets.readings.history import Column
from mesh_assets.readings.window import Window

# Half as much again as the highest usual lag: consumers that work in batches let it grow regularly.
_ABOVE_PEAK = 1.5
# Of what it is now, so much came in the readings that are judged.
_NEW_SHARE = 0.2
# A group that nobody reads for grows at nearly every reading; it was told of when that began, or has always
# been so.
_ALWAYS_GROWING = 0.8


class LagRule:
    """Judges the newest lags of a group against what is usual."""

    def __init__(self, window: Window, pace: Cadence, thresholds: AnomalyThresholds) -> None:
        self._window = window
        self._pace = pace
        self._thresholds = thresholds

    def begins(self, group: str, column: Column, usual: UsualLag) -> Finding | None:
        now = column[-1]
        if (
            now is None
            or now < max(self._thresholds.lag_records, _ABOVE_PEAK * usual.peak)
            or usual.growing >= _ALWAYS_GROWING
        ):
            return None
        steps = self._pace.lag_readings
        lags = self._window.newest_values(column, steps + 1)
        if len(lags) <= steps or any(later <= earlier for earlier, later in itertools.pairwise(lags)):
            return None
        if lags[-1] - lags[0] < _NEW_SHARE * lags[-1]:
            return None
        began_at = self._window.moment_before(steps)
        lasting = duration(self._window.times[-1] - began_at.timestamp())
        return Finding(
            kind="lag_growing",
            resource=group,
            series=group,
            began_at=began_at,
            sentence=f"{group}: lag grew from {figure(lags[0])} to {figure(lags[-1])} records in {lasting}, {usually_at_most(usual)}",
        )

    def is_over(self, column: Column, usual: UsualLag | None) -> bool:
        """It does not grow any more at several readings in a row, or is back where it usually is."""
        lags = self._window.newest_values(column, self._pace.returned_readings + 1)
        if len(lags) <= self._pace.returned_readings:
            return False
        stopped = all(later <= earlier for earlier, later in itertools.pairwise(lags))
        return stopped or (usual is not None and lags[-1] <= usual.high)
