"""Where a cluster's metrics come from. Offsets are read on every platform; a cloud's own metrics add what
offsets cannot tell."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mesh_assets.estate.fields import EstateModel, SecretReference
from mesh_assets.estate.http import HttpConnection


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
