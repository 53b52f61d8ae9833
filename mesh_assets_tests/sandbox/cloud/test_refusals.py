"""Who is accepted: each kind of key where it belongs, and Confluent's errors for everyone else."""

import pytest

from mesh_assets.sandbox.credentials import Key
from mesh_assets_tests.sandbox.cloud.asking import CONNECTORS, LINKS, REGISTRY, StandIn
from mesh_assets_tests.sandbox.cloud.shapes import departures

pytestmark = pytest.mark.sandbox

PLACES = {
    "connect": CONNECTORS,
    "control plane": "/org/v2/environments",
    "metrics": "/v2/metrics/cloud/descriptors/metrics",
    "registry": f"{REGISTRY}/subjects",
    "kafka rest": LINKS,
}


@pytest.mark.parametrize("path", PLACES.values(), ids=PLACES)
def test_only_the_right_kind_of_key_with_its_own_secret_is_accepted(cloud: StandIn, path: str) -> None:
    keys = cloud.keys
    right = cloud.right_key(path)
    assert cloud.ask("GET", path, key=right).status_code == 200
    for wrong in (
        None,
        Key(right.id, "wrong"),
        *(key for key in (keys.kafka, keys.cloud, keys.schema_registry) if key != right),
    ):
        assert cloud.ask("GET", path, key=wrong).status_code == 401


@pytest.mark.parametrize("path", PLACES.values(), ids=PLACES)
def test_a_key_whose_owner_has_no_role_is_forbidden(cloud: StandIn, path: str) -> None:
    keys = cloud.keys
    powerless = {
        keys.kafka: keys.unprivileged_kafka,
        keys.schema_registry: keys.unprivileged_schema_registry,
    }.get(cloud.right_key(path), keys.unprivileged_cloud)
    assert cloud.ask("GET", path, key=powerless).status_code == 403


def test_refusals_have_the_published_shapes(cloud: StandIn) -> None:
    assert departures("connect-v1", "401", cloud.ask("GET", PLACES["connect"], key=None).json()) == []
    assert departures("cmk-v2", "401", cloud.ask("GET", PLACES["control plane"], key=None).json()) == []
    assert (
        departures(
            "cmk-v2",
            "403",
            cloud.ask("GET", PLACES["control plane"], key=cloud.keys.unprivileged_cloud).json(),
        )
        == []
    )
    assert departures("metrics-v2", "error", cloud.ask("GET", PLACES["metrics"], key=None).json()) == []
    for key in (None, cloud.keys.unprivileged_kafka):
        assert departures("kafka-rest-v3", "error", cloud.ask("GET", LINKS, key=key).json()) == []
    assert cloud.ask("GET", PLACES["registry"], key=None).json() == {
        "error_code": 401,
        "message": "Unauthorized",
    }


def test_the_discoverys_key_may_register_its_own_events_and_nothing_else(cloud: StandIn) -> None:
    schema = {"schema": '{"type":"string"}'}
    path = f"{REGISTRY}/subjects/orders-value/versions"
    answer = cloud.ask("POST", path, key=cloud.keys.schema_registry, json=schema)
    assert (answer.status_code, answer.json()["error_code"]) == (403, 40301)
    # Looking up a schema is a POST, too, but only reads.
    assert (
        cloud.ask(
            "POST", f"{REGISTRY}/subjects/orders-value", key=cloud.keys.schema_registry, json=schema
        ).status_code
        == 404
    )
