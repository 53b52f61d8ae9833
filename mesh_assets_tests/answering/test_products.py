"""Data products and costs of the estate: made from results of the other analyses, stored, and read again."""

from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from mesh_assets.answering.belonging import (
    keep_estate_domains,
    keep_estate_relationships,
    read_estate_domains,
    read_estate_relationships,
)
from mesh_assets.answering.contract_facts import read_ground
from mesh_assets.answering.estate_lineage import EstateLineage, keep_estate_lineage
from mesh_assets.answering.known_products import KnownProducts, keep_estate_products, product_results
from mesh_assets.answering.products import known_estate_products, read_estate_products
from mesh_assets.errors import DamagedError
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.lineage.clusters import ClusterFacts, MappedTopic
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.products.tables import write_product_tables
from mesh_assets.profiling.records import DataQuality, FieldProfile, TopicProfile
from mesh_assets.profiling.results import profile_results
from mesh_assets.readings.usual_gaps import EstateGaps, UsualGap
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets.store.results import ResultStore, read_latest_documents
from mesh_assets_tests.documents import MOMENT, a_topic
from mesh_assets_tests.products.estates import a_shop
from mesh_assets_tests.published import publish

ESTATE = """clusters:
  warehouse: {kafka: {bootstrap_servers: "b:9092"}}
  archive: {kafka: {bootstrap_servers: "d:9092"}}
domains: {patterns: {sales: ["order*", "invoice*"], people: ["user*"]}}
products: {file: products.yaml}
costs: {currency: EUR, prices: [{partition_hour: 0.01}]}
"""


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    (tmp_path / "products.yaml").write_text("decisions:\n  - {product: warehouse.sales, name: Sales}\n")
    return load_estate(tmp_path / "estate.yaml")


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    store = InventoryStore(open_store(str(tmp_path / "store")))
    publish(store, a_shop())
    return store


def test_products_come_from_documents_alone_with_notes_on_what_that_lacks(
    estate: Estate, store: InventoryStore
) -> None:
    found = read_estate_products(estate, store, now=MOMENT)
    assert [(one.id, one.name, one.status) for one in found.products.products] == [
        ("warehouse.people", "people", "candidate"),
        ("warehouse.sales", "Sales", "accepted"),
    ]
    assert found.notes[0] == "cluster archive has not been discovered yet"
    assert found.notes[1].startswith(
        "lineage is without event source mappings, Flink statements and queries of ksqlDB"
    )
    sales = found.products.product("warehouse.sales")
    assert sales is not None
    assert sales.costs is not None
    assert sales.costs.cost == pytest.approx(2 * 7.3)
    assert sales.costs.cost_share == pytest.approx(0.5)


def test_results_that_other_analyses_kept_of_the_same_documents_are_used(
    estate: Estate, store: InventoryStore
) -> None:
    latest = read_latest_documents(store, estate.clusters)
    mapped = MappedTopic(uuid="u-1", function="score", topic="orders", state="Enabled")
    graph = estate_graph(
        [ClusterFacts(document=one, mappings=(mapped,)) for one in latest.documents.values()]
    )
    keep_estate_lineage(store, EstateLineage(graph=graph, documents=latest.read), made_at=MOMENT)
    keep_estate_relationships(store, read_estate_relationships(estate, store), made_at=MOMENT)
    keep_estate_domains(store, read_estate_domains(estate, store), made_at=MOMENT)
    profile = TopicProfile(
        cluster="warehouse",
        cluster_id="lkc-1",
        topic="users",
        taken_at=MOMENT,
        strategy="latest",
        sampled_records=4,
        fields=(
            FieldProfile(path="name", types=(), records=2, completeness=0.5, optional=False, distinct=2),
        ),
    )
    quality = DataQuality(profiles=(profile,), overlaps=(), unprofiled=(), not_allowed=0)
    profile_results(store).put(quality, documents=latest.read, made_at=MOMENT)
    gaps = EstateGaps(clusters={"lkc-1": {"users/id-of-users": UsualGap(10.0, 30)}})
    ResultStore(store, "usual_gaps", EstateGaps).put(gaps, documents=(), made_at=MOMENT)
    found = read_estate_products(estate, store, now=MOMENT)
    assert found.notes == ("cluster archive has not been discovered yet",)
    sales, people = found.products.product("warehouse.sales"), found.products.product("warehouse.people")
    assert sales is not None
    assert sales.consumers == ("event source mapping u-1",)
    assert people is not None
    assert {part.name: part.value for part in people.parts}["completeness"] == 0.5


def test_a_profile_of_another_cluster_with_the_same_name_is_ignored(
    estate: Estate, store: InventoryStore
) -> None:
    other = TopicProfile(
        cluster="warehouse",
        cluster_id="gone",
        topic="users",
        taken_at=MOMENT,
        strategy="latest",
        sampled_records=4,
        fields=(FieldProfile(path="n", types=(), records=2, completeness=0.5, optional=False, distinct=2),),
    )
    quality = DataQuality(profiles=(other,), overlaps=(), unprofiled=(), not_allowed=0)
    profile_results(store).put(quality, documents=(), made_at=MOMENT)
    people = read_estate_products(estate, store, now=MOMENT).products.product("warehouse.people")
    assert people is not None
    assert people.parts[0].value is None


def test_owners_come_from_schemas_unless_the_registry_hides_them(
    estate: Estate, store: InventoryStore
) -> None:
    shop = a_shop()
    named = [
        replace(one, contract=DataContract(properties={"Owner": "team-x"}, sensitive=("Owner",)))
        if one.subject == "users-value"
        else replace(one, contract=DataContract(properties={"Owner": "team-y"}))
        for one in shop.schemas
    ]
    publish(store, replace(shop, sequence=2, schemas=tuple(named)))
    owners = {one.id: one.owner for one in read_estate_products(estate, store, now=MOMENT).products.products}
    assert owners == {"warehouse.people": None, "warehouse.team-y": "team-y"}


