"""What discovery needs of MSK Connect: the list of connectors, and the configs of those that use this
cluster."""

from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.connections import MskConnectEndpoint
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.access.findings import AccessFinding, answered, counted, failed, some
from mesh_assets.platforms.kafka.settings import bootstrap_servers

_IDENTITY = "the AWS credentials this runs with"


def check_msk_connect(cluster: Cluster, endpoint: MskConnectEndpoint) -> AccessFinding:
    """A list, and one request a connector of the cluster."""
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
            f"no config of {len(hidden):,} of {counted(len(connectors), 'connectors')} ({some(hidden)}): their topics and settings will be "
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
        # Others are not among them.
        facts={"connectors": len(connectors), "belongs_to": "this cluster"},
        rights="reads states; not all configs" if hidden else "reads",
        missing=missing,
        notes=notes,
    )
