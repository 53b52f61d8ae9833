"""The graph of the estate, from every cluster's newest document."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mesh_assets.analysis.graph import Edge, Flow, LineageGraph, Node, Note, build_graph
from mesh_assets.analysis.schema_fields import schema_fields
from mesh_assets.connector_rules.facts import Facts, Names, Servers
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.links import kafka_addresses
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.wording import listed
from mesh_assets.lineage.applications import Applications, sinks_by_group
from mesh_assets.lineage.cluster_links import mirror_lineage, unknown_mirrors
from mesh_assets.lineage.clusters import ClusterFacts, possible_readers
from mesh_assets.lineage.connectors import Found, connector_lineage
from mesh_assets.lineage.ksql_queries import query_lineage
from mesh_assets.lineage.rights import permitted_edges, unknown_rights
from mesh_assets.lineage.statements import statement_lineage


def estate_graph(
    clusters: Iterable[ClusterFacts], *, gaps: Iterable[str] = (), permitted: bool = False
) -> LineageGraph:
    """What feeds what within and between these clusters. Its size and its time grow with theirs. `gaps`:
    what the caller could not read; sections that the documents mark as not current are added. `permitted`:
    also include, as separate edges, what only rights allow; these may be as many as topics times
    principals."""
    every = tuple(clusters)
    servers = tuple(
        Servers(
            cluster=one.name,
            cluster_id=one.document.cluster.id,
            bootstrap_servers=frozenset(kafka_addresses(",".join(one.bootstrap_servers))),
            topics=Names(topic.name for topic in one.document.topics),
        )
        for one in every
    )
    nodes: list[Node] = []
    edges: list[Edge] = []
    flows: list[Flow] = []
    notes: list[Note] = []
    of_kind: dict[type, list[Any]] = {Node: nodes, Edge: edges, Flow: flows, Note: notes}
    for one, own in zip(every, servers, strict=True):
        for found in _cluster_lineage(one, own, servers):
            of_kind[type(found)].append(found)
    found_gaps = [*gaps, *(gap for one in every for gap in _gaps(one))]
    if permitted:
        edges += (edge for one in every for edge in permitted_edges(one))
        found_gaps += (gap for one in every if (gap := unknown_rights(one)) is not None)
    return build_graph(nodes=nodes, edges=edges, flows=flows, notes=notes, gaps=found_gaps)


def cluster_graph(facts: ClusterFacts) -> LineageGraph:
    """What feeds what in one cluster, as far as its own document shows."""
    return estate_graph([facts])


def _gaps(facts: ClusterFacts) -> Iterator[str]:
    """Which of a document's sections are missing or old."""
    if (unknown := unknown_mirrors(facts)) is not None:
        yield unknown
    for name in ("topics", "connectors", "schemas", "consumer_groups", "cluster_links"):
        state = facts.document.sections.get(name)
        words = f"{name.replace('_', ' ')} of {facts.name}"
        if state is not None and state.status == "stale":
            yield f"{words} are not current: {state.error}"
        elif state is not None and state.status == "fresh" and state.error is not None:
            yield f"{words} are not complete: {state.error}"


def connector_nodes(facts: ClusterFacts) -> dict[tuple[str, str], Node]:
    """The cluster's connectors by endpoint and name. Names are unique within an endpoint only."""
    return {
        (connector.connect, connector.name): Node(
            kind="connector", cluster=facts.name, namespace=connector.connect, name=connector.name
        )
        for connector in facts.document.connectors
    }


def _cluster_lineage(facts: ClusterFacts, own: Servers, servers: Sequence[Servers]) -> Iterator[Node | Found]:
    document = facts.document
    connectors = connector_nodes(facts)
    yield from connectors.values()
    prefixes = Names(
        prefix
        for connector in document.connectors
        for key in ("topic.prefix", "database.server.name")
        if (prefix := connector.config.get(key))
    )
    fields = _value_fields(document)
    for connector in document.connectors:
        yield from connector_lineage(
            Facts(
                connector=connector,
                cluster=facts.name,
                topics=own.topics,
                clusters=servers,
                prefixes=prefixes,
                fields=fields,
                knows_all_topics=document.state("topics").status == "fresh" and not document.excluded_topics,
            ),
            connectors[(connector.connect, connector.name)],
        )
    applications = Applications(facts, sinks_by_group(facts, connectors))
    yield from applications.nodes()
    yield from applications.edges()
    yield from applications.notes()
    yield from map(facts.topic, own.topics)
    if perhaps := possible_readers(document):
        note = f"may also be read by {listed(perhaps)}: what they read is not known"
        yield from (Note(node=facts.topic(name), text=note) for name in own.topics)
    yield from _mappings(facts)
    yield from statement_lineage(facts, servers)
    yield from query_lineage(facts)
    yield from mirror_lineage(facts, servers)
    yield from _subjects(facts)


def _value_fields(document: Document) -> Callable[[str], tuple[str, ...] | None]:
    """The fields of a topic's values by their paths; None unless exactly one subject describes them, completely."""
    schemas = {schema.subject: schema for schema in document.schemas}
    subjects = {
        topic.name: (*topic.schema.value_subjects, *topic.schema.record_subjects) for topic in document.topics
    }

    def fields(topic: str) -> tuple[str, ...] | None:
        described_by = subjects.get(topic, ())
        schema = schemas.get(described_by[0]) if len(described_by) == 1 else None
        found = None if schema is None else schema_fields(schema.schema_type, schema.definition)
        if found is None or found.note is not None:
            return None
        return tuple(field.path for field in found.fields)

    return fields


def _mappings(facts: ClusterFacts) -> Iterator[Edge]:
    for mapping in facts.mappings:
        here = Node(kind="event_source_mapping", name=mapping.uuid)
        by = "event source mapping" if mapping.state is None else f"event source mapping, {mapping.state}"
        active = None if mapping.state is None else mapping.state in ("Enabled", "Updating")
        function = Node(kind="function", name=mapping.function)
        yield Edge(source=facts.topic(mapping.topic), target=here, known="declared", by=by, active=active)
        yield Edge(source=here, target=function, known="declared", by=by, active=active)


def _subjects(facts: ClusterFacts) -> Iterator[Node | Edge]:
    for schema in facts.document.schemas:
        yield Node(kind="subject", cluster=facts.name, name=schema.subject)
    for topic in facts.document.topics:
        for subject, by in _described_by(topic):
            yield Edge(
                source=Node(kind="subject", cluster=facts.name, name=subject),
                target=facts.topic(topic.name),
                known="inferred",
                by=by,
                purpose="schema",
            )


def _described_by(topic: Topic) -> Iterator[tuple[str, str]]:
    yield from ((subject, "the subject's name: the topic's keys") for subject in topic.schema.key_subjects)
    yield from (
        (subject, "the subject's name: the topic's values") for subject in topic.schema.value_subjects
    )
    yield from (
        (subject, "the subject's name: the topic and the record") for subject in topic.schema.record_subjects
    )


def counts(graph: LineageGraph) -> dict[str, int]:
    """How many nodes there are of each kind, by its plural: `topics`, `applications`, …"""
    found = Counter(node.kind for node in graph.nodes)
    return {f"{kind}s": found[kind] for kind in sorted(found)}
