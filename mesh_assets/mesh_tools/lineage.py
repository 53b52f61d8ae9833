"""Tool: lineage."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from msgspec.structs import replace
from pydantic import Field

from mesh_assets.analysis.graph import Edge, LineageGraph, Node, NodeKind
from mesh_assets.answering.answers import (
    About,
    Answer,
    BadArgumentError,
    ClusterName,
    SourceArgument,
    UnknownError,
    moment_text,
    shown,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.views import View, named, the_connector, the_group, the_schema, the_topic
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.links import sink_group
from mesh_assets.inventory.wording import listed
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.lineage.rights import permitted_edges, principal_node, principals_of, unknown_rights
from mesh_assets.lineage.walk import Direction, Walk, walk_lineage

_EDGES = 60


class EdgeRow(Answer):
    """Data flows from `source` to `target`. `known`: declared (by a config), observed (at runtime), inferred, or
    permitted (by ACLs, no more). `by`: the evidence. `active`: whether anything reads by this edge now; null:
    unknown."""

    source: str
    target: str
    known: str
    by: str
    active: bool | None = None


class LineageAnswer(Answer):
    """Nodes are written as `kind name`. `upstream`, `downstream`: what was reached, by steps from the start."""

    about: About
    start: str
    edges: list[EdgeRow]
    upstream: dict[str, list[str]]
    downstream: dict[str, list[str]]
    incomplete: dict[str, str] = Field(
        description="Nodes whose edges may be missing, and why. Missing edges are not guessed."
    )
    hint: str | None = None


def get_lineage(
    known: KnownEstate,
    /,
    topic: Annotated[str | None, Field(max_length=249, description="Start at this topic.")] = None,
    connector: Annotated[str | None, Field(max_length=512, description="Start at this connector.")] = None,
    group: Annotated[str | None, Field(max_length=512, description="Start at this consumer group.")] = None,
    subject: Annotated[str | None, Field(max_length=512, description="Start at this schema subject.")] = None,
    table: Annotated[
        str | None,
        Field(
            max_length=2_000,
            description="Start at this table, bucket, index or file outside of Kafka: its name, or how that ends.",
        ),
    ] = None,
    function: Annotated[
        str | None, Field(max_length=256, description="Start at this Lambda function.")
    ] = None,
    mapping: Annotated[
        str | None, Field(max_length=64, description="Start at this event source mapping, by its UUID.")
    ] = None,
    statement: Annotated[
        str | None, Field(max_length=256, description="Start at this Flink statement.")
    ] = None,
    principal: Annotated[
        str | None,
        Field(max_length=249, description="Start at this principal, `User:billing`: what ACLs allow it."),
    ] = None,
    permitted: Annotated[
        bool,
        Field(description="Also who may write and read the topics found, by ACLs; not followed further."),
    ] = False,
    direction: Annotated[
        Direction, Field(description="`upstream`: what feeds it. `downstream`: what it feeds.")
    ] = "both",
    depth: Annotated[
        int, Field(ge=1, le=10, description="Steps to follow; a connector between two topics is one.")
    ] = 3,
    cluster: ClusterName = None,
    source: SourceArgument = "latest",
) -> LineageAnswer:
    """What feeds a topic, connector, consumer group, subject, table, function, mapping or statement, and what it feeds,
    from tables to Lambda functions; on request also who may write and read by ACLs. Each edge says how it is known."""
    view = known.view(cluster, source, needs=("topics", "connectors", "consumer_groups"))
    wanted = {
        "topic": topic,
        "connector": connector,
        "group": group,
        "subject": subject,
        "table": table,
        "function": function,
        "mapping": mapping,
        "statement": statement,
        "principal": principal,
    }
    graph, notes_of_graph = _graph(known, view)
    facts = ClusterFacts(document=view.document)
    if principal is not None:
        graph = replace(graph, edges=(*graph.edges, *permitted_edges(facts, principals=[principal])))
    if (permitted or principal is not None) and (unknown := unknown_rights(facts)) is not None:
        notes_of_graph.append(unknown)
    here = view.document.cluster.name
    start = _start(graph, view.document, wanted)
    ways = {
        way: walk_lineage(
            graph, start, direction=way, depth=depth, most=_EDGES // (2 if direction == "both" else 1)
        )
        for way in ("upstream", "downstream")
        if direction in (way, "both")
    }
    edges = {edge: None for walk in ways.values() for edge in walk.edges}
    more = any(walk.more for walk in ways.values())
    if permitted:
        rights = list(_permitted(facts, ways))
        more = more or len(edges) + len(rights) > _EDGES
        edges |= dict.fromkeys(rights[: max(_EDGES - len(edges), 0)])
    notes = {node: note for walk in ways.values() for node, note in walk.notes.items()}
    about = view.about("connectors", "consumer_groups")
    about.notes += notes_of_graph
    return LineageAnswer(
        about=about,
        start=_text(start, here),
        edges=[
            EdgeRow(
                source=_text(e.source, here),
                target=_text(e.target, here),
                known=e.known,
                by=e.by,
                active=e.active,
            )
            for e in edges
        ],
        upstream=_reached(ways.get("upstream"), here),
        downstream=_reached(ways.get("downstream"), here),
        incomplete={_text(node, here): note for node, note in notes.items()},
        hint=f"there is more beyond these {len(edges)} edges: raise depth, choose one direction, or start at one of them"
        if more
        else None,
    )


def _graph(known: KnownEstate, view: View) -> tuple[LineageGraph, list[str]]:
    """The graph of the whole estate if the job `analysis` has kept one made from this very document; else
    that of the cluster alone."""
    document = view.document
    kept = known.lineage.of(document) if view.source == "latest" else None
    if kept is not None:
        others = f"other clusters and event source mappings are as of {moment_text(kept.made_at)}"
        return kept.result, [*kept.result.gaps, others]
    mapped = known.mappings.of(document.cluster.name)
    notes = list(mapped.notes)
    if len(known.names()) > 1:
        notes.append(
            "other clusters are not followed: analysis/lineage was not made from this document; the job `analysis` brings it up to date"
        )
    return cluster_graph(ClusterFacts(document=document, mappings=mapped.topics)), notes


def _permitted(facts: ClusterFacts, ways: Mapping[str, Walk]) -> Iterator[Edge]:
    """Who may write, upstream, or read, downstream, the topics that were reached in this cluster."""
    reached = {
        way: {node.name for node in walk.distances if node.kind == "topic" and node.cluster == facts.name}
        for way, walk in ways.items()
    }
    for edge in permitted_edges(facts, topics=frozenset().union(*reached.values())):
        writes = edge.source.kind == "principal"
        if (edge.target if writes else edge.source).name in reached.get(
            "upstream" if writes else "downstream", ()
        ):
            yield edge


def _start(graph: LineageGraph, document: Document, wanted: Mapping[str, str | None]) -> Node:
    given = [(what, name) for what, name in wanted.items() if name is not None]
    if len(given) != 1:
        raise BadArgumentError(
            "give one of topic, connector, group, subject, table, function, mapping, statement and principal to start at"
        )
    [(what, name)] = given
    cluster = document.cluster.name
    match what:
        case "topic":
            return Node(kind="topic", cluster=cluster, name=the_topic(document, name).name)
        case "connector":
            connector = the_connector(document, name)
            return Node(kind="connector", cluster=cluster, namespace=connector.connect, name=connector.name)
        case "group":
            return _reader(document, the_group(document, name).group_id)
        case "subject":
            return Node(kind="subject", cluster=cluster, name=the_schema(document, name).subject)
        case "function":
            plain = name.partition(":function:")[2].partition(":")[0] or name  # of its ARN
            return _listed(graph, "function", plain, "lineage has no function")
        case "mapping":
            return _listed(graph, "event_source_mapping", name, "lineage has no event source mapping")
        case "statement":
            return _listed(graph, "statement", name, "lineage has no Flink statement")
        case "principal":
            return _principal(document, name)
        case _:
            return _dataset(graph, name)


def _reader(document: Document, group_id: str) -> Node:
    """The application, or the one sink connector that reads as that group."""
    cluster = document.cluster.name
    sinks = [one for one in document.connectors if sink_group(one) == group_id]
    if len(sinks) == 1:
        return Node(kind="connector", cluster=cluster, namespace=sinks[0].connect, name=sinks[0].name)
    return Node(kind="application", cluster=cluster, name=group_id)


def _principal(document: Document, name: str) -> Node:
    facts = ClusterFacts(document=document)
    known = principals_of(facts)
    if name not in known and unknown_rights(facts) is None:
        raise UnknownError(
            f"no ACL allows {shown(name)} anything on a topic; those that ACLs allow something are: "
            + (listed([shown(one) for one in known]) or "none")
        )
    return principal_node(facts, name)


def _listed(graph: LineageGraph, kind: NodeKind, name: str, lacking: str) -> Node:
    """The node of that kind and name. Raises UnknownError, which begins with `lacking` and lists those that
    exist."""
    nodes = [node for node in graph.nodes if node.kind == kind]
    found = named(nodes, name, lambda node: node.name)
    if found is None:
        known = listed([shown(node.name) for node in nodes]) if nodes else "none"
        raise UnknownError(f"{lacking} {shown(name)}; those known are: {known}")
    return found


def _dataset(graph: LineageGraph, name: str) -> Node:
    """By its whole address, its name, or the end of either, if that fits only one dataset."""
    datasets = [node for node in graph.nodes if node.kind == "dataset"]
    wanted = name.casefold()
    same = [node for node in datasets if str(node).removeprefix("dataset ").casefold() == wanted]
    if len(same) == 1:
        return same[0]
    near = [node for node in datasets if str(node).casefold().endswith((f".{wanted}", f"/{wanted}"))] or [
        node for node in datasets if wanted in str(node).casefold()
    ]
    if len(near) == 1:
        return near[0]
    addresses = listed([shown(str(node).removeprefix("dataset ")) for node in near or datasets])
    if near:
        raise UnknownError(
            f"{len(near)} tables have a name like {shown(name)}; pass one of them: {addresses}"
        )
    raise UnknownError(
        f"no connector of the cluster uses a table {shown(name)}; "
        + (f"those known are: {addresses}" if datasets else "no tables are known")
    )


def _text(node: Node, cluster: str) -> str:
    elsewhere = node.cluster is not None and node.cluster != cluster
    return f"{node} of cluster {node.cluster}" if elsewhere else str(node)


def _reached(walk: Walk | None, cluster: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node, steps in (walk.distances if walk else {}).items():
        if steps:
            found.setdefault(str(steps), []).append(_text(node, cluster))
    return {steps: sorted(nodes) for steps, nodes in found.items()}
