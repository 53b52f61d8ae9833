"""A cluster on Confluent Cloud in one check: six systems, three kinds of keys, and the roles that grant what is missing."""

from typing import Any

import httpx
import pytest

from mesh_assets.access_checks import AccessCheck, check_estate
from mesh_assets.estate.model import Estate
from mesh_assets_tests.access_checks.a_control_plane import Cloud
from mesh_assets_tests.access_checks.fakes import EVERYTHING, FakeBrokers, Rights
from mesh_assets_tests.collecting.cluster_fakes import FakeCloudConnect
from mesh_assets_tests.platforms.schema_registry.fakes import FakeRegistry, a_schema

SECRET = "s3cr3t-of-every-key"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_TEST_SECRET", SECRET)


class Services:
    """Connect v1, the control plane and the registry, by path and host."""

    def __init__(self) -> None:
        self.connect, self.control_plane = FakeCloudConnect({"orders": "RUNNING"}), Cloud()
        self.registry = FakeRegistry(schemas=[a_schema("orders-value")])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "api.confluent.cloud":
            return self.registry(request)
        return (
            self.connect(request) if request.url.path.startswith("/connect/") else self.control_plane(request)
        )


def key(name: str) -> dict[str, str]:
    return {"username": name, "password": "${MESH_TEST_SECRET}"}


def check(rights: Rights) -> tuple[AccessCheck, ...]:
    cluster: dict[str, Any] = {
        "name": "mesh",
        "cluster_id": "lkc-nd1ng3",
        "environment": {"id": "env-7zpqx1"},
        "kafka": {
            "bootstrap_servers": "pkc-1.eu-west-1.aws.confluent.cloud:9092",
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "PLAIN",
            **key("KAFKAKEY"),
        },
        "schema_registry": {
            "url": "https://psrc-1.eu-west-1.aws.confluent.cloud/base",
            "id": "lsrc-1",
            **key("SRKEY"),
        },
        "connect": [{"kind": "confluent_cloud", **key("CLOUDKEY")}],
        "control_plane": {"kind": "confluent_cloud", **key("CLOUDKEY")},
    }
    brokers = FakeBrokers(
        rights=rights,
        topics={"orders": "delete", "discovery-events": "compact", "discovery-changes": "delete"},
        cluster_id="lkc-nd1ng3",
    )
    estate = Estate.model_validate({"clusters": {"mesh": cluster}})
    return check_estate(estate, connect=brokers, transport=httpx.MockTransport(Services()))


def test_six_systems_are_asked_and_each_reports_its_own_identity() -> None:
    checks = check(EVERYTHING)
    assert [(result.system, result.identity, result.state) for result in checks] == [
        ("kafka", "Kafka API key KAFKAKEY", "ok"),
        ("events", "Kafka API key KAFKAKEY", "ok"),
        ("schema registry", "Schema Registry key SRKEY", "ok"),
        ("control plane", "Cloud key CLOUDKEY", "ok"),
        ("connect", "Cloud key CLOUDKEY", "ok"),
        # Looked up with this key, and not found.
        ("kafka rest", "Cloud key CLOUDKEY", "ok"),
    ]
    assert checks[4].facts["belongs_to"] == "this cluster"
    assert SECRET not in repr(checks)


def test_rights_missing_at_the_brokers_are_named_with_the_roles_that_grant_them() -> None:
    kafka, events, *_ = check(Rights(cluster=["DESCRIBE"], topics={"*": ["DESCRIBE"]}))
    assert (
        kafka.notes[-1]
        == "on Confluent Cloud these rights come with the role Operator on the cluster (on Basic clusters: ACLs)"
    )
    assert events.notes[-1].startswith(
        "on Confluent Cloud these rights come with the roles DeveloperWrite on topics discovery-events and "
    )
