"""Lineage: what feeds what, according to the documents. An edge says how it is known; what is unknown gives a
note instead of an edge.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.links import set_aside_topics
from mesh_assets.inventory.records import Connector, EdgeKnown, Record
from mesh_assets.inventory.wording import listed
from mesh_assets.masking.configs import MASK

ThingKind = Literal["topic", "connector", "consumer_group", "event_source_mapping", "function", "external"]
Direction = Literal["upstream", "downstream", "both"]

# How connector configs name the external system; the first key found is used, and the edge names it.
_OUTER_ENDS = (
    "connection.url",
    "s3.bucket.name",
    "gcs.bucket.name",
    "azblob.container.name",
    "gcs.bucket",
    "database.hostname",
    "mongodb.connection.string",
    "connection.uri",
    "connection.host",
    "snowflake.url.name",
    "http.api.url",
    "file",
)


class Thing(Record, frozen=True, kw_only=True):
    """Something that data flows through. `external` things (a bucket, a database) are known from a
    connector's config.
    """

    kind: ThingKind
    name: str


class Edge(Record, frozen=True, kw_only=True):
    """Data flows from `source` to `target`. `by`: the evidence."""

    source: Thing
    target: Thing
    known: EdgeKnown
    by: str


class MappedTopic(Record, frozen=True, kw_only=True):
    """What lineage needs from an event source mapping: the function, the topic it reads, and its state (None:
    unknown).
    """

    uuid: str
    function: str
    topic: str
    state: str | None = None


class LineageGraph(Record, frozen=True, kw_only=True):
    """All edges of a cluster. `notes`: why a thing's edges may be incomplete."""

    edges: tuple[Edge, ...]
    notes: Mapping[Thing, str]


class Lineage(Record, frozen=True, kw_only=True):
    """What is upstream or downstream of `start`. `distances`: steps from the start. `more`: there is more
    than was followed.
    """

    start: Thing
    edges: tuple[Edge, ...]
    distances: Mapping[Thing, int]
    notes: Mapping[Thing, str]
    more: bool


def lineage_graph(document: Document, mappings: Iterable[MappedTopic] = ()) -> LineageGraph:
    """The edges in the document and the event source mappings.

    Sources write to their topics, sinks read from them and write what they set aside, groups read what they have committed or are assigned.
    A connector that is neither source nor sink has no edge: nothing says which way its data flows.
    """
    edges: list[Edge] = []
    notes: dict[Thing, str] = {}
    for connector in document.connectors:
        here = Thing(kind="connector", name=connector.name)
        note = connector.topics_note
        if connector.type in ("source", "sink"):
            edges.extend(_connector_edges(here, connector))
        else:
            note = f"its type is {connector.type or 'unknown'}, so nothing says which way its data flows"
        if note is not None:
            notes[here] = note
    for group in document.consumer_groups:
        here = Thing(kind="consumer_group", name=group.group_id)
        committed = {offset.topic for offset in group.offsets or ()}
        edges.extend(
            Edge(
                source=Thing(kind="topic", name=topic),
                target=here,
                known="observed",
                by="committed offsets" if topic in committed else "assigned partitions",
            )
            for topic in group.topics
        )
        if group.error is not None:
            notes[here] = f"could not be read completely: {group.error}"
    if perhaps := possible_readers(document):
        note = f"may also be read by {listed(perhaps)}: what they read is not known"
        notes |= {Thing(kind="topic", name=topic.name): note for topic in document.topics}
    for mapping in mappings:
        here = Thing(kind="event_source_mapping", name=mapping.uuid)
        by = "event source mapping" if mapping.state is None else f"event source mapping, {mapping.state}"
        edges.append(
            Edge(source=Thing(kind="topic", name=mapping.topic), target=here, known="declared", by=by)
        )
        edges.append(
            Edge(source=here, target=Thing(kind="function", name=mapping.function), known="declared", by=by)
        )
    return LineageGraph(edges=tuple(edges), notes=notes)


def possible_readers(document: Document) -> tuple[str, ...]:
    """The groups of which it is not known what they read (share groups, refused ones): each may read any topic."""
    return tuple(
        group.group_id for group in document.consumer_groups if group.offsets is None and not group.topics
    )


def walk_lineage(
    graph: LineageGraph, start: Thing, *, direction: Direction, depth: int, most: int = 200
) -> Lineage:
    """Everything up to `depth` steps from `start`: against the flow (`upstream`), with it (`downstream`) or
    both.

    Nearer things come first. After `most` edges the walk stops and sets `more`.
    """
    found: dict[Edge, None] = {}
    distances = {start: 0}
    more = False
    for way in ("upstream", "downstream") if direction == "both" else (direction,):
        more |= _walk(
            graph.edges,
            start,
            upstream=way == "upstream",
            depth=depth,
            most=most,
            found=found,
            distances=distances,
        )
    notes = {thing: graph.notes[thing] for thing in distances if thing in graph.notes}
    return Lineage(start=start, edges=tuple(found), distances=distances, notes=notes, more=more)


def _walk(
    edges: Sequence[Edge],
    start: Thing,
    *,
    upstream: bool,
    depth: int,
    most: int,
    found: dict[Edge, None],
    distances: dict[Thing, int],
) -> bool:
    leaving: defaultdict[Thing, list[Edge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.target if upstream else edge.source].append(edge)
    steps = {start: 0}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        if steps[here] == depth:
            if leaving[here]:
                return True
            continue
        for edge in leaving[here]:
            if len(found) == most:
                return True
            found[edge] = None
            there = edge.source if upstream else edge.target
            if there not in steps:
                steps[there] = steps[here] + 1
                distances.setdefault(there, steps[there])
                waiting.append(there)
    return False


def _connector_edges(here: Thing, connector: Connector) -> Iterable[Edge]:
    is_source = connector.type == "source"
    for topic in connector.topics:
        there = Thing(kind="topic", name=topic.name)
        by = "its config" if topic.known == "declared" else "what Connect saw it use"
        yield Edge(
            source=here if is_source else there, target=there if is_source else here, known=topic.known, by=by
        )
    for key, name in set_aside_topics(connector).items():
        yield Edge(
            source=here, target=Thing(kind="topic", name=name), known="declared", by=f"its config {key}"
        )
    for key in _OUTER_ENDS:
        value = connector.config.get(key)
        if value and value != MASK:
            outer = Thing(kind="external", name=value)
            yield Edge(
                source=outer if is_source else here,
                target=here if is_source else outer,
                known="declared",
                by=f"its config {key}",
            )
            return
