"""Where a cluster's metrics and alarms come from, and when its readings count as unusual."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mesh_assets.estate.connections import HttpConnection
from mesh_assets.estate.fields import EstateModel, NamePatterns, SecretReference

# Where a cluster's metrics come from. Offsets are read on every platform; a cloud's own metrics add what
# offsets cannot tell.


class OffsetMetrics(EstateModel):
    """Rates from two readings of the offsets: what every Kafka can give."""

    kind: Literal["offsets"] = "offsets"


class ConfluentCloudMetrics(HttpConnection):
    """Confluent's Metrics API, beside the offsets. `username` and `password`: a Cloud key whose owner has the
    role MetricsViewer."""

    kind: Literal["confluent_cloud"]
    url: str = Field(default="https://api.telemetry.confluent.cloud", pattern=r"^(https?://|\$\{)")
    username: str
    password: SecretReference


class CloudWatchMetrics(EstateModel):
    """Amazon CloudWatch, which MSK writes its metrics to, beside the offsets. The credentials are boto3's
    own.

    `cluster_name`: MSK's name of the cluster, which its metrics are kept under; None: that in the brokers'
    `cluster_arn`, else the cluster's name in the estate. `region` None: that in the ARN, else boto3's.
    """

    kind: Literal["cloudwatch"]
    cluster_name: str | None = Field(default=None, min_length=1)
    region: str | None = Field(default=None, min_length=1)
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


MetricsSource: TypeAlias = Annotated[
    OffsetMetrics | ConfluentCloudMetrics | CloudWatchMetrics, Field(discriminator="kind")
]


# Which alarms of CloudWatch are about a cluster.


class CloudWatchAlarms(EstateModel):
    """The alarms that ask for a discovery of the cluster while they are in ALARM: those whose names begin
    with `name_prefix`, which AWS filters by, and fit `names`. Credentials are boto3's own.

    `region` None: that in the cluster's ARN or in the names of its brokers, else boto3's. `endpoint_url`: for
    a stand-in or a VPC endpoint.
    """

    name_prefix: str = Field(default="", max_length=255)
    names: NamePatterns = NamePatterns()
    region: str | None = Field(default=None, min_length=1)
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


# How a cluster is watched: when readings count as unusual, how long a flapping connector stays quiet.


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
