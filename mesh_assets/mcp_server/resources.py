"""Resources: what a client may show or attach without a tool call. The same answers as the tools give."""

from collections.abc import Callable
from typing import Any

import msgspec
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from mesh_assets.errors import MeshError
from mesh_assets.mcp_server.answers import Answer
from mesh_assets.mcp_server.calls import in_thread
from mesh_assets.mcp_server.known_estate import UnknownError
from mesh_assets.mcp_server.server import MeshServer

_JSON = "application/json"


def add_resources(server: MeshServer) -> None:
    """Those of the toolset `discovery`: they stand on its tools."""
    if "discovery" not in server.mesh.toolsets:
        return

    @server.resource(
        "mesh://clusters",
        title="Clusters",
        description="The clusters of the estate, with counts and ages.",
        mime_type=_JSON,
    )
    async def clusters() -> str:
        return await _read(lambda: server.answer_of("list_clusters"))

    @server.resource(
        "mesh://{cluster}/inventory",
        title="A cluster's inventory",
        description="A cluster on one page: counts, how current each section is, problems, largest topics.",
        mime_type=_JSON,
    )
    async def inventory(cluster: str) -> str:
        return await _read(lambda: server.answer_of("get_cluster_summary", cluster=cluster))

    @server.resource(
        "mesh://{cluster}/topics/{topic}",
        title="A topic",
        description="One topic: partitions, what is set on it, schemas, rates, who writes and who reads.",
        mime_type=_JSON,
    )
    async def topic(cluster: str, topic: str) -> str:
        return await _read(lambda: server.answer_of("describe_topic", cluster=cluster, topic=topic))

    @server.resource(
        "mesh://{cluster}/topics/{topic}/lineage",
        title="A topic's lineage",
        description="What feeds a topic and what it feeds; each edge says how it is known.",
        mime_type=_JSON,
    )
    async def topic_lineage(cluster: str, topic: str) -> str:
        return await _read(lambda: server.answer_of("get_lineage", cluster=cluster, topic=topic))

    @server.resource(
        "mesh://{cluster}/connectors/{connector}/lineage",
        title="A connector's lineage",
        description="What feeds a connector and what it feeds; each edge says how it is known.",
        mime_type=_JSON,
    )
    async def connector_lineage(cluster: str, connector: str) -> str:
        return await _read(lambda: server.answer_of("get_lineage", cluster=cluster, connector=connector))


async def _read(answer: Callable[[], Any]) -> str:
    try:
        found = await in_thread(answer)
    except UnknownError as error:
        raise ResourceNotFoundError(str(error)) from error
    except MeshError as error:
        raise ResourceError(str(error)) from error
    assert isinstance(found, Answer)
    return msgspec.json.format(found.model_dump_json(exclude_none=True), indent=2)
