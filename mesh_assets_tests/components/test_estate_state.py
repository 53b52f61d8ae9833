"""What parts of the documents become assets."""

from typing import Any

import pytest
from hypothesis import given

from mesh_assets.answering.estate_lineage import lineage_results
from mesh_assets.components.estate_state import (
    ClusterState,
    EstateState,
    decode_state,
    encode_state,
    estate_assets,
    read_state,
)
from mesh_assets.components.mesh_asset import Column, MeshAsset
from mesh_assets.components.selection import Selection, select_assets
from mesh_assets.errors import DamagedError
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.inventory.document import ClusterIdentity, Document
from mesh_assets.inventory.records import ConnectorTopic, TopicSchema
from mesh_assets.lineage.clusters import ClusterFacts, MappedTopic
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.relationships.records import Domain, Domains, DomainTopic
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets.store.results import ResultStore, read_latest_documents
from mesh_assets_tests.arbitrary_documents import documents, property_of_documents
from mesh_assets_tests.components.a_shop import a_shop
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.published import publish

ORDERS, SINK = ("warehouse", "topics", "orders"), ("warehouse", "connectors", "orders-sink")


def _assets(document: Document) -> dict[tuple[str, ...], MeshAsset]:
    return {asset.key: asset for asset in estate_assets({"warehouse": document})}


def test_a_topic_has_the_columns_owner_and_domain_of_its_schema() -> None:
    orders = _assets(a_shop())[ORDERS]

    assert orders.columns == (
        Column(path="id", type="integer", optional=False, doc="Of the shop"),
        Column(path="email", type="string", optional=True),
    )
    assert (orders.owner, orders.domain, orders.kinds) == ("payments", "Money & shops", ("kafka", "json"))
    assert (
        orders.description
        == "Topic of 1 partition, described by orders-value.\n\nOne line of a shop's order."
    )


MIRROR = a_connector(
    "mirror",
    type="source",
    topics=(),
    config={
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "source.cluster.alias": "up",
        "target.cluster.alias": "down",
        "source.cluster.bootstrap.servers": "up.example.com:9092",
        "topics": "orders",
    },
)
UP = ClusterIdentity(id="lkc-up", name="up")


def _analysed(store: InventoryStore) -> None:
    """Like the job `analysis`; a mapping reads `up`'s topic into a function."""
    documents = read_latest_documents(store, ["up", "down"])
    mapped = MappedTopic(uuid="1-2", function="fraud-check", topic="orders", state="Enabled")
    graph = estate_graph(
        [
            ClusterFacts(
                document=document,
                bootstrap_servers=(f"{name}.example.com:9092",),
                mappings=(mapped,) if name == "up" else (),
            )
            for name, document in documents.documents.items()
        ]
    )
    lineage_results(store).put(graph, documents=documents.read, made_at=MOMENT)


def _two_clusters(location: str, **down: Any) -> InventoryStore:
    store = InventoryStore(open_store(location))
    publish(store, a_document(cluster=UP, topics=(a_topic("orders"),)))
    publish(
        store,
        a_document(
            cluster=ClusterIdentity(id="lkc-down", name="down"),
            topics=(a_topic("up.orders"),),
            connectors=(MIRROR,),
            **down,
        ),
    )
    return store


