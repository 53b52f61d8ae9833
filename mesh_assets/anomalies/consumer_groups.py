"""Consumer groups: a lag that keeps growing. A high lag that stays, or comes and goes as it always has, is
usual.
"""

import itertools

from mesh_assets.anomalies.anomaly import Anomaly, usually_at_most
from mesh_assets.anomalies.statistics import UsualLag
from mesh_assets.estate.monitoring import AnomalyThresholds
from mesh_assets.inventory.wording import duration, figure
from mesh_assets.readings.cadence import Cadence
from mesh_assets.readings.history import Column
from mesh_assets.readings.window import Window

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
            sentence=f"{group}: lag grew from {figure(lags[0])} to {figure(lags[-1])} records in {lasting}, {usually_at_most(usual)}",
        )

    def is_over(self, column: Column, usual: UsualLag | None) -> bool:
        """Whether it has stopped growing for several readings in a row, or is back in its usual range."""
        lags = self._window.newest_values(column, self._cadence.returned_readings + 1)
        if len(lags) <= self._cadence.returned_readings:
            return False
        stopped = all(later <= earlier for earlier, later in itertools.pairwise(lags))
        return stopped or (usual is not None and lags[-1] <= usual.high)
