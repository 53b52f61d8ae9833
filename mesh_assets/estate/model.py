"""What an estate is: its clusters and how each of their systems is reached. Holds references to secrets, never secrets."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

EVENTS_TOPIC = "discovery-events"
CHANGES_TOPIC = "discovery-changes"

# Kafka's, Connect's and the registries' own topics, and ours, which would otherwise describe themselves.
EXCLUDED_TOPICS = (
    "__*",
    "_schemas*",
    "_confluent*",
    "connect-configs*",
    "connect-offsets*",
    "connect-status*",
    EVENTS_TOPIC,
    CHANGES_TOPIC,
)

SECRET_REFERENCE = re.compile(r"^(\$\{[A-Za-z_][A-Za-z0-9_]*\}|ssm:/\S+|secretsmanager:\S+|vault:\S+)$")
_SECRET_PROPERTY = re.compile(r"password|secret|\.pem$|sasl\.jaas|token|credential", re.IGNORECASE)


def _must_be_reference(text: str) -> str:
    if not SECRET_REFERENCE.match(text):
        raise ValueError(
            "a secret must be named, not written here: expected ${ENV_NAME}, ssm:/path, secretsmanager:arn#field or vault:path#field"
        )
    return text


SecretReference = Annotated[str, AfterValidator(_must_be_reference)]
"""`${ENV}`, `ssm:/path`, `secretsmanager:arn#field` or `vault:path#field`: resolved when a client is made."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Environment(_Model):
    id: str
    name: str | None = None


class NamePatterns(_Model):
    """Which names are part of the picture: shell patterns, case matters, exclusion wins."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def selects(self, name: str) -> bool:
        return any(fnmatchcase(name, p) for p in self.include) and not any(fnmatchcase(name, p) for p in self.exclude)

    def select(self, names: Iterable[str]) -> list[str]:
        return sorted(name for name in names if self.selects(name))


class TopicPatterns(NamePatterns):
    exclude: tuple[str, ...] = EXCLUDED_TOPICS


class KafkaConnection(_Model):
    """How the brokers are reached, in librdkafka's words. `properties` go to librdkafka as they are and win."""

    bootstrap_servers: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    username: str | None = None
    password: SecretReference | None = None
    ssl_ca_location: str | None = None
    ssl_certificate_location: str | None = None
    ssl_key_location: str | None = None
    ssl_key_password: SecretReference | None = None
    timeout_seconds: float = Field(default=15.0, gt=0)
    properties: dict[str, str] = {}

    @model_validator(mode="after")
    def _complete(self) -> "KafkaConnection":
        if (
            self.security_protocol.startswith("SASL")
            and "sasl.mechanism" not in self.properties
            and "sasl.mechanisms" not in self.properties
        ):
            missing = [f for f in ("sasl_mechanism", "username", "password") if getattr(self, f) is None]
            if missing:
                raise ValueError(f"security_protocol {self.security_protocol} needs {', '.join(missing)}")
        if (self.ssl_certificate_location is None) != (self.ssl_key_location is None):
            raise ValueError("mutual TLS needs both ssl_certificate_location and ssl_key_location")
        for name, value in self.properties.items():
            if _SECRET_PROPERTY.search(name) and not SECRET_REFERENCE.match(value):
                raise ValueError(f"properties.{name} looks like a secret and must be named, not written here: expected ${{ENV_NAME}}")
        return self


class HttpConnection(_Model):
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


class OffsetMetrics(_Model):
    """Rates from two readings of the offsets: what every Kafka can give."""

    kind: Literal["offsets"] = "offsets"


class Cluster(_Model):
    """One Kafka cluster. `cluster_id` is asked from the brokers when it is not given, and must agree when it is."""

    name: str
    cluster_id: str | None = Field(default=None, min_length=1)
    environment: Environment | None = None
    kafka: KafkaConnection
    schema_registry: SchemaRegistryConnection | None = None
    connect: tuple[ConnectEndpoint, ...] = ()
    metrics: OffsetMetrics = OffsetMetrics()
    topics: TopicPatterns = TopicPatterns()
    consumer_groups: NamePatterns = NamePatterns()
    allow_message_reading: tuple[str, ...] = ()


class Events(_Model):
    """Where the events go. `cluster`: one cluster of the estate for all events; None: each cluster carries its own."""

    cluster: str | None = None
    create_topics: bool = True
    replication_factor: int | None = Field(default=None, ge=1)


class Estate(_Model):
    clusters: dict[str, Cluster] = Field(min_length=1)
    events: Events = Events()

    @model_validator(mode="after")
    def _known(self) -> "Estate":
        if self.events.cluster is not None and self.events.cluster not in self.clusters:
            raise ValueError(f"events.cluster names {self.events.cluster!r}, which is not among the clusters: {', '.join(self.clusters)}")
        return self
