"""The graph of documents: edges say how they are known, and unknown things have a note."""

import msgspec

from mesh_assets.analysis.graph import Edge, LineageGraph, Node
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import CommittedOffset, GroupMember, LagIs
from mesh_assets.inventory.records import ConnectorTopic, TopicSchema
from mesh_assets.lineage.clusters import ClusterFacts, MappedTopic, possible_readers
from mesh_assets.lineage.estate import cluster_graph, counts, estate_graph
from mesh_assets.lineage.walk import walk_lineage
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic

S3 = "io.confluent.connect.s3.S3SinkConnector"
FILE_SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SOURCE = a_connector(
    "orders-source",
    type="source",
    topics=(ConnectorTopic(name="orders", known="observed"),),
    config={"connector.class": FILE_SOURCE, "file": "/data/orders", "topic": "orders"},
)
SINK = a_connector("orders-sink", config={"connector.class": S3, "s3.bucket.name": "lake"})
DOCUMENT = a_document(
    topics=(a_topic("orders"),), connectors=(SOURCE, SINK), consumer_groups=(a_group("billing"),)
)
CLUSTER = DOCUMENT.cluster.name
FILE = Node(kind="dataset", namespace="file", name="/data/orders")
BUCKET = Node(kind="dataset", namespace="s3://lake", name="topics/orders")


def topic(name: str) -> Node:
    return Node(kind="topic", cluster=CLUSTER, name=name)


def connector(name: str) -> Node:
    return Node(kind="connector", cluster=CLUSTER, namespace="main", name=name)


def application(name: str) -> Node:
    return Node(kind="application", cluster=CLUSTER, name=name)


def graph_of(document: Document, *mappings: MappedTopic) -> LineageGraph:
    return cluster_graph(ClusterFacts(document=document, mappings=mappings))


def notes_of(graph: LineageGraph) -> dict[Node, list[str]]:
    found: dict[Node, list[str]] = {}
    for note in graph.notes:
        found.setdefault(note.node, []).append(note.text)
    return found


def test_every_edge_says_how_it_is_known() -> None:
    graph = graph_of(
        DOCUMENT,
        MappedTopic(uuid="u-1", function="bill", topic="orders"),
        MappedTopic(uuid="u-2", function="bill", topic="orders", state="Disabled"),
    )
    first, second = (Node(kind="event_source_mapping", name=uuid) for uuid in ("u-1", "u-2"))
    bill = Node(kind="function", name="bill")
    off = "event source mapping, Disabled"

    assert set(graph.edges) == {
        Edge(source=FILE, target=connector("orders-source"), known="declared", by="its config file"),
        Edge(
            source=connector("orders-source"),
            target=topic("orders"),
            known="observed",
            by="what Connect saw it use; its config file",
        ),
        Edge(source=topic("orders"), target=connector("orders-sink"), known="declared", by="its config"),
        Edge(
            source=connector("orders-sink"),
            target=BUCKET,
            known="declared",
            by="its config s3.bucket.name",
        ),
        Edge(source=topic("orders"), target=application("billing"), known="observed", by="committed offsets"),
        Edge(source=topic("orders"), target=first, known="declared", by="event source mapping"),
        Edge(source=first, target=bill, known="declared", by="event source mapping"),
        Edge(source=topic("orders"), target=second, known="declared", by=off, active=False),
        Edge(source=second, target=bill, known="declared", by=off, active=False),
    }
    assert graph.notes == ()
    assert counts(graph)["datasets"] == 2


def test_the_json_form_is_read_back_as_the_same_graph() -> None:
    graph = graph_of(DOCUMENT)

    assert msgspec.json.decode(msgspec.json.encode(graph), type=LineageGraph) == graph


def test_equal_estates_give_equal_bytes_in_any_order_of_reading() -> None:
    other = msgspec.structs.replace(DOCUMENT, connectors=(SINK, SOURCE))

    assert msgspec.json.encode(graph_of(DOCUMENT)) == msgspec.json.encode(graph_of(other))


def test_an_empty_estate_gives_an_empty_graph() -> None:
    assert estate_graph([]) == LineageGraph()
    assert graph_of(a_document()) == LineageGraph()


def test_a_thing_without_an_edge_is_still_there() -> None:
    graph = graph_of(a_document(topics=(a_topic("alone"),), schemas=(a_schema("alone-value"),)))

    assert set(graph.nodes) == {topic("alone"), Node(kind="subject", cluster=CLUSTER, name="alone-value")}


def test_upstream_goes_against_the_flow_and_no_further_than_requested() -> None:
    graph = graph_of(DOCUMENT)
    near = walk_lineage(graph, topic("orders"), direction="upstream", depth=1)
    assert (near.distances, near.more) == ({topic("orders"): 0, connector("orders-source"): 1}, True)
    far = walk_lineage(graph, topic("orders"), direction="upstream", depth=2)
    assert (far.distances[FILE], far.more) == (2, False)
    assert connector("orders-sink") not in far.distances


