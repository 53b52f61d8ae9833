from typing import Any

import httpx

from mesh_assets.estate.connections import KafkaConnectEndpoint
from mesh_assets.inventory.access import AccessFinding
from mesh_assets.inventory.access.connect import check_connect, place_connect
from mesh_assets_tests.collecting.cluster_fakes import a_cluster

URL = "http://connect.test:8083"
CONNECTOR = {
    "info": {
        "config": {"connector.class": "X", "database.password": "hunter2"},
        "tasks": [],
        "type": "source",
    },
    "status": {"connector": {"state": "RUNNING"}, "tasks": [], "type": "source"},
}


def worker(
    request: httpx.Request, *, cluster_id: str | None = "the-cluster", connectors: int = 2
) -> httpx.Response:
    if request.url.path == "/":
        about = {"version": "4.3.1", "commit": "abc"}
        return httpx.Response(
            200, json=about if cluster_id is None else {**about, "kafka_cluster_id": cluster_id}
        )
    return httpx.Response(200, json={f"c{number}": CONNECTOR for number in range(connectors)})


def check(**fields: Any) -> AccessFinding:
    endpoint = KafkaConnectEndpoint(kind="kafka_connect", url=URL)
    return check_connect(
        a_cluster(), endpoint, transport=httpx.MockTransport(lambda request: worker(request, **fields))
    )


def test_a_worker_of_this_cluster_is_enough() -> None:
    assert place_connect(check(), cluster_id="the-cluster") == AccessFinding(
        cluster="warehouse",
        system="connect",
        endpoint=URL,
        identity="anonymous",
        state="ok",
        facts={
            "version": "4.3.1",
            "connectors": 2,
            "kafka_cluster_id": "the-cluster",
            "belongs_to": "this cluster",
        },
        rights="reads",
    )


def test_a_worker_of_another_cluster_is_a_finding() -> None:
    finding = place_connect(check(), cluster_id="lkc-1")
    assert (finding.state, finding.facts["belongs_to"]) == ("incomplete", "another cluster")
    assert finding.missing == (
        "it belongs to Kafka cluster the-cluster, not to warehouse (lkc-1): its connectors would be linked to topics of the wrong cluster; "
        "list it under the cluster it belongs to",
    )


def test_where_either_cluster_is_not_known_nothing_is_claimed() -> None:
    assert place_connect(check(), cluster_id=None).facts["belongs_to"] == "unknown"
    old = place_connect(check(cluster_id=None), cluster_id="lkc-1")
    assert (old.state, old.facts["belongs_to"]) == ("ok", "unknown")


def test_a_worker_that_fails_says_so_once() -> None:
    endpoint = KafkaConnectEndpoint(kind="kafka_connect", url=URL)
    finding = check_connect(
        a_cluster(),
        endpoint,
        transport=httpx.MockTransport(lambda _: httpx.Response(403, json={"message": "no"})),
    )
    assert finding.state == "failed"
    assert finding.missing[0].startswith(f"Kafka Connect at {URL} refused an anonymous reader (403): no")
    assert place_connect(finding, cluster_id="lkc-1") == finding


def test_no_connector_config_is_in_the_finding() -> None:
    assert "hunter2" not in repr(check())
