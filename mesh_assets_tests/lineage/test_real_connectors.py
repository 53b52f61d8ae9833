"""Debezium and MirrorMaker 2 really write what their rules say."""

import pytest
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.collecting.connectors import collect_connectors
from mesh_assets.estate.connections import KafkaConnectEndpoint
from mesh_assets.inventory.records import Connector
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.sandbox.state import random_id
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.lineage.real_connectors import Worker, until, worker

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

STATEMENTS = """\
create table orders (id int primary key, total int);
create table customers (id int primary key, name text);
create table ignored (id int primary key);
create schema stock;
create table stock.items (id int primary key, pieces int);
create table outbox (id uuid primary key, aggregatetype text, aggregateid text, type text, payload text);
insert into orders values (1, 20), (2, 30);
insert into customers values (1, 'Ann');
insert into ignored values (1);
insert into stock.items values (1, 7);
insert into outbox values ('00000000-0000-0000-0000-000000000001', 'order', '1', 'created', '{}');
"""


def configs(running: Worker) -> dict[str, dict[str, str]]:
    debezium = {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "publication.autocreate.mode": "filtered",
        "database.hostname": "127.0.0.1",
        "database.port": str(running.postgres.port),
        "database.user": "postgres",
        "database.password": "postgres",
        "database.dbname": "postgres",
        "topic.creation.default.replication.factor": "1",
        "topic.creation.default.partitions": "1",
    }
    routed = {
        "transforms": "route",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
    }
    outbox = {"transforms": "outbox", "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter"}
    mirror = {
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "source.cluster.alias": "east",
        "target.cluster.alias": "west",
        "source.cluster.bootstrap.servers": running.kafka,
        "target.cluster.bootstrap.servers": running.kafka,
        "replication.factor": "1",
        "offset-syncs.topic.replication.factor": "1",
        "sync.topic.acls.enabled": "false",
        "refresh.topics.interval.seconds": "1",
        # Both clusters are the same here: otherwise each of its heartbeats would be mirrored again, endlessly.
        "heartbeats.replication.enabled": "false",
    }

    def tables(name: str, included: str) -> dict[str, str]:
        return {"slot.name": name, "publication.name": name, "table.include.list": included}

    return {
        "cdc": {
            **debezium,
            **tables("cdc", "public.orders,public.customers,stock.items"),
            "topic.prefix": "shop",
            "heartbeat.interval.ms": "500",
            "provide.transaction.metadata": "true",
        },
        "cdc-routed": {
            **debezium,
            **tables("routed", "public.orders"),
            **routed,
            "topic.prefix": "raw",
            "transforms.route.regex": r"raw\.public\.(.*)",
            "transforms.route.replacement": "tables.$1",
        },
        "outbox": {**debezium, **tables("outbox", "public.outbox"), **outbox, "topic.prefix": "box"},
        "outbox-static": {
            **debezium,
            **tables("outbox_static", "public.outbox"),
            **outbox,
            "topic.prefix": "static",
            "transforms.outbox.route.topic.replacement": "order-events",
        },
        "mirror": {**mirror, "topics": r"shop\.public\..*"},
        "mirror-separated": {
            **mirror,
            "source.cluster.alias": "south",
            "replication.policy.separator": "-",
            "topics": "tables.orders",
        },
        "heartbeats": {
            **mirror,
            "connector.class": "org.apache.kafka.connect.mirror.MirrorHeartbeatConnector",
            "heartbeats.topic.replication.factor": "1",
        },
    }


WRITTEN = {
    "cdc": {
        "__debezium-heartbeat.shop",
        "shop.public.customers",
        "shop.public.orders",
        "shop.stock.items",
        "shop.transaction",
    },
    "cdc-routed": {"tables.orders"},
    "outbox": {"outbox.event.order"},
    "outbox-static": {"order-events"},
    "mirror": {"east.shop.public.customers", "east.shop.public.orders"},
    "mirror-separated": {"south-tables.orders"},
    "heartbeats": {"heartbeats"},
}


# What it writes with its own producer, which Connect does not see.
UNSEEN = {
    "mirror": {"mm2-offset-syncs.west.internal"},
    "mirror-separated": {"mm2-offset-syncs-west-internal"},
}
NOT_FOLLOWED = {"outbox"}  # its records say where they go


@pytest.fixture(scope="module")
def connectors(broker: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Connector]:
    """By name, once each of them has written to all its topics."""
    folder = tmp_path_factory.mktemp("connect")
    with worker(
        folder, broker.bootstrap_servers, STATEMENTS, mark=f"real-connectors-{random_id()}"
    ) as running:
        running.create(configs(running))

        def written() -> dict[str, set[str]] | None:
            running.execute("insert into orders select max(id) + 1, 1 from orders")
            found = {name: running.topics_of(name) for name in WRITTEN}
            return found if all(found[name] >= topics for name, topics in WRITTEN.items()) else None

        assert until(written, "not all topics were written to") == WRITTEN
        with AdminClient({"bootstrap.servers": broker.bootstrap_servers}) as admin:
            assert frozenset[str]().union(*UNSEEN.values()) <= admin.list_topics(timeout=30).topics.keys()
        with KafkaConnectClient(
            KafkaConnectEndpoint(kind="kafka_connect", url=str(running.client.base_url))
        ) as client:
            collected = collect_connectors([client], previous=())
    assert not collected.failed
    return {connector.name: connector for connector in collected.records}


@pytest.fixture
def graph(connectors: dict[str, Connector], broker: Endpoints) -> LineageGraph:
    """From their configs alone, without what Connect observed."""
    document = a_document(
        topics=tuple(a_topic(topic) for topic in sorted(frozenset[str]().union(*WRITTEN.values()))),
        connectors=tuple(replace(connector, topics=()) for connector in connectors.values()),
    )
    return cluster_graph(ClusterFacts(document=document, bootstrap_servers=(broker.bootstrap_servers,)))


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_the_topics_that_a_real_connector_writes_match_its_rule(name: str, graph: LineageGraph) -> None:
    written = {
        edge.target.name for edge in graph.edges if edge.source.name == name and edge.target.kind == "topic"
    }
    if name in NOT_FOLLOWED:
        assert not written
        assert any(note.node.name == name for note in graph.notes)
    else:
        assert written == WRITTEN[name] | UNSEEN.get(name, set())


@pytest.mark.parametrize(
    ("name", "flows"),
    [
        (
            "cdc",
            {
                ("postgres.public.orders", "shop.public.orders"),
                ("postgres.public.customers", "shop.public.customers"),
                ("postgres.stock.items", "shop.stock.items"),
            },
        ),
        ("cdc-routed", {("postgres.public.orders", "tables.orders")}),
        ("outbox-static", {("postgres.public.outbox", "order-events")}),
        (
            "mirror",
            {
                ("shop.public.orders", "east.shop.public.orders"),
                ("shop.public.customers", "east.shop.public.customers"),
            },
        ),
        ("mirror-separated", {("tables.orders", "south-tables.orders")}),
    ],
)
def test_each_table_of_a_real_connector_becomes_its_own_topic(
    name: str, flows: set[tuple[str, str]], graph: LineageGraph
) -> None:
    assert {
        (flow.source.name, flow.target.name) for flow in graph.flows if flow.through.name == name
    } == flows