def test_a_walk_through_a_connector_keeps_its_flows_apart() -> None:
    two = a_connector(
        "two",
        config={"connector.class": S3, "s3.bucket.name": "lake", "topics": "orders,users"},
        topics=(
            ConnectorTopic(name="orders", known="declared"),
            ConnectorTopic(name="users", known="declared"),
        ),
    )
    graph = graph_of(a_document(connectors=(two,)))

    down = walk_lineage(graph, topic("orders"), direction="downstream", depth=5)
    assert set(down.distances) == {topic("orders"), connector("two"), BUCKET}
    up = walk_lineage(graph, BUCKET, direction="upstream", depth=5)
    assert set(up.distances) == {BUCKET, connector("two"), topic("orders")}
    both = walk_lineage(graph, connector("two"), direction="both", depth=5)
    assert len(both.edges) == 4


def test_a_router_that_cannot_be_followed_gives_a_note_and_no_edge() -> None:
    lost = a_connector(
        "lost",
        type="source",
        topics=(),
        config={
            "connector.class": FILE_SOURCE,
            "file": "/data/orders",
            "topic": "orders",
            "transforms": "route",
            "transforms.route.type": "com.example.Router",
        },
    )
    graph = graph_of(a_document(topics=(a_topic("orders"),), connectors=(lost,)))

    assert [edge for edge in graph.edges if edge.target.kind == "topic"] == []
    assert notes_of(graph) == {
        connector("lost"): ["its transform route (Router) may send records elsewhere, and is not known here"]
    }


def test_a_connector_of_unknown_type_gives_no_edge() -> None:
    graph = graph_of(a_document(connectors=(a_connector("odd", type="unknown"),)))

    assert graph.edges == ()
    assert "nothing says which way" in notes_of(graph)[connector("odd")][0]


def test_an_unknown_class_gives_a_note_and_no_dataset() -> None:
    odd = a_connector(
        "odd", config={"connector.class": "com.example.Sink", "connection.url": "jdbc:postgresql://db/shop"}
    )
    graph = graph_of(a_document(connectors=(odd,)))

    assert [node for node in graph.nodes if node.kind == "dataset"] == []
    assert notes_of(graph)[connector("odd")] == [
        "its class com.example.Sink is not known here, so the systems behind it are not known"
    ]


def test_a_sinks_dead_letter_topic_is_downstream_of_it() -> None:
    key = "errors.deadletterqueue.topic.name"
    graph = graph_of(a_document(connectors=(a_connector("sink", config={key: "failed"}),)))

    assert (
        Edge(
            source=connector("sink"),
            target=topic("failed"),
            known="declared",
            by=f"its config {key}",
            purpose="dead_letter",
        )
        in graph.edges
    )


def test_connectors_with_one_name_in_two_connect_clusters_are_two() -> None:
    there = a_connector("same", type="sink", topics=(ConnectorTopic(name="a", known="declared"),))
    back = a_connector(
        "same", type="source", connect="other", topics=(ConnectorTopic(name="a", known="declared"),)
    )
    walked = walk_lineage(
        graph_of(a_document(connectors=(there, back))), topic("a"), direction="both", depth=9
    )
    assert len(walked.edges) == 2
    assert connector("same") in walked.distances


def test_a_walk_says_that_it_was_cut() -> None:
    many = tuple(a_connector(f"sink-{number}") for number in range(20))
    walked = walk_lineage(
        graph_of(a_document(connectors=many)), topic("orders"), direction="downstream", depth=1, most=5
    )
    assert (len(walked.edges), walked.more) == (5, True)


def test_a_topic_names_possible_readers_when_their_topics_are_unknown() -> None:
    sharing = a_group("sharing", type="unknown", members=None, offsets=None, topics=(), error="a share group")
    document = a_document(topics=(a_topic("orders"),), consumer_groups=(a_group("billing"), sharing))

    walked = walk_lineage(graph_of(document), topic("orders"), direction="downstream", depth=1)

    assert possible_readers(document) == ("sharing",)
    assert walked.notes[topic("orders")] == "may also be read by sharing: what they read is not known"
    assert walk_lineage(graph_of(DOCUMENT), topic("orders"), direction="downstream", depth=1).notes == {}


def test_a_past_reader_of_a_topic_is_distinguished_from_a_current_one() -> None:
    member = GroupMember(
        member_id="m", client_id="c", host="/h", group_instance_id=None, assignment={"orders": (0,)}
    )
    group = a_group("billing", topics=("orders", "returns"), members=(member,))
    gone = a_group("gone", state="Empty")
    graph = graph_of(a_document(consumer_groups=(gone, group)))

    assert {(str(edge.target), edge.source.name, edge.active, edge.by) for edge in graph.edges} == {
        ("application billing", "orders", True, "committed offsets"),
        ("application billing", "returns", False, "committed offsets, of earlier: no member reads it now"),
        ("application gone", "orders", False, "committed offsets, of earlier: no member reads it now"),
    }


