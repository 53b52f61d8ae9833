"""What an estate is: its clusters, and what serves them all. Holds references to secrets, never secrets."""

from collections.abc import Callable
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from mesh_assets.estate.connections import (
    ConnectEndpoint,
    ControlPlaneConnection,
    FlinkConnection,
    KafkaConnection,
    SchemaRegistryConnection,
)
from mesh_assets.estate.fields import EstateModel, NamePatterns, SecretReference, TopicPatterns
from mesh_assets.estate.monitoring import (
    AnomalyThresholds,
    CloudWatchAlarms,
    MetricsSource,
    OffsetMetrics,
    Sensing,
)

# The queue that starts discoveries, and who is told of severe changes.


class QueueTriggers(EstateModel):
    """The SQS queue whose messages start discoveries. Credentials are boto3's own (environment, profile, role
    of the machine).

    `region` None: that in the queue's address, else boto3's own. `dead_letter_queue_url` None: what cannot be
    understood is left to the queue's own redrive. `endpoint_url`: for a stand-in or a VPC endpoint.
    """

    queue_url: str = Field(pattern=r"^https?://")
    region: str | None = None
    dead_letter_queue_url: str | None = Field(default=None, pattern=r"^https?://")
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


class SnsNotifications(EstateModel):
    """`region` None: that in the ARN."""

    topic_arn: str = Field(pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:\S+$")
    region: str | None = None
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


TEMPLATE_FIELDS = ("cluster", "cluster_id", "count", "changes", "sentences", "sequence", "trigger", "link")
LINK_FIELDS = ("run_id", "cluster", "sequence")


def _only_fields(names: tuple[str, ...]) -> Callable[[str], str]:
    """A check that a template holds no other fields, and these without attributes, indices and formats."""

    def check(text: str) -> str:
        expected = (
            "expected text with " + ", ".join(f"{{{name}}}" for name in names) + " ({{ and }} for braces)"
        )
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise ValueError(expected) from error
        for _, field, spec, conversion in parts:
            if field is not None and (field not in names or spec or conversion):
                raise ValueError(f"{{{field}}} is not a field here; {expected}")
        return text

    return check


class Notifications(EstateModel):
    """Who is told of severe changes, and how. Off unless a topic or a webhook is named.

    `webhook_url` is a secret: whoever has a Slack webhook's address can write there. `template` is filled
    with `{cluster}`, `{cluster_id}`, `{count}`, `{changes}` (the word), `{sentences}`, `{sequence}`,
    `{trigger}` and `{link}`; `link` with `{run_id}`, `{cluster}` and `{sequence}`.
    """

    severity: Literal["info", "warning", "critical"] = "critical"
    sns: SnsNotifications | None = None
    webhook_url: SecretReference | None = None
    template: Annotated[str, AfterValidator(_only_fields(TEMPLATE_FIELDS))] = (
        "{cluster}: {count} severe {changes}\n{sentences}\n{link}"
    )
    link: Annotated[str, AfterValidator(_only_fields(LINK_FIELDS))] = ""
    sentences: int = Field(default=10, ge=1, le=50)


# Where event source mappings are looked for: AWS accounts, by region.


class AwsAccount(EstateModel):
    """One account in one region. Credentials are boto3's own: those of `profile`, or of the environment or
    the machine's role.

    `account_id` None: whichever the credentials belong to; given, another one is refused. `endpoint_url`: for
    a stand-in or a VPC endpoint; it then serves every AWS service.
    """

    region: str = Field(pattern=r"^[a-z]{2,4}(-[a-z]+)+-\d$")
    account_id: str | None = Field(default=None, pattern=r"^\d{12}$")
    profile: str | None = Field(default=None, min_length=1)
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


class EventSourceMappings(EstateModel):
    """The accounts whose mappings `esm/event_source_mappings` lists."""

    accounts: tuple[AwsAccount, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> "EventSourceMappings":
        seen = set()
        for account in self.accounts:
            key = (account.region, account.account_id, account.profile)
            if key in seen:
                raise ValueError(
                    f"accounts names region {account.region} twice for the same credentials; give each an account_id or profile"
                )
            seen.add(key)
        return self


# What an estate is: its clusters and how each of their systems is reached. Holds references to secrets,
# never secrets.


class Environment(EstateModel):
    id: str
    name: str | None = None


class Cluster(EstateModel):
    """One Kafka cluster. `cluster_id` is asked from the brokers when it is not given, and must agree when it
    is.

    `control_plane` None: nothing tells what Confluent Cloud itself says of the cluster; discovery does not
    need it.
    """

    name: str
    cluster_id: str | None = Field(default=None, min_length=1)
    environment: Environment | None = None
    kafka: KafkaConnection
    schema_registry: SchemaRegistryConnection | None = None
    connect: tuple[ConnectEndpoint, ...] = ()
    control_plane: ControlPlaneConnection | None = None
    metrics: MetricsSource = OffsetMetrics()
    topics: TopicPatterns = TopicPatterns()
    consumer_groups: NamePatterns = NamePatterns()
    anomalies: AnomalyThresholds = AnomalyThresholds()
    alarms: CloudWatchAlarms | None = None
    sensors: Sensing = Sensing()
    allow_message_reading: tuple[str, ...] = ()
    flink: FlinkConnection | None = None

    @property
    def on_confluent_cloud(self) -> bool:
        """Whether the estate itself says so; where it does not, an address may still tell."""
        kinds: list[str] = [self.metrics.kind, *(endpoint.kind for endpoint in self.connect)]
        return self.control_plane is not None or "confluent_cloud" in kinds

    @model_validator(mode="before")
    @classmethod
    def _endpoints_of_this_cluster(cls, data: Any) -> Any:
        """A managed Connect endpoint takes the ids it does not have from the cluster it stands under."""
        if not isinstance(data, dict) or not isinstance(data.get("connect"), list | tuple):
            return data
        environment = data.get("environment")
        ids = {
            "environment_id": environment.get("id")
            if isinstance(environment, dict)
            else getattr(environment, "id", None),
            "cluster_id": data.get("cluster_id"),
        }
        own = {name: value for name, value in ids.items() if isinstance(value, str)}
        return {
            **data,
            "connect": [{**own, **entry} if _is_managed(entry) else entry for entry in data["connect"]],
        }


def _is_managed(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("kind") == "confluent_cloud"


class Events(EstateModel):
    """Where the events go. `cluster`: one cluster of the estate for all events; None: each cluster carries
    its own."""

    cluster: str | None = None
    create_topics: bool = True
    replication_factor: int | None = Field(default=None, ge=1)


class Estate(EstateModel):
    clusters: dict[str, Cluster] = Field(min_length=1)
    events: Events = Events()
    triggers: QueueTriggers | None = None
    notifications: Notifications = Notifications()
    esm: EventSourceMappings | None = None

    @model_validator(mode="after")
    def _known(self) -> "Estate":
        if self.events.cluster is not None and self.events.cluster not in self.clusters:
            raise ValueError(
                f"events.cluster names {self.events.cluster!r}, which is not among the clusters: {', '.join(self.clusters)}"
            )
        return self
