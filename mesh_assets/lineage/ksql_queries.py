"""The edges of ksqlDB's queries. A query is a Kafka Streams application, so its node is that of its consumer
group; the server says which topics it reads and also which it writes, which Kafka does not know about any
application."""

from collections.abc import Iterator

from mesh_assets.analysis.graph import Edge, Flow, Node, Note
from mesh_assets.lineage.clusters import ClusterFacts, KsqlQuery

_STANDS_STILL = frozenset({"ERROR", "PAUSED"})


def query_lineage(facts: ClusterFacts) -> Iterator[Edge | Flow | Note]:
    """What each query reads, and where it writes. Only topics that exist have edges."""
    known = {topic.name for topic in facts.document.topics}
    for query in facts.queries:
        here = Node(kind="application", cluster=facts.name, name=query.group)
        words = f"query {query.id} of ksqlDB"
        by = f"{words}, {' and '.join(query.states) or 'state unknown'}"
        active = _active(query)
        reads, writes = ([name for name in names if name in known] for names in (query.reads, query.writes))
        for name in reads:
            yield Edge(source=facts.topic(name), target=here, known="declared", by=by, active=active)
        for name in writes:
            yield Edge(source=here, target=facts.topic(name), known="declared", by=by, active=active)
        for source in reads:
            for target in writes:
                yield Flow(source=facts.topic(source), through=here, target=facts.topic(target))
        for name in sorted({*query.reads, *query.writes} - known):
            yield Note(node=here, text=f"{words} names {name}, which is not a topic of {facts.name}")
        for name in query.unknown:
            yield Note(node=here, text=f"{words} names {name}, whose topic ksqlDB does not list")


def _active(query: KsqlQuery) -> bool | None:
    if "RUNNING" in query.states:
        return True
    return False if query.states and _STANDS_STILL.issuperset(query.states) else None
