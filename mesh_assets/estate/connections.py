"""How the systems of a cluster are reached: brokers, schema registries, Connect endpoints, Confluent Cloud,
Flink, ksqlDB."""

import re
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from mesh_assets.estate.fields import SECRET_REFERENCE, EstateModel, SecretReference

_SECRET_PROPERTY = re.compile(r"password|passphrase|secret|\.pem$|sasl\.jaas|token|credential", re.IGNORECASE)


def _is_servers(text: str) -> str:
    """librdkafka takes a mistake here for a host name, and never reports it."""
    if "://" in text:
        raise ValueError(
            "expected host:port without a protocol; what is before :// belongs in security_protocol"
        )
    if any(character.isspace() for server in text.split(",") for character in server.strip()):
        raise ValueError("expected host:port; separate several with commas")
    return text


class KafkaConnection(EstateModel):
    """How to reach the brokers, in librdkafka's terms. `properties` go to librdkafka unchanged and win.

    `cluster_arn` instead of `bootstrap_servers` names a cluster of Amazon MSK. AWS is then asked for the
    brokers that serve the chosen authentication on the network `msk_network`. `sasl_mechanism` AWS_MSK_IAM
    logs in with the AWS identity of this process. `region` None: the one in the ARN or in the brokers' names,
    else boto3's. `username` may also be a reference.
    """

    bootstrap_servers: Annotated[str, AfterValidator(_is_servers)] | None = Field(default=None, min_length=1)
    cluster_arn: str | None = Field(
        default=None, pattern=r"^arn:[a-z-]+:kafka:[a-z0-9-]+:\d{12}:cluster/[^/\s]+/\S+$"
    )
    msk_network: Literal["private", "public", "multi_vpc"] = "private"
    region: str | None = None
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "AWS_MSK_IAM"] | None = None
    username: str | None = None
    password: SecretReference | None = None
    ssl_ca_location: str | None = None
    ssl_certificate_location: str | None = None
    ssl_key_location: str | None = None
    ssl_key_password: SecretReference | None = None
    timeout_seconds: float = Field(default=15.0, gt=0)
    properties: dict[str, str] = Field(default_factory=dict)

    @property
    def address(self) -> str:
        """The brokers as the estate names them."""
        return self.bootstrap_servers or self.cluster_arn or ""

    @model_validator(mode="after")
    def _complete(self) -> "KafkaConnection":
        if (self.bootstrap_servers is None) == (self.cluster_arn is None):
            raise ValueError(
                "expected bootstrap_servers, or the cluster_arn of an Amazon MSK cluster, but not both"
            )
        if self.sasl_mechanism == "AWS_MSK_IAM":
            self._check_iam()
        elif (
            self.security_protocol.startswith("SASL")
            and "sasl.mechanism" not in self.properties
            and "sasl.mechanisms" not in self.properties
        ):
            missing = [f for f in ("sasl_mechanism", "username", "password") if getattr(self, f) is None]
            if missing:
                raise ValueError(f"security_protocol {self.security_protocol} needs {', '.join(missing)}")
        if self.cluster_arn is not None:
            self._check_msk()
        if (self.ssl_certificate_location is None) != (self.ssl_key_location is None):
            raise ValueError("mutual TLS needs both ssl_certificate_location and ssl_key_location")
        for name, value in self.properties.items():
            if _SECRET_PROPERTY.search(name) and not SECRET_REFERENCE.match(value):
                raise ValueError(
                    f"properties.{name} looks like a secret and must be named, not written here: expected ${{ENV_NAME}}"
                )
        return self

    def _check_iam(self) -> None:
        if self.security_protocol != "SASL_SSL":
            raise ValueError("sasl_mechanism AWS_MSK_IAM needs security_protocol SASL_SSL")
        if self.username is not None or self.password is not None:
            raise ValueError(
                "sasl_mechanism AWS_MSK_IAM takes no username and password: it signs with the AWS credentials of this process"
            )

    def _check_msk(self) -> None:
        """MSK has brokers only for these ways to log in."""
        if self.security_protocol == "SASL_PLAINTEXT" or (
            self.security_protocol == "SASL_SSL"
            and self.sasl_mechanism not in ("AWS_MSK_IAM", "SCRAM-SHA-512")
        ):
            raise ValueError(
                "Amazon MSK supports SASL_SSL with AWS_MSK_IAM or SCRAM-SHA-512, SSL and PLAINTEXT; choose one of these, or name "
                "bootstrap_servers"
            )
        if self.security_protocol == "PLAINTEXT" and self.msk_network != "private":
            raise ValueError(
                f"msk_network {self.msk_network} has no brokers for PLAINTEXT; choose SSL or SASL_SSL"
            )