def _upstream(store: InventoryStore) -> dict[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    return {asset.key: asset.upstream for asset in read_state(store, ["up", "down"]).assets}


def test_results_that_only_the_analysis_has_are_shown_while_they_match_the_document(
    location: str,
) -> None:
    mirror, function = ("down", "connectors", "mirror"), ("functions", "fraud-check")
    store = _two_clusters(location)
    alone = _upstream(store)
    _analysed(store)
    analysed = _upstream(store)
    _two_clusters(location, sequence=2)
    unchanged = _upstream(store)
    publish(
        store,
        a_document(cluster=UP, sequence=2, topics=(a_topic("orders"), a_topic("others"))),
    )
    changed = _upstream(store)

    assert function not in alone
    assert analysed[function] == (("up", "topics", "orders"),)
    assert analysed[mirror] == (("up", "topics", "orders"),)
    assert analysed[("down", "topics", "up.orders")] == (mirror,)
    assert unchanged == analysed
    assert function not in changed
    assert ("up", "topics", "others") in changed


def test_unreadable_results_of_the_analysis_affect_no_asset(
    store: InventoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    whole = read_state(store)
    for name in ("lineage", "domains"):
        store.objects.put(f"analysis/{name}.json", b"{}")

    assert read_state(store) == whole
    assert caplog.text.count("is not a result of this version") == 2


def test_readers_come_after_a_topic_and_writers_before_it() -> None:
    source = a_connector("orders-source", type="source")
    assets = _assets(
        a_document(
            topics=(a_topic("orders"),),
            connectors=(a_connector("orders-sink"), source),
            consumer_groups=(a_group("fraud-detection"),),
        )
    )

    assert {key[1:]: asset.upstream for key, asset in assets.items()} == {
        ("topics", "orders"): (("warehouse", "connectors", "orders-source"),),
        ("connectors", "orders-sink"): (ORDERS,),
        ("connectors", "orders-source"): (),
        ("consumer_groups", "fraud-detection"): (ORDERS,),
    }


def test_a_group_is_not_fed_by_a_deleted_topic() -> None:
    document = a_document(topics=(a_topic("orders"),), consumer_groups=(a_group(topics=("gone", "orders")),))
    state = EstateState(clusters=(), assets=tuple(estate_assets({"warehouse": document})))

    _, group = select_assets(state, Selection(), limit=9).assets

    assert group.upstream == (ORDERS,)


def test_a_sink_leads_to_what_it_fills_and_its_group_is_not_an_application() -> None:
    sink = a_connector(
        "archive",
        config={
            "connector.class": "io.confluent.connect.s3.S3SinkConnector",
            "s3.bucket.name": "lake",
            "topics.dir": "raw",
        },
    )
    assets = _assets(
        a_document(
            topics=(a_topic("orders"),),
            connectors=(sink,),
            consumer_groups=(a_group("connect-archive"), a_group("fraud-detection")),
        )
    )

    [bucket] = [asset for asset in assets.values() if asset.kind == "datasets"]
    assert bucket.key[:2] == ("datasets", "s3://lake")
    assert bucket.upstream == (("warehouse", "connectors", "archive"),)
    assert assets["warehouse", "connectors", "archive"].upstream == (ORDERS,)
    assert [key[2] for key in assets if key[1] == "consumer_groups"] == ["fraud-detection"]


def test_the_registrys_owner_comes_before_the_schemas_own() -> None:
    document = a_document(
        topics=(a_topic("orders", schema=TopicSchema(value_subjects=("orders-value",))),),
        schemas=(
            a_schema(
                "orders-value",
                definition='{"type": "object", "owner": "payments"}',
                contract=DataContract(properties={"Owner": "shop@example.com"}),
            ),
        ),
    )

    assert _assets(document)[ORDERS].owner == "shop@example.com"


def test_two_connectors_with_one_name_are_two_assets() -> None:
    assets = _assets(
        a_document(
            topics=(a_topic("orders"),),
            connectors=(a_connector("orders-sink"), a_connector("orders-sink", connect="second")),
        )
    )

    assert {key[2] for key in assets} == {"orders", "main/orders-sink", "second/orders-sink"}


def test_an_unreadable_schema_is_reported_and_gives_no_columns() -> None:
    document = a_document(
        topics=(a_topic("orders", schema=TopicSchema(value_subjects=("orders-value",))),),
        schemas=(a_schema("orders-value", schema_type="AVRO", definition="{"),),
    )

    orders = _assets(document)[ORDERS]

    assert orders.columns is None
    assert orders.facts["columns"] == "orders-value cannot be read as AVRO"


def test_a_wide_schema_is_cut_and_says_so() -> None:
    properties = ", ".join(f'"f{number}": {{"type": "string"}}' for number in range(203))
    document = a_document(
        topics=(a_topic("orders", schema=TopicSchema(value_subjects=("orders-value",))),),
        schemas=(
            a_schema("orders-value", definition=f'{{"type": "object", "properties": {{{properties}}}}}'),
        ),
    )

    orders = _assets(document)[ORDERS]

    assert orders.columns is not None
    assert len(orders.columns) == 200
    assert orders.facts["columns"] == "3 more fields are not shown"


def test_the_domains_of_the_analysis_come_before_the_schemas_own(store: InventoryStore) -> None:
    shop = Domain(
        cluster="warehouse",
        name="shop",
        topics=tuple(DomainTopic(topic=name, known="prefix", reason="x") for name in ("orders", "refunds")),
        owners=(),
    )
    ResultStore(store, "domains", Domains).put(
        Domains(domains=(shop,), unassigned=()), documents=(), made_at=MOMENT
    )

    topics = [asset for asset in read_state(store).assets if asset.kind == "topics"]

    assert {asset.name: asset.domain for asset in topics} == {"orders": "shop", "refunds": "shop"}


def _declared(*topics: str) -> tuple[ConnectorTopic, ...]:
    return tuple(ConnectorTopic(name=one, known="declared") for one in topics)


def test_connectors_and_applications_stand_with_their_topics_where_these_agree_on_a_domain() -> None:
    dead_letters = {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "failed"}
    document = a_document(
        topics=tuple(a_topic(name) for name in ("failed", "orders", "refunds", "undecided", "users")),
        connectors=(
            a_connector("of-no-domain", topics=_declared("undecided")),
            a_connector(
                "of-the-shop", topics=_declared("orders", "refunds", "undecided"), config=dead_letters
            ),
            a_connector("of-two", topics=_declared("orders", "users")),
        ),
        consumer_groups=(
            a_group("billing", topics=("orders", "refunds")),
            a_group("of-all", topics=("orders", "users")),
        ),
    )
    domains = {"orders": "shop", "refunds": "shop", "users": "people", "failed": "operations"}

    found = estate_assets(
        {"warehouse": document}, domains={("warehouse", name): domain for name, domain in domains.items()}
    )

    assert {
        asset.name: asset.domain for asset in found if asset.kind in ("connectors", "consumer_groups")
    } == {
        "of-no-domain": None,
        "of-the-shop": "shop",
        "of-two": None,
        "billing": "shop",
        "of-all": None,
    }


def test_equal_estates_give_equal_states_whatever_the_time(store: InventoryStore) -> None:
    first = encode_state(read_state(store))
    later = a_shop(sequence=2, run_id="run-2")

    assert decode_state(first, source="x") == EstateState(
        clusters=(ClusterState(name="warehouse", cluster_id="lkc-1"),),
        assets=tuple(estate_assets({"warehouse": later})),
    )


def test_a_cluster_that_was_never_discovered_says_what_to_do(location: str) -> None:
    state = read_state(InventoryStore(open_store(location)), ["warehouse"])

    [cluster] = state.clusters
    assert state.assets == ()
    assert cluster.why_empty is not None
    assert "nothing has been discovered" in cluster.why_empty
    assert "mesh-assets discover --cluster warehouse" in cluster.why_empty


@pytest.mark.parametrize("data", [b"", b"{", b'{"format": 1}', b"[]"])
def test_a_file_that_is_not_a_state_is_refused_with_what_to_do(data: bytes) -> None:
    with pytest.raises(
        DamagedError, match=r"the-file is not a state .*refresh it: dg utils refresh-defs-state"
    ):
        decode_state(data, source="the-file")


@property_of_documents
@given(documents())
def test_keys_are_unique_and_a_state_survives_being_written(document: Document) -> None:
    assets = tuple(estate_assets({"warehouse": document}))
    state = EstateState(clusters=(ClusterState(name="warehouse", cluster_id="lkc-1"),), assets=assets)

    assert len({asset.key for asset in assets}) == len(assets)
    assert decode_state(encode_state(state), source="x") == state


def test_an_owner_hidden_by_a_data_contract_owns_nothing() -> None:
    contract = DataContract(properties={"owner": "********"}, sensitive=("owner",))
    document = a_document(
        topics=(a_topic("orders", schema=TopicSchema(value_subjects=("orders-value",))),),
        schemas=(a_schema("orders-value", contract=contract),),
    )
    assert _assets(document)[ORDERS].owner is None
