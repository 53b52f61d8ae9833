"""Which alarms of CloudWatch are about a cluster."""

from pydantic import Field

from mesh_assets.estate.fields import EstateModel
from mesh_assets.estate.patterns import NamePatterns


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
