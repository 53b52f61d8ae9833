"""Following the graph from any node: upstream, downstream, or both."""

from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Literal

from mesh_assets.analysis.graph import Edge, LineageGraph, Node
from mesh_assets.inventory.records import Record

Direction = Literal["upstream", "downstream", "both"]


class Walk(Record, frozen=True, kw_only=True):
    """What is upstream or downstream of `start`. `distances`: steps from the start. `notes`: why edges of the
    nodes reached may be missing. `more`: not everything was followed."""

    start: Node
    edges: tuple[Edge, ...]
    distances: Mapping[Node, int]
    notes: Mapping[Node, str]
    more: bool


def walk_lineage(
    graph: LineageGraph, start: Node, *, direction: Direction, depth: int, most: int = 200
) -> Walk:
    """Everything up to `depth` steps from `start`: against the flow (`upstream`), with it (`downstream`) or both.

    Through a connector that keeps tables apart, only what belongs together is followed: from a topic to its
    own table, not to the connector's other tables. Edges of schemas are followed only from a subject; what a
    system keeps for itself and what rights permit, only at the start. Nearer things come first. After `most`
    edges the walk stops and sets `more`.
    """
    found: dict[Edge, None] = {}
    distances = {start: 0}
    more = False
    for way in ("upstream", "downstream") if direction == "both" else (direction,):
        more |= _Way(graph, start, upstream=way == "upstream").follow(
            depth=depth, most=most, found=found, distances=distances
        )
    notes: dict[Node, str] = {}
    for note in graph.notes:
        if note.node in distances:
            notes[note.node] = f"{notes[note.node]}; {note.text}" if note.node in notes else note.text
    return Walk(start=start, edges=tuple(found), distances=distances, notes=notes, more=more)


class _Way:
    """One direction of a walk."""

    def __init__(self, graph: LineageGraph, start: Node, *, upstream: bool) -> None:
        self._start = start
        self._upstream = upstream
        self._leaving: defaultdict[Node, list[Edge]] = defaultdict(list)
        for edge in graph.edges:
            flows = edge.purpose in ("data", "dead_letter") and edge.known != "permitted"
            followed = flows or start in (edge.source, edge.target)
            if followed and (edge.purpose != "schema" or start.kind == "subject"):
                self._leaving[edge.target if upstream else edge.source].append(edge)
        self._beyond: defaultdict[Node, defaultdict[Node, set[Node]]] = defaultdict(lambda: defaultdict(set))
        self._paired: defaultdict[Node, set[Node]] = defaultdict(set)
        for flow in graph.flows:
            entered, left = (flow.target, flow.source) if upstream else (flow.source, flow.target)
            self._beyond[flow.through][entered].add(left)
            self._paired[flow.through].add(left)

    def follow(self, *, depth: int, most: int, found: dict[Edge, None], distances: dict[Node, int]) -> bool:
        """Adds to `found` and `distances`; whether there is more."""
        seen: set[tuple[Node, Node | None]] = {(self._start, None)}
        waiting: deque[tuple[Node, Node | None, int]] = deque([(self._start, None, 0)])
        more = False
        while waiting:
            here, came_from, steps = waiting.popleft()
            edges = self._edges(here, came_from)
            if steps == depth:
                more = more or bool(edges)
                continue
            for edge in edges:
                if edge not in found and len(found) == most:
                    return True
                found[edge] = None
                there = edge.source if self._upstream else edge.target
                distances.setdefault(there, steps + 1)
                # Where one came from matters only if flows pair what enters with what leaves.
                entry = (there, here if there in self._beyond else None)
                if entry not in seen:
                    seen.add(entry)
                    waiting.append((*entry, steps + 1))
        return more

    def _edges(self, here: Node, came_from: Node | None) -> list[Edge]:
        edges = self._leaving[here]
        if came_from is None or here not in self._beyond:
            return edges
        allowed, paired = self._beyond[here].get(came_from), self._paired[here]
        if allowed is None:
            return edges
        return [
            edge
            for edge in edges
            if (there := edge.source if self._upstream else edge.target) in allowed or there not in paired
        ]
