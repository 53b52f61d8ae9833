"""The control plane in its published shape: lists to their last page, whole or an error, with the key never
sent elsewhere.
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.estate.connections import ControlPlaneConnection
from mesh_assets.platforms.confluent_cloud.control_plane import (
    CloudEnvironment,
    ControlPlaneClient,
    KafkaCluster,
    Organization,
    SchemaRegistryCluster,
)
from mesh_assets.platforms.confluent_cloud.service import patient
from mesh_assets_tests.platforms.http.fakes import FakeTime, Script

Read = Callable[[ControlPlaneClient], Any]
ORGANIZATION = "crn://confluent.cloud/organization=9bb441c4-edef-46ac-8a41-c49e44a3fd9a"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET", "s3cr3t-of-the-cloud-key")


def client_of(
    *answers: httpx.Response | Callable[[httpx.Request], httpx.Response], time: FakeTime | None = None
) -> tuple[ControlPlaneClient, Script]:
    script = Script(answers)
    connection = ControlPlaneConnection(
        kind="confluent_cloud", username="CLOUDKEY", password="${CLOUD_SECRET}"
    )
    return ControlPlaneClient(
        connection, transport=httpx.MockTransport(script), clock=(time or FakeTime()).clock
    ), script


def page(*items: Any, **metadata: Any) -> httpx.Response:
    return httpx.Response(200, json={"kind": "EnvironmentList", "metadata": metadata, "data": list(items)})


def environment(number: int) -> dict[str, Any]:
    return {
        "id": f"env-{number}",
        "display_name": f"e{number}",
        "metadata": {"self": "https://api.confluent.cloud/…"},
    }


def only_page(example: Any) -> httpx.Response:
    """The published example as the last page: its own links lead to further ones."""
    return httpx.Response(200, json={**example, "metadata": {}})


@pytest.mark.parametrize(
    ("name", "path", "read", "expected"),
    [
        (
            "organizations",
            "/org/v2/organizations?page_size=100",
            ControlPlaneClient.organizations,
            Organization(
                id="dlz-f3a90de", name="Finance Org", crn="crn://confluent.cloud/organization=o-12345"
            ),
        ),
        (
            "environments",
            "/org/v2/environments?page_size=100",
            ControlPlaneClient.environments,
            CloudEnvironment(
                id="dlz-f3a90de", name="prod-finance01", crn=f"{ORGANIZATION}/environment=e-12345"
            ),
        ),
        (
            "kafka_clusters",
            "/cmk/v2/clusters?environment=env-00000&page_size=100",
            lambda client: client.kafka_clusters("env-00000"),
            KafkaCluster(
                id="lkc-f3a90de",
                name="ProdKafkaCluster",
                environment_id="env-00000",
                kind="BASIC",
                availability="SINGLE_ZONE",
                cloud="GCP",
                region="us-east4",
                bootstrap_servers="lkc-00000-00000.us-central1.gcp.glb.confluent.cloud:9092",
                http_endpoint="https://lkc-00000-00000.us-central1.gcp.glb.confluent.cloud",
                crn=f"{ORGANIZATION}/environment=env-abc123/cloud-cluster=lkc-12345",
                phase="PROVISIONED",
            ),
        ),
        (
            "schema_registries",
            "/srcm/v3/clusters?environment=env-00000&page_size=100",
            lambda client: client.schema_registries("env-00000"),
            SchemaRegistryCluster(
                id="dlz-f3a90de",
                name="Stream Governance package",
                environment_id="env-00000",
                package="ESSENTIALS",
                cloud="GCP",
                region="us-east4",
                url="https://psrc-00000.us-central1.gcp.confluent.cloud",
                private_url="https://lsrc-abc.us-central-1.aws.private.confluent.cloud",
                crn=f"{ORGANIZATION}/environment=env-abc123/cloud-cluster=lsrc-12345",
                phase="PROVISIONED",
            ),
        ),
    ],
)
def test_each_list_is_read_as_published(
    name: str, path: str, read: Read, expected: Any, published: Callable[[str], Any]
) -> None:
    client, script = client_of(only_page(published(name)))
    assert read(client) == (expected,)
    assert [request.url.raw_path.decode() for request in script.requests] == [path]


def test_pages_are_followed_to_the_last_by_their_token_and_never_by_their_address() -> None:
    client, script = client_of(
        page(
            environment(1), next="https://elsewhere.example/org/v2/environments?page_size=1&page_token=T%2F2"
        ),
        page(environment(2), next="https://elsewhere.example/org/v2/environments?page_token=T3"),
        page(environment(3), next="", total_size=3),
    )
    assert [found.id for found in client.environments()] == ["env-1", "env-2", "env-3"]
    assert {request.url.host for request in script.requests} == {"api.confluent.cloud"}
    assert [request.url.params.get("page_token") for request in script.requests] == [None, "T/2", "T3"]


@pytest.mark.parametrize(
    ("pages", "sentence"),
    [
        ([page(environment(1), next="?page_token=T")], "with the same page token twice"),
        (
            [page(environment(1), next="https://api.confluent.cloud/org/v2/environments")],
            "with a link to the next page that holds no",
        ),
        ([page(environment(1), next=7)], "with a link to the next page that holds no page token"),
        (
            [page(environment(1), total_size=3)],
            "with 1 of 3 items and no further page; the list is incomplete",
        ),
        ([httpx.Response(200, json={"metadata": {}})], "with something other than a page of a list"),
        ([httpx.Response(200, json=[])], "with something other than a page of a list"),
        ([page({"display_name": "nameless"})], "with an item without an id"),
    ],
)
def test_an_incomplete_list_is_an_error(pages: list[httpx.Response], sentence: str) -> None:
    client, _ = client_of(*pages)
    with pytest.raises(UnexpectedAnswerError, match=sentence):
        client.environments()


def test_an_endless_list_of_pages_ends_with_an_error() -> None:
    numbers = iter(range(1_000))
    client, script = client_of(lambda _: page(next=f"?page_token={next(numbers)}"))
    with pytest.raises(UnexpectedAnswerError, match="with more than 100 pages"):
        client.environments()
    assert len(script.requests) == 100


def test_a_cluster_without_the_deprecated_endpoints_uses_its_public_access_point() -> None:
    points = {
        "ap1": {"kafka_bootstrap_endpoint": "private:9092", "http_endpoint": "https://private"},
        "PUBLIC": {
            "kafka_bootstrap_endpoint": "SASL_SSL://pkc-1.confluent.cloud:9092",
            "http_endpoint": "https://pkc-1.confluent.cloud",
        },
    }
    client, _ = client_of(
        page({"id": "lkc-1", "spec": {"endpoints": points, "config": {"kind": "Standard"}}})
    )
    (cluster,) = client.kafka_clusters("env-1")
    assert (cluster.bootstrap_servers, cluster.http_endpoint) == (
        "pkc-1.confluent.cloud:9092",
        "https://pkc-1.confluent.cloud",
    )
    assert (cluster.environment_id, cluster.takes_granular_roles) == ("env-1", True)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (
            401,
            "expected a Cloud key, not one of a Kafka cluster or a Schema Registry; check username and password of control_plane",
        ),
        (403, "the owner of this Cloud key needs the role Operator on the environment"),
    ],
)
def test_a_refusal_in_the_published_shape_says_which_key_or_role(
    status: int, advice: str, published: Callable[[str], Any]
) -> None:
    example = published(f"error_{status}")
    client, _ = client_of(httpx.Response(status, json=example))
    with pytest.raises(RefusedError) as caught:
        client.kafka_clusters("env-1")
    assert str(caught.value).startswith(
        f"Confluent Cloud at https://api.confluent.cloud refused Cloud key CLOUDKEY ({status}): {example['errors'][0]['detail']}; {advice}"
    )


def test_a_throttled_control_plane_is_waited_for_by_its_relative_reset() -> None:
    time = FakeTime()
    throttled = httpx.Response(
        429, headers={"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3"}
    )
    client, script = client_of(throttled, page(), time=time)
    assert client.environments() == ()
    assert len(script.requests) == 2
    assert 3 <= time.elapsed <= 5


def test_a_discovery_waits_a_minute_and_a_sensor_less_than_its_look_may_take() -> None:
    assert (patient(15).budget_seconds, patient(8).budget_seconds, patient(90).budget_seconds) == (60, 20, 90)
