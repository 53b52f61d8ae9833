"""The tool get_lineage: it begins anywhere and crosses clusters where the whole estate is known."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from mesh_assets.analysis.graph import Edge, Node
from mesh_assets.answering.estate_lineage import keep_estate_lineage, read_estate_lineage
from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.document import ClusterIdentity, Document
from mesh_assets.inventory.records import ConnectorTopic, TopicSchema
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_group, a_schema, a_topic, an_acl
from mesh_assets_tests.mcp_server.served import Served

TWO = """clusters:
  us: {kafka: {bootstrap_servers: "us-1:9092", timeout_seconds: 1}}
  eu: {kafka: {bootstrap_servers: "eu-1:9092", timeout_seconds: 1}}
"""


def us() -> Document:
    source = a_connector(
        "pg",
        type="source",
        topics=(),
        config={
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "database.hostname": "pg",
            "database.dbname": "shop",
            "topic.prefix": "dbz",
            "table.include.list": "public.orders,public.users",
        },
    )
    sink = a_connector(
        "lake",
        id="lcc-1",
        topics=(ConnectorTopic(name="dbz.public.orders", known="declared"),),
        config={"connector.class": "S3_SINK", "s3.bucket.name": "lake", "topics": "dbz.public.orders"},
    )
    orders = replace(a_topic("dbz.public.orders"), schema=TopicSchema(value_subjects=("orders-value",)))
    return replace(
        a_document(
            topics=(orders, a_topic("dbz.public.users")),
            connectors=(sink, source),
            schemas=(a_schema("orders-value"),),
            consumer_groups=(a_group("connect-lcc-1", topics=("dbz.public.orders",)),),
        ),
        cluster=ClusterIdentity(id="id-us", name="us"),
    )


def eu() -> Document:
    mirror = a_connector(
        "mm2",
        type="source",
        topics=(),
        config={
            "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
            "source.cluster.alias": "us",
            "source.cluster.bootstrap.servers": "us-1:9092",
            "topics": ".*orders",
        },
    )
    return replace(
        a_document(
            connectors=(mirror,),
            topics=(a_topic("us.dbz.public.orders"),),
            consumer_groups=(a_group("billing", topics=("us.dbz.public.orders",)),),
        ),
        cluster=ClusterIdentity(id="id-eu", name="eu"),
    )


@pytest.fixture
def served(make_served: Callable[..., Served]) -> Served:
    return make_served(us(), eu(), estate=TWO)


def analyse(served: Served) -> None:
    """As the job `analysis` does."""
    known = served.known
    lineage = read_estate_lineage(known.estate, known.store, mappings=known.mappings)
    keep_estate_lineage(known.store, lineage, made_at=MOMENT)


def test_a_table_leads_to_its_own_topic_and_on_to_the_other_cluster(served: Served) -> None:
    analyse(served)

    answer = served.answer(
        "get_lineage", cluster="us", table="shop.public.orders", direction="downstream", depth=6
    )

    assert answer["start"] == "dataset postgres://pg:5432/shop.public.orders"
    assert answer["downstream"] == {
        "1": ["connector pg"],
        "2": ["topic dbz.public.orders"],
        "3": ["connector lake", "connector mm2 of cluster eu"],
        "4": ["dataset s3://lake/topics/dbz.public.orders", "topic us.dbz.public.orders of cluster eu"],
        "5": ["application billing of cluster eu"],
    }
    assert any("2026-11-23" in note for note in answer["about"]["notes"])


def test_before_the_analysis_other_clusters_are_not_followed_and_the_answer_says_so(served: Served) -> None:
    answer = served.answer("get_lineage", cluster="us", topic="dbz.public.orders")

    assert "connector mm2" not in str(answer)
    assert any("other clusters are not followed" in note for note in answer["about"]["notes"])


def test_a_graph_of_an_older_document_is_not_used(served: Served, make_served: Callable[..., Served]) -> None:
    analyse(served)
    # Another snapshot of the same cluster in the same store.
    newer = make_served(replace(us(), topics=(*us().topics, a_topic("new"))), estate=TWO)

    answer = newer.answer("get_lineage", cluster="us", topic="dbz.public.orders")

    assert any("other clusters are not followed" in note for note in answer["about"]["notes"])


def test_a_graph_of_an_older_document_is_used_while_nothing_has_changed(
    served: Served, make_served: Callable[..., Served]
) -> None:
    analyse(served)
    newer = make_served(us(), estate=TWO)

    answer = newer.answer("get_lineage", cluster="us", topic="dbz.public.orders")

    assert "connector mm2 of cluster eu" in str(answer)


@pytest.mark.parametrize(
    ("start", "text", "near"),
    [
        ({"subject": "orders-value"}, "subject orders-value", "topic dbz.public.orders"),
        ({"group": "connect-lcc-1"}, "connector lake", "dataset s3://lake/topics/dbz.public.orders"),
        ({"table": "orders"}, None, None),
        ({"table": "s3://lake/topics/dbz.public.orders"}, "dataset s3://lake/topics/dbz.public.orders", None),
        ({"table": "SHOP.PUBLIC.USERS"}, "dataset postgres://pg:5432/shop.public.users", "connector pg"),
    ],
)
def test_lineage_begins_at_any_node(
    served: Served, start: dict[str, str], text: str | None, near: str | None
) -> None:
    if text is None:
        refusal = served.refusal("get_lineage", cluster="us", **start)
        assert "2 tables have a name like 'orders'" in refusal
        return
    answer = served.answer("get_lineage", cluster="us", direction="downstream", **start)
    assert answer["start"] == text
    assert near is None or answer["downstream"]["1"] == [near]


def test_lineage_begins_at_a_mapping_and_at_a_statement_of_the_kept_graph(served: Served) -> None:
    known = served.known
    mapping = Node(kind="event_source_mapping", name="0a-1b")
    statement = Node(kind="statement", cluster="us", name="totals")
    orders, users = (
        Node(kind="topic", cluster="us", name=f"dbz.public.{name}") for name in ("orders", "users")
    )
    lineage = read_estate_lineage(known.estate, known.store, mappings=known.mappings)
    edges = tuple(
        Edge(source=source, target=target, known="declared", by="a test")
        for source, target in ((orders, mapping), (orders, statement), (statement, users))
    )
    graph = replace(
        lineage.graph, nodes=(*lineage.graph.nodes, mapping, statement), edges=(*lineage.graph.edges, *edges)
    )
    keep_estate_lineage(known.store, replace(lineage, graph=graph), made_at=MOMENT)

    by_mapping = served.answer("get_lineage", cluster="us", mapping="0a-1b", direction="upstream", depth=1)
    by_statement = served.answer("get_lineage", cluster="us", statement="totals", depth=1)

    assert by_mapping["upstream"] == {"1": ["topic dbz.public.orders"]}
    assert by_statement["start"] == "statement totals"
    assert by_statement["upstream"] == {"1": ["topic dbz.public.orders"]}
    assert by_statement["downstream"] == {"1": ["topic dbz.public.users"]}


def test_a_name_that_several_tables_end_with_is_refused_though_one_has_just_that_name(
    make_served: Callable[..., Served],
) -> None:
    """An agent that asks for orders may mean any of them."""
    outside = replace(eu(), cluster=ClusterIdentity(id="id-us", name="us"))
    mirror = outside.connectors[0]
    elsewhere = replace(mirror, config={**mirror.config, "source.cluster.bootstrap.servers": "old:9092"})
    both = replace(
        us(),
        connectors=(*us().connectors, elsewhere),
        topics=(*us().topics, a_topic("us.orders")),
    )

    refusal = make_served(both, estate=TWO).refusal("get_lineage", cluster="us", table="orders")

    assert "3 tables have a name like 'orders'; pass one of them: 'kafka://old:9092/orders'" in refusal


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        ({"mapping": "0a"}, "lineage has no event source mapping '0a'; those known are: none"),
        ({"statement": "totals"}, "lineage has no Flink statement 'totals'"),
        ({"table": "nowhere"}, "no connector of the cluster uses a table 'nowhere'"),
        ({"function": "bill"}, "lineage has no function 'bill'"),
        ({"function": "arn:aws:lambda:eu-1:1:function:bill:live"}, "lineage has no function 'bill'"),
        ({"subject": "nope"}, "has no subject 'nope'"),
        ({"subject": "orders-value", "table": "x"}, "give one of topic"),
    ],
)
def test_a_missing_start_is_refused(served: Served, start: dict[str, str], sentence: str) -> None:
    assert sentence in served.refusal("get_lineage", cluster="us", **start)


@pytest.fixture
def guarded(make_served: Callable[..., Served]) -> Served:
    acls = (
        an_acl("User:debezium", "write", resource="dbz.", pattern="prefixed"),
        an_acl("User:lake", "read", resource="dbz.public.orders"),
    )
    return make_served(replace(us(), access=Access(acls=acls)), eu(), estate=TWO)


def test_rights_are_in_the_answer_only_on_request(guarded: Served) -> None:
    plain = guarded.answer("get_lineage", cluster="us", topic="dbz.public.orders")
    asked = guarded.answer("get_lineage", cluster="us", topic="dbz.public.orders", permitted=True)

    rights = [edge for edge in asked["edges"] if edge["known"] == "permitted"]
    assert [edge for edge in asked["edges"] if edge not in rights] == plain["edges"]
    assert [(edge["source"], edge["target"], edge["by"]) for edge in rights] == [
        (
            "principal User:debezium",
            "topic dbz.public.orders",
            "ACLs: write on topics that begin with dbz.",
        ),
        ("topic dbz.public.orders", "principal User:lake", "ACLs: read on dbz.public.orders"),
    ]


def test_lineage_begins_at_a_principal_and_follows_what_flows_from_there(guarded: Served) -> None:
    found = guarded.answer("get_lineage", cluster="us", principal="User:debezium", direction="downstream")

    assert found["downstream"]["1"] == ["topic dbz.public.orders", "topic dbz.public.users"]
    assert found["downstream"]["2"] == ["connector lake"]


def test_a_principal_without_any_allow_is_named_with_those_that_have_one(guarded: Served) -> None:
    refused = guarded.refusal("get_lineage", cluster="us", principal="User:nobody")
    assert "User:debezium" in refused
    assert "User:lake" in refused


def test_unknown_rights_give_a_note(served: Served) -> None:
    answer = served.answer("get_lineage", cluster="us", topic="dbz.public.orders", permitted=True)

    assert any(
        "who may write and read the topics of us is not known" in note for note in answer["about"]["notes"]
    )
