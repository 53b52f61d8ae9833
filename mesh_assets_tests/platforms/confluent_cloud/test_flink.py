from collections.abc import Iterator

import httpx
import pytest

from mesh_assets.errors import RefusedError, UnreachableError
from mesh_assets.estate.connections import FlinkConnection
from mesh_assets.platforms.confluent_cloud.flink import Column, FlinkClient
from mesh_assets_tests.platforms.confluent_cloud.flink_stand_in import FlinkStandIn


class GivenUp(Exception):  # noqa: N818 - what a caller raises to give up
    pass


@pytest.fixture
def stand_in() -> FlinkStandIn:
    return FlinkStandIn()


@pytest.fixture
def flink(stand_in: FlinkStandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlinkClient]:
    monkeypatch.setenv("FLINK_SECRET", "secret")
    connection = FlinkConnection(
        url="https://flink.example",
        organization_id="org-1",
        environment_id="env-1",
        compute_pool_id="lfcp-1",
        username="key",
        password="${FLINK_SECRET}",
        catalog="prod",
        database="warehouse",
    )
    with FlinkClient(connection, transport=httpx.MockTransport(stand_in)) as client:
        yield client


def at_once(_: float) -> None:
    pass


def test_a_query_gives_its_rows_and_columns_and_is_deleted(
    flink: FlinkClient, stand_in: FlinkStandIn
) -> None:
    result = flink.run("SELECT 1", most_rows=10, within_seconds=30, keep=False, wait=at_once)
    assert result.rows == (("1", "a"), ("2", "b"), ("3", None))
    assert result.complete
    assert result.statement.columns == (Column("id", "INTEGER"), Column("email", "VARCHAR"))
    assert stand_in.deleted == [result.statement.name]


def test_a_changing_statement_stays_and_runs_where_the_estate_says(
    flink: FlinkClient, stand_in: FlinkStandIn
) -> None:
    flink.run("INSERT INTO a SELECT 1", most_rows=1, within_seconds=30, keep=True, wait=at_once)
    [statement] = stand_in.statements.values()
    assert statement["spec"] == {
        "statement": "INSERT INTO a SELECT 1",
        "properties": {"sql.current-catalog": "prod", "sql.current-database": "warehouse"},
        "compute_pool_id": "lfcp-1",
        "stopped": False,
    }


def test_an_endless_query_is_read_as_far_as_requested_and_deleted(
    flink: FlinkClient, stand_in: FlinkStandIn
) -> None:
    stand_in.endless = True
    result = flink.run("SELECT 1", most_rows=2, within_seconds=30, keep=False, wait=at_once)
    assert (len(result.rows), result.complete, len(stand_in.deleted)) == (2, False, 1)


def test_giving_up_leaves_no_statement_behind(flink: FlinkClient, stand_in: FlinkStandIn) -> None:
    def give_up(_: float) -> None:
        raise GivenUp

    with pytest.raises(GivenUp):
        flink.run("SELECT 1", most_rows=2, within_seconds=30, keep=False, wait=give_up)
    assert (len(stand_in.deleted), stand_in.statements) == (1, {})


def test_flinks_objection_to_a_statement_is_passed_on(flink: FlinkClient, stand_in: FlinkStandIn) -> None:
    stand_in.refuses = "line 1: unknown table"
    with pytest.raises(RefusedError, match="does not accept the statement: line 1: unknown table"):
        flink.run("SELECT x", most_rows=1, within_seconds=30, keep=False, wait=at_once)
    stand_in.refuses, stand_in.fails = None, "division by zero"
    with pytest.raises(RefusedError, match="failed: division by zero"):
        flink.run("SELECT x", most_rows=1, within_seconds=30, keep=False, wait=at_once)


def test_a_full_pool_is_named(flink: FlinkClient) -> None:
    with pytest.raises(UnreachableError, match="still PENDING"):
        flink.run("SELECT 1", most_rows=1, within_seconds=-1, keep=False, wait=at_once)


def test_all_pages_of_the_list_and_only_of_the_pool(flink: FlinkClient, stand_in: FlinkStandIn) -> None:
    for _ in range(5):
        flink.run("INSERT INTO a SELECT 1", most_rows=1, within_seconds=30, keep=True, wait=at_once)
    next(iter(stand_in.statements.values()))["spec"]["compute_pool_id"] = "lfcp-other"
    assert len(flink.statements()) == 4


def test_a_key_of_the_wrong_kind_is_reported_with_what_to_do(
    flink: FlinkClient, stand_in: FlinkStandIn
) -> None:
    stand_in.key = ("key", "another")
    with pytest.raises(RefusedError, match="expected a Flink API key"):
        flink.statements()
