"""The estate: its clusters and what serves all of them. It holds references to secrets, never secrets."""

from collections import Counter
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from mesh_assets.estate.belonging import ContractSettings, DomainSettings, RelationshipSettings
from mesh_assets.estate.connections import (
    ConnectEndpoint,
    ControlPlaneConnection,
    FlinkConnection,
    KafkaConnection,
    KafkaRestConnection,
    KsqlDbConnection,
    SchemaRegistryConnection,
)
from mesh_assets.estate.costs import CostSettings
from mesh_assets.estate.expectations import ProfilingSettings
from mesh_assets.estate.fields import EstateModel, NamePatterns, SecretReference, TopicPatterns, only_fields
from mesh_assets.estate.findings import FindingThresholds
from mesh_assets.estate.found import FoundSettings
from mesh_assets.estate.monitoring import (
    AnomalyThresholds,
    CloudWatchAlarms,
    MetricsSource,
    OffsetMetrics,
    Sensing,
)
from mesh_assets.estate.policy import Policy
from mesh_assets.estate.products import ProductSettings
from mesh_assets.estate.retention import Retention


class QueueTriggers(EstateModel):
    """The SQS queue whose messages start discoveries. Credentials are boto3's own.

    `region` None: the one in the queue's address, else boto3's. `dead_letter_queue_url` None: messages that we do not
    understand are left to the queue's own redrive. `endpoint_url`: for a stand-in or a VPC endpoint.
    """

    queue_url: str = Field(pattern=r"^https?://")
    region: str | None = None
    dead_letter_queue_url: str | None = Field(default=None, pattern=r"^https?://")
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


