"""The stand-in's metrics: names, units and labels as published; only those that have something real behind them."""

from dataclasses import dataclass
from typing import Literal

from mesh_assets.sandbox.estate.clusters import CLUSTER_ID, REGISTRY_ID

Resource = Literal["kafka", "connector", "schema_registry"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`counter`: a count within a minute, summed over time; else a level, averaged over time."""

    name: str
    description: str
    unit: str
    resource: Resource
    labels: tuple[str, ...] = ()
    counter: bool = False

    @property
    def export_name(self) -> str:
        """`io.confluent.kafka.server/received_bytes` → `confluent_kafka_server_received_bytes`."""
        return self.name.removeprefix("io.").replace(".", "_").replace("/", "_")

    @property
    def resource_label(self) -> str:
        return f"{self.resource}_id"


_SERVER, _CONNECT, _REGISTRY = (
    "io.confluent.kafka.server",
    "io.confluent.kafka.connect",
    "io.confluent.kafka.schema_registry",
)
_SAMPLED = "Sampled every 60 seconds."

RECEIVED_BYTES = Metric(
    f"{_SERVER}/received_bytes",
    f"The delta count of bytes received from the network. {_SAMPLED}",
    "By",
    "kafka",
    ("topic",),
    counter=True,
)
SENT_BYTES = Metric(
    f"{_SERVER}/sent_bytes",
    f"The delta count of bytes sent over the network. {_SAMPLED}",
    "By",
    "kafka",
    ("topic",),
    counter=True,
)
RECEIVED_RECORDS = Metric(
    f"{_SERVER}/received_records",
    f"The delta count of records received. {_SAMPLED}",
    "1",
    "kafka",
    ("topic",),
    counter=True,
)
SENT_RECORDS = Metric(
    f"{_SERVER}/sent_records",
    f"The delta count of records sent. {_SAMPLED}",
    "1",
    "kafka",
    ("topic",),
    counter=True,
)
RETAINED_BYTES = Metric(
    f"{_SERVER}/retained_bytes", f"The bytes retained by the cluster. {_SAMPLED}", "By", "kafka", ("topic",)
)
CONSUMER_LAG = Metric(
    f"{_SERVER}/consumer_lag_offsets",
    f"The lag between a group member's committed offset and the partition's high watermark. {_SAMPLED}",
    "1",
    "kafka",
    ("consumer_group_id", "topic", "partition"),
)
PARTITIONS = Metric(f"{_SERVER}/partition_count", "The number of partitions.", "1", "kafka")
CONNECTIONS = Metric(
    f"{_SERVER}/active_connection_count", "The count of active authenticated connections.", "1", "kafka"
)
CONNECTOR_SENT_RECORDS = Metric(
    f"{_CONNECT}/sent_records",
    f"The delta count of records a source connector wrote to Kafka. {_SAMPLED}",
    "1",
    "connector",
    counter=True,
)
CONNECTOR_SENT_BYTES = Metric(
    f"{_CONNECT}/sent_bytes",
    f"The delta count of bytes a source connector wrote to Kafka. {_SAMPLED}",
    "By",
    "connector",
    counter=True,
)
SCHEMAS = Metric(f"{_REGISTRY}/schema_count", "The number of registered schemas.", "1", "schema_registry")

METRICS = (
    RECEIVED_BYTES,
    SENT_BYTES,
    RECEIVED_RECORDS,
    SENT_RECORDS,
    RETAINED_BYTES,
    CONSUMER_LAG,
    PARTITIONS,
    CONNECTIONS,
    CONNECTOR_SENT_RECORDS,
    CONNECTOR_SENT_BYTES,
    SCHEMAS,
)

KNOWN_IDS = {"kafka": CLUSTER_ID, "schema_registry": REGISTRY_ID}
