"""All tools of the toolset `discovery`."""

from mesh_assets.agent_tools.changes import add_changes
from mesh_assets.agent_tools.clusters import add_clusters, add_problems
from mesh_assets.agent_tools.connectors import add_connectors
from mesh_assets.agent_tools.consumer_groups import add_consumer_groups
from mesh_assets.agent_tools.discovering import add_discovering
from mesh_assets.agent_tools.finding import add_finding
from mesh_assets.agent_tools.flink import add_flink
from mesh_assets.agent_tools.lineage import add_lineage
from mesh_assets.agent_tools.messages import add_messages
from mesh_assets.agent_tools.metrics import add_metrics
from mesh_assets.agent_tools.schemas import add_schemas
from mesh_assets.agent_tools.topics import add_topics
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
