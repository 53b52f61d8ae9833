"""The clients of one cluster, opened together and closed together; tests put fakes in their place."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mesh_assets.estate.http import ConfluentCloudConnectEndpoint, ConnectEndpoint, KafkaConnectEndpoint
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.connectors import ConnectReader
from mesh_assets.inventory.schemas import RegistryReader
from mesh_assets.platforms.confluent_cloud import ConfluentCloudConnectClient
from mesh_assets.platforms.kafka import ConfluentKafkaReader, KafkaReader, client_properties
from mesh_assets.platforms.kafka_connect import KafkaConnectClient
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets.platforms.secrets import read_ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterClients:
    """`registry` None and `connect` empty: the estate names none."""

    kafka: KafkaReader
    registry: RegistryReader | None
    connect: Sequence[ConnectReader]


def _connect_client(endpoint: ConnectEndpoint, stack: ExitStack) -> ConnectReader:
    match endpoint:
        case KafkaConnectEndpoint():
            return stack.enter_context(KafkaConnectClient(endpoint))
        case ConfluentCloudConnectEndpoint():
            return stack.enter_context(ConfluentCloudConnectClient(endpoint))


@contextmanager
def open_clients(cluster: Cluster) -> Iterator[ClusterClients]:
    """Nothing is contacted before the first read. Raises EstateError when a reference cannot be resolved."""
    read_ahead(cluster)
    with ExitStack() as stack:
        yield ClusterClients(
            kafka=stack.enter_context(
                ConfluentKafkaReader(
                    client_properties(cluster.kafka),
                    timeout_seconds=cluster.kafka.timeout_seconds,
                    on_confluent_cloud=cluster.on_confluent_cloud,
                )
            ),
            registry=None if cluster.schema_registry is None else stack.enter_context(SchemaRegistryClient(cluster.schema_registry)),
            connect=[_connect_client(endpoint, stack) for endpoint in cluster.connect],
        )