EndpointName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
"""An endpoint's name, whatever its current address. It identifies records, so renaming an endpoint drops its
records until the next reading, unless its address stays the same."""


class MskConnectEndpoint(EstateModel):
    """The MSK Connect connectors that use this cluster. Credentials are boto3's own.

    `region` None: the one in the names of the cluster's brokers, else boto3's. `endpoint_url`: for a stand-in
    or a VPC endpoint.
    """

    kind: Literal["msk_connect"]
    name: EndpointName | None = None
    region: str | None = None
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")
    timeout_seconds: float = Field(default=15.0, gt=0)


class HttpConnection(EstateModel):
    """How to reach an HTTP service. `username` may also be a reference."""

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
    """How to reach a schema registry.

    `id`: on Confluent Cloud, the registry's own (`lsrc-…`), which metrics and role bindings use; None
    elsewhere. `username` and `password` on Confluent Cloud: a Schema Registry key. `name`: change it when the cluster
    gets a different registry, rather than the same one at a new address.
    """

    name: EndpointName | None = None
    id: str | None = Field(default=None, min_length=1)


class KafkaRestConnection(HttpConnection):
    """The Kafka REST interface of one cluster, which lists cluster links and mirror topics. `url`: without `/kafka/v3`,
    which is added. `username` and `password`: a key of the Kafka cluster; None: those of the brokers (PLAIN), else none.
    """


class ConfluentCloudConnection(HttpConnection):
    """Confluent Cloud's own API. `username` and `password`: a Cloud key, not a Kafka or Schema Registry key."""

    kind: Literal["confluent_cloud"]
    url: str = Field(default="https://api.confluent.cloud", pattern=r"^(https?://|\$\{)")
    username: str
    password: SecretReference


class KafkaConnectEndpoint(HttpConnection):
    """The workers of a Connect cluster, or a load balancer in front of them."""

    kind: Literal["kafka_connect"]
    name: EndpointName | None = None


def _known(sentence: str) -> AfterValidator:
    def check(text: str) -> str:
        if not text:
            raise ValueError(sentence)
        return text

    return AfterValidator(check)


class ConfluentCloudConnectEndpoint(ConfluentCloudConnection):
    """The managed connectors of one cluster. Both ids default to those of the cluster that contains this
    entry."""

    name: EndpointName | None = None
    environment_id: Annotated[
        str,
        _known("is not known; give it here, or give the cluster `environment: {id: env-…}`"),
    ] = Field(default="", validate_default=True)
    cluster_id: Annotated[
        str,
        _known("is not known; give it here, or give the cluster its `cluster_id: lkc-…`"),
    ] = Field(default="", validate_default=True)


ConnectEndpoint: TypeAlias = Annotated[
    KafkaConnectEndpoint | ConfluentCloudConnectEndpoint | MskConnectEndpoint, Field(discriminator="kind")
]


class ControlPlaneConnection(ConfluentCloudConnection):
    """Confluent Cloud's control plane, which lists environments, clusters and registries.

    `estate check` and `configure` use it; a discovery, only to find a Kafka REST interface that the estate does not name.
    """


class FlinkConnection(HttpConnection):
    """Confluent Cloud's Flink: the statements API of one region, for one compute pool.

    `url`: the region's, `https://flink.eu-central-1.aws.confluent.cloud`. `username` and `password`: a Flink
    API key of that region and environment. `catalog` and `database`: where names in SQL are looked up, given as the
    names of the environment and the cluster; agents' queries need the database.
    """

    organization_id: str = Field(min_length=1)
    environment_id: str = Field(min_length=1)
    compute_pool_id: str = Field(min_length=1)
    username: str
    password: SecretReference
    catalog: str | None = None
    database: str | None = None


class KsqlDbConnection(HttpConnection):
    """A ksqlDB cluster that works on the Kafka cluster: one of its servers, or a load balancer in front of them. On Confluent
    Cloud, `username` and `password` are a ksqlDB API key."""


_DOMAIN = ".confluent.cloud"


def is_confluent_host(address: str) -> bool:
    """Whether the host of `address` (a URL or `host:port`) belongs to Confluent Cloud."""
    try:
        host = urlsplit(f"//{address.rpartition('://')[2]}").hostname or ""
    except ValueError:
        return False
    return host.endswith(_DOMAIN)
