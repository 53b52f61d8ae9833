"""Whether cluster links can be read: where, as whom, and what right is missing."""

from typing import Any

import httpx
import pytest

from mesh_assets.access_checks import AccessCheck
from mesh_assets.access_checks.cluster_links import check_cluster_links
from mesh_assets.estate.model import Cluster
from mesh_assets_tests.sandbox.cloud.shapes import examples

REST = "https://pkc-1.eu-west-1.aws.confluent.cloud"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s3cr3t")


def check(answer: httpx.Response | None = None, **fields: Any) -> AccessCheck:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.confluent.cloud":
            return httpx.Response(
                200, json={"metadata": {}, "data": [{"id": "lkc-1", "spec": {"http_endpoint": REST}}]}
            )
        if answer is not None:
            return httpx.Response(answer.status_code, content=answer.content)
        part = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json=examples("kafka-rest-v3").get(part, {"data": []}))

    cluster = Cluster.model_validate(
        {
            "name": "mesh",
            "cluster_id": "lkc-1",
            "environment": {"id": "env-1"},
            "kafka": {
                "bootstrap_servers": "b:9092",
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "PLAIN",
                "username": "K",
                "password": "${SECRET}",
            },
            "control_plane": {"kind": "confluent_cloud", "username": "C", "password": "${SECRET}"},
            **fields,
        }
    )
    return check_cluster_links(cluster, transport=httpx.MockTransport(respond))


def test_a_key_that_may_see_links_is_enough_at_the_address_that_was_found() -> None:
    assert check() == AccessCheck(
        cluster="mesh",
        system="kafka rest",
        endpoint=REST,
        identity="Kafka API key K",
        state="ok",
        facts={"cluster_links": 3, "mirror_topics": 2},
        rights="reads",
    )


def test_a_missing_right_is_a_note_with_the_role_that_gives_it() -> None:
    result = check(httpx.Response(403, json={"error_code": 40301, "message": "Cluster authorization failed"}))
    assert (result.state, result.rights) == ("ok", "")
    assert result.notes[0].startswith(
        f"cluster links will be unknown: Kafka REST at {REST} refused Kafka API key K (403"
    )
    assert "needs the role Operator on the cluster" in result.notes[0]


def test_an_unknown_key_fails_the_check() -> None:
    result = check(httpx.Response(401, json={"error_code": 40101, "message": "Authentication failed"}))
    assert (result.state, result.endpoint) == ("failed", REST)
    assert "expected an API key of this Kafka cluster" in result.missing[0]


def test_without_a_cluster_id_no_request_is_made_and_the_check_says_so() -> None:
    result = check(httpx.Response(500), cluster_id=None)
    assert (result.state, result.endpoint) == ("ok", "")
    assert result.notes[0].startswith("not checked: links are requested by cluster_id")
