"""Flink's tools, from an agent's call to the statements API; the API is a stand-in written from its published
specification."""

import functools
from collections.abc import Callable

import httpx
import pytest

from mesh_assets.platforms.confluent_cloud import flink
from mesh_assets_tests.mcp_server.test_doing import FLINK
from mesh_assets_tests.mcp_server.world import World
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
    make_world: Callable[..., World], stand_in: FlinkStandIn
) -> None:
    answer = make_world(estate=FLINK).answer("execute_flink_sql", sql="SELECT id, email FROM users")

    assert answer["columns"] == ["id INTEGER", "email VARCHAR"]
    assert answer["rows"] == [["1", "a"], ["2", "b"], ["3", None]]
    assert (answer["complete"], answer["deleted"]) == (True, True)
    assert stand_in.deleted == [answer["statement"]]


def test_a_statement_that_changes_something_runs_with_leave_only_and_is_listed_then(
    make_world: Callable[..., World], stand_in: FlinkStandIn
) -> None:
    sql = "INSERT INTO orders_eu SELECT * FROM orders"
    assert "--allow-writes" in make_world(estate=FLINK).refusal("execute_flink_sql", sql=sql)
    assert stand_in.statements == {}

    world = make_world(estate=FLINK, allow_writes=True)
    answer = world.answer("execute_flink_sql", sql=sql)
    assert answer["deleted"] is False

    [listed] = world.answer("list_flink_statements")["statements"]
    assert (listed["name"], listed["sql"]) == (answer["statement"], sql)


def test_what_flink_says_of_a_statement_it_does_not_take_reaches_the_agent(
    make_world: Callable[..., World], stand_in: FlinkStandIn
) -> None:
    stand_in.refuses = "SQL parse failed at line 1"
    assert "SQL parse failed at line 1" in make_world(estate=FLINK).refusal(
        "execute_flink_sql", sql="SELECT FROM"
    )


def test_a_wrong_key_is_one_sentence_without_the_secret(
    make_world: Callable[..., World], stand_in: FlinkStandIn
) -> None:
    stand_in.key = ("key", "another")
    refusal = make_world(estate=FLINK).refusal("list_flink_statements")
    assert "401" in refusal
    assert "secret" not in refusal.replace("${FLINK_SECRET}", "")
