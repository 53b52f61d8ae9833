"""What discovery needs of Kafka Connect: its connectors, and that they are those of the cluster they are
listed under."""

from msgspec.structs import replace

from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.connections import (
    ConfluentCloudConnectEndpoint,
    ConnectEndpoint,
    KafkaConnectEndpoint,
    MskConnectEndpoint,
)
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.access.findings import AccessFinding, answered, failed
from mesh_assets.inventory.access.identity import http_endpoint, http_identity
from mesh_assets.inventory.access.managed_connect import check_managed_connect
from mesh_assets.inventory.access.msk_connect import check_msk_connect
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.platforms.http import Transport

_NAME = "Kafka Connect"


def check_connect(
    cluster: Cluster, endpoint: ConnectEndpoint, *, transport: Transport | None = None
) -> AccessFinding:
    """One or two requests. Whose cluster it is, `place_connect` says when the brokers have answered."""
    match endpoint:
        case KafkaConnectEndpoint():
            return _check_workers(cluster.name, endpoint, transport=transport)
        case ConfluentCloudConnectEndpoint():
            return check_managed_connect(cluster.name, endpoint, transport=transport)
        case MskConnectEndpoint():
            return check_msk_connect(cluster, endpoint)


def connect_endpoint(endpoint: ConnectEndpoint) -> str:
    """Its address, fit to be shown; empty when it cannot be known."""
    if isinstance(endpoint, MskConnectEndpoint):
        return " ".join(part for part in ("MSK Connect", endpoint.region) if part)
    return http_endpoint(endpoint, name=_NAME)


def _check_workers(
    cluster: str, endpoint: KafkaConnectEndpoint, *, transport: Transport | None
) -> AccessFinding:
    url, identity = http_endpoint(endpoint, name=_NAME), http_identity(endpoint, name=_NAME)
    try:
        with KafkaConnectClient(endpoint, transport=transport) as client:
            worker = client.worker_info()
            connectors = client.connectors()
    except (EstateError, PlatformError) as error:
        return failed(cluster, "connect", url, identity, str(error))
    facts: dict[str, int | str] = {"version": worker.version or "unknown", "connectors": len(connectors)}
    if worker.kafka_cluster_id is not None:
        facts["kafka_cluster_id"] = worker.kafka_cluster_id
    return answered(cluster, "connect", url, identity, facts=facts, rights="reads")


def place_connect(finding: AccessFinding, *, cluster_id: str | None) -> AccessFinding:
    """The finding with whether the worker's cluster is the one it is listed under; `cluster_id` None: that
    one is not known."""
    if finding.state == "failed" or "belongs_to" in finding.facts:
        return finding
    theirs = finding.facts.get("kafka_cluster_id")
    if theirs is None or cluster_id is None:
        return replace(finding, facts={**finding.facts, "belongs_to": "unknown"})
    if theirs == cluster_id:
        return replace(finding, facts={**finding.facts, "belongs_to": "this cluster"})
    sentence = (
        f"it belongs to Kafka cluster {theirs}, not to {finding.cluster} ({cluster_id}): its connectors would be linked to topics of the "
        "wrong cluster; list it under the cluster it belongs to"
    )
    return replace(
        finding,
        state="incomplete",
        facts={**finding.facts, "belongs_to": "another cluster"},
        missing=(*finding.missing, sentence),
    )
