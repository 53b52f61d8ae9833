"""Managed connectors: all in one request in the published shape; what a role hides is unknown, and a refusal names the key and
the role."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.estate.connections import ConfluentCloudConnectEndpoint
from mesh_assets.platforms.connect.confluent_cloud import ConfluentCloudConnectClient
from mesh_assets.platforms.connect.connectors import UNKNOWN, Connector, ConnectorTask
from mesh_assets_tests.platforms.http.fakes import FakeTime, Script

URL = "https://api.confluent.cloud"
PATH = "/connect/v1/environments/env-7zpqx1/clusters/lkc-nd1ng3/connectors"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET", "s3cr3t-of-the-cloud-key")


def client_of(
    *answers: httpx.Response, time: FakeTime | None = None
) -> tuple[ConfluentCloudConnectClient, Script]:
    script = Script(answers)
    endpoint = ConfluentCloudConnectEndpoint(
        kind="confluent_cloud",
        username="CLOUDKEY",
        password="${CLOUD_SECRET}",
        environment_id="env-7zpqx1",
        cluster_id="lkc-nd1ng3",
    )
    return ConfluentCloudConnectClient(
        endpoint, transport=httpx.MockTransport(script), clock=(time or FakeTime()).clock
    ), script


def read(value: Any) -> tuple[Connector, ...]:
    return client_of(httpx.Response(200, json=value))[0].connectors()


def test_the_published_example_is_read_in_one_request(published: Callable[[str], Any]) -> None:
    client, script = client_of(httpx.Response(200, json=published("connectors")))
    datagen, gcs, s3 = client.connectors()
    assert [(str(request.url), request.headers["authorization"][:6]) for request in script.requests] == [
        (f"{URL}{PATH}?expand=info%2Cstatus%2Cid", "Basic ")
    ]
    assert datagen == Connector(
        name="MyDatagenConnector",
        id="lcc-xxxxx",
        type="source",
        connector_class="DatagenSource",
        state="RUNNING",
        worker_id="MyDatagenConnector",
        config=published("connectors")["MyDatagenConnector"]["info"]["config"],
        tasks=(ConnectorTask(id=0, state="RUNNING", worker_id="MyDatagenConnector"),),
    )
    assert (gcs.state, gcs.type, gcs.trace, gcs.tasks) == ("PROVISIONING", "sink", None, ())
    assert s3.state == "FAILED"
    assert s3.trace is not None
    assert s3.trace.startswith(
        "There were some errors with your configuration:\ntopics: Provided Kafka ApiKey is invalid"
    )


@pytest.mark.parametrize(
    "state", ["NONE", "PROVISIONING", "RUNNING", "DEGRADED", "FAILED", "PAUSED", "DELETED"]
)
def test_every_state_is_kept_as_reported(state: str) -> None:
    entry = {
        "info": {"config": {"name": "a"}},
        "status": {"type": "source", "connector": {"state": state, "worker_id": "a"}},
    }
    (connector,) = read({"a": entry})
    assert connector.state == state


def test_the_message_of_a_failed_task_is_its_trace() -> None:
    task = {"id": 1, "state": "FAILED", "worker_id": "a", "msg": "Table orders does not exist"}
    status = {"type": "source", "connector": {"state": "DEGRADED", "worker_id": "a"}, "tasks": [task]}
    (connector,) = read({"a": {"info": {"config": {"name": "a"}}, "status": status}})
    assert connector.tasks == (
        ConnectorTask(id=1, state="FAILED", worker_id="a", trace="Table orders does not exist"),
    )


def test_a_role_that_hides_config_and_id_leaves_them_unknown() -> None:
    (connector,) = read(
        {"a": {"status": {"type": "sink", "connector": {"state": "RUNNING", "worker_id": "a"}}}}
    )
    assert (connector.state, dict(connector.config), connector.id) == ("RUNNING", {}, None)


def test_an_entry_without_a_status_is_unknown_and_not_dropped() -> None:
    (connector,) = read({"a": {"info": {"config": {"name": "a"}}}})
    assert (connector.state, connector.type) == (UNKNOWN, UNKNOWN)


def test_a_cluster_without_connectors_has_none() -> None:
    assert read({}) == read([]) == ()


@pytest.mark.parametrize(
    "value",
    [["a", "b"], "a", 3, {"a": None}, {"a": {"status": {"tasks": 3}}}, {"a": {"info": {"config": []}}}],
)
def test_an_answer_in_another_shape_is_an_error_and_not_an_empty_list(value: Any) -> None:
    with pytest.raises(
        UnexpectedAnswerError,
        match=r"^Confluent Cloud Connect at https://api\.confluent\.cloud answered GET ",
    ):
        read(value)


def test_one_entry_in_another_shape_leaves_the_other_connectors() -> None:
    fine = {"info": {"config": {"name": "b"}}, "status": {"connector": {"state": "RUNNING"}}}
    a, b = read({"a": {"status": {"tasks": 3}}, "b": fine})
    assert (a.name, a.state) == ("a", UNKNOWN)
    assert "with a connector 'a' whose tasks are not a list" in (a.error or "")
    assert (b.state, b.error) == ("RUNNING", None)


def test_a_wrong_key_is_named_with_the_kind_that_was_expected_and_no_secret() -> None:
    client, _ = client_of(httpx.Response(401, json={"error": {"code": 401, "message": "Unauthorized"}}))
    with pytest.raises(RefusedError) as caught:
        client.connectors()
    assert str(caught.value) == (
        "Confluent Cloud Connect at https://api.confluent.cloud refused Cloud key CLOUDKEY (401): Unauthorized; expected a Cloud key, not "
        "one of a Kafka cluster or a Schema Registry; check username and password of connect (kind: confluent_cloud) in the estate "
        f"(GET {PATH})"
    )


def test_a_key_without_rights_is_named_with_the_required_roles() -> None:
    client, _ = client_of(httpx.Response(403, json={"error": {"code": 403, "message": "Forbidden"}}))
    with pytest.raises(RefusedError) as caught:
        client.connectors()
    assert str(caught.value) == (
        "Confluent Cloud Connect at https://api.confluent.cloud refused Cloud key CLOUDKEY (403): Forbidden; the owner of this Cloud key "
        "needs the role Operator on the cluster to see connectors, and DeveloperRead on connector * to see their configs "
        f"(GET {PATH})"
    )


def test_an_unknown_environment_or_cluster_differs_from_one_without_connectors() -> None:
    client, _ = client_of(httpx.Response(404, json={"error": {"code": 404, "message": "account not found"}}))
    with pytest.raises(
        UnexpectedAnswerError,
        match="with 404: account not found; there is no such cluster in that environment: check envir",
    ):
        client.connectors()


def test_neither_topics_nor_passwords_cost_a_request() -> None:
    client, script = client_of(httpx.Response(500))
    assert client.topics("a") is None
    assert client.password_keys("DatagenSource") is None
    assert script.requests == []


@pytest.mark.parametrize(
    ("status", "presence"), [(200, "here"), (404, "gone"), (403, "refused"), (401, "refused")]
)
def test_a_connector_requested_by_name_is_here_gone_or_refused(status: int, presence: str) -> None:
    client, script = client_of(httpx.Response(status, json={}))
    assert client.presence("my connector/1") == presence
    assert script.requests[0].url.raw_path.decode() == f"{PATH}/my%20connector%2F1"


def test_a_throttled_list_is_waited_for_as_long_as_requested() -> None:
    time = FakeTime()
    page = "<html><head><title>429 Too Many Requests</title></head></html>"
    throttled = httpx.Response(429, headers={"Retry-After": "4", "Content-Type": "text/html"}, text=page)
    client, script = client_of(throttled, httpx.Response(200, json={}), time=time)
    assert client.connectors() == ()
    assert len(script.requests) == client.requests == 2
    assert 4 <= time.elapsed <= 6


def test_a_stand_in_is_recognised_by_what_it_says() -> None:
    client, _ = client_of(
        httpx.Response(200, json={}, headers={"X-Mesh-Stand-In": "a sandbox, not Confluent Cloud"})
    )
    assert client.stand_in is None
    client.connectors()
    assert client.stand_in == "a sandbox, not Confluent Cloud"
