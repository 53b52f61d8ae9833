"""What an estate is: its clusters and how each of their systems is reached. Holds references to secrets,
never secrets."""

from typing import Any

from pydantic import Field, model_validator

from mesh_assets.estate.alarms import CloudWatchAlarms
from mesh_assets.estate.esm import EventSourceMappings
from mesh_assets.estate.fields import EstateModel
from mesh_assets.estate.flink import FlinkConnection
from mesh_assets.estate.http import ConnectEndpoint, ControlPlaneConnection, SchemaRegistryConnection
from mesh_assets.estate.kafka import KafkaConnection
from mesh_assets.estate.messages import Notifications, QueueTriggers
from mesh_assets.estate.metrics import MetricsSource, OffsetMetrics
from mesh_assets.estate.patterns import NamePatterns, TopicPatterns
from mesh_assets.estate.sensing import AnomalyThresholds, Sensing


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
