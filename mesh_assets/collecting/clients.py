"""The clients of one cluster, opened and closed together; tests replace them with fakes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from mesh_assets.collecting.cluster_links import ClusterLinksReader
from mesh_assets.collecting.connectors import ConnectReader
from mesh_assets.collecting.schemas import RegistryReader
from mesh_assets.errors import EstateError, UnexpectedAnswerError
from mesh_assets.estate.connections import (
    ConfluentCloudConnectEndpoint,
    ConnectEndpoint,
    KafkaConnectEndpoint,
    MskConnectEndpoint,
)
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import CloudWatchMetrics, ConfluentCloudMetrics, OffsetMetrics
from mesh_assets.importing import importing
from mesh_assets.metrics.confluent_cloud import ConfluentCloudMetricsReader
from mesh_assets.metrics.measurements import MetricsReader
from mesh_assets.platforms.confluent_cloud.metrics_api import MetricsApiClient
from mesh_assets.platforms.connect.confluent_cloud import ConfluentCloudConnectClient
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.platforms.kafka import KafkaReader, WireReader, client_properties
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets.platforms.secrets import read_ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterClients:
    """`registry` None, `connect` empty: the estate names none. `metrics` None: there are only the offsets. `links` None: the
    estate does not say where to read cluster links."""

    kafka: KafkaReader
    registry: RegistryReader | None
    connect: Sequence[ConnectReader]
    metrics: MetricsReader | None = None
    links: ClusterLinksReader | None = None


OpenClients = Callable[[Cluster], AbstractContextManager[ClusterClients]]
"""How the clients of a cluster are made: `open_clients`, or a test's fakes."""


def cluster_id_of(cluster: Cluster, given: str | None) -> str:
    """The cluster's id, as the brokers gave it.

    Raises EstateError if the estate has a different one, UnexpectedAnswerError if there is none.
    """
    if given is None:
        raise UnexpectedAnswerError(
            f"{cluster.kafka.address} gives no cluster id, which is the key of events and readings; Kafka 0.10.1 and later give one"
        )
    if cluster.cluster_id is not None and cluster.cluster_id != given:
        raise EstateError(
            f"{cluster.name}: the estate says cluster_id {cluster.cluster_id}, but {cluster.kafka.address} is cluster "
            f"{given}; correct cluster_id or bootstrap_servers"
        )
    return given


def _connect_client(endpoint: ConnectEndpoint, stack: ExitStack, *, bootstrap_servers: str) -> ConnectReader:
    match endpoint:
        case KafkaConnectEndpoint():
            return stack.enter_context(KafkaConnectClient(endpoint))
        case ConfluentCloudConnectEndpoint():
            return stack.enter_context(ConfluentCloudConnectClient(endpoint))
        case MskConnectEndpoint():
            with importing:
                from mesh_assets.platforms.connect.msk_connect import (
                    MskConnectClient,  # boto3 is heavy, and only needed here
                )

            return stack.enter_context(MskConnectClient(endpoint, bootstrap_servers=bootstrap_servers))


def _metrics_reader(cluster: Cluster, stack: ExitStack) -> MetricsReader | None:
    match cluster.metrics:
        case OffsetMetrics():
            return None
        case CloudWatchMetrics():
            return _cloudwatch_reader(cluster, cluster.metrics)
        case ConfluentCloudMetrics():
            registry = cluster.schema_registry
            client = stack.enter_context(MetricsApiClient(cluster.metrics))
            return ConfluentCloudMetricsReader(
                client, schema_registry_id=None if registry is None else registry.id
            )


def _cloudwatch_reader(cluster: Cluster, metrics: CloudWatchMetrics) -> MetricsReader:
    with importing:
        from mesh_assets.metrics.cloudwatch import (  # boto3 is slow to import
            NAMESPACE,
            CloudWatchMetricsReader,
        )
        from mesh_assets.platforms.aws.cloudwatch import CloudWatchClient

    # arn:aws:kafka:<region>:<account>:cluster/<name>/<id>
    arn = (cluster.kafka.cluster_arn or "").split(":")
    region, resource = (arn[3], arn[5].split("/")) if len(arn) == 6 else (None, [])
    name = metrics.cluster_name or (resource[1] if len(resource) > 1 else cluster.name)
    client = CloudWatchClient(
        NAMESPACE,
        resource=f"metrics of {name}",
        region=metrics.region or region,
        endpoint_url=metrics.endpoint_url,
    )
    return CloudWatchMetricsReader(client, cluster_name=name)


@contextmanager
def open_clients(cluster: Cluster) -> Iterator[ClusterClients]:
    """Contacts none of the cluster's own systems before the first read.

    Raises EstateError if a reference cannot be resolved, PlatformError if AWS does not return the brokers of
    a cluster that the estate names by ARN.
    """
    read_ahead(cluster)
    properties = client_properties(cluster.kafka)
    with ExitStack() as stack:
        yield ClusterClients(
            kafka=stack.enter_context(
                WireReader(
                    properties,
                    timeout_seconds=cluster.kafka.timeout_seconds,
                    on_confluent_cloud=cluster.on_confluent_cloud,
                )
            ),
            registry=None
            if cluster.schema_registry is None
            else stack.enter_context(SchemaRegistryClient(cluster.schema_registry)),
            connect=[
                _connect_client(endpoint, stack, bootstrap_servers=properties["bootstrap.servers"])
                for endpoint in cluster.named_connect
            ],
            metrics=_metrics_reader(cluster, stack),
            links=None
            if cluster.kafka_rest is None and cluster.control_plane is None
            else stack.enter_context(ClusterLinksReader(cluster)),
        )
