"""Completion of the arguments of prompts and resources: names of clusters, topics, connectors and subjects."""

from collections.abc import Iterable

from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from mesh_assets.errors import MeshError
from mesh_assets.mcp_server.calls import in_thread
from mesh_assets.mcp_server.known_estate import KnownEstate
from mesh_assets.mcp_server.server import MeshServer

_MOST = 100  # the protocol's limit


def add_completion(server: MeshServer) -> None:
    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]  # the SDK leaves it untyped
    async def complete(
        ref: PromptReference | ResourceTemplateReference,  # noqa: ARG001 - names mean the same everywhere
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        cluster = (context.arguments or {}).get("cluster") if context is not None else None
        try:
            names = await in_thread(lambda: list(_names(server.known, argument.name, cluster or None)))
        except MeshError:  # nothing can be offered: no estate, no document, no such cluster
            return None
        wanted = argument.value.casefold()
        found = sorted(
            (name for name in names if wanted in name.casefold()),
            key=lambda n: (not n.casefold().startswith(wanted), n),
        )
        return Completion(values=found[:_MOST], total=len(found), has_more=len(found) > _MOST)


def _names(known: KnownEstate, argument: str, cluster: str | None) -> Iterable[str]:
    if argument == "cluster":
        return known.names()
    if argument not in ("topic", "connector", "subject", "group"):
        return ()
    document = known.view(cluster).document
    match argument:
        case "topic":
            return (topic.name for topic in document.topics)
        case "connector":
            return (connector.name for connector in document.connectors)
        case "subject":
            return (schema.subject for schema in document.schemas)
        case _:
            return (group.group_id for group in document.consumer_groups)
