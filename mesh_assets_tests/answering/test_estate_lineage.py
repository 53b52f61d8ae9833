"""What lineage asks of running systems: one that does not answer leaves a gap, and the others still count."""

from collections.abc import Sequence
from pathlib import Path

from mesh_assets.analysis.graph import Node
from mesh_assets.answering.estate_lineage import read_estate_lineage
from mesh_assets.answering.known_mappings import KnownMappings
from mesh_assets.errors import UnreachableError
from mesh_assets.estate.connections import KsqlDbConnection
from mesh_assets.estate.file import load_estate
from mesh_assets.platforms.ksqldb import KsqlQuery
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.published import publish

ESTATE = """clusters:
  warehouse:
    kafka: {bootstrap_servers: "b:9092"}
    ksqldb: [{url: "http://down:8088"}, {url: "http://up:8088"}]
"""


def test_the_queries_of_one_ksqldb_cluster_count_though_another_is_down(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    estate = load_estate(tmp_path / "estate.yaml")
    store = InventoryStore(open_store(str(tmp_path / "store")))
    document = a_document(topics=(a_topic("orders"), a_topic("totals")))
    publish(store, document)

    def answer(connection: KsqlDbConnection, cluster_id: str) -> Sequence[KsqlQuery]:
        assert cluster_id == document.cluster.id
        if "down" in connection.url:
            raise UnreachableError("ksqlDB at http://down:8088 does not answer")
        return [KsqlQuery(id="Q", group="ksql-q", reads=("orders",), writes=("totals",))]

    found = read_estate_lineage(estate, store, mappings=KnownMappings(lambda: estate), read_queries=answer)
    written = Node(kind="topic", cluster="warehouse", name="totals")
    assert [edge.source.name for edge in found.graph.edges if edge.target == written] == ["ksql-q"]
    assert (
        "ksqlDB's queries on warehouse could not be read: ksqlDB at http://down:8088 does not answer"
        in found.graph.gaps
    )
