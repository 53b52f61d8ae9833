"""Confluent Cloud's kinds of keys: each opens its own systems only, and a refusal names the kind it expected
and the role that is missing.

| Key | Opens |
|---|---|
| Cloud key | organization, environments, clusters, registries; managed connectors; metrics |
| Kafka cluster key | the brokers |
| Schema Registry key | the registry |
| Flink API key | Flink's statements in one region |

401 means that the service does not know the key, most often because it is of another kind; 403 means that
the key's owner lacks a role. The roles named here are the weakest that suffice (docs/confluent-cloud.md).
"""

from mesh_assets.estate.connections import SchemaRegistryConnection, is_confluent_host
from mesh_assets.platforms.http import Credential


def cloud_key(*, field: str, lacking: str) -> Credential:
    """A Cloud key. `field` is its place in the estate, `lacking` the roles that it needs."""
    return Credential(
        kind="Cloud key",
        unknown=(
            f"expected a Cloud key, not one of a Kafka cluster or a Schema Registry; check username and password of {field} in the estate"
        ),
        lacking=f"the owner of this Cloud key needs {lacking}",
    )


CONNECT_KEY = cloud_key(
    field="connect (kind: confluent_cloud)",
    lacking="the role Operator on the cluster to see connectors, and DeveloperRead on connector * to see their configs",
)
CONTROL_PLANE_KEY = cloud_key(field="control_plane", lacking="the role Operator on the environment")
METRICS_KEY = cloud_key(
    field="metrics (kind: confluent_cloud)", lacking="the role MetricsViewer, granted on the organization"
)
FLINK_KEY = Credential(
    kind="Flink API key",
    unknown="expected a Flink API key of this region; check username and password of flink in the estate",
    lacking="the owner of this Flink API key needs the role FlinkDeveloper on the environment",
)

KAFKA_KEY_EXPECTED = (
    "expected an API key of this Kafka cluster, not a Cloud key or one of a Schema Registry; check kafka.username and kafka.password in "
    "the estate"
)
_ROLE_OF = {
    "READ": "the role DeveloperRead on it",
    "WRITE": "the role DeveloperWrite on it",
    "CREATE": "the role DeveloperManage on it (or let somebody create it who may)",
}


def role_for(right: str) -> str:
    """The role that grants `right`, which begins with Kafka's name for an operation: `WRITE on the topic
    orders`."""
    return f"{_ROLE_OF.get(right.split()[0], 'the role Operator on the cluster')}; on Basic clusters an ACL"


KAFKA_KEY_LACKS = (
    "the owner of this Kafka API key needs the role Operator on the cluster (on Basic clusters: ACLs)"
)

SCHEMA_REGISTRY_KEY = Credential(
    kind="Schema Registry key",
    unknown=(
        "expected a Schema Registry key made for this registry, not a Cloud key or one of a Kafka cluster; check username and password of "
        "schema_registry in the estate"
    ),
    lacking=(
        "the owner of this Schema Registry key needs the role DeveloperRead on subject *, and DeveloperWrite on discovery-events-value and "
        "discovery-changes-value to publish"
    ),
)


def is_confluent_registry(connection: SchemaRegistryConnection, *, url: str) -> bool:
    """Whether the registry at `url` (the connection's, resolved) is Confluent Cloud's: only those have an
    `lsrc-…` id."""
    return connection.id is not None or is_confluent_host(url)
