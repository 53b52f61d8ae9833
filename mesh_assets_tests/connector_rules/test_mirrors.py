"""MirrorMaker 2: from topic to topic, between two clusters of the estate or from one outside it."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.inventory.document import ClusterIdentity
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.lineage.walk import walk_lineage
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_topic
from mesh_assets_tests.lineage.configs import told

PACKAGE = "org.apache.kafka.connect.mirror."
MM2 = {
    "connector.class": f"{PACKAGE}MirrorSourceConnector",
    "source.cluster.alias": "us",
    "target.cluster.alias": "eu",
    "source.cluster.bootstrap.servers": "us-1:9092,us-2:9092",
    "topics": "",
}


def graph_of(
    config: dict[str, str],
    *,
    here: Sequence[str] = (),
    there: Sequence[str] | None = ("orders", "users", "mm2-x.internal", "eu.orders", "shop.eu.orders"),
) -> LineageGraph:
    """`eu` has the connector and the topics `here`; `us`, which the estate has unless `there` is None, the others."""
    connector = a_connector("mm2", type="source", topics=(), config={**MM2, **config})
    eu = replace(
        a_document(
            topics=tuple(map(a_topic, here)),
            connectors=(connector,),
            consumer_groups=(a_group("reader", topics=("us.orders",)),),
        ),
        cluster=ClusterIdentity(id="id-eu", name="eu"),
    )
    facts = [ClusterFacts(document=eu, bootstrap_servers=("eu-1:9092",))]
    if there is not None:
        us = replace(
            a_document(topics=tuple(map(a_topic, there))), cluster=ClusterIdentity(id="id-us", name="us")
        )
        facts.append(ClusterFacts(document=us, bootstrap_servers=("us-2:9092",)))
    return estate_graph(facts)


def copied(graph: LineageGraph) -> set[str]:
    return {
        f"{flow.source.cluster or flow.source.namespace}/{flow.source.name} → {flow.target.cluster}/{flow.target.name}"
        for flow in graph.flows
    }


@pytest.mark.parametrize(
    ("config", "flows"),
    [
        ({}, {"us/orders → eu/us.orders", "us/users → eu/us.users"}),
        ({"topics": "ord.*, none"}, {"us/orders → eu/us.orders"}),
        ({"topics.exclude": "users,eu.*,.*internal"}, {"us/orders → eu/us.orders"}),
        (
            {"replication.policy.separator": "_"},
            {
                "us/orders → eu/us_orders",
                "us/users → eu/us_users",
                "us/eu.orders → eu/us_eu.orders",
                "us/shop.eu.orders → eu/us_shop.eu.orders",
            },
        ),
        (
            {"replication.policy.class": f"{PACKAGE}IdentityReplicationPolicy", "topics": "orders"},
            {"us/orders → eu/orders"},
        ),
    ],
)
def test_topics_of_another_cluster_in_the_estate_are_copied(config: dict[str, str], flows: set[str]) -> None:
    graph = graph_of(config)

    assert copied(graph) == flows
    assert [note.text for note in graph.notes] == []


def test_an_exclusion_under_its_old_name_is_noted_as_one_that_newer_workers_ignore() -> None:
    graph = graph_of({"topics.blacklist": "users,eu.*,.*internal"})

    assert copied(graph) == {"us/orders → eu/us.orders"}
    [note] = [note.text for note in graph.notes]
    assert "topics.blacklist names is taken to be left out" in note
    both = {"topics.blacklist": "orders", "topics.exclude": "users,eu.*,.*internal"}
    assert copied(graph_of(both)) == copied(graph)
    assert not graph_of(both).notes


def test_lineage_continues_from_cluster_to_cluster() -> None:
    graph = graph_of({})
    start = next(node for node in graph.nodes if str(node) == "topic orders" and node.cluster == "us")

    walked = walk_lineage(graph, start, direction="downstream", depth=5)

    assert {str(node) for node in walked.distances} == {
        "topic orders",
        "connector mm2",
        "topic us.orders",
        "application reader",
    }


def test_copies_show_what_comes_from_a_cluster_outside_the_estate() -> None:
    graph = graph_of({}, here=("us.orders", "us-east.x", "orders"), there=None)

    assert copied(graph) == {"kafka://us-1:9092/orders → eu/us.orders"}
    [note] = [note.text for note in graph.notes]
    assert "which is not one of the clusters that were looked at" in note


@pytest.mark.parametrize("servers", ["SASL_SSL://us-2:9092", "US-2:9092", "us-9:9092, SSL://Us-2:9092,"])
def test_an_address_is_recognised_with_its_protocol_and_in_any_case(servers: str) -> None:
    graph = graph_of({"source.cluster.bootstrap.servers": servers, "topics": "orders"})
    assert copied(graph) == {"us/orders → eu/us.orders"}

    outside = graph_of({"source.cluster.bootstrap.servers": servers}, here=("us.orders",), there=None)
    assert copied(outside) == {"kafka://us-2:9092/orders → eu/us.orders"}


def test_a_custom_policy_gives_a_note() -> None:
    graph = graph_of({"replication.policy.class": "com.example.Policy"})

    assert copied(graph) == set()
    assert [note.text for note in graph.notes] == [
        "its topics are named by a class that is not known here: com.example.Policy"
    ]


def test_checkpoints_and_heartbeats_are_internal() -> None:
    graph = graph_of({"connector.class": f"{PACKAGE}MirrorCheckpointConnector"})
    beats = graph_of({"connector.class": f"{PACKAGE}MirrorHeartbeatConnector"})

    assert {
        (edge.source.cluster, edge.source.name, edge.target.cluster, edge.target.name)
        for edge in (*graph.edges, *beats.edges)
        if edge.purpose == "internal"
    } == {
        ("eu", "mm2", "eu", "us.checkpoints.internal"),
        ("us", "mm2-offset-syncs.eu.internal", "eu", "mm2"),
        ("eu", "mm2", "eu", "heartbeats"),
    }


def own_topics(graph: LineageGraph) -> set[str]:
    return {
        edge.target.name for edge in graph.edges if edge.purpose == "internal" and edge.source.name == "mm2"
    }


@pytest.mark.parametrize(
    ("config", "copies"),
    [
        ({}, {"us.heartbeats", "us.asia.heartbeats"}),
        (
            {"replication.policy.class": f"{PACKAGE}IdentityReplicationPolicy"},
            {"us.heartbeats", "us.asia.heartbeats"},
        ),
        ({"heartbeats.replication.enabled": "false"}, set()),
        ({"heartbeats.topic.name": "pulse"}, {"us.pulse"}),
    ],
)
def test_heartbeats_are_copied_whatever_the_topics_are(config: dict[str, str], copies: set[str]) -> None:
    there = ("orders", "heartbeats", "asia.heartbeats", "eu.heartbeats", "pulse")

    graph = graph_of({"topics": "orders", **config}, there=there)

    assert own_topics(graph) - {"mm2-offset-syncs.eu.internal"} == copies


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"replication.policy.separator": "-"}, "mm2-offset-syncs-eu-internal"),
        (
            {
                "replication.policy.separator": "-",
                "replication.policy.internal.topic.separator.enabled": "false",
            },
            "mm2-offset-syncs.eu.internal",
        ),
    ],
)
def test_mirrormakers_own_topics_are_named_with_the_separator(config: dict[str, str], name: str) -> None:
    graph = graph_of({**config, "connector.class": f"{PACKAGE}MirrorCheckpointConnector"})

    assert name in {edge.source.name for edge in graph.edges}


def test_copies_that_keep_their_names_are_those_that_connect_saw() -> None:
    config = {
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "source.cluster.bootstrap.servers": "outside:9092",
        "topics": "orders.*",
        "replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
    }
    found = told("source", config, topics=["orders", "orders-own", "users"], observed=["orders"])

    assert found.flows == {"kafka://outside:9092/orders → orders"}
