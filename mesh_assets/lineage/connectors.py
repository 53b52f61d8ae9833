"""The edges of connectors: what their rule reads from the config, combined with what Connect saw them use."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mesh_assets.analysis.graph import ColumnPair, Edge, Flow, Known, Node, Note
from mesh_assets.connector_rules import rule_of
from mesh_assets.connector_rules.facts import Facts, OwnTopic, Sink, Source
from mesh_assets.connector_rules.routing import Routing
from mesh_assets.inventory.links import is_topic_name, set_aside_topics
from mesh_assets.lineage.fields import sink_columns, source_columns
from mesh_assets.masking.configs import MASK

Found = Edge | Flow | Note

_SEEN = "what Connect saw it use"
# Connect remembers the topics of a connector until somebody resets them (KIP-558).
_GONE = ", of earlier: the topic is gone"
_MOST_FLOWS = 10_000
_HIDDEN = "its config hides a part of the address of what is behind it"


def connector_lineage(facts: Facts, here: Node) -> Iterator[Found]:
    """The edges, flows and notes of one connector, `here`.

    Sources write to their topics; sinks read from theirs and write the records they set aside. A connector
    that is neither has no edge: nothing says which way its data flows.
    """
    connector = facts.connector
    if connector.error is not None:
        yield Note(node=here, text=f"could not be read completely: {connector.error}")
    if connector.type not in ("source", "sink"):
        yield Note(
            node=here,
            text=f"its type is {connector.type or 'unknown'}, so nothing says which way its data flows",
        )
        return
    rule = rule_of(connector)
    found = None if rule is None else _seen_whole(rule(facts))
    if found is None and connector.config:
        yield Note(
            node=here,
            text=f"its class {connector.connector_class or '(unknown)'} is not known here, so the systems behind it are not known",
        )
    if isinstance(found, Source) and facts.is_source:
        yield from _Written(facts, here, found).lineage()
    else:
        yield from _used(facts, here)
        if isinstance(found, Sink) and not facts.is_source:
            yield from _kept(facts, here, found)
        elif connector.topics_note is not None:
            yield Note(node=here, text=connector.topics_note)
    if found is not None:
        yield from _own(facts, here, found.own)
        yield from (Note(node=here, text=text) for text in found.notes)


def _seen_whole(found: Source | Sink) -> Source | Sink:
    """Leaves out places whose address the config hides in part: two that differ only there would become
    one."""
    if isinstance(found, Sink):
        table = found.table

        def seen(topic: str) -> Node | str:
            there = table(topic)
            return _HIDDEN if isinstance(there, Node) and _is_hidden(there) else there

        whole = None if found.whole is None or _is_hidden(found.whole) else found.whole
        others = [node for node in found.others if not _is_hidden(node)]
        return replace(found, table=seen, whole=whole, others=others)
    hidden = [pair for pair in found.pairs if _is_hidden(pair.dataset)]
    datasets = [(node, by) for node, by in found.datasets if not _is_hidden(node)]
    if not hidden and len(datasets) == len(found.datasets):
        return found
    return replace(
        found,
        pairs=[pair for pair in found.pairs if pair not in hidden],
        datasets=datasets,
        topics=[*found.topics, *((pair.topic, pair.by) for pair in hidden if not pair.is_routed)],
        notes=[*found.notes, _HIDDEN],
    )


def _is_hidden(node: Node) -> bool:
    return MASK in node.name or MASK in (node.namespace or "")


def _used(facts: Facts, here: Node, *, without: Iterable[str] = ()) -> Iterator[Edge]:
    """The topics that the inventory knows it to use, and those where it sets records aside."""
    left_out = set(without)
    # Connect does not distinguish the topics a sink sets records aside in from those it reads.
    aside = set(set_aside_topics(facts.connector).values())
    for topic in facts.connector.topics:
        if topic.name in left_out or (topic.known == "observed" and topic.name in aside):
            continue
        there = _topic(facts, topic.name)
        by = "its config" if topic.known == "declared" else _SEEN
        source, target = (here, there) if facts.is_source else (there, here)
        gone = topic.known == "observed" and facts.is_gone(topic.name)
        yield Edge(
            source=source,
            target=target,
            known=topic.known,
            by=f"{by}{_GONE}" if gone else by,
            active=False if gone else None,
        )
    for key, name in set_aside_topics(facts.connector).items():
        yield Edge(
            source=here,
            target=_topic(facts, name),
            known="declared",
            by=f"its config {key}",
            purpose="dead_letter",
        )


def _kept(facts: Facts, here: Node, sink: Sink) -> Iterator[Found]:
    """Where a sink writes each of its topics; the whole system where the table of one is not known."""
    routing = Routing(facts.connector.config)
    aside = set(set_aside_topics(facts.connector).values())
    reasons: dict[str, None] = {}
    apart = False
    everywhere: list[str] = []
    anywhere = sink.others or ([] if sink.whole is None else [sink.whole])
    for used in facts.connector.topics:
        if used.name in aside and used.known == "observed":
            continue
        routed = routing.follow(used.name)
        if routed.name is None and routed.because is None:
            continue
        because = routed.because or ""
        if routed.name is not None:
            there = sink.table(routed.name)
            if isinstance(there, Node):
                yield Edge(source=here, target=there, known=sink.known, by=sink.by)
                columns = _kept_columns(facts, used.name, sink)
                yield Flow(source=_topic(facts, used.name), through=here, target=there, columns=columns)
                apart = True
                continue
            because = there
        reasons[because] = None
        everywhere.append(used.name)
    for there in anywhere if everywhere else ():
        yield Edge(source=here, target=there, known=sink.known, by=sink.by)
    # Where every topic may go to every table, the edges alone say so: flows are for telling topics apart.
    many = len(everywhere) * len(anywhere)
    if many > _MOST_FLOWS and apart:
        yield Note(
            node=here,
            text=f"{many:,} flows of {len(everywhere):,} topics, each to any of its tables, are left out",
        )
    if many <= _MOST_FLOWS:
        for name in everywhere:
            yield from (Flow(source=_topic(facts, name), through=here, target=there) for there in anywhere)
    if not facts.connector.topics and sink.whole is not None:
        yield Edge(source=here, target=sink.whole, known=sink.known, by=sink.by)
    yield from (Note(node=here, text=because) for because in reasons)
    if facts.connector.topics_note is not None:
        yield Note(node=here, text=facts.connector.topics_note)


def _kept_columns(facts: Facts, topic: str, sink: Sink) -> tuple[ColumnPair, ...] | None:
    column = sink.column
    fields = None if column is None else facts.fields(topic)
    pairs = None if fields is None else sink_columns(facts.connector.config, fields)
    if pairs is None or column is None:
        return None
    return tuple(ColumnPair(source=pair.source, target=column(pair.target)) for pair in pairs)


class _Written:
    """What a source writes."""

    def __init__(self, facts: Facts, here: Node, source: Source) -> None:
        self._facts = facts
        self._here = here
        self._source = source
        self._routing = Routing(facts.connector.config)
        self._told: set[str] = set()
        self._reasons: dict[str, None] = {}

    def lineage(self) -> Iterator[Found]:
        source, here = self._source, self._here
        for pair in source.pairs:
            yield Edge(source=pair.dataset, target=here, known=pair.known, by=pair.by)
            name = pair.topic if pair.is_routed else self._routed(pair.topic)
            if name is None:
                continue
            topic = _topic(self._facts, name)
            yield self._edge(name, pair.known, pair.by)
            yield Flow(source=pair.dataset, through=here, target=topic, columns=self._columns(name))
        for node, by in source.datasets:
            yield Edge(source=node, target=here, known="declared", by=by)
        for raw, by in source.topics:
            name = self._routed(raw)
            if name is not None:
                yield self._edge(name, "declared", by)
        own = {topic.name for topic in source.own}
        yield from _used(self._facts, here, without=self._told | own)
        yield from (Note(node=here, text=reason) for reason in self._reasons)
        # The inventory's note is about topics that the config does not name; a rule known here does name
        # them.
        known_here = self._told and not self._reasons
        if self._facts.connector.topics_note is not None and not known_here and not self._reasons:
            yield Note(node=here, text=self._facts.connector.topics_note)

    def _columns(self, topic: str) -> tuple[ColumnPair, ...] | None:
        fields = None if self._source.row is None else self._facts.fields(topic)
        if fields is None:
            return None
        # A schema with none of them describes something else, e.g. where a converter wraps or the registry is
        # not the writer's.
        return source_columns(self._facts.connector.config, fields, within=self._source.row or "") or None

    def _edge(self, name: str, known: Known, by: str) -> Edge:
        self._told.add(name)
        seen = name in self._facts.observed
        gone = seen and self._facts.is_gone(name)
        return Edge(
            source=self._here,
            target=_topic(self._facts, name),
            known="observed" if seen else known,
            by=f"{_SEEN}{_GONE if gone else ''}; {by}" if seen else by,
            active=False if gone else None,
        )

    def _routed(self, name: str) -> str | None:
        routed = self._routing.follow(name)
        if routed.because is not None:
            self._reasons[routed.because] = None
        elif routed.name is not None and not is_topic_name(routed.name):
            self._reasons[f"it would write to {routed.name!r}, which is not the name of a topic"] = None
            return None
        return routed.name


def _own(facts: Facts, here: Node, topics: Sequence[OwnTopic]) -> Iterator[Edge]:
    for topic in topics:
        if not is_topic_name(topic.name):
            continue
        there = Node(kind="topic", cluster=topic.cluster or facts.cluster, name=topic.name)
        source, target = (there, here) if topic.reads else (here, there)
        yield Edge(source=source, target=target, known="declared", by=topic.by, purpose="internal")


def _topic(facts: Facts, name: str) -> Node:
    return Node(kind="topic", cluster=facts.cluster, name=name)
