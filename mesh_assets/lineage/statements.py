"""The edges of Flink SQL statements on Confluent Cloud, where a table is a topic of its name.

Source: https://docs.confluent.io/cloud/current/flink/concepts/overview.html: a catalog is an environment, a
database a Kafka cluster, a table a topic; each goes by its name or its id.
"""

from collections.abc import Iterator, Sequence

from mesh_assets.analysis.graph import ColumnPair, Edge, Flow, Node, Note
from mesh_assets.analysis.sql import Insertion, Path, UnreadableSqlError, insertions
from mesh_assets.connector_rules.facts import Servers
from mesh_assets.lineage.clusters import ClusterFacts, SqlStatement

_RUNS = frozenset({"PENDING", "RUNNING", "DEGRADED"})


def statement_lineage(facts: ClusterFacts, clusters: Sequence[Servers]) -> Iterator[Edge | Flow | Note]:
    """What each statement that writes reads, and where it writes. Only topics that exist have edges: views
    and other kinds of tables are not topics."""
    for statement in facts.statements:
        here = Node(kind="statement", cluster=facts.name, name=statement.name)
        try:
            written = insertions(statement.sql)
        except UnreadableSqlError as error:
            yield Note(node=here, text=f"what it reads and writes is not known: {error}")
            continue
        active = statement.phase in _RUNS
        for one in written:
            target = _topic(one.target, statement, facts, clusters)
            if isinstance(target, str):
                yield Note(node=here, text=f"it writes to {target}")
            else:
                yield Edge(source=here, target=target, known="declared", by=_by(statement), active=active)
            for path in one.sources:
                source = _topic(path, statement, facts, clusters)
                if isinstance(source, str):
                    yield Note(node=here, text=f"it reads {source}")
                    continue
                yield Edge(source=source, target=here, known="declared", by=_by(statement), active=active)
                if isinstance(target, Node):
                    yield Flow(source=source, through=here, target=target, columns=_columns(one, path))


def _columns(written: Insertion, source: Path) -> tuple[ColumnPair, ...] | None:
    """Those that come from the source; there may be none."""
    if written.columns is None:
        return None
    return tuple(
        ColumnPair(source=one.source, target=one.target) for one in written.columns if one.table == source
    )


def _by(statement: SqlStatement) -> str:
    return f"its SQL; the statement is {statement.phase}"


def _topic(
    path: Path, statement: SqlStatement, facts: ClusterFacts, clusters: Sequence[Servers]
) -> Node | str:
    """The topic behind a table; if no known topic is, the end of a sentence that says why."""
    shown = ".".join(path)
    database = path[-2] if len(path) > 1 else statement.database
    own = database is None or database in (statement.database, facts.name, facts.document.cluster.id)
    named = (facts.name,) if own else (database,)
    found = [one for one in clusters if one.cluster in named or one.cluster_id in named]
    if len(found) != 1:
        return f"{shown}, in a database that is not a cluster of the estate"
    if path[-1] not in found[0].topics:
        return f"{shown}, which is not a topic of {found[0].cluster}"
    return Node(kind="topic", cluster=found[0].cluster, name=path[-1])
