"""Where a cluster's metrics and alarms come from, and when its readings are unusual."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mesh_assets.estate.connections import HttpConnection
from mesh_assets.estate.fields import EstateModel, NamePatterns, SecretReference


class OffsetMetrics(EstateModel):
    """Rates from two readings of the offsets, which every Kafka provides."""

    kind: Literal["offsets"] = "offsets"


class ConfluentCloudMetrics(HttpConnection):
    """Confluent's Metrics API, in addition to the offsets.

    `username` and `password`: a Cloud key whose owner has the role MetricsViewer.
    """

    kind: Literal["confluent_cloud"]
    url: str = Field(default="https://api.telemetry.confluent.cloud", pattern=r"^(https?://|\$\{)")
    username: str
    password: SecretReference


class CloudWatchMetrics(EstateModel):
    """Amazon CloudWatch, where MSK writes its metrics, in addition to the offsets. Credentials are boto3's
    own.

    `cluster_name`: MSK's name of the cluster, which identifies its metrics; None: the one in the brokers'
    `cluster_arn`, else the cluster's name in the estate. `region` None: the one in the ARN, else boto3's.
    """

    kind: Literal["cloudwatch"]
    cluster_name: str | None = Field(default=None, min_length=1)
    region: str | None = Field(default=None, min_length=1)
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


MetricsSource: TypeAlias = Annotated[
    OffsetMetrics | ConfluentCloudMetrics | CloudWatchMetrics, Field(discriminator="kind")
]


class CloudWatchAlarms(EstateModel):
    """The CloudWatch alarms that ask for a discovery of the cluster while they are in ALARM.

    Their names begin with `name_prefix`, which AWS filters by, and match `names`. Credentials are boto3's
    own. `region` None: the one in the cluster's ARN or in the names of its brokers, else boto3's.
    `endpoint_url`: for a stand-in or a VPC endpoint.
    """

    name_prefix: str = Field(default="", max_length=255)
    names: NamePatterns = NamePatterns()
    region: str | None = Field(default=None, min_length=1)
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


class AnomalyThresholds(EstateModel):
    """When a cluster's readings are unusual. The defaults suit readings every 5 minutes.

    A rate is unusual when it is both `deviations` robust deviations (the MAD of its logarithm, with a floor)
    and the factor `spike_factor` or `drop_factor` away from its median, `unusual_readings` times in a row. A
    topic is silent when `silent_readings` readings show no record where `expected_records` are usual. Lag
    grows when it rises at each of `lag_readings` readings, to at least `lag_records` and one and a half times
    the usual lag. A series is judged from `minimum_readings` readings on. `topics` and `consumer_groups`
    select what is watched.
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
    """How the sensors treat the cluster.

    `quiet_minutes`: a connector that fails again within this time of its last reported failure is flapping.
    Its failures are counted, and reported once that time is over.
    """

    quiet_minutes: float = Field(default=10.0, ge=0)
