"""All tools of the toolset `discovery`."""

from mesh_assets.mcp_server.discovery.changes import add_changes
from mesh_assets.mcp_server.discovery.clusters import add_clusters
from mesh_assets.mcp_server.discovery.connectors import add_connectors
from mesh_assets.mcp_server.discovery.consumer_groups import add_consumer_groups
from mesh_assets.mcp_server.discovery.discovering import add_discovering
from mesh_assets.mcp_server.discovery.finding import add_finding
from mesh_assets.mcp_server.discovery.flink import add_flink
from mesh_assets.mcp_server.discovery.lineage import add_lineage
from mesh_assets.mcp_server.discovery.messages import add_messages
from mesh_assets.mcp_server.discovery.metrics import add_metrics
from mesh_assets.mcp_server.discovery.problems import add_problems
from mesh_assets.mcp_server.discovery.schemas import add_schemas
from mesh_assets.mcp_server.discovery.topics import add_topics
from mesh_assets.mcp_server.server import MeshServer


def add_discovery(server: MeshServer) -> None:
    for add in (
        add_clusters,
        add_problems,
        add_finding,
        add_topics,
        add_connectors,
        add_schemas,
        add_consumer_groups,
        add_metrics,
        add_changes,
        add_lineage,
        add_messages,
        add_flink,
        add_discovering,
    ):
        add(server)
