from mesh_assets.analysis.lineage import (
    Edge,
    MappedTopic,
    Thing,
    lineage_graph,
    possible_readers,
    walk_lineage,
)
from mesh_assets.inventory.records import ConnectorTopic
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_topic


def topic(name: str) -> Thing:
    return Thing(kind="topic", name=name)


def connector(name: str) -> Thing:
    return Thing(kind="connector", name=name)


SOURCE = a_connector(
    "orders-source",
    type="source",
    topics=(ConnectorTopic(name="orders", known="observed"),),
    config={"connection.url": "jdbc:x"},
)
SINK = a_connector(
    "orders-sink",
    topics=(ConnectorTopic(name="orders", known="declared"),),
    config={"s3.bucket.name": "lake"},
)
DOCUMENT = a_document(
    topics=(a_topic("orders"),), connectors=(SOURCE, SINK), consumer_groups=(a_group("billing"),)
)


def test_every_edge_says_how_it_is_known() -> None:
    graph = lineage_graph(DOCUMENT, [MappedTopic(uuid="u-1", function="bill", topic="orders")])
    mapping = Thing(kind="event_source_mapping", name="u-1")
    assert set(graph.edges) == {
        Edge(
            source=Thing(kind="external", name="jdbc:x"),
            target=connector("orders-source"),
            known="declared",
            by="its config connection.url",
        ),
        Edge(
            source=connector("orders-source"),
            target=topic("orders"),
            known="observed",
            by="what Connect saw it use",
        ),
        Edge(source=topic("orders"), target=connector("orders-sink"), known="declared", by="its config"),
        Edge(
            source=connector("orders-sink"),
            target=Thing(kind="external", name="lake"),
            known="declared",
            by="its config s3.bucket.name",
        ),
        Edge(
            source=topic("orders"),
            target=Thing(kind="consumer_group", name="billing"),
            known="observed",
            by="committed offsets",
        ),
        Edge(source=topic("orders"), target=mapping, known="declared", by="event source mapping"),
        Edge(
            source=mapping,
            target=Thing(kind="function", name="bill"),
            known="declared",
            by="event source mapping",
        ),
    }


def test_upstream_goes_against_the_flow_and_no_further_than_asked() -> None:
    graph = lineage_graph(DOCUMENT)
    near = walk_lineage(graph, topic("orders"), direction="upstream", depth=1)
    assert (near.distances, near.more) == ({topic("orders"): 0, connector("orders-source"): 1}, True)
    far = walk_lineage(graph, topic("orders"), direction="upstream", depth=2)
    assert (far.distances[Thing(kind="external", name="jdbc:x")], far.more) == (2, False)
    assert connector("orders-sink") not in far.distances


def test_a_router_that_cannot_be_followed_gives_a_note_and_no_edge() -> None:
    lost = a_connector(
        "lost", type="source", topics=(), topics_note="its transform route decides the topic record by record"
    )
    graph = lineage_graph(a_document(topics=(a_topic("orders"),), connectors=(lost,)))
    assert (graph.edges, graph.notes) == (
        (),
        {connector("lost"): "its transform route decides the topic record by record"},
    )


def test_a_connector_of_unknown_type_gives_no_edge() -> None:
    graph = lineage_graph(a_document(connectors=(a_connector("odd", type="unknown"),)))
    assert graph.edges == ()
    assert "nothing says which way" in graph.notes[connector("odd")]


def test_a_sinks_dead_letter_topic_is_downstream_of_it() -> None:
    key = "errors.deadletterqueue.topic.name"
    graph = lineage_graph(a_document(connectors=(a_connector("sink", config={key: "failed"}),)))
    assert (
        Edge(source=connector("sink"), target=topic("failed"), known="declared", by=f"its config {key}")
        in graph.edges
    )


def test_a_circle_ends() -> None:
    there = a_connector("there", type="sink", topics=(ConnectorTopic(name="a", known="declared"),))
    back = a_connector(
        "there", type="source", connect="other", topics=(ConnectorTopic(name="a", known="declared"),)
    )
    walked = walk_lineage(
        lineage_graph(a_document(connectors=(there, back))), topic("a"), direction="both", depth=9
    )
    assert len(walked.edges) == 2


def test_a_walk_says_that_it_was_cut() -> None:
    many = tuple(a_connector(f"sink-{number}") for number in range(20))
    walked = walk_lineage(
        lineage_graph(a_document(connectors=many)), topic("orders"), direction="downstream", depth=1, most=5
    )
    assert (len(walked.edges), walked.more) == (5, True)


def test_a_topic_says_which_groups_may_read_it_although_nobody_knows_what_they_read() -> None:
    sharing = a_group("sharing", type="unknown", members=None, offsets=None, topics=(), error="a share group")
    document = a_document(topics=(a_topic("orders"),), consumer_groups=(a_group("billing"), sharing))

    walked = walk_lineage(lineage_graph(document), topic("orders"), direction="downstream", depth=1)

    assert possible_readers(document) == ("sharing",)
    assert walked.notes[topic("orders")] == "may also be read by sharing: what they read is not known"
    assert walk_lineage(lineage_graph(DOCUMENT), topic("orders"), direction="downstream", depth=1).notes == {}
