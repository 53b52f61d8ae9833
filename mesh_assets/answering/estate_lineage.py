"""Lineage of the whole estate: the newest documents, event source mappings, Flink statements and ksqlDB's queries put
together, and the result that the job `analysis` keeps of it."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import convert

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.answering.known_mappings import KnownMappings
from mesh_assets.errors import MeshError
from mesh_assets.estate.connections import FlinkConnection, KsqlDbConnection
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.importing import importing, without_collector
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.lineage.clusters import ClusterFacts, KsqlQuery, SqlStatement
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.platforms.listeners import broker_addresses
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import (
    DocumentRead,
    LatestResult,
    ResultStore,
    StoredResult,
    holds_for,
    read_latest_documents,
)

if TYPE_CHECKING:
    from mesh_assets.platforms.confluent_cloud.flink import Statement
    from mesh_assets.platforms.ksqldb import KsqlQuery as AnsweredQuery

ReadStatements = Callable[[FlinkConnection], Sequence["Statement"]]
ReadQueries = Callable[[KsqlDbConnection, str], Sequence["AnsweredQuery"]]
"""Of a ksqlDB cluster, given the id of the Kafka cluster that it should work on."""

FROM_DOCUMENTS_ALONE = (
    "lineage is without event source mappings, Flink statements and queries of ksqlDB: the job `analysis` has not run on these "
    "documents yet"
)
"""What is said of lineage that was not read by `read_estate_lineage`."""


class EstateLineage(Record, frozen=True, kw_only=True):
    """The graph, and the documents it was derived from."""

    graph: LineageGraph
    documents: tuple[DocumentRead, ...]


def lineage_results(store: InventoryStore) -> ResultStore[LineageGraph]:
    """Where the newest graph of the estate is kept: `analysis/lineage.json`."""
    return ResultStore(store, "lineage", LineageGraph)


class KnownLineage:
    """The newest kept graph, read once each time it is written. Safe to use from many threads."""

    def __init__(self, store: Callable[[], InventoryStore]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._latest = LatestResult(lambda: lineage_results(store()))
        self._compared: tuple[tuple[DocumentRead | None, str, int], bool] | None = None

    def latest(self) -> StoredResult[LineageGraph] | None:
        """None: the job `analysis` has not run yet. Raises StoreError."""
        return self._latest.get()

    def of(self, document: Document) -> StoredResult[LineageGraph] | None:
        """The newest kept graph if it was derived from that document of its cluster; None otherwise. Raises StoreError."""
        found = self.latest()
        if found is None:
            return None
        read = next((one for one in found.documents if one.cluster == document.cluster.name), None)
        compared = (read, document.cluster.id, document.sequence)
        with self._lock:
            if self._compared is None or self._compared[0] != compared:
                self._compared = (compared, holds_for(self._store(), read, document))
            return found if self._compared[1] else None


@without_collector()
def read_estate_lineage(
    estate: Estate,
    store: InventoryStore,
    *,
    mappings: KnownMappings,
    read_statements: ReadStatements | None = None,
    read_queries: ReadQueries | None = None,
) -> EstateLineage:
    """The lineage of every discovered cluster of the estate.

    Mappings, statements and queries that could not be read are among the graph's gaps. Raises StoreError if a document cannot
    be read.
    """
    latest = read_latest_documents(store, estate.clusters)
    gaps = [
        f"cluster {one.cluster} has not been discovered yet" for one in latest.read if one.sequence is None
    ]
    facts = []
    for name, document in latest.documents.items():
        cluster = estate.clusters[name]
        mapped = mappings.of(name)
        gaps += mapped.notes
        statements, gap = _statements(cluster, read_statements or _read_statements)
        gaps += gap
        queries, gap = _queries(cluster, document.cluster.id, read_queries or _read_queries)
        gaps += gap
        facts.append(
            ClusterFacts(
                document=document,
                bootstrap_servers=addresses(cluster),
                mappings=mapped.topics,
                statements=statements,
                queries=queries,
            )
        )
    return EstateLineage(graph=estate_graph(facts, gaps=gaps), documents=latest.read)


def keep_estate_lineage(store: InventoryStore, lineage: EstateLineage, *, made_at: datetime) -> str:
    """Keeps it as the newest; its location, for people."""
    return lineage_results(store).put(lineage.graph, documents=lineage.documents, made_at=made_at)


def addresses(cluster: Cluster) -> tuple[str, ...]:
    """The addresses by which the estate knows the cluster; none where it names it by its ARN."""
    return broker_addresses(cluster.kafka)


def _statements(cluster: Cluster, read: ReadStatements) -> tuple[tuple[SqlStatement, ...], list[str]]:
    connection = cluster.flink
    if connection is None:
        return (), []
    try:
        found = read(connection)
    except MeshError as error:
        return (), [f"Flink statements of {cluster.name} could not be read: {error}"]
    return tuple(
        SqlStatement(
            name=one.name,
            sql=one.sql,
            phase=one.phase,
            catalog=connection.catalog,
            database=connection.database,
        )
        for one in found
    ), []


def _read_statements(connection: FlinkConnection) -> "Sequence[Statement]":
    with importing:
        from mesh_assets.platforms.confluent_cloud.flink import FlinkClient  # imports HTTP, needed only here

    with FlinkClient(connection) as flink:
        return flink.statements()


def _queries(cluster: Cluster, cluster_id: str, read: ReadQueries) -> tuple[tuple[KsqlQuery, ...], list[str]]:
    """What could be read, and a sentence for each ksqlDB cluster that could not."""
    found: list[KsqlQuery] = []
    gaps = []
    for connection in cluster.ksqldb:
        try:
            answered = read(connection, cluster_id)
        except MeshError as error:
            gaps.append(f"ksqlDB's queries on {cluster.name} could not be read: {error}")
        else:
            found += (convert(one, KsqlQuery, from_attributes=True) for one in answered)
    return tuple(found), gaps


def _read_queries(connection: KsqlDbConnection, cluster_id: str) -> "Sequence[AnsweredQuery]":
    with importing:
        from mesh_assets.platforms.ksqldb import KsqlDbClient

    with KsqlDbClient(connection) as ksqldb:
        return ksqldb.queries_on(cluster_id)
