"""Tool: lineage."""

from typing import Annotated, get_args

from pydantic import Field

from mesh_assets.analysis.lineage import Direction, Lineage, Thing, ThingKind, lineage_graph, walk_lineage
from mesh_assets.answering.answers import (
    About,
    Answer,
    BadArgumentError,
    ClusterName,
    SourceArgument,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.views import the_connector, the_group, the_topic
from mesh_assets.inventory.document import Document

_EDGES = 60
_WORDS = {kind: kind.replace("_", " ") for kind in get_args(ThingKind)}


class EdgeRow(Answer):
    """Data flows from `source` to `target`. `known`: declared (by a config), observed (at runtime) or
    inferred. `by`: what says so."""

    source: str
    target: str
    known: str
    by: str


class LineageAnswer(Answer):
    """Things are written as `kind name`. `upstream`, `downstream`: what was reached, by steps from the start."""

    about: About
    start: str
    edges: list[EdgeRow]
    upstream: dict[str, list[str]]
    downstream: dict[str, list[str]]
    incomplete: dict[str, str] = Field(
        description="Things whose edges may be missing, and why. Missing edges are not guessed."
    )
    hint: str | None = None


def get_lineage(
    known: KnownEstate,
    /,
    topic: Annotated[str | None, Field(max_length=249, description="Start at this topic.")] = None,
    connector: Annotated[str | None, Field(max_length=512, description="Start at this connector.")] = None,
    group: Annotated[str | None, Field(max_length=512, description="Start at this consumer group.")] = None,
    direction: Annotated[
        Direction, Field(description="`upstream`: what feeds it. `downstream`: what it feeds.")
    ] = "both",
    depth: Annotated[
        int, Field(ge=1, le=10, description="Steps to follow; a connector between two topics is one.")
    ] = 3,
    cluster: ClusterName = None,
    source: SourceArgument = "latest",
) -> LineageAnswer:
    """What feeds a topic, connector or consumer group, and what it feeds, as far as Lambda functions. Each
    edge says how it is known."""
    view = known.view(cluster, source, needs=("topics", "connectors", "consumer_groups"))
    start = _start(view.document, topic, connector, group)
    mapped = known.mappings.of(view.document.cluster.name)
    graph = lineage_graph(view.document, mapped.topics)
    ways = {
        way: walk_lineage(
            graph, start, direction=way, depth=depth, most=_EDGES // (2 if direction == "both" else 1)
        )
        for way in ("upstream", "downstream")
        if direction in (way, "both")
    }
    edges = {edge: None for lineage in ways.values() for edge in lineage.edges}
    more = any(lineage.more for lineage in ways.values())
    notes = {thing: note for lineage in ways.values() for thing, note in lineage.notes.items()}
    about = view.about("connectors", "consumer_groups")
    about.notes += mapped.notes
    return LineageAnswer(
        about=about,
        start=_text(start),
        edges=[
            EdgeRow(source=_text(e.source), target=_text(e.target), known=e.known, by=e.by) for e in edges
        ],
        upstream=_reached(ways.get("upstream")),
        downstream=_reached(ways.get("downstream")),
        incomplete={_text(thing): note for thing, note in notes.items()},
        hint=f"there is more beyond these {len(edges)} edges: raise depth, choose one direction, or start at one of them"
        if more
        else None,
    )


def _start(document: Document, topic: str | None, connector: str | None, group: str | None) -> Thing:
    if sum(name is not None for name in (topic, connector, group)) != 1:
        raise BadArgumentError("give one of topic, connector and group to start at")
    if topic is not None:
        return Thing(kind="topic", name=the_topic(document, topic).name)
    if connector is not None:
        return Thing(kind="connector", name=the_connector(document, connector).name)
    return Thing(kind="consumer_group", name=the_group(document, group or "").group_id)


def _reached(lineage: Lineage | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for thing, steps in (lineage.distances if lineage else {}).items():
        if steps:
            found.setdefault(str(steps), []).append(_text(thing))
    return {steps: sorted(things) for steps, things in found.items()}


def _text(thing: Thing) -> str:
    return f"{_WORDS[thing.kind]} {thing.name}"
