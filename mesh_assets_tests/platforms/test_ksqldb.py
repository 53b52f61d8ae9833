"""ksqlDB reports the topics that its queries read and write, in two requests; nothing else is guessed."""

import httpx
import pytest

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError
from mesh_assets.estate.connections import KsqlDbConnection
from mesh_assets.platforms.ksqldb import KsqlDbClient, KsqlQuery
from mesh_assets_tests.platforms.ksqldb_stand_in import URL, KsqlDbStandIn, query


@pytest.fixture
def stand_in() -> KsqlDbStandIn:
    return KsqlDbStandIn(
        streams={"ORDERS": "orders", "BIG_ORDERS": "big-orders"},
        tables={"CUSTOMERS": "customers"},
        queries=[query("CSAS_BIG_ORDERS_7", ["ORDERS", "CUSTOMERS"], ["BIG_ORDERS"])],
    )


def queries_of(stand_in: KsqlDbStandIn) -> tuple[KsqlQuery, ...]:
    with KsqlDbClient(KsqlDbConnection(url=URL), transport=httpx.MockTransport(stand_in)) as client:
        return client.queries_on("the-cluster")


def test_a_query_reads_and_writes_the_topics_of_its_streams_and_tables(stand_in: KsqlDbStandIn) -> None:
    assert queries_of(stand_in) == (
        KsqlQuery(
            id="CSAS_BIG_ORDERS_7",
            group="_confluent-ksql-default_query_CSAS_BIG_ORDERS_7",
            reads=("customers", "orders"),
            writes=("big-orders",),
            states=("RUNNING",),
        ),
    )
    assert stand_in.asked == [("GET", "/info"), ("POST", "/ksql")]


def test_a_query_that_only_shows_its_result_is_left_out(stand_in: KsqlDbStandIn) -> None:
    stand_in.queries.append(query("transient_ORDERS_1", ["ORDERS"], [], queryType="PUSH"))
    stand_in.queries.append(query("CST_CUSTOMERS_3", ["CUSTOMERS"], []))
    assert [one.id for one in queries_of(stand_in)] == ["CSAS_BIG_ORDERS_7", "CST_CUSTOMERS_3"]


def test_the_states_of_all_hosts_are_listed_once_each(stand_in: KsqlDbStandIn) -> None:
    hosts = {"one:8088": "RUNNING", "two:8088": "ERROR", "three:8088": "ERROR"}
    stand_in.queries = [query("CSAS_BIG_ORDERS_7", [], [], ksqlHostQueryStatus=hosts)]
    assert queries_of(stand_in)[0].states == ("ERROR", "RUNNING")


def test_an_unlisted_stream_is_named_and_leads_to_no_topic(stand_in: KsqlDbStandIn) -> None:
    stand_in.queries = [query("CSAS_BIG_ORDERS_7", ["ORDERS", "GONE"], ["BIG_ORDERS"])]
    [found] = queries_of(stand_in)
    assert (found.reads, found.unknown) == (("orders",), ("GONE",))


def test_an_older_server_names_neither_group_nor_kind(stand_in: KsqlDbStandIn) -> None:
    for name in ("consumerGroupId", "queryType", "ksqlHostQueryStatus"):
        del stand_in.queries[0][name]
    [found] = queries_of(stand_in)
    assert found.group == "_confluent-ksql-default_query_CSAS_BIG_ORDERS_7"
    assert found.states == ()


def test_a_server_of_another_kafka_cluster_is_refused_before_its_lists_are_read(
    stand_in: KsqlDbStandIn,
) -> None:
    stand_in.cluster_id = "another"
    with pytest.raises(
        UnexpectedAnswerError, match="works on the Kafka cluster another, not on the-cluster; list it"
    ):
        queries_of(stand_in)
    assert stand_in.asked == [("GET", "/info")]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(200, json=[]), UnexpectedAnswerError, "without a list of queries"),
        (httpx.Response(200, json={"queries": []}), UnexpectedAnswerError, "that ksqlDB does not send"),
        (httpx.Response(200, text="<html>"), UnexpectedAnswerError, "is the url right"),
        (
            httpx.Response(400, json={"error_code": 40001, "message": "unknown statement"}),
            UnexpectedAnswerError,
            "unknown statement",
        ),
        (httpx.Response(403, json={"error_code": 40301, "message": "no"}), RefusedError, "refused"),
    ],
)
def test_an_answer_of_another_kind_is_an_error_not_an_empty_list(
    stand_in: KsqlDbStandIn, answer: httpx.Response, error: type[PlatformError], words: str
) -> None:
    stand_in.answers["/ksql"] = answer
    with pytest.raises(error, match=words):
        queries_of(stand_in)
