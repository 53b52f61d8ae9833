from typing import Any

import httpx
import pytest

from mesh_assets.estate.connections import ConfluentCloudConnectEndpoint
from mesh_assets.inventory.access import AccessFinding
from mesh_assets.inventory.access.connect import check_connect, place_connect
from mesh_assets_tests.collecting.cluster_fakes import a_cluster

URL = "https://api.confluent.cloud"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET", "s3cr3t")


def entry(*, readable: bool = True) -> dict[str, Any]:
    shown = {"info": {"config": {"connector.class": "DatagenSource"}}} if readable else {}
    return {
        "status": {"type": "source", "connector": {"state": "RUNNING", "worker_id": "a"}, "tasks": []},
        **shown,
    }


def check(response: httpx.Response) -> AccessFinding:
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
    finding = place_connect(check(httpx.Response(200, json={"a": entry(), "b": entry()})), cluster_id="lkc-1")
    assert finding == AccessFinding(
        cluster="mesh",
        system="connect",
        endpoint=URL,
        identity="Cloud key CLOUDKEY",
        state="ok",
        facts={"connectors": 2, "kafka_cluster_id": "lkc-1", "belongs_to": "this cluster"},
        rights="reads",
    )


def test_configs_that_are_hidden_are_counted_and_the_role_is_named() -> None:
    finding = check(httpx.Response(200, json={"a": entry(), "b": entry(readable=False)}))
    assert (finding.state, finding.rights) == ("incomplete", "reads states; not all configs")
    assert finding.missing == (
        "no config of 1 of 2 connectors (b): their topics and settings will be unknown; grant DeveloperRead on connector *, or on these "
        "(not possible on Basic clusters)",
    )


def test_no_connector_at_all_is_said_to_be_none_or_none_that_may_be_seen() -> None:
    finding = check(httpx.Response(200, json={}))
    assert finding.state == "ok"
    assert finding.notes[0].startswith("no connector is listed: there is none, or none that this key may see")


def test_a_refusal_is_one_sentence_without_the_secret() -> None:
    finding = check(httpx.Response(403, json={"error": {"code": 403, "message": "Forbidden"}}))
    (sentence,) = finding.missing
    assert finding.state == "failed"
    assert sentence.startswith(
        f"Confluent Cloud Connect at {URL} refused Cloud key CLOUDKEY (403): Forbidden; the owner of this Cloud key"
    )
    assert "s3cr3t" not in sentence


def test_a_connect_api_that_is_a_stand_in_is_said_to_be_one() -> None:
    finding = check(
        httpx.Response(200, json={"a": entry()}, headers={"X-Mesh-Stand-In": "the sandbox's Confluent Cloud"})
    )
    assert finding.notes == ("this is a stand-in: the sandbox's Confluent Cloud",)
