"""What statements read and write, as sqlglot parses them, never guessed."""

import pytest

from mesh_assets.analysis.graph import LineageGraph
from mesh_assets.analysis.sql import Insertion, UnreadableSqlError, insertions, tables_of_query
from mesh_assets.lineage.clusters import ClusterFacts, SqlStatement
from mesh_assets.lineage.estate import estate_graph
from mesh_assets_tests.documents import a_document, a_topic


@pytest.mark.parametrize(
    ("sql", "target", "sources"),
    [
        ("INSERT INTO y SELECT * FROM orders", "y", ["orders"]),
        (
            "INSERT INTO `env`.`c`.`orders-v2` SELECT o.id FROM `orders` o JOIN `users.v1` FOR SYSTEM_TIME AS OF o.ts AS u ON o.u = u.id",
            "env.c.orders-v2",
            ["orders", "users.v1"],
        ),
        (
            "INSERT INTO y SELECT COUNT(*) FROM TABLE(HOP(TABLE `orders`, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY a",
            "y",
            ["orders"],
        ),
        (
            "INSERT INTO y SELECT * FROM TUMBLE(TABLE a.b.orders, DESCRIPTOR(ts), INTERVAL '5' MINUTES)",
            "y",
            ["a.b.orders"],
        ),
        ("CREATE TABLE y WITH ('k'='FROM z') AS SELECT * FROM orders -- from users", "y", ["orders"]),
        (
            "CREATE TABLE IF NOT EXISTS y (PRIMARY KEY (id) NOT ENFORCED) DISTRIBUTED BY (id) INTO 4 BUCKETS AS SELECT * FROM orders",
            "y",
            ["orders"],
        ),
        (
            "INSERT INTO y WITH x AS (SELECT * FROM orders) SELECT * FROM x UNION ALL SELECT * FROM z",
            "y",
            ["orders", "z"],
        ),
        ("WITH x AS (SELECT * FROM orders) INSERT INTO y SELECT * FROM x", "y", ["orders"]),
        ("INSERT INTO y WITH orders AS (SELECT * FROM orders) SELECT * FROM orders", "y", ["orders"]),
        (
            "INSERT INTO y (a, b) SELECT a, b FROM orders WHERE id IN (SELECT id FROM users)",
            "y",
            ["orders", "users"],
        ),
        ("INSERT INTO y SELECT * FROM orders CROSS JOIN UNNEST(items) AS t(i)", "y", ["orders"]),
        ("INSERT INTO y VALUES (1, 'FROM orders')", "y", []),
        ("-- nightly; ask team-shop\n/* since 2024 */ INSERT INTO y SELECT * FROM orders", "y", ["orders"]),
        ("/* a */ EXECUTE STATEMENT SET BEGIN INSERT INTO y SELECT * FROM orders; END;", "y", ["orders"]),
        ("CREATE OR REPLACE TABLE y AS SELECT * FROM orders", "y", ["orders"]),
        ("CREATE MATERIALIZED TABLE y AS SELECT * FROM orders", "y", ["orders"]),
        (
            "CREATE OR ALTER MATERIALIZED TABLE y FRESHNESS = INTERVAL '1' MINUTE AS SELECT * FROM orders",
            "y",
            ["orders"],
        ),
    ],
)
def test_tables_that_a_statement_writes_and_reads(sql: str, target: str, sources: list[str]) -> None:
    [found] = insertions(sql)

    assert found.target == tuple(target.split("."))
    assert sorted(".".join(path) for path in found.sources) == sources


def test_a_statement_set_has_several() -> None:
    sql = "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT * FROM b; INSERT INTO c SELECT * FROM d; END;"

    assert insertions(sql) == (
        Insertion(target=("a",), sources=(("b",),)),
        Insertion(target=("c",), sources=(("d",),)),
    )


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM orders", "SHOW TABLES", "CREATE TABLE y (a INT)", "DROP TABLE y", ""]
)
def test_a_statement_that_writes_no_rows_has_none(sql: str) -> None:
    assert insertions(sql) == ()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO y SELECT * FROM orders MATCH_RECOGNIZE (PATTERN (A B+) DEFINE B AS TRUE) AS m",
        "INSERT INTO",
        "INSERT INTO y SELECT ((((",
    ],
)
def test_a_statement_that_cannot_be_parsed_is_an_error(sql: str) -> None:
    with pytest.raises(UnreadableSqlError):
        insertions(sql)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ('SELECT a FROM "Sales"."orders"', ("Sales.orders",)),
        ("SELECT a FROM `shop`.`orders`", ("shop.orders",)),
        ("SELECT a FROM [dbo].[orders] o JOIN dbo.users u ON 1 = 1", ("dbo.orders", "dbo.users")),
        ("WITH x AS (SELECT 1 AS a) SELECT * FROM x", ()),
    ],
)
def test_the_tables_of_a_query(sql: str, tables: tuple[str, ...]) -> None:
    assert tables_of_query(sql) == tables


