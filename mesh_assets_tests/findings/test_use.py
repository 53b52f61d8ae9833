"""What is not written, read or needed: each kind on a document that has it and on near misses."""

import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from mesh_assets.estate.findings import FindingThresholds
from mesh_assets.estate.model import Estate
from mesh_assets.findings.judge import judge
from mesh_assets.findings.neighbours import Neighbours
from mesh_assets.findings.reading import read_case
from mesh_assets.findings.samples import Samples
from mesh_assets.inventory.document import ClusterIdentity, Document
from mesh_assets.inventory.records import Connector, ConnectorTopic, SchemaReference
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import STALE, a_connector, a_group, a_link, a_mirror, a_schema, some_links
from mesh_assets_tests.findings.cases import a_log, found, judged, now, then
from mesh_assets_tests.published import publish

SINCE = "2026-11-23 16:40 UTC"
MIRROR_MAKER = "org.apache.kafka.connect.mirror.MirrorSourceConnector"


def test_an_unread_topic_receives_records_that_no_group_or_sink_reads() -> None:
    week_ago = then(topics=(a_log("orders", (0, 10)),))
    assert found(now(topics=(a_log("orders", (0, 25)),)), "unread_topic", a_week_ago=week_ago) == [
        f"orders: 15 records written since {SINCE}, and no group or sink reads it"
    ]


@pytest.mark.parametrize(
    "document",
    [
        now(topics=(a_log("orders", (0, 25)),), consumer_groups=(a_group(topics=("orders",)),)),
        now(topics=(a_log("orders", (0, 25)),), connectors=(a_connector(),)),
        now(topics=(a_log("orders", (0, 25)),), sections={"consumer_groups": STALE}),
        now(topics=(a_log("orders", (0, 25)),), sections={"connectors": STALE}),
        now(
            topics=(a_log("orders", (0, 25)),),
            consumer_groups=(a_group("sharing", topics=(), offsets=None, members=None),),
        ),
        now(topics=(a_log("orders", (0, 25), policy="compact"),)),
        now(topics=(replace(a_log("orders", (0, 25)), id="made-anew"),)),
    ],
    ids=["a group", "a sink", "groups stale", "connectors stale", "a group nobody knows", "a table", "anew"],
)
def test_a_topic_is_not_unread_if_it_is_read_or_its_readers_are_unknown(document: Document) -> None:
    week_ago = then(topics=(a_log("orders", (0, 10)),))
    assert found(document, "unread_topic", a_week_ago=week_ago) == []


def test_a_topic_read_a_week_ago_is_not_unread_yet() -> None:
    week_ago = then(topics=(a_log("orders", (0, 10)),), consumer_groups=(a_group(topics=("orders",)),))
    assert found(now(topics=(a_log("orders", (0, 25)),)), "unread_topic", a_week_ago=week_ago) == []


def _estate(*names: str) -> Estate:
    rest = {"url": "https://localhost:9", "username": "k", "password": "${P}"}
    cluster = {"kafka": {"bootstrap_servers": "localhost:9"}, "kafka_rest": rest}
    return Estate.model_validate({"clusters": {name: {"name": name, **cluster} for name in names}})


def test_a_topic_mirrored_into_another_cluster_is_read_there(tmp_path: Path) -> None:
    week_ago = then(topics=(a_log("orders", (0, 10)), a_log("idle", (0, 5)), a_log("promoted", (0, 10))))
    topics = (a_log("orders", (0, 25)), a_log("idle", (0, 5)), a_log("promoted", (0, 25)))
    here = now(topics=topics)
    store = InventoryStore(open_store(str(tmp_path)))
    publish(store, week_ago)
    publish(store, here)
    mirrors = (
        a_mirror("dr.orders", source_topic="orders"),
        a_mirror("idle"),
        a_mirror("promoted", status="STOPPED"),
    )
    standby = now(cluster_links=some_links(links=(a_link(source_cluster_id="lkc-1"),), mirror_topics=mirrors))
    publish(store, replace(standby, cluster=ClusterIdentity(id="lkc-9", name="standby")))

    kinds = ("unread_topic", "unused_topic")
    case = read_case(here, store=store, estate=_estate("warehouse", "standby"), samples=Samples())
    assert [one.resource for one in judge(case) if one.kind in kinds] == ["promoted"]
    assert case.readers["orders"] == ["its mirror dr.orders in standby"]
    alone = read_case(here, store=store, estate=_estate("warehouse"), samples=Samples())
    assert sorted(one.resource for one in judge(alone) if one.kind in kinds) == ["idle", "orders", "promoted"]


