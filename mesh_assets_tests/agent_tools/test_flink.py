"""Flink's tools, from an agent's call to the statements API; the API is a stand-in written from its published
specification."""

import functools
from collections.abc import Callable

import httpx
import pytest

from mesh_assets.agent_tools.flink import StatementError, reads_only
from mesh_assets.platforms.confluent_cloud import flink
from mesh_assets_tests.mcp_server.served import FLINK, Served
from mesh_assets_tests.platforms.confluent_cloud.flink_stand_in import FlinkStandIn


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> FlinkStandIn:
    """Answers whatever client the tools make."""
    monkeypatch.setenv("FLINK_SECRET", "secret")
    stand_in = FlinkStandIn()
    client = functools.partial(flink.FlinkClient, transport=httpx.MockTransport(stand_in))
    monkeypatch.setattr(flink, "FlinkClient", client)
    return stand_in


def test_a_query_gives_columns_and_rows_and_leaves_no_statement_behind(
    make_served: Callable[..., Served], stand_in: FlinkStandIn
) -> None:
    answer = make_served(estate=FLINK).answer("execute_flink_sql", sql="SELECT id, email FROM users")

    assert answer["columns"] == ["id INTEGER", "email VARCHAR"]
    assert answer["rows"] == [["1", "a"], ["2", "b"], ["3", None]]
    assert (answer["complete"], answer["deleted"]) == (True, True)
    assert stand_in.deleted == [answer["statement"]]


def test_a_statement_that_changes_something_runs_only_with_allow_writes_and_stays_listed(
    make_served: Callable[..., Served], stand_in: FlinkStandIn
) -> None:
    sql = "INSERT INTO orders_eu SELECT * FROM orders"
    assert "--allow-writes" in make_served(estate=FLINK).refusal("execute_flink_sql", sql=sql)
    assert stand_in.statements == {}

    served = make_served(estate=FLINK, allow_writes=True)
    answer = served.answer("execute_flink_sql", sql=sql)
    assert answer["deleted"] is False

    [listed] = served.answer("list_flink_statements")["statements"]
    assert (listed["name"], listed["sql"]) == (answer["statement"], sql)


def test_the_agent_learns_why_flink_rejects_a_statement(
    make_served: Callable[..., Served], stand_in: FlinkStandIn
) -> None:
    stand_in.refuses = "SQL parse failed at line 1"
    assert "SQL parse failed at line 1" in make_served(estate=FLINK).refusal(
        "execute_flink_sql", sql="SELECT FROM"
    )


def test_a_wrong_key_gives_one_sentence_without_the_secret(
    make_served: Callable[..., Served], stand_in: FlinkStandIn
) -> None:
    stand_in.key = ("key", "another")
    refusal = make_served(estate=FLINK).refusal("list_flink_statements")
    assert "401" in refusal
    assert "secret" not in refusal.replace("${FLINK_SECRET}", "")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM orders",
        " -- a comment; with a semicolon\nselect 1;",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "SHOW CREATE TABLE orders",
        "EXPLAIN INSERT INTO a SELECT * FROM b",
        "SELECT 'DROP TABLE a; INSERT', `delete` FROM orders",
        "SELECT 'it''s' /* ; DROP */ FROM t ;  -- done",
        "DESCRIBE orders",
    ],
)
def test_statements_that_only_read(sql: str) -> None:
    assert reads_only(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO a SELECT * FROM b",
        "/* SELECT */ DROP TABLE a",
        "WITH x AS (SELECT 1) INSERT INTO a SELECT * FROM x",
        "CREATE TABLE a AS SELECT 1",
        "ALTER TABLE a RENAME TO b",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1",
        "SET 'x' = 'y'",
        "USE CATALOG x",
        "(SELECT 1)",
        "'SELECT' DROP",
        "SELECTED",
    ],
)
def test_statements_that_may_change_something(sql: str) -> None:
    assert not reads_only(sql)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT 1; DROP TABLE a", "expected one statement"),
        ("SELECT 1;;SELECT 2", "expected one statement"),
        ("", "is empty"),
        (" -- nothing", "is empty"),
        ("SELECT 'never closed", "never closed"),
        ("SELECT 1 /* never closed", "never closed"),
        ("SELECT `a", "never closed"),
    ],
)
def test_anything_but_one_statement_is_refused(sql: str, says: str) -> None:
    with pytest.raises(StatementError, match=says):
        reads_only(sql)
