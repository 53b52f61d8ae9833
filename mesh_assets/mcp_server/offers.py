"""What clients show beside tools: resources, prompts, and completion of their arguments."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import msgspec
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)
from pydantic import Field

from mesh_assets.answering.answers import Answer
from mesh_assets.answering.calls import in_thread
from mesh_assets.answering.known_estate import KnownEstate, UnknownError
from mesh_assets.errors import MeshError
from mesh_assets.mcp_server.server import MeshServer

# Resources: what a client may show or attach without a tool call. The same answers as the tools give.

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


# Prompts: how an engineer goes about a task with these tools, as a text the client can begin with.

_ClusterName = Annotated[
    str,
    Field(max_length=249, description="The cluster's name in the estate; may be empty when there is one."),
]
_Required = Annotated[str, Field(max_length=512)]


def add_prompts(server: MeshServer) -> None:
    @server.prompt(
        title="Triage a failed connector", description="Why a connector failed, what it affects, what to do."
    )
    def triage_failed_connector(connector: _Required, cluster: _ClusterName = "") -> str:
        of = _of(cluster)
        return (
            f"Find out why the connector {connector}{of} failed and what that affects.\n"
            f"1. describe_connector(connector={connector!r}) for its status, tasks and traces; source='live': whether it still fails.\n"
            f"2. get_lineage(connector={connector!r}) for the topics and systems up- and downstream.\n"
            "3. list_changes(since='7d', resource_type='connector') and list_changes(since='7d', resource_type='schema') for what changed "
            "before it failed.\n"
            "4. get_connector_config where the trace points at a setting.\n"
            "Answer with: the cause (quote the line of the trace), since when, what does not get data because of it, and the smallest "
            "repair. Say what you could not find out. Change nothing."
        )

    @server.prompt(
        title="Review a schema change", description="Whether a schema's change is safe for who reads it."
    )
    def review_schema_change(subject: _Required, cluster: _ClusterName = "") -> str:
        of = _of(cluster)
        return (
            f"Review the latest change of the schema {subject}{of}.\n"
            f"1. describe_schema(subject={subject!r}) for the latest version, its compatibility level and the topics it describes.\n"
            "2. The same with version=<the one before> for what it was.\n"
            "3. get_lineage(topic=…, direction='downstream') for each of these topics: who reads it.\n"
            "Answer with: each field that was added, removed or changed; whether the compatibility level allows it and what it does not "
            "check; which readers are affected and how; personal data that is new."
        )

    @server.prompt(
        title="Wire a topic to Lambda",
        description="From a topic to a proven event source mapping, one plan at a time.",
    )
    def wire_topic_to_lambda(topic: _Required, function_name: _Required, cluster: _ClusterName = "") -> str:
        of = _of(cluster)
        return (
            f"Wire the topic {topic}{of} to the Lambda function {function_name}.\n"
            f"1. describe_topic(topic={topic!r}) and describe_schema of its subjects: what comes, how much, in which format.\n"
            "2. list_event_source_mappings: is it wired already?\n"
            "3. test_kafka_connection, then add_msk_permissions or create_execution_role where something is missing.\n"
            "4. create_event_source_mapping: show me the plan and wait for my word before you pass its id.\n"
            "5. validate_esm_processing: prove that records arrive.\n"
            "Where a tool is not there, or answers only with a plan because the server may not write, say so and stop."
        )

    @server.prompt(
        title="Weekly estate review",
        description="What changed in a week, what is wrong, what needs a decision.",
    )
    def weekly_estate_review(cluster: _ClusterName = "") -> str:
        return (
            f"Review the week of the Kafka estate{_of(cluster)}.\n"
            "1. list_clusters; then for each cluster get_cluster_summary.\n"
            "2. list_changes(since='7d') and, where counts are large, once more by resource_type.\n"
            "3. list_problems by kind, the worst first; get_lineage for what each failed connector affects.\n"
            "Answer on one page: what changed and matters; what is broken, since when, who is affected; what grows (lag, topics); what "
            "needs a decision. Give names and figures, and say how old the documents are and which sections are not current."
        )


def _of(cluster: str) -> str:
    return f" of cluster {cluster}" if cluster else ""


# Completion of the arguments of prompts and resources: names of clusters, topics, connectors and subjects.

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