class SnsNotifications(EstateModel):
    """The SNS topic that notifications go to. `region` None: the one in the ARN."""

    topic_arn: str = Field(pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:\S+$")
    region: str | None = None
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


TEMPLATE_FIELDS = ("cluster", "cluster_id", "count", "changes", "sentences", "sequence", "trigger", "link")
LINK_FIELDS = ("run_id", "cluster", "sequence")


class Notifications(EstateModel):
    """Who is notified of severe changes, and how. Off unless a topic or a webhook is named.

    `webhook_url` is a secret, because anyone with a Slack webhook's address can write there. `template` may
    use `{cluster}`, `{cluster_id}`, `{count}`, `{changes}` (the word), `{sentences}`, `{sequence}`,
    `{trigger}` and `{link}`; `link` may use `{run_id}`, `{cluster}` and `{sequence}`.
    """

    severity: Literal["info", "warning", "critical"] = "critical"
    sns: SnsNotifications | None = None
    webhook_url: SecretReference | None = None
    template: Annotated[str, AfterValidator(only_fields(TEMPLATE_FIELDS))] = (
        "{cluster}: {count} severe {changes}\n{sentences}\n{link}"
    )
    link: Annotated[str, AfterValidator(only_fields(LINK_FIELDS))] = ""
    sentences: int = Field(default=10, ge=1, le=50)


class AwsAccountSettings(EstateModel):
    """One AWS account in one region. Credentials are boto3's own: those of `profile`, the environment or the
    machine's role.

    `account_id` None: the account of the credentials; if given, credentials of another account are refused.
    `endpoint_url`: a stand-in or a VPC endpoint, which then serves every AWS service.
    """

    region: str = Field(pattern=r"^[a-z]{2,4}(-[a-z]+)+-\d$")
    account_id: str | None = Field(default=None, pattern=r"^\d{12}$")
    profile: str | None = Field(default=None, min_length=1)
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")


class EventSourceMappings(EstateModel):
    """The AWS accounts whose event source mappings the asset `esm/event_source_mappings` lists, and the secrets
    that an agent's tool call may name.

    `secrets`: shell patterns of whole ARNs, or of names in the account and region in use. A mapping's own secret
    needs no entry.
    """

    accounts: tuple[AwsAccountSettings, ...] = ()
    secrets: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> "EventSourceMappings":
        if not self.accounts and not self.secrets:
            raise ValueError("names neither accounts nor secrets; name at least one account, or leave it out")
        seen = set()
        for account in self.accounts:
            key = (account.region, account.account_id, account.profile)
            if key in seen:
                raise ValueError(
                    f"accounts names region {account.region} twice for the same credentials; give each an account_id or profile"
                )
            seen.add(key)
        return self


class Environment(EstateModel):
    id: str
    name: str | None = None


class Cluster(EstateModel):
    """One Kafka cluster and how to reach each of its systems.

    The brokers give the `cluster_id` when the estate does not, and must confirm it when it does. Discovery does not need the
    `control_plane`; if it is given and `kafka_rest` is not, it shows where to read cluster links.
    """

    name: str
    cluster_id: str | None = Field(default=None, min_length=1)
    environment: Environment | None = None
    kafka: KafkaConnection
    schema_registry: SchemaRegistryConnection | None = None
    connect: tuple[ConnectEndpoint, ...] = ()
    kafka_rest: KafkaRestConnection | None = None
    control_plane: ControlPlaneConnection | None = None
    metrics: MetricsSource = OffsetMetrics()
    topics: TopicPatterns = TopicPatterns()
    consumer_groups: NamePatterns = NamePatterns()
    anomalies: AnomalyThresholds = AnomalyThresholds()
    alarms: CloudWatchAlarms | None = None
    sensors: Sensing = Sensing()
    allow_message_reading: tuple[str, ...] = ()
    flink: FlinkConnection | None = None
    ksqldb: tuple[KsqlDbConnection, ...] = ()

    @property
    def named_connect(self) -> tuple[ConnectEndpoint, ...]:
        """The Connect endpoints, each with a name that outlives a change of address: the estate's, or the kind if it is
        the only one of its kind. Other endpoints have only their address."""
        kinds = Counter(endpoint.kind for endpoint in self.connect)
        return tuple(
            endpoint.model_copy(update={"name": endpoint.kind})
            if endpoint.name is None and kinds[endpoint.kind] == 1
            else endpoint
            for endpoint in self.connect
        )

    def kafka_rest_at(self, url: str | None = None) -> KafkaRestConnection | None:
        """How to reach the Kafka REST interface: as the estate says, with the brokers' key if it names none; or, given a
        different `url`, there, with that key. None: the estate does not say, or has no key that is valid there."""
        said = self.kafka_rest
        if said is not None and (said.username is not None or url is not None):
            return said if url is None else said.model_copy(update={"url": url})
        kafka = self.kafka
        login = kafka.sasl_mechanism == "PLAIN" and kafka.username is not None and kafka.password is not None
        key = {"username": kafka.username, "password": kafka.password} if login else {}
        if said is not None:
            return said.model_copy(update=key)
        if url is None or not login:
            return None
        return KafkaRestConnection(url=url, **key, timeout_seconds=kafka.timeout_seconds)

    @model_validator(mode="after")
    def _distinct_names(self) -> "Cluster":
        names = Counter(endpoint.name for endpoint in self.named_connect if endpoint.name is not None)
        twice = [name for name, number in names.items() if number > 1]
        if twice:
            raise ValueError(f"connect has two endpoints called {twice[0]!r}; give each its own name")
        return self

    def may_read(self, topic: str) -> bool:
        """Whether the estate allows reading the topic's records."""
        return any(fnmatchcase(topic, pattern) for pattern in self.allow_message_reading)

    @property
    def on_confluent_cloud(self) -> bool:
        """Whether the estate says so; even if it does not, an address may show it."""
        kinds: list[str] = [self.metrics.kind, *(endpoint.kind for endpoint in self.connect)]
        return self.control_plane is not None or "confluent_cloud" in kinds

    @model_validator(mode="before")
    @classmethod
    def _endpoints_of_this_cluster(cls, data: Any) -> Any:
        """Gives a managed Connect endpoint the ids it lacks, from its cluster."""
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
    """Where the events go. `cluster`: one cluster for all events; None: each cluster carries its own."""

    cluster: str | None = None
    create_topics: bool = True
    replication_factor: int | None = Field(default=None, ge=1)


class AssetReports(EstateModel):
    """How long a discovery may spend reporting topics with new records to Dagster, once a KafkaEstateComponent shows topics
    (docs/assets.md). 0: it reports none."""

    seconds: float = Field(default=5.0, ge=0, le=600)


class Estate(EstateModel):
    """All clusters of the estate file, by name, and what serves all of them. `clusters` includes those found by the rules in
    `found`."""

    found: FoundSettings = FoundSettings()
    clusters: dict[str, Cluster]
    events: Events = Events()
    triggers: QueueTriggers | None = None
    notifications: Notifications = Notifications()
    esm: EventSourceMappings | None = None
    findings: FindingThresholds = FindingThresholds()
    policy: Policy = Policy()
    relationships: RelationshipSettings = RelationshipSettings()
    domains: DomainSettings = DomainSettings()
    profiling: ProfilingSettings = ProfilingSettings()
    contracts: ContractSettings = ContractSettings()
    products: ProductSettings = ProductSettings()
    costs: CostSettings = CostSettings()
    asset_reports: AssetReports = AssetReports()
    retention: Retention = Retention()

    @field_validator("clusters")
    @classmethod
    def _not_empty(cls, clusters: dict[str, Cluster], info: ValidationInfo) -> dict[str, Cluster]:
        found = info.data.get("found")
        if not clusters and not (found is not None and found.rules):
            raise ValueError("names no cluster; expected at least one")
        return clusters

    @model_validator(mode="after")
    def _known(self) -> "Estate":
        if self.events.cluster is not None and self.events.cluster not in self.clusters:
            raise ValueError(
                f"events.cluster names {self.events.cluster!r}, which is not among the clusters: {', '.join(self.clusters)}"
            )
        return self
