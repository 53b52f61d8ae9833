"""How MSK Connect is reached, which has no address of its own: by AWS's interface."""

from typing import Literal

from pydantic import Field

from mesh_assets.estate.fields import EstateModel


class MskConnectEndpoint(EstateModel):
    """The connectors of MSK Connect that use the cluster this stands under. Credentials are boto3's own.

    `region` None: that in the names of the cluster's brokers, else boto3's. `endpoint_url`: for a stand-in or
    a VPC endpoint.
    """

    kind: Literal["msk_connect"]
    region: str | None = None
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")
    timeout_seconds: float = Field(default=15.0, gt=0)
