"""Whether Flink and ksqlDB can be asked what they run on a cluster, and whether it is this cluster."""

import httpx
import pytest

from mesh_assets.access_checks.access_check import AccessCheck, place
from mesh_assets.access_checks.sql_engines import check_flink, check_ksqldb
from mesh_assets.estate.connections import FlinkConnection, KsqlDbConnection
from mesh_assets_tests.collecting.cluster_fakes import a_cluster
from mesh_assets_tests.platforms.confluent_cloud.flink_stand_in import FlinkStandIn
from mesh_assets_tests.platforms.ksqldb_stand_in import URL, KsqlDbStandIn, query

CLUSTER = a_cluster()


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "secret")


def ksqldb(stand_in: KsqlDbStandIn) -> AccessCheck:
    connection = KsqlDbConnection(url=URL, username="KEY", password="${SECRET}")
    return check_ksqldb(CLUSTER, connection, transport=httpx.MockTransport(stand_in))


def flink(stand_in: FlinkStandIn) -> AccessCheck:
    connection = FlinkConnection(
        url="https://flink.example",
        organization_id="org-1",
        environment_id="env-1",
        compute_pool_id="lfcp-1",
        username="key",
        password="${SECRET}",
    )
    return check_flink(CLUSTER, connection, transport=httpx.MockTransport(stand_in))


def test_ksqldb_of_this_cluster_lists_its_queries() -> None:
    stand_in = KsqlDbStandIn(streams={"A": "a", "B": "b"}, queries=[query("CSAS_B_1", ["A"], ["B"])])
    assert place(ksqldb(stand_in), cluster_id="the-cluster") == AccessCheck(
        cluster="warehouse",
        system="ksqldb",
        endpoint=URL,
        identity="KEY",
        state="ok",
        facts={
            "queries": 1,
            "version": "0.29.0",
            "kafka_cluster_id": "the-cluster",
            "belongs_to": "this cluster",
        },
        rights="reads",
    )


def test_ksqldb_of_another_cluster_should_be_listed_there() -> None:
    check = place(ksqldb(KsqlDbStandIn(cluster_id="another")), cluster_id="the-cluster")
    assert check.state == "incomplete"
    assert check.missing == (
        "it belongs to Kafka cluster another, not to warehouse (the-cluster): its queries would be linked to topics of the "
        "wrong cluster; list it under the cluster it belongs to",
    )


def test_flink_with_its_key_lists_the_statements_of_the_pool() -> None:
    check = flink(FlinkStandIn())
    assert (check.state, check.identity, check.facts) == ("ok", "Flink API key key", {"statements": 0})


@pytest.mark.parametrize("system", ["flink", "ksqldb"])
def test_a_refused_key_fails_with_what_to_do(system: str) -> None:
    if system == "flink":
        pool = FlinkStandIn()
        pool.key = ("key", "another")
        check = flink(pool)
    else:
        check = ksqldb(KsqlDbStandIn(answers={"/info": httpx.Response(401, json={"message": "no"})}))
    assert check.state == "failed"
    [sentence] = check.missing
    assert "refused" in sentence
    assert "check" in sentence
    assert "secret" not in sentence
