"""The faults that the stand-in can be ordered to have, and that it recovers afterwards."""

import httpx
import pytest

from mesh_assets.sandbox.cloud.refusals import Orders
from mesh_assets_tests.sandbox.cloud.asking import CONNECTORS, EXPANDED, REGISTRY, StandIn

SCHEMAS = f"{REGISTRY}/schemas?latestOnly=true"


def test_a_fault_spoils_as_many_requests_as_ordered() -> None:
    orders = Orders()
    orders.tell_faults([{"path": "/connect/", "kind": "fail", "times": 2}])
    assert orders.take_fault("/org/v2/environments") is None
    assert [orders.take_fault("/connect/v1/x") is not None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    "order",
    [3, [3], [{"path": "/"}], [{"path": "/", "kind": "explode"}], [{"path": "/", "kind": "fail", "what": 1}]],
)
def test_an_impossible_order_is_refused(order: object) -> None:
    with pytest.raises(ValueError, match=r"expected|missing|not one of|unexpected"):
        Orders().tell_faults(order)


@pytest.mark.sandbox
def test_the_stand_in_fails_as_ordered_and_no_longer(cloud: StandIn) -> None:
    cloud.tell("faults", [{"path": "/connect/", "kind": "fail", "status": 503, "html": True, "times": 1}])
    failed = cloud.get(CONNECTORS)
    assert (failed.status_code, failed.headers["content-type"], "<html>" in failed.text) == (
        503,
        "text/html; charset=utf-8",
        True,
    )
    assert cloud.get(CONNECTORS).status_code == 200


@pytest.mark.sandbox
def test_a_throttled_request_says_how_long_to_wait(cloud: StandIn) -> None:
    cloud.tell("faults", [{"path": "/v2/metrics", "kind": "throttle", "seconds": 3, "times": 1}])
    throttled = cloud.get("/v2/metrics/cloud/descriptors/metrics")
    assert throttled.status_code == 429
    assert (throttled.headers["retry-after"], throttled.headers["ratelimit-reset"]) == ("3", "3")


@pytest.mark.sandbox
def test_a_truncated_answer_ends_midway(cloud: StandIn) -> None:
    cloud.tell("faults", [{"path": CONNECTORS, "kind": "truncate", "times": 1}])
    with pytest.raises(httpx.RemoteProtocolError):
        cloud.get(EXPANDED)
    assert len(cloud.get(EXPANDED).json()) == 37


@pytest.mark.sandbox
def test_a_list_is_silently_shortened_and_hidden_entries_are_forbidden_not_absent(cloud: StandIn) -> None:
    cloud.tell("shown", {"connectors": 5, "subjects": 7})
    assert len(cloud.get(CONNECTORS).json()) == len(cloud.get(EXPANDED).json()) == 5
    assert cloud.get(f"{CONNECTORS}/DatagenSourceConnector_users").status_code == 403
    assert len(cloud.get(SCHEMAS).json()) == len(cloud.get(f"{REGISTRY}/subjects").json()) == 7
    assert cloud.get(f"{REGISTRY}/subjects/users-value/versions/latest").status_code == 403
    assert cloud.get(f"{REGISTRY}/subjects/nobody-value/versions/latest").status_code == 404


@pytest.mark.sandbox
def test_the_stand_in_pretends_to_be_larger_and_marks_what_is_made_up(cloud: StandIn) -> None:
    cloud.tell("scale", {"connectors": 1000, "subjects": 2500})
    connectors = cloud.get(EXPANDED).json()
    assert len(connectors) == 1000
    assert sum(name.startswith("Synthetic") for name in connectors) == 1000 - 37
    assert len({one["id"]["id"] for one in connectors.values()}) == 1000
    pages = [cloud.get(f"{SCHEMAS}&offset={offset}&limit=5000").json() for offset in (0, 1000, 2000, 2500)]
    assert [len(page) for page in pages] == [1000, 1000, 500, 0]
    assert sum(row["subject"].startswith("synthetic.") for page in pages for row in page) >= 2500 - 39


@pytest.mark.sandbox
def test_the_control_planes_lists_come_in_pages(cloud: StandIn) -> None:
    cloud.tell("scale", {"clusters": 12, "page_size": 5})
    url, found = "/cmk/v2/clusters?environment=env-7zpqx1", []
    while url:
        page = cloud.get(url).json()
        found += [cluster["spec"]["display_name"] for cluster in page["data"]]
        url = page["metadata"].get("next")
    assert len(found) == len(set(found)) == 12
    assert found[0] == "data-mesh-cluster"
    assert cloud.get("/cmk/v2/clusters?environment=env-7zpqx1&page_token=mine").status_code == 400
    assert cloud.get("/cmk/v2/clusters?environment=env-0empty").json()["data"] == []


@pytest.mark.sandbox
def test_a_connector_fails_with_the_ordered_trace_until_it_is_resumed(cloud: StandIn) -> None:
    name = "DatagenSourceConnector_stores"
    cloud.tell(f"connectors/{name}", {"state": "FAILED", "trace": "Provided Kafka ApiKey is invalid"})
    status = cloud.get(f"{CONNECTORS}/{name}/status").json()
    assert status["connector"] == {
        "state": "FAILED",
        "worker_id": name,
        "trace": "Provided Kafka ApiKey is invalid",
    }
    assert [(task["state"], task["msg"]) for task in status["tasks"]] == [
        ("FAILED", "Provided Kafka ApiKey is invalid")
    ]
    cloud.ask("PUT", f"{CONNECTORS}/{name}/resume", key=cloud.keys.cloud).raise_for_status()
    assert cloud.get(f"{CONNECTORS}/{name}/status").json()["connector"]["state"] == "RUNNING"


@pytest.mark.sandbox
def test_a_deleted_connector_is_gone_until_its_config_is_put_again(cloud: StandIn) -> None:
    path = f"{CONNECTORS}/DatagenSourceConnector_stores"
    config = cloud.get(f"{path}/config").json()
    assert cloud.ask("DELETE", path, key=cloud.keys.cloud).json() == {"error": None}
    assert (cloud.get(path).status_code, len(cloud.get(CONNECTORS).json())) == (404, 36)
    cloud.ask("PUT", f"{path}/config", key=cloud.keys.cloud, json=config).raise_for_status()
    assert (cloud.get(path).status_code, len(cloud.get(CONNECTORS).json())) == (200, 37)