def test_a_sinks_consumer_group_is_the_sink_itself() -> None:
    graph = graph_of(
        a_document(connectors=(SINK,), consumer_groups=(a_group("connect-orders-sink"), a_group("billing")))
    )

    assert {node.name for node in graph.nodes if node.kind == "application"} == {"billing"}
    [edge] = [edge for edge in graph.edges if edge.target == connector("orders-sink")]
    assert (edge.known, edge.by) == ("observed", "committed offsets; its config")


def test_the_topics_of_kafka_streams_are_folded_into_their_application() -> None:
    registration = "orders-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000006-topic"
    streams = a_group("orders", topics=("clicks", "orders-by-user-repartition", registration), members=())
    plain = a_group("orders-v2", topics=("clicks",))
    names = (
        "clicks",
        "orders-by-user-repartition",
        "orders-store-changelog",
        "orders-v2-store-changelog",
        "x-changelog",
        registration,
        "orders-of-users-subscription-response-topic",
        "orders-new-topic",
    )
    graph = graph_of(a_document(topics=tuple(map(a_topic, names)), consumer_groups=(streams, plain)))

    internal = {(edge.source.name, edge.target.name) for edge in graph.edges if edge.purpose == "internal"}
    assert internal == {
        ("orders", "orders-by-user-repartition"),
        ("orders-by-user-repartition", "orders"),
        ("orders", "orders-store-changelog"),
        ("orders", registration),
        (registration, "orders"),
        ("orders", "orders-of-users-subscription-response-topic"),
    }


def test_a_subject_leads_to_its_topic_and_does_not_feed_it() -> None:
    described = msgspec.structs.replace(
        a_topic("orders"), schema=TopicSchema(value_subjects=("orders-value",))
    )
    graph = graph_of(
        a_document(
            topics=(described,), schemas=(a_schema("orders-value"),), consumer_groups=(a_group("billing"),)
        )
    )
    subject = Node(kind="subject", cluster=CLUSTER, name="orders-value")

    assert walk_lineage(graph, topic("orders"), direction="upstream", depth=3).edges == ()
    down = walk_lineage(graph, subject, direction="downstream", depth=3)
    assert down.distances == {subject: 0, topic("orders"): 1, application("billing"): 2}


def test_a_deleted_topic_that_connect_remembers_has_no_active_edge() -> None:
    remembering = a_connector(
        "source",
        type="source",
        topics=(
            ConnectorTopic(name="orders", known="observed"),
            ConnectorTopic(name="old", known="observed"),
        ),
        config={"connector.class": FILE_SOURCE, "file": "/data/orders", "topic": "orders", "topics": ""},
    )
    sink = a_connector("sink", config={"topics": ""}, topics=(ConnectorTopic(name="old", known="observed"),))
    document = a_document(topics=(a_topic("orders"),), connectors=(remembering, sink))
    edges = {
        (edge.source.name, edge.target.name): (edge.active, edge.by)
        for edge in graph_of(document).edges
        if "topic" in (edge.source.kind, edge.target.kind)
    }

    gone = "what Connect saw it use, of earlier: the topic is gone"
    assert edges == {
        ("source", "orders"): (None, "what Connect saw it use; its config file"),
        ("source", "old"): (False, gone),
        ("old", "sink"): (False, gone),
    }
    # Where the estate excludes topics, a topic missing here may exist.
    partly = msgspec.structs.replace(document, excluded_topics=1)
    assert {edge.active for edge in graph_of(partly).edges} == {None}


def test_commits_on_a_deleted_topic_are_not_an_active_edge_of_the_recreated_one() -> None:
    def committed(topic: str, lag_is: LagIs) -> CommittedOffset:
        return CommittedOffset(topic=topic, partition=0, committed=5, end=10, lag_records=None, lag_is=lag_is)

    member = GroupMember(
        member_id="m", client_id="c", host="/h", group_instance_id=None, assignment={"orders": (0,)}
    )
    offsets = (committed("orders", "topic_recreated"),)
    groups = (
        a_group("gone", state="Empty", offsets=offsets),
        a_group("elsewhere", offsets=offsets),
        a_group("unread", members=None, offsets=offsets),
        a_group("back", members=(member,), offsets=offsets),
        a_group("new", members=(member,), offsets=(committed("orders", "known"),)),
    )
    graph = graph_of(a_document(topics=(a_topic("orders"),), consumer_groups=groups))

    earlier = "committed offsets, of an earlier topic of that name"
    assert {(edge.target.name, edge.active, edge.by) for edge in graph.edges} == {
        ("gone", False, earlier),
        ("elsewhere", False, earlier),
        ("unread", None, earlier),
        ("back", True, "assigned partitions"),
        ("new", True, "committed offsets"),
    }