def test_a_topic_that_mirrormaker_copies_into_another_cluster_is_read_there(tmp_path: Path) -> None:
    names = ("orders", "idle", "secret")
    here = now(topics=tuple(a_log(name, (0, 25)) for name in names))
    store = InventoryStore(open_store(str(tmp_path)))
    publish(store, then(topics=tuple(a_log(name, (0, 10)) for name in names)))
    publish(store, here)
    copier = a_connector(
        "mm2",
        type="source",
        topics=(),
        connector_class=MIRROR_MAKER,
        config={
            "connector.class": MIRROR_MAKER,
            "source.cluster.alias": "main",
            "source.cluster.bootstrap.servers": "PLAINTEXT://localhost:9",
            "topics": "ord.*,idle",
        },
    )
    elsewhere = replace(copier, config={**copier.config, "source.cluster.bootstrap.servers": "other:9"})
    kafka = {"name": "warehouse", "kafka": {"bootstrap_servers": "localhost:9"}}
    connect = {
        "name": "standby",
        "kafka": {"bootstrap_servers": "standby:9"},
        "connect": [{"kind": "kafka_connect", "url": "http://localhost:8083"}],
    }
    estate = Estate.model_validate({"clusters": {"warehouse": kafka, "standby": connect}})

    sequences = itertools.count(2)

    def unread(connector: Connector) -> list[str]:
        standby = replace(now(connectors=(connector,)), sequence=next(sequences))
        publish(store, replace(standby, cluster=ClusterIdentity(id="lkc-9", name="standby")))
        case = read_case(here, store=store, estate=estate, samples=Samples())
        return sorted(one.resource for one in judge(case) if one.kind == "unread_topic")

    assert unread(copier) == ["secret"]
    assert unread(elsewhere) == ["idle", "orders", "secret"]


def test_a_mirror_topic_is_on_standby_until_it_is_promoted() -> None:
    names = ("busy", "idle", "empty", "promoted")
    logs = (
        a_log("busy", (0, 25)),
        a_log("idle", (5, 10)),
        a_log("empty", (3, 3)),
        a_log("promoted", (0, 25)),
    )
    week_ago = then(
        topics=(
            a_log("busy", (0, 10)),
            a_log("idle", (0, 10)),
            a_log("empty", (0, 3)),
            a_log("promoted", (0, 10)),
        )
    )
    mirrors = tuple(a_mirror(name, status="STOPPED" if name == "promoted" else "ACTIVE") for name in names)
    standby = now(topics=logs, cluster_links=some_links(mirror_topics=mirrors))
    assert [(one.kind, one.resource) for one in judged(standby, a_week_ago=week_ago)] == [
        ("unread_topic", "promoted")
    ]
    assert len(judged(now(topics=logs), a_week_ago=week_ago)) == len(names)


def test_neighbours_are_read_once_however_many_clusters_need_them(tmp_path: Path) -> None:
    store = InventoryStore(open_store(str(tmp_path)))
    registry = {"url": "http://localhost:8081"}
    clusters = [f"c{number}" for number in range(4)]
    estate = Estate.model_validate(
        {
            "clusters": {
                name: {
                    "name": name,
                    "kafka": {"bootstrap_servers": "localhost:9"},
                    "schema_registry": registry,
                }
                for name in clusters
            }
        }
    )
    for name in clusters:
        document = now(topics=(a_log(name, (0, 1)),))
        publish(store, replace(document, cluster=ClusterIdentity(id=f"lkc-{name}", name=name)))
    read: list[str] = []

    def reading(cluster_id: str, key: str) -> Document:
        read.append(cluster_id)
        return store.document_at(cluster_id, key)

    neighbours = Neighbours(estate, store, reading)
    assert [neighbours.topics_elsewhere(name) for name in clusters] == [
        frozenset(clusters) - {name} for name in clusters
    ]
    assert sorted(read) == [f"lkc-{name}" for name in clusters]


def test_groups_excluded_by_the_estate_are_mentioned() -> None:
    document = now(topics=(a_log("orders", (0, 25)),), excluded_consumer_groups=2)
    [sentence] = found(document, "unread_topic", a_week_ago=then(topics=(a_log("orders", (0, 10)),)))
    assert sentence.endswith(
        "no group or sink reads it, apart from those of 2 groups that the estate leaves out"
    )


def test_an_unused_topic_holds_records_without_writers_or_readers() -> None:
    document = now(topics=(a_log("orders", (5, 10)),))
    week_ago = then(topics=(a_log("orders", (0, 10)),))
    assert [finding.kind for finding in judged(document, a_week_ago=week_ago)] == ["unused_topic"]
    assert found(document, "unused_topic", a_week_ago=week_ago) == [
        f"orders: 5 records, none written since {SINCE}, and no group or sink reads it"
    ]


def test_an_empty_topic_holds_nothing_and_received_nothing() -> None:
    week_ago = then(topics=(a_log("orders", (10, 10)), a_log("users", (0, 10)), a_log("orders.dlq", (0, 0))))
    document = now(topics=(a_log("orders", (10, 10)), a_log("users", (12, 12)), a_log("orders.dlq", (0, 0))))
    assert found(document, "empty_topic", a_week_ago=week_ago) == [
        f"orders: empty, and nothing was written since {SINCE}"
    ]


def test_without_an_old_enough_document_nothing_is_unused() -> None:
    assert judged(now(topics=(a_log("orders", (0, 10)), a_log("users", (0, 0))))) == ()


