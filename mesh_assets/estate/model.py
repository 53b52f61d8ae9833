"""What an estate is: its clusters and how each of their systems is reached. Holds references to secrets, never secrets."""

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from string import Formatter
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


class AnomalyThresholds(_Model):
    """When the readings of a cluster count as unusual. The defaults suit readings every 5 minutes.

    A rate is unusual when it is `deviations` robust deviations (the MAD of its logarithm, with a floor) and the factor `spike_factor`
    or `drop_factor` away from its median, `unusual_readings` times in a row. Silence: no record in `silent_readings` readings in which
    `expected_records` were usual. Lag grows: at each of `lag_readings` readings, to at least `lag_records` and half as much again as was
    usual. `minimum_readings`: what must be known of a series before it is judged. `topics` and `consumer_groups`: which are watched.
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


class Sensing(_Model):
    """How the sensors treat the cluster. `quiet_minutes`: a connector that fails again within this time of its last failure told is
    flapping: its failures are counted and told once the time is over."""

    quiet_minutes: float = Field(default=10.0, ge=0)


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
    anomalies: AnomalyThresholds = AnomalyThresholds()
    sensors: Sensing = Sensing()
    allow_message_reading: tuple[str, ...] = ()


class Events(_Model):
    """Where the events go. `cluster`: one cluster of the estate for all events; None: each cluster carries its own."""

    cluster: str | None = None
    create_topics: bool = True
    replication_factor: int | None = Field(default=None, ge=1)


class QueueTriggers(_Model):
    """The SQS queue whose messages start discoveries. Credentials are boto3's own (environment, profile, role of the machine).

    `region` None: that in the queue's address, else boto3's own. `dead_letter_queue_url` None: what cannot be understood is left to the
    queue's own redrive. `endpoint_url`: for a stand-in or a VPC endpoint.
    """

    queue_url: str = Field(pattern=r"^https?://")
    region: str | None = None
    dead_letter_queue_url: str | None = Field(default=None, pattern=r"^https?://")
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


class SnsNotifications(_Model):
    """`region` None: that in the ARN."""

    topic_arn: str = Field(pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:\S+$")
    region: str | None = None
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


TEMPLATE_FIELDS = ("cluster", "cluster_id", "count", "changes", "sentences", "sequence", "trigger", "link")
LINK_FIELDS = ("run_id", "cluster", "sequence")


def _only_fields(names: tuple[str, ...]) -> Callable[[str], str]:
    """A check that a template holds no other fields, and these without attributes, indices and formats."""

    def check(text: str) -> str:
        expected = "expected text with " + ", ".join(f"{{{name}}}" for name in names) + " ({{ and }} for braces)"
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise ValueError(expected) from error
        for _, field, spec, conversion in parts:
            if field is not None and (field not in names or spec or conversion):
                raise ValueError(f"{{{field}}} is not a field here; {expected}")
        return text

    return check


class Notifications(_Model):
    """Who is told of severe changes, and how. Off unless a topic or a webhook is named.

    `webhook_url` is a secret: whoever has a Slack webhook's address can write there. `template` is filled with `{cluster}`,
    `{cluster_id}`, `{count}`, `{changes}` (the word), `{sentences}`, `{sequence}`, `{trigger}` and `{link}`; `link` with `{run_id}`,
    `{cluster}` and `{sequence}`.
    """

    severity: Literal["info", "warning", "critical"] = "critical"
    sns: SnsNotifications | None = None
    webhook_url: SecretReference | None = None
    template: Annotated[str, AfterValidator(_only_fields(TEMPLATE_FIELDS))] = "{cluster}: {count} severe {changes}\n{sentences}\n{link}"
    link: Annotated[str, AfterValidator(_only_fields(LINK_FIELDS))] = ""
    sentences: int = Field(default=10, ge=1, le=50)


class Estate(_Model):
    clusters: dict[str, Cluster] = Field(min_length=1)
    events: Events = Events()
    triggers: QueueTriggers | None = None
    notifications: Notifications = Notifications()

    @model_validator(mode="after")
    def _known(self) -> "Estate":
        if self.events.cluster is not None and self.events.cluster not in self.clusters:
            raise ValueError(f"events.cluster names {self.events.cluster!r}, which is not among the clusters: {', '.join(self.clusters)}")
        return self
