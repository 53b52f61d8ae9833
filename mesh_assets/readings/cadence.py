"""How often readings are taken, and what follows from it: which readings are close enough to compare, and how
many are evidence.
"""

from mesh_assets.estate.monitoring import AnomalyThresholds
from mesh_assets.inventory.records import Record

USUAL_INTERVAL_SECONDS = 300.0
"""The sensor's own interval, which the thresholds are tuned for."""

# A shorter interval was chosen to watch something happen (demo, tests), so fewer readings are enough.
_SHORTENED_SECONDS = 60.0
# The daemon checks its sensors every 5 s, and a tick itself takes time: at short intervals a reading can be
# late by much of an interval.
_LATE_SECONDS = 30.0


class Cadence(Record, frozen=True, kw_only=True):
    """The thresholds in numbers of readings, for one interval.

    Two readings give a rate when they are between `closest_seconds` and `farthest_seconds` apart: farther
    apart is a gap in which anything may have happened, and closer says too little. `returned_readings`: how
    many ordinary readings in a row end an anomaly. `context_readings`: the recent readings that new ones are
    compared with.
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
        """Bridges one missed reading; two are a gap."""
        return self.interval_seconds * 2.5 + _LATE_SECONDS

    @property
    def silent_seconds(self) -> float:
        """The shortest silence that counts, however many readings fall into it: readings can come early."""
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
