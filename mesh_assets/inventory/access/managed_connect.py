"""What discovery needs of Confluent Cloud's Connect: the list of managed connectors, and their configs."""

from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.connections import ConfluentCloudConnectEndpoint
from mesh_assets.inventory.access.findings import (
    AccessFinding,
    answered,
    counted,
    failed,
    some,
    stand_in_notes,
)
from mesh_assets.inventory.access.identity import http_endpoint, http_identity
from mesh_assets.platforms.confluent_cloud.connect import NAME, ConfluentCloudConnectClient
from mesh_assets.platforms.http import Transport


def check_managed_connect(
    cluster: str, endpoint: ConfluentCloudConnectEndpoint, *, transport: Transport | None = None
) -> AccessFinding:
    """One request."""
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
            f"no config of {len(hidden):,} of {counted(len(connectors), 'connectors')} ({some(hidden)}): their topics and settings will be "
            "unknown; grant DeveloperRead on connector *, or on these (not possible on Basic clusters)"
        )
    notes = [*stand_in_notes(stand_in)]
    if not connectors:
        notes.append(
            "no connector is listed: there is none, or none that this key may see; to see them it needs Operator on the cluster, and "
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
