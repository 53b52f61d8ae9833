"""A ksqlDB query is the application of its consumer group: it says what the group writes, which Kafka does not know."""

from mesh_assets.analysis.graph import Edge, LineageGraph, Node
from mesh_assets.lineage.clusters import ClusterFacts, KsqlQuery
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.lineage.walk import walk_lineage
from mesh_assets_tests.documents import a_document, a_group, a_topic

GROUP = "_confluent-ksql-default_query_CTAS_TOTALS_7"
CHANGELOG = f"{GROUP}-Aggregate-Materialize-changelog"
DOCUMENT = a_document(
    topics=tuple(map(a_topic, ("orders", "totals", "audit", CHANGELOG))),
    consumer_groups=(a_group(GROUP, topics=("orders", CHANGELOG)),),
)
CLUSTER = DOCUMENT.cluster.name
QUERY = KsqlQuery(id="CTAS_TOTALS_7", group=GROUP, reads=("orders",), writes=("totals",), states=("RUNNING",))
HERE = Node(kind="application", cluster=CLUSTER, name=GROUP)


def topic(name: str) -> Node:
    return Node(kind="topic", cluster=CLUSTER, name=name)


def graph_of(*queries: KsqlQuery) -> LineageGraph:
    return cluster_graph(ClusterFacts(document=DOCUMENT, queries=queries))


def test_the_query_and_its_group_are_one_application_with_its_changelog() -> None:
    graph = graph_of(QUERY)
    words = "query CTAS_TOTALS_7 of ksqlDB, RUNNING"
    assert [node.name for node in graph.nodes if node.kind == "application"] == [GROUP]
    assert Edge(source=HERE, target=topic("totals"), known="declared", by=words, active=True) in graph.edges
    [reads] = [edge for edge in graph.edges if edge.source == topic("orders")]
    assert (reads.target, reads.known, words in reads.by) == (HERE, "observed", True)
    assert {edge.purpose for edge in graph.edges if topic(CHANGELOG) in (edge.source, edge.target)} == {
        "internal"
    }
    found = walk_lineage(graph, topic("orders"), direction="downstream", depth=2, most=10)
    assert topic("totals") in found.distances


def test_queries_that_share_a_group_do_not_mix_their_topics() -> None:
    other = KsqlQuery(id="CSAS_AUDIT_9", group=GROUP, reads=("totals",), writes=("audit",))
    found = walk_lineage(graph_of(QUERY, other), topic("orders"), direction="downstream", depth=2, most=10)
    assert topic("audit") not in found.distances


def test_failed_and_paused_queries_do_not_flow_and_one_without_an_answer_is_unknown() -> None:
    def active(*states: str) -> bool | None:
        query = KsqlQuery(id="Q", group="g", reads=(), writes=("audit",), states=states)
        [edge] = [edge for edge in graph_of(query).edges if edge.target == topic("audit")]
        return edge.active

    assert (active("ERROR", "PAUSED"), active("ERROR", "RUNNING")) == (False, True)
    assert (active("UNRESPONSIVE"), active()) == (None, None)


def test_a_stream_without_a_topic_is_a_note_and_not_an_edge() -> None:
    graph = graph_of(KsqlQuery(id="Q", group="g", reads=("gone",), writes=(), unknown=("VIEW",)))
    here = Node(kind="application", cluster=CLUSTER, name="g")
    assert [note.text for note in graph.notes if note.node == here] == [
        "query Q of ksqlDB names VIEW, whose topic ksqlDB does not list",
        f"query Q of ksqlDB names gone, which is not a topic of {CLUSTER}",
    ]
    assert topic("gone") not in graph.nodes
