"""What discovery needs from Kafka Connect, Confluent Cloud's Connect and MSK Connect: connectors, their
configs, and the cluster they belong to.
"""

from mesh_assets.access_checks.access_check import (
    AccessCheck,
    answered,
    failed,
    http_endpoint,
    http_identity,
    some,
    stand_in_notes,
)
from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.connections import (
    ConfluentCloudConnectEndpoint,
    ConnectEndpoint,
    KafkaConnectEndpoint,
    MskConnectEndpoint,
)
from mesh_assets.estate.model import Cluster
from mesh_assets.importing import importing
from mesh_assets.inventory.wording import counted
from mesh_assets.platforms.connect.confluent_cloud import NAME, ConfluentCloudConnectClient
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.platforms.http import Transport
from mesh_assets.platforms.kafka.settings import bootstrap_servers

# --- Confluent Cloud: managed connectors and their configs


def check_managed_connect(
    cluster: str, endpoint: ConfluentCloudConnectEndpoint, *, transport: Transport | None = None
) -> AccessCheck:
    """Asks for the list of connectors once."""
    url, key = http_endpoint(endpoint, name=NAME), http_identity(endpoint, name=NAME)
    identity = f"Cloud key {key}" if key else ""
    try:
        with ConfluentCloudConnectClient(endpoint, transport=transport) as client:
            connectors = client.connectors()
            stand_in = client.stand_in
    except (EstateError, PlatformError) as error:
        return failed(cluster, "connect", url, identity, str(error))
    hidden = [connector.name for connector in connectors if not connector.config]
    missing = []
    if hidden:
        missing.append(
            f"no config of {len(hidden):,} of {counted(len(connectors), 'connector')} ({some(hidden)}): their topics and settings will be "
            "unknown; grant DeveloperRead on connector *, or on these (not possible on Basic clusters)"
        )
    notes = [*stand_in_notes(stand_in)]
    if not connectors:
        notes.append(
            "no connectors are listed: there are none, or this key may not see any; to see them it needs Operator on the cluster, and "
            "DeveloperRead on connector * for configs"
        )
    return answered(
        cluster,
        "connect",
        url,
        identity,
        facts={"connectors": len(connectors), "kafka_cluster_id": endpoint.cluster_id},
        rights="reads states; not all configs" if hidden else "reads",
        missing=missing,
        notes=notes,
    )


# --- MSK Connect: the connectors that use this cluster, and their configs

_IDENTITY = "the AWS credentials this runs with"


def check_msk_connect(cluster: Cluster, endpoint: MskConnectEndpoint) -> AccessCheck:
    """Asks for the list of connectors, and once for each connector of the cluster."""
    with importing:
        from mesh_assets.platforms.connect.msk_connect import (  # boto3 is heavy, and only needed here
            NAME,
            MskConnectClient,
        )

    url = " ".join(part for part in (NAME, endpoint.region) if part)
    try:
        with MskConnectClient(endpoint, bootstrap_servers=bootstrap_servers(cluster.kafka)) as client:
            url = client.url
            connectors = client.connectors()
    except (EstateError, PlatformError) as error:
        return failed(cluster.name, "connect", url, _IDENTITY, str(error))
    hidden = [connector.name for connector in connectors if not connector.config]
    missing = []
    if hidden:
        missing.append(
            f"no config of {len(hidden):,} of {counted(len(connectors), 'connector')} ({some(hidden)}): their topics and settings will be "
            "unknown; allow kafkaconnect:DescribeConnector on them"
        )
    notes = (
        []
        if connectors
        else ["no connector of MSK Connect in this account and region uses the cluster's brokers"]
    )
    return answered(
        cluster.name,
        "connect",
        url,
        _IDENTITY,
        # MSK Connect's list has no connectors of other clusters.
        facts={"connectors": len(connectors), "belongs_to": "this cluster"},
        rights="reads states; not all configs" if hidden else "reads",
        missing=missing,
        notes=notes,
    )


# --- Kafka Connect: its connectors, and whether they belong to the cluster they are listed under

_NAME = "Kafka Connect"


def check_connect(
    cluster: Cluster, endpoint: ConnectEndpoint, *, transport: Transport | None = None
) -> AccessCheck:
    """Asks one endpoint, in one or two requests. `place` adds the cluster once the brokers have
    answered.
    """
    match endpoint:
        case KafkaConnectEndpoint():
            return _check_workers(cluster.name, endpoint, transport=transport)
        case ConfluentCloudConnectEndpoint():
            return check_managed_connect(cluster.name, endpoint, transport=transport)
        case MskConnectEndpoint():
            return check_msk_connect(cluster, endpoint)


def connect_endpoint(endpoint: ConnectEndpoint) -> str:
    """The endpoint's address, safe to show; empty when a reference cannot be resolved."""
    if isinstance(endpoint, MskConnectEndpoint):
        return " ".join(part for part in ("MSK Connect", endpoint.region) if part)
    return http_endpoint(endpoint, name=_NAME)


def _check_workers(
    cluster: str, endpoint: KafkaConnectEndpoint, *, transport: Transport | None
) -> AccessCheck:
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