def test_kept_products_are_reused_with_a_note_when_a_newer_document_differs(
    estate: Estate, store: InventoryStore
) -> None:
    found = read_estate_products(estate, store, now=MOMENT)
    keep_estate_products(store, found, made_at=MOMENT)
    assert known_estate_products(estate, store, now=MOMENT) == replace(found, notes=())
    publish(store, replace(a_shop("orders_new"), sequence=2, discovery_timestamp=MOMENT + timedelta(hours=1)))
    known = known_estate_products(estate, store, now=MOMENT)
    assert known.products == found.products
    assert "data products and costs of warehouse come from an earlier document" in known.notes[0]


def test_changed_decisions_count_at_once(estate: Estate, store: InventoryStore, tmp_path: Path) -> None:
    keep_estate_products(store, read_estate_products(estate, store, now=MOMENT), made_at=MOMENT)
    (tmp_path / "products.yaml").write_text("decisions:\n  - {product: warehouse.sales, decision: drop}\n")
    decided = known_estate_products(load_estate(tmp_path / "estate.yaml"), store, now=MOMENT)
    assert [one.id for one in decided.products.products] == ["warehouse.people"]


def test_contracts_belong_to_the_kept_products(estate: Estate, store: InventoryStore) -> None:
    before = read_ground(estate, store)
    assert any(note.startswith("contracts cover domains") for note in before.notes)
    keep_estate_products(store, read_estate_products(estate, store, now=MOMENT), made_at=MOMENT)
    after = read_ground(estate, store)
    assert [(one.product.id, one.product.name) for one in after.facts] == [
        ("warehouse.people", "people"),
        ("warehouse.sales", "Sales"),
    ]
    assert not any(note.startswith("contracts cover domains") for note in after.notes)


def test_a_member_that_vanishes_between_two_runs_is_reported(estate: Estate, store: InventoryStore) -> None:
    keep_estate_products(store, read_estate_products(estate, store, now=MOMENT), made_at=MOMENT)
    shop = a_shop()
    later = replace(shop, sequence=2, topics=tuple(one for one in shop.topics if one.name != "orders"))
    publish(store, later)
    sales = read_estate_products(estate, store, now=MOMENT).products.product("warehouse.sales")
    assert sales is not None
    assert [str(one.place) for one in sales.vanished] == ["warehouse/orders"]


def test_a_damaged_result_is_an_error_for_readers_and_reported_by_the_next_run(
    estate: Estate, store: InventoryStore
) -> None:
    store.objects.put(product_results(store).key, b"{")
    with pytest.raises(DamagedError, match="run the job `analysis` again"):
        known_estate_products(estate, store, now=MOMENT)
    found = read_estate_products(estate, store, now=MOMENT)
    assert any("products were identified from scratch" in note for note in found.notes)


def test_the_tables_hold_every_product_topic_and_cost_with_null_for_what_is_unknown(
    estate: Estate, store: InventoryStore, tmp_path: Path
) -> None:
    found = read_estate_products(estate, store, now=MOMENT)
    rows = write_product_tables(store.objects, found.products, found.costs, made_at=MOMENT)
    read = {name: pq.read_table(tmp_path / f"store/tables/{name}/data.parquet").to_pylist() for name in rows}
    assert {name: len(of) for name, of in read.items()} == rows
    [people, sales] = read["data_products"]
    assert (people["product"], sales["status"], sales["topics"]) == ("warehouse.people", "accepted", 2)
    assert (people["score_schema"], people["score_completeness"]) == (1.0, None)
    assert {(one["product"], one["topic"]) for one in read["data_product_topics"]} == {
        ("warehouse.people", "users"),
        ("warehouse.sales", "invoices"),
        ("warehouse.sales", "orders"),
    }
    orders = next(one for one in read["costs"] if (one["kind"], one["name"]) == ("topic", "orders"))
    assert (orders["partitions"], orders["bytes_in_per_second"], orders["bytes_in_per_second_unknown"]) == (
        1.0,
        None,
        1,
    )
    assert orders["currency"] == "EUR"


def test_an_estate_that_was_never_discovered_has_no_products_and_empty_tables(
    estate: Estate, tmp_path: Path
) -> None:
    empty = InventoryStore(open_store(str(tmp_path / "empty")))
    found = read_estate_products(estate, empty, now=MOMENT)
    assert (found.products.products, found.costs.rows) == ((), ())
    assert write_product_tables(empty.objects, found.products, found.costs, made_at=MOMENT) == {
        "data_products": 0,
        "data_product_topics": 0,
        "costs": 0,
    }


def test_answers_read_a_result_once_until_it_is_written_again(estate: Estate, store: InventoryStore) -> None:
    known = KnownProducts(lambda: store)
    assert known.latest() is None
    keep_estate_products(store, read_estate_products(estate, store, now=MOMENT), made_at=MOMENT)
    first = known.latest()
    assert first is not None
    assert known.latest() is first
    assert first.of_topic["warehouse", "orders"][0].id == "warehouse.sales"
    publish(store, replace(a_shop(a_topic("orders_new")), sequence=2))
    keep_estate_products(store, read_estate_products(estate, store, now=MOMENT), made_at=MOMENT)
    second = known.latest()
    assert second is not None
    assert ("warehouse", "orders_new") in second.of_topic
