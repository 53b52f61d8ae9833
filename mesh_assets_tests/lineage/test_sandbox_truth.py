"""The sandbox's definitions as a document, without its servers, compared with the lineage that their generator recorded."""

from pathlib import Path

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import GroupMember
from mesh_assets.inventory.records import ConnectorTopic
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.sandbox.estate.clusters import EMPTY_GROUP, EMPTY_GROUP_TOPICS, LIVE_GROUPS, all_connectors
from mesh_assets.sandbox.estate.lineage import TrueFlow, TrueReader, true_flows, true_readers
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_topic

FEEDS, SINKS = Path("/feeds"), Path("/sinks")


def as_a_document() -> Document:
    connectors = [
        a_connector(
            name,
            type="sink" if name.endswith("-sink") else "source",
            topics=tuple(
                ConnectorTopic(name=topic, known="declared")
                for topic in config.get("topics", "").split(",")
                if topic
            ),
            config={"topics": "", **config},
        )
        for name, config in all_connectors(feeds=FEEDS, sinks=SINKS, secrets=Path("/secrets")).items()
    ]
    groups = [
        a_group(
            group.name,
            topics=group.topics,
            members=(
                GroupMember(
                    member_id="m",
                    client_id="c",
                    host="/h",
                    group_instance_id=None,
                    assignment=dict.fromkeys(group.topics, (0,)),
                ),
            ),
        )
        for group in LIVE_GROUPS
    ]
    return a_document(
        topics=tuple(a_topic(topic.name) for topic in TOPICS),
        connectors=tuple(connectors),
        consumer_groups=(*groups, a_group(EMPTY_GROUP, state="Empty", topics=EMPTY_GROUP_TOPICS)),
    )


def test_every_true_edge_is_found_and_no_false_one() -> None:
    graph = cluster_graph(ClusterFacts(document=as_a_document()))

    assert {
        TrueFlow(source=flow.source.name, connector=flow.through.name, target=flow.target.name)
        for flow in graph.flows
    } == true_flows(feeds=FEEDS, sinks=SINKS)
    assert {
        TrueReader(group=edge.target.name, topic=edge.source.name, active=edge.active is True)
        for edge in graph.edges
        if edge.target.kind == "application"
    } == true_readers()
    assert graph.notes == ()
