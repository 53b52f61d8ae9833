from typing import Any

import httpx
import pytest

from mesh_assets.access_checks import AccessCheck
from mesh_assets.access_checks.access_check import place
from mesh_assets.access_checks.connect import check_connect
from mesh_assets.estate.connections import ConfluentCloudConnectEndpoint, KafkaConnectEndpoint
from mesh_assets_tests.access_checks.fakes import worker
from mesh_assets_tests.collecting.cluster_fakes import a_cluster

URL = "http://connect.test:8083"


def check(**fields: Any) -> AccessCheck:
    endpoint = KafkaConnectEndpoint(kind="kafka_connect", url=URL)
    return check_connect(
        a_cluster(), endpoint, transport=httpx.MockTransport(lambda request: worker(request, **fields))
    )


def test_a_worker_of_this_cluster_is_enough() -> None:
    assert place(check(), cluster_id="the-cluster") == AccessCheck(
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


def test_a_worker_of_another_cluster_is_reported() -> None:
    result = place(check(), cluster_id="lkc-1")
    assert (result.state, result.facts["belongs_to"]) == ("incomplete", "another cluster")
    assert result.missing == (
        "it belongs to Kafka cluster the-cluster, not to warehouse (lkc-1): its connectors would be linked to topics of the wrong cluster; "
        "list it under the cluster it belongs to",
    )


def test_nothing_is_claimed_while_either_cluster_is_unknown() -> None:
    assert place(check(), cluster_id=None).facts["belongs_to"] == "unknown"
    old = place(check(cluster_id=None), cluster_id="lkc-1")
    assert (old.state, old.facts["belongs_to"]) == ("ok", "unknown")


def test_a_failing_worker_is_reported_once() -> None:
    endpoint = KafkaConnectEndpoint(kind="kafka_connect", url=URL)
    result = check_connect(
        a_cluster(),
        endpoint,
        transport=httpx.MockTransport(lambda _: httpx.Response(403, json={"message": "no"})),
    )
    assert result.state == "failed"
    assert result.missing[0].startswith(f"Kafka Connect at {URL} refused an anonymous reader (403): no")
    assert place(result, cluster_id="lkc-1") == result


def test_no_connector_config_is_in_the_check() -> None:
    assert "hunter2" not in repr(check())


API = "https://api.confluent.cloud"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET", "s3cr3t")


def entry(*, readable: bool = True) -> dict[str, Any]:
    shown = {"info": {"config": {"connector.class": "DatagenSource"}}} if readable else {}
    return {
        "status": {"type": "source", "connector": {"state": "RUNNING", "worker_id": "a"}, "tasks": []},
        **shown,
    }


def check_managed(response: httpx.Response) -> AccessCheck:
    endpoint = ConfluentCloudConnectEndpoint(
        kind="confluent_cloud",
        username="CLOUDKEY",
        password="${CLOUD_SECRET}",
        environment_id="env-1",
        cluster_id="lkc-1",
    )
    return check_connect(
        a_cluster().model_copy(update={"name": "mesh"}),
        endpoint,
        transport=httpx.MockTransport(lambda _: response),
    )


def test_a_cloud_key_that_sees_connectors_and_configs_is_enough() -> None:
    result = place(check_managed(httpx.Response(200, json={"a": entry(), "b": entry()})), cluster_id="lkc-1")
    assert result == AccessCheck(
        cluster="mesh",
        system="connect",
        endpoint=API,
        identity="Cloud key CLOUDKEY",
        state="ok",
        facts={"connectors": 2, "kafka_cluster_id": "lkc-1", "belongs_to": "this cluster"},
        rights="reads",
    )


def test_hidden_configs_are_counted_and_the_role_is_named() -> None:
    result = check_managed(httpx.Response(200, json={"a": entry(), "b": entry(readable=False)}))
    assert (result.state, result.rights) == ("incomplete", "reads states; not all configs")
    assert result.missing == (
        "no config of 1 of 2 connectors (b): their topics and settings will be unknown; grant DeveloperRead on connector *, or on these "
        "(not possible on Basic clusters)",
    )


def test_an_empty_connector_list_may_mean_none_or_none_visible() -> None:
    result = check_managed(httpx.Response(200, json={}))
    assert result.state == "ok"
    assert result.notes[0].startswith("no connectors are listed: there are none, or this key may not see any")


def test_a_refusal_is_one_sentence_without_the_secret() -> None:
    result = check_managed(httpx.Response(403, json={"error": {"code": 403, "message": "Forbidden"}}))
    (sentence,) = result.missing
    assert result.state == "failed"
    assert sentence.startswith(
        f"Confluent Cloud Connect at {API} refused Cloud key CLOUDKEY (403): Forbidden; the owner of this Cloud key"
    )
    assert "s3cr3t" not in sentence


def test_a_stand_in_for_the_connect_api_is_reported_as_one() -> None:
    result = check_managed(
        httpx.Response(200, json={"a": entry()}, headers={"X-Mesh-Stand-In": "the sandbox's Confluent Cloud"})
    )
    assert result.notes == ("this is a stand-in: the sandbox's Confluent Cloud",)
