"""How a cluster's HTTP services are reached: schema registries and Connect endpoints."""

from typing import Literal

from pydantic import Field, model_validator

from mesh_assets.estate.fields import EstateModel, SecretReference


class HttpConnection(EstateModel):
    """How an HTTP service is reached."""

    url: str = Field(pattern=r"^(https?://|\$\{)")
    username: str | None = None
    password: SecretReference | None = None
    ca_location: str | None = None
    timeout_seconds: float = Field(default=15.0, gt=0)

    @model_validator(mode="after")
    def _both(self) -> "HttpConnection":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        return self


class SchemaRegistryConnection(HttpConnection):
    pass


class ConnectEndpoint(HttpConnection):
    kind: Literal["kafka_connect"]
