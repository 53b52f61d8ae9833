"""The newest documents and their lineage, as exports and the report read them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mesh_assets.analysis.graph import Node
from mesh_assets.answering.estate_lineage import EstateLineage, keep_estate_lineage
from mesh_assets.answering.mesh import read_domains, read_mesh
from mesh_assets.errors import EstateError, StoreError
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.document import ClusterIdentity, Document
from mesh_assets.lineage.clusters import ClusterFacts, MappedTopic
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets.store.results import read_latest_documents
from mesh_assets_tests.documents import MOMENT, STALE, a_connector, a_document, a_group, a_topic
from mesh_assets_tests.published import publish

ESTATE = """clusters:
  warehouse: {kafka: {bootstrap_servers: "b:9092,a:9092"}}
  billing: {kafka: {bootstrap_servers: "c:9092"}}
  archive: {kafka: {bootstrap_servers: "d:9092"}}
"""
WAREHOUSE = a_document(topics=(a_topic("orders"),), consumer_groups=(a_group("fraud", topics=("orders",)),))
MIRROR = a_connector(
    "from-warehouse",
    type="source",
    topics=(),
    config={
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "source.cluster.alias": "warehouse",
        "source.cluster.bootstrap.servers": "a:9092",
        "target.cluster.bootstrap.servers": "c:9092",
        "topics": "orders",
    },
)
BILLING = a_document(
    cluster=ClusterIdentity(id="lkc-2", name="billing"),
    topics=(a_topic("warehouse.orders"), a_topic("invoices")),
    connectors=(MIRROR,),
)
MAPPING = MappedTopic(uuid="u-1", function="score", topic="orders", state="Enabled")


def topic(cluster: str, name: str) -> Node:
    return Node(kind="topic", cluster=cluster, name=name)


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE)
    return load_estate(path)


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    """With documents of two of the three clusters."""
    store = InventoryStore(open_store(str(tmp_path / "store")))
    publish(store, WAREHOUSE)
    publish(store, BILLING)
    return store


@pytest.fixture
def keep(estate: Estate, store: InventoryStore) -> Callable[[], None]:
    """The job `analysis`, which knows a mapping to a function."""

    def kept() -> None:
        latest = read_latest_documents(store, estate.clusters)
        facts = [
            ClusterFacts(
                document=document,
                bootstrap_servers=("a:9092",) if name == "warehouse" else ("c:9092",),
                mappings=(MAPPING,) if name == "warehouse" else (),
            )
            for name, document in latest.documents.items()
        ]
        graph = estate_graph(facts, gaps=["cluster archive has not been discovered yet"])
        keep_estate_lineage(store, EstateLineage(graph=graph, documents=latest.read), made_at=MOMENT)

    return kept


def test_lineage_kept_by_the_job_is_used_with_its_functions(
    estate: Estate, store: InventoryStore, keep: Callable[[], None]
) -> None:
    keep()
    mesh = read_mesh(estate, store)
    assert mesh.documents == {"warehouse": WAREHOUSE, "billing": BILLING}
    assert Node(kind="function", name="score") in mesh.graph.nodes
    assert mesh.addresses["warehouse"] == ("b:9092", "a:9092")
    assert mesh.notes == ("cluster archive has not been discovered yet",)


def test_lineage_of_an_earlier_document_is_rebuilt_with_a_note_on_what_it_lacks(
    estate: Estate, store: InventoryStore, keep: Callable[[], None]
) -> None:
    keep()
    later = a_document(sequence=2, topics=(a_topic("orders"), a_topic("users")))
    publish(store, later)
    mesh = read_mesh(estate, store, ["warehouse"])
    assert topic("warehouse", "users") in mesh.graph.nodes
    assert Node(kind="function", name="score") not in mesh.graph.nodes
    assert mesh.notes[0].startswith(
        "lineage is without event source mappings, Flink statements and queries of ksqlDB"
    )


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_graph_of_one_cluster_has_its_neighbours_and_nothing_else(
    estate: Estate, store: InventoryStore, keep: Callable[[], None], is_kept: bool
) -> None:
    if is_kept:
        keep()
    graph = read_mesh(estate, store, ["billing"]).graph
    mirror = Node(kind="connector", cluster="billing", namespace="main", name="from-warehouse")
    edges = {(edge.source, edge.target) for edge in graph.edges}
    assert (topic("warehouse", "orders"), mirror) in edges
    assert (mirror, topic("billing", "warehouse.orders")) in edges
    assert Node(kind="application", cluster="warehouse", name="fraud") not in graph.nodes
    assert topic("billing", "invoices") in graph.nodes


def test_a_function_is_reached_from_the_cluster_of_its_topic(
    estate: Estate, store: InventoryStore, keep: Callable[[], None]
) -> None:
    keep()
    nodes = {node.kind for node in read_mesh(estate, store, ["warehouse"]).graph.nodes}
    assert {"event_source_mapping", "function"} <= nodes


def test_an_outdated_section_gives_a_note(estate: Estate, store: InventoryStore) -> None:
    old: Document = a_document(sequence=2, topics=(a_topic("orders"),), sections={"consumer_groups": STALE})
    publish(store, old)
    notes = read_mesh(estate, store, ["warehouse"]).notes
    assert "consumer groups of warehouse are not current: connection refused" in notes


def test_a_name_that_the_estate_lacks_and_a_cluster_never_discovered_are_refused(
    estate: Estate, store: InventoryStore
) -> None:
    with pytest.raises(EstateError, match="no cluster 'warehose'; it has: warehouse, billing, archive"):
        read_mesh(estate, store, ["warehose"])
    with pytest.raises(StoreError, match="cluster archive has never been discovered"):
        read_mesh(estate, store, ["archive"])


def test_domains_are_computed_where_none_are_kept(estate: Estate, store: InventoryStore) -> None:
    mesh = read_mesh(estate, store, ["billing"])
    [(name, domains)] = read_domains(estate, store, mesh).items()
    assert name == "billing"
    placed = {one.topic for domain in domains.domains for one in domain.topics}
    assert placed | {one.topic for one in domains.unassigned} == {"warehouse.orders", "invoices"}
