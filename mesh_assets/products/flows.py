"""Lineage as products need it: what flows into and out of topics, and through what."""

from collections import defaultdict
from dataclasses import dataclass, field

from mesh_assets.analysis.graph import LineageGraph, Node
from mesh_assets.products.records import TopicPlace

_PASSING = ("application", "connector", "statement", "event_source_mapping")
Places = dict[Node, set[TopicPlace]]
Nodes = dict[TopicPlace, set[Node]]


@dataclass(frozen=True, slots=True)
class Flows:
    """`inputs`, `outputs`: the topics that a node reads and writes. `readers`, `makers`: the nodes of a topic. `origins`:
    the datasets outside Kafka that a connector reads. `internal`: topics that a system keeps for itself.
    `dead_letter`: topics for records set aside."""

    inputs: Places = field(default_factory=lambda: defaultdict(set))
    outputs: Places = field(default_factory=lambda: defaultdict(set))
    readers: Nodes = field(default_factory=lambda: defaultdict(set))
    makers: Nodes = field(default_factory=lambda: defaultdict(set))
    origins: dict[Node, set[Node]] = field(default_factory=lambda: defaultdict(set))
    internal: set[TopicPlace] = field(default_factory=set)
    dead_letter: set[TopicPlace] = field(default_factory=set)


def flows_of(graph: LineageGraph) -> Flows:
    """Without what rights merely permit. A reader of a topic that is not active now still belongs to it."""
    found = Flows()
    for edge in graph.edges:
        if edge.purpose == "schema" or edge.known == "permitted":
            continue
        if edge.source.kind == "topic" and edge.target.kind in _PASSING:
            place = _place(edge.source)
            found.readers[place].add(edge.target)
            found.inputs[edge.target].add(place)
        elif edge.target.kind == "topic" and edge.source.kind in _PASSING:
            place = _place(edge.target)
            found.makers[place].add(edge.source)
            found.outputs[edge.source].add(place)
            if edge.purpose == "internal":
                found.internal.add(place)
            elif edge.purpose == "dead_letter":
                found.dead_letter.add(place)
        elif edge.source.kind == "dataset":
            found.origins[edge.target].add(edge.source)
    return found


def _place(node: Node) -> TopicPlace:
    return TopicPlace(cluster=node.cluster or "", topic=node.name)
