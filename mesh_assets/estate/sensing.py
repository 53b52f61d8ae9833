"""How a cluster is watched: when readings count as unusual, how long a flapping connector stays quiet."""

from pydantic import Field

from mesh_assets.estate.fields import EstateModel
from mesh_assets.estate.patterns import NamePatterns


class AnomalyThresholds(EstateModel):
    """When the readings of a cluster count as unusual. The defaults suit readings every 5 minutes.

    A rate is unusual when it is `deviations` robust deviations (the MAD of its logarithm, with a floor) and
    the factor `spike_factor` or `drop_factor` away from its median, `unusual_readings` times in a row.
    Silence: no record in `silent_readings` readings in which `expected_records` were usual. Lag grows: at
    each of `lag_readings` readings, to at least `lag_records` and half as much again as was usual.
    `minimum_readings`: what must be known of a series before it is judged. `topics` and `consumer_groups`:
    which are watched.
    """

    enabled: bool = True
    topics: NamePatterns = NamePatterns()
    consumer_groups: NamePatterns = NamePatterns()
    deviations: float = Field(default=5.0, gt=0)
    spike_factor: float = Field(default=2.5, gt=1)
    drop_factor: float = Field(default=2.5, gt=1)
    unusual_readings: int = Field(default=3, ge=1, le=12)
    silent_readings: int = Field(default=3, ge=1, le=12)
    expected_records: float = Field(default=20.0, gt=0)
    lag_readings: int = Field(default=6, ge=2, le=12)
    lag_records: int = Field(default=1_000, ge=1)
    minimum_readings: int = Field(default=24, ge=8)


class Sensing(EstateModel):
    """How the sensors treat the cluster. `quiet_minutes`: a connector that fails again within this time of
    its last failure told is flapping: its failures are counted and told once the time is over."""

    quiet_minutes: float = Field(default=10.0, ge=0)
