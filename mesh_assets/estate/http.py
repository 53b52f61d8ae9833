"""How a cluster's HTTP services are reached: schema registries and Connect endpoints."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from mesh_assets.estate.fields import EstateModel, SecretReference
from mesh_assets.estate.msk import MskConnectEndpoint


class HttpConnection(EstateModel):
    """How an HTTP service is reached. `username` may be a reference, too."""

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
    """`id`: the registry's own on Confluent Cloud (`lsrc-…`), which metrics and role bindings name it by;
    None elsewhere.

    `username` and `password` on Confluent Cloud: a Schema Registry key.
    """

    id: str | None = Field(default=None, min_length=1)


class ConfluentCloudConnection(HttpConnection):
    """Confluent Cloud's own API. `username` and `password`: a Cloud key, which is none of a Kafka cluster or
    a Schema Registry."""

    kind: Literal["confluent_cloud"]
    url: str = Field(default="https://api.confluent.cloud", pattern=r"^(https?://|\$\{)")
    username: str
    password: SecretReference


class KafkaConnectEndpoint(HttpConnection):
    """A Connect cluster's workers, or what stands before them."""

    kind: Literal["kafka_connect"]


def _known(sentence: str) -> AfterValidator:
    def check(text: str) -> str:
        if not text:
            raise ValueError(sentence)
        return text

    return AfterValidator(check)


class ConfluentCloudConnectEndpoint(ConfluentCloudConnection):
    """The managed connectors of one cluster. Inside a cluster of the estate, both ids are the cluster's own
    unless they stand here."""

    environment_id: Annotated[
        str,
        _known(
            "is not known; give it here, or give the cluster `environment: {id: env-…}`, which it is taken from"
        ),
    ] = Field(default="", validate_default=True)
    cluster_id: Annotated[
        str,
        _known(
            "is not known; give it here, or give the cluster its `cluster_id: lkc-…`, which it is taken from"
        ),
    ] = Field(default="", validate_default=True)


ConnectEndpoint: TypeAlias = Annotated[
    KafkaConnectEndpoint | ConfluentCloudConnectEndpoint | MskConnectEndpoint, Field(discriminator="kind")
]


class ControlPlaneConnection(ConfluentCloudConnection):
    """Confluent Cloud's control plane, which tells environments, clusters and registries: for `estate check`
    and `configure`."""
