"""The data in the page: all rows with the names of their fields, and the rest of what the page says."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.findings.kinds import KINDS
from mesh_assets.inventory.changes import change_line
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import shortened
from mesh_assets.report.content import Report, told_of
from mesh_assets.report.inventory_rows import (
    cluster_row,
    connector_rows,
    group_rows,
    read_rows,
    schema_rows,
    topic_rows,
)
from mesh_assets.report.places import Places, Table
from mesh_assets.report.profile_rows import profile_rows
from mesh_assets.report.rows import (
    ChangeRow,
    ClusterRow,
    ConnectorRow,
    DomainRow,
    EdgeRow,
    EntityRow,
    FindingRow,
    GroupRow,
    NodeRow,
    ProfileRow,
    ReadRow,
    SchemaRow,
    TopicRow,
)

MOST_FINDINGS = 5_000
MOST_CHANGES = 2_000
_MOST_SENTENCE = 400
Rows: TypeAlias = Sequence[Struct]
_TABLES: dict[str, type[Struct]] = {
    "clusters": ClusterRow,
    "topics": TopicRow,
    "connectors": ConnectorRow,
    "schemas": SchemaRow,
    "groups": GroupRow,
    "reads": ReadRow,
    "nodes": NodeRow,
    "edges": EdgeRow,
    "findings": FindingRow,
    "changes": ChangeRow,
    "domains": DomainRow,
    "entities": EntityRow,
    "profiles": ProfileRow,
}


class PageData(Record, frozen=True, kw_only=True):
    """`columns`: the fields of each table's rows, in order. `flows`: through, source, target, as places of
    nodes: data from the source goes to the target. `advice`: what to do, by kind of finding. `left_out`: how
    many findings and changes are not in the page."""

    made: int
    since: int
    columns: dict[str, tuple[str, ...]]
    tables: dict[str, Rows]
    texts: list[str]
    fields: list[Any]
    flows: list[tuple[int, int, int]]
    advice: dict[str, str]
    left_out: dict[str, int]


def page_data(report: Report) -> PageData:
    """The data of the page; its time and size grow with what the estate holds."""
    places = Places(report)
    documents = report.mesh.documents.values()
    members = _domains_of_topics(report, places)
    nodes, edges, flows = _lineage(report.mesh.graph, places)
    findings, changes = list(_findings(report, places)), list(_changes(report, places))
    tables: dict[str, Rows] = {
        "clusters": [cluster_row(one) for one in documents],
        "topics": [
            row for one in documents for row in topic_rows(one, places, members.get(one.cluster.name, {}))
        ],
        "connectors": [row for one in documents for row in connector_rows(one, places)],
        "schemas": [row for one in documents for row in schema_rows(one, places)],
        "groups": [row for one in documents for row in group_rows(one, places)],
        "reads": [row for one in documents for row in read_rows(one, places)],
        "nodes": nodes,
        "edges": edges,
        "findings": findings[:MOST_FINDINGS],
        "changes": changes[:MOST_CHANGES],
        "domains": [
            DomainRow(
                cluster=places.clusters.known(one.cluster),
                name=one.name,
                owners=one.owners,
                topics=len(one.topics),
            )
            for one in report.domains.domains
        ],
        "entities": list(_entities(report, places)),
        "profiles": list(profile_rows(report.quality, places)),
    }
    return PageData(
        made=int(report.made_at.timestamp()),
        since=int(report.since.timestamp()),
        columns={name: kind.__struct_fields__ for name, kind in _TABLES.items()},
        tables=tables,
        texts=places.texts,
        fields=places.fields.things,
        flows=flows,
        advice={kind: one.advice for kind, one in KINDS.items()},
        left_out={
            "findings": max(0, len(findings) - MOST_FINDINGS),
            "changes": max(0, len(changes) - MOST_CHANGES),
        },
    )


def _domains_of_topics(report: Report, places: Places) -> dict[str, dict[str, tuple[int, str]]]:
    """Cluster → topic → the place of its domain (-1: none), and the reason."""
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for domain in report.domains.domains:
        place = places.domains.known((domain.cluster, domain.name))
        of = found.setdefault(domain.cluster, {})
        of.update((member.topic, (place, member.reason)) for member in domain.topics)
    for one in report.domains.unassigned:
        found.setdefault(one.cluster, {})[one.topic] = (-1, one.reason)
    return found


def _lineage(
    graph: LineageGraph, places: Places
) -> tuple[list[NodeRow], list[EdgeRow], list[tuple[int, int, int]]]:
    """The graph without its schemas, which are shown with their topics, and without what is only
    permitted."""
    notes: dict[object, str] = {}
    for note in graph.notes:
        notes[note.node] = f"{notes[note.node]}; {note.text}" if note.node in notes else note.text
    nodes = Table(node for node in graph.nodes if node.kind != "subject")
    rows = []
    for node in nodes.things:
        topic = places.topics.known((node.cluster or "", node.name)) if node.kind == "topic" else -1
        rows.append(
            NodeRow(
                kind_text=places.text(node.kind),
                cluster=places.clusters.known(node.cluster or ""),
                namespace_text=places.text(node.namespace),
                name="" if topic >= 0 else node.name,
                topic=topic,
                note=notes.get(node),
            )
        )
    edges = [
        EdgeRow(
            source=nodes.known(edge.source),
            target=nodes.known(edge.target),
            known_text=places.text(edge.known),
            purpose_text=places.text(edge.purpose),
            by_text=places.text(edge.by),
            active=None if edge.active is None else int(edge.active),
        )
        for edge in graph.edges
        if edge.purpose != "schema" and edge.known != "permitted"
    ]
    flows = [
        (nodes.known(flow.through), nodes.known(flow.source), nodes.known(flow.target))
        for flow in graph.flows
    ]
    return rows, edges, flows


def _findings(report: Report, places: Places) -> Iterator[FindingRow]:
    """The worst first; muted ones last."""
    for one in sorted(report.findings, key=lambda one: one.muted is not None):
        yield FindingRow(
            cluster=places.clusters.known(one.cluster),
            kind_text=places.text(one.kind),
            severity_text=places.text(one.severity),
            resource_type_text=places.text(one.resource_type),
            resource=one.resource,
            connect=one.connect if one.shares_name else None,
            sentence=shortened(told_of(one), _MOST_SENTENCE),
            evidence=one.evidence,
            since=None if one.since is None else int(one.since.timestamp()),
            muted=one.muted,
        )


def _changes(report: Report, places: Places) -> Iterable[ChangeRow]:
    """Newest first, over all clusters."""
    every = [(name, at) for name, history in report.changes.items() for at in history.changes]
    every.sort(key=lambda one: one[1].moment, reverse=True)
    for name, at in every:
        yield ChangeRow(
            cluster=places.clusters.known(name),
            at=int(at.moment.timestamp()),
            kind_text=places.text(at.change.kind),
            resource_type_text=places.text(at.change.resource_type),
            resource=at.change.resource,
            severity_text=places.text(at.change.severity),
            sentence=shortened(change_line(at.change), _MOST_SENTENCE),
        )


def _entities(report: Report, places: Places) -> Iterator[EntityRow]:
    """Those of two or more topics: a single topic's entity relates nothing."""
    for one in report.relationships.entities:
        if len(one.topics) > 1:
            yield EntityRow(
                cluster=places.clusters.known(one.cluster),
                name=one.name,
                key=one.key,
                reason=one.reason,
                uses=tuple(
                    (places.topics.known((one.cluster, use.topic)), use.path, int(use.in_key))
                    for use in one.uses
                ),
            )