def test_a_statement_on_which_the_parser_fails_in_a_way_of_its_own_is_not_known() -> None:
    """sqlglot raises AttributeError on both."""
    with pytest.raises(UnreadableSqlError):
        insertions("INSERT INTO a SELECT INTERVAL BY . . ( SET BY IF FOR ALL")
    with pytest.raises(UnreadableSqlError):
        tables_of_query("SELECT INTO WHERE END WITH id FOR 'x' IF 1 SET ROW_NUMBER() END")


def graph_of(sql: str, *, phase: str = "RUNNING") -> LineageGraph:
    statement = SqlStatement(name="s", sql=sql, phase=phase, catalog="prod", database="warehouse")
    document = a_document(topics=(a_topic("orders"), a_topic("orders-v2"), a_topic("orders.v2")))
    return estate_graph([ClusterFacts(document=document, statements=(statement,))])


def test_a_statement_connects_the_topics_behind_its_tables() -> None:
    graph = graph_of("INSERT INTO `orders.v2` SELECT * FROM `prod`.`warehouse`.`orders`")

    assert {(str(edge.source), str(edge.target), edge.known, edge.active) for edge in graph.edges} == {
        ("topic orders", "statement s", "declared", True),
        ("statement s", "topic orders.v2", "declared", True),
    }
    assert graph.notes == ()


def test_a_flow_through_a_statement_has_the_columns_of_its_own_source() -> None:
    graph = graph_of(
        "INSERT INTO `orders.v2` (id, total) SELECT a.id, b.total FROM orders a JOIN `orders-v2` b ON a.id = b.id"
    )

    assert {
        flow.source.name: [(pair.source, pair.target) for pair in flow.columns or ()] for flow in graph.flows
    } == {"orders": [("id", "id")], "orders-v2": [("total", "total")]}


def test_a_failed_statement_is_not_active() -> None:
    assert {
        edge.active for edge in graph_of("INSERT INTO `orders-v2` SELECT * FROM orders", phase="FAILED").edges
    } == {False}


@pytest.mark.parametrize(
    ("sql", "note"),
    [
        ("INSERT INTO `orders-v2` SELECT * FROM a_view", "it reads a_view, which is not a topic of {}"),
        (
            "INSERT INTO `orders-v2` SELECT * FROM prod.other.orders",
            "it reads prod.other.orders, in a database that is not a cluster of the estate",
        ),
        (
            "INSERT INTO y SELECT (",
            "what it reads and writes is not known: the statement could not be parsed",
        ),
    ],
)
def test_a_table_without_a_topic_gives_a_note(sql: str, note: str) -> None:
    graph = graph_of(sql)

    assert [one.text for one in graph.notes] == [note.format(a_document().cluster.name)]
    assert [edge for edge in graph.edges if edge.source.kind == "topic"] == []


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        (
            "CREATE TABLE y AS SELECT o.id AS order_id, o.price * o.n AS total, 1 AS one FROM orders o",
            {"orders.id → order_id", "orders.price → total", "orders.n → total"},
        ),
        (
            "INSERT INTO y (a, b) SELECT o.id, UPPER(u.`home.city`) FROM orders o JOIN db.users u ON o.u = u.id",
            {"orders.id → a", "db.users.home.city → b"},
        ),
        (
            "INSERT INTO y (a, s) WITH x AS (SELECT id, price AS p FROM orders) SELECT id, SUM(p) FROM x GROUP BY id",
            {"orders.id → a", "orders.price → s"},
        ),
        (
            "CREATE TABLE y AS WITH x AS (SELECT id, price AS p FROM orders) SELECT id, SUM(p) AS s FROM x GROUP BY id",
            {"orders.id → id", "orders.price → s"},
        ),
        ("INSERT INTO y SELECT id FROM orders", None),
        (
            "INSERT INTO y (a, b) SELECT DISTINCT *, 1 FROM orders o GROUP BY 1",
            None,
        ),  # sqlglot fails in its own way
        ("CREATE TABLE y AS SELECT * FROM orders", None),
        ("CREATE TABLE y AS SELECT id FROM orders, users", None),
        (
            "CREATE TABLE y AS SELECT window_start AS w FROM TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '5' MINUTES)",
            None,
        ),
        ("INSERT INTO y (a, b) SELECT id FROM orders", None),
    ],
)
def test_columns_are_known_where_each_leads_to_its_table(sql: str, columns: set[str] | None) -> None:
    [found] = insertions(sql)

    told = found.columns and {f"{'.'.join(one.table)}.{one.source} → {one.target}" for one in found.columns}
    assert told == columns


def test_an_unparsable_statement_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UnreadableSqlError):
        tables_of_query("EXPLAIN SELECT * FROM users WHERE password = 'hunter2'")
    assert caplog.text == ""