def test_topics_of_kafka_connect_and_streams_are_never_unused_or_without_schema() -> None:
    names = (
        "connect-offsets",
        "_schemas",
        "app-KSTREAM-AGGREGATE-STATE-STORE-0000000003-changelog",
        "app-KSTREAM-KEY-SELECT-0000000002-repartition",
        "app-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-0000000014-topic",
        "app-with-customer-subscription-registration-topic",
        "mm2-offset-syncs.backup.internal",
        "history.of.shop",
    )
    debezium = a_connector(
        "shop",
        type="source",
        config={"schema.history.internal.kafka.topic": "history.of.shop"},
        topics=(ConnectorTopic(name="orders", known="declared"),),
    )
    logs = tuple(replace(a_log(name, (0, 10)), schema=a_log("x", (0, 1)).schema) for name in names)
    without = tuple(replace(log, schema=type(log.schema)()) for log in logs)
    document = now(topics=without, connectors=(debezium,))
    kinds = {finding.resource for finding in judged(document, a_week_ago=then(topics=without))}
    assert kinds.isdisjoint(names)


def test_a_skewed_topic_has_a_partition_that_holds_nearly_everything() -> None:
    document = now(
        topics=(a_log("orders", (0, 9_100), (0, 300), (0, 600)), a_log("users", (0, 9_000), (0, 4_000)))
    )
    assert found(document, "skewed_partitions") == [
        "orders: partition 0 holds 91% of 10,000 records, the other 2 hold 450 each on average"
    ]
    small = FindingThresholds(skew_records=10_001)
    assert found(document, "skewed_partitions", thresholds=small) == []


def test_a_subject_is_orphaned_where_no_cluster_of_its_registry_has_its_topic() -> None:
    week_ago = then(schemas=(a_schema("orders-value"),))
    document = now(schemas=(a_schema("orders-value"),))
    assert found(document, "orphaned_subject", a_week_ago=week_ago) == [
        f"orders-value: topic orders, which it is named after, does not exist and did not at {SINCE}"
    ]
    elsewhere = frozenset({"orders"})
    assert found(document, "orphaned_subject", a_week_ago=week_ago, topics_elsewhere=elsewhere) == []
    assert found(document, "orphaned_subject", a_week_ago=week_ago, topics_elsewhere=None) == []


@pytest.mark.parametrize(
    "subject", ["com.shop.Order", ":.staging:orders-value", "__hidden-value", "new-value"]
)
def test_other_names_contexts_scopes_and_young_subjects_are_not_orphaned(subject: str) -> None:
    week_ago = then(schemas=() if subject == "new-value" else (a_schema(subject),))
    assert found(now(schemas=(a_schema(subject),)), "orphaned_subject", a_week_ago=week_ago) == []


def test_a_subject_referenced_by_another_schema_is_in_use() -> None:
    reference = SchemaReference(name="Address", subject="address-value", version=1)
    schemas = (a_schema("address-value"), a_schema("com.shop.Order", references=(reference,)))
    assert found(now(schemas=schemas), "orphaned_subject", a_week_ago=then(schemas=schemas)) == []


def test_an_idle_source_wrote_to_none_of_its_topics() -> None:
    source = a_connector(
        "shop",
        type="source",
        topics=(
            ConnectorTopic(name="orders", known="declared"),
            ConnectorTopic(name="users", known="declared"),
        ),
    )
    logs = (a_log("orders", (0, 10)), a_log("users", (0, 10)))
    week_ago = then(topics=logs, connectors=(source,))
    document = now(topics=logs, connectors=(source,))
    assert found(document, "idle_connector", a_week_ago=week_ago) == [
        f"shop: is RUNNING and wrote no record to orders, users since {SINCE}"
    ]
    moved = now(topics=(logs[0], a_log("users", (0, 11))), connectors=(source,))
    assert found(moved, "idle_connector", a_week_ago=week_ago) == []
    paused = now(topics=logs, connectors=(replace(source, status="PAUSED"),))
    assert found(paused, "idle_connector", a_week_ago=week_ago) == []


def test_an_idle_sink_stands_still_while_records_wait() -> None:
    sink, group = a_connector("lake"), a_group("connect-lake")
    week_ago = then(topics=(a_log("orders", (0, 10)),), connectors=(sink,), consumer_groups=(group,))
    document = now(topics=(a_log("orders", (0, 10)),), connectors=(sink,), consumer_groups=(group,))
    assert found(document, "idle_connector", a_week_ago=week_ago) == [
        f"lake: is RUNNING and read nothing though 5 records wait since {SINCE}"
    ]
    caught_up = replace(group, total_lag_records=0)
    document = replace(document, consumer_groups=(caught_up,))
    assert found(document, "idle_connector", a_week_ago=week_ago) == []


def test_young_connectors_are_not_idle() -> None:
    source = a_connector("shop", type="source", topics=(ConnectorTopic(name="orders", known="declared"),))
    document = now(topics=(a_log("orders", (0, 10)),), connectors=(source,))
    assert found(document, "idle_connector", a_week_ago=then(topics=(a_log("orders", (0, 10)),))) == []
    assert document.discovery_timestamp - then().discovery_timestamp == timedelta(days=7)
