"""Resources, which give the answers of tools without a call, and names that complete what a person types."""

import functools
from collections.abc import Callable, Iterable

import msgspec
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from mesh_assets.agent_tools.clusters import get_cluster_summary, list_clusters
from mesh_assets.agent_tools.lineage import get_lineage
from mesh_assets.agent_tools.topics import describe_topic
from mesh_assets.answering.answers import Answer, UnknownError
from mesh_assets.answering.calls import in_thread
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.errors import MeshError
from mesh_assets.mcp_server.server import MeshServer

_COMPLETIONS = 100  # the protocol's limit


class EstateResources:
    """What a client may show or attach. A method's name and docstring are the resource's own."""

    def __init__(self, known: KnownEstate) -> None:
        self._known = known

    async def clusters(self) -> str:
        """The clusters of the estate, with counts and ages."""
        return await _read(functools.partial(list_clusters, self._known))

    async def inventory(self, cluster: str) -> str:
        """A cluster on one page: counts, how current each section is, problems, largest topics."""
        return await _read(functools.partial(get_cluster_summary, self._known, cluster=cluster))

    async def topic(self, cluster: str, topic: str) -> str:
        """One topic: partitions, configs set on it, schemas, rates, who writes to it and who reads it."""
        return await _read(functools.partial(describe_topic, self._known, cluster=cluster, topic=topic))

    async def topic_lineage(self, cluster: str, topic: str) -> str:
        """What feeds a topic and what it feeds; each edge says how it is known."""
        return await _read(functools.partial(get_lineage, self._known, cluster=cluster, topic=topic))

    async def connector_lineage(self, cluster: str, connector: str) -> str:
        """What feeds a connector and what it feeds; each edge says how it is known."""
        return await _read(functools.partial(get_lineage, self._known, cluster=cluster, connector=connector))


def offer_resources(server: MeshServer, known: KnownEstate) -> None:
    resources = EstateResources(known)
    for uri, read, title in (
        ("mesh://clusters", resources.clusters, "Clusters"),
        ("mesh://{cluster}/inventory", resources.inventory, "A cluster's inventory"),
        ("mesh://{cluster}/topics/{topic}", resources.topic, "A topic"),
        ("mesh://{cluster}/topics/{topic}/lineage", resources.topic_lineage, "A topic's lineage"),
        (
            "mesh://{cluster}/connectors/{connector}/lineage",
            resources.connector_lineage,
            "A connector's lineage",
        ),
    ):
        server.resource(uri, title=title, mime_type="application/json")(read)


async def _read(answer: Callable[[], Answer]) -> str:
    try:
        found = await in_thread(answer)
    except UnknownError as error:
        raise ResourceNotFoundError(str(error)) from error
    except MeshError as error:
        raise ResourceError(str(error)) from error
    return msgspec.json.format(found.model_dump_json(exclude_none=True), indent=2)


class NameCompletion:
    """Names of clusters, topics, connectors, subjects and groups that contain what was typed."""

    def __init__(self, known: KnownEstate) -> None:
        self._known = known

    async def complete(
        self,
        ref: PromptReference | ResourceTemplateReference,  # noqa: ARG002 - names mean the same everywhere
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        cluster = (context.arguments or {}).get("cluster") if context is not None else None
        try:
            names = await in_thread(lambda: list(self._names(argument.name, cluster or None)))
        except MeshError:  # nothing can be offered: no estate, no document, no such cluster
            return None
        wanted = argument.value.casefold()
        found = sorted(
            (name for name in names if wanted in name.casefold()),
            key=lambda name: (not name.casefold().startswith(wanted), name),
        )
        return Completion(values=found[:_COMPLETIONS], total=len(found), has_more=len(found) > _COMPLETIONS)

    def _names(self, argument: str, cluster: str | None) -> Iterable[str]:
        if argument == "cluster":
            return self._known.names()
        if argument not in ("topic", "connector", "subject", "group"):
            return ()
        document = self._known.view(cluster).document
        match argument:
            case "topic":
                return (topic.name for topic in document.topics)
            case "connector":
                return (connector.name for connector in document.connectors)
            case "subject":
                return (schema.subject for schema in document.schemas)
            case _:
                return (group.group_id for group in document.consumer_groups)


def offer_completion(server: MeshServer, known: KnownEstate) -> None:
    server.completion()(NameCompletion(known).complete)  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
