"""What the wire tells of brokers and access is what Kafka's own AdminClient tells, field by field, on a broker with an
authorizer and on one without."""

from typing import Any
from uuid import uuid4

import pytest

from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.broker_records import Brokers, QuorumReplica
from mesh_assets.platforms.kafka.reader import WireReader
from mesh_assets.sandbox.credentials import cloud_login
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.platforms.kafka.wire.agreement import differences
from mesh_assets_tests.platforms.kafka.wire.kafka_programs import granted_access, told_by_java

pytestmark = pytest.mark.sandbox

_SOURCES = {
    "dynamic_broker": "DYNAMIC_BROKER_CONFIG",
    "dynamic_cluster": "DYNAMIC_DEFAULT_BROKER_CONFIG",
    "static": "STATIC_BROKER_CONFIG",
    "default": "DEFAULT_CONFIG",
}


@pytest.fixture(params=["warehouse", "data-mesh-cluster"])
def properties(request: pytest.FixtureRequest, sandbox: Sandbox, endpoints: Endpoints) -> dict[str, str]:
    """Of a client of one of the brokers, with all rights, in librdkafka's words."""
    if request.param == "warehouse":
        return {"bootstrap.servers": endpoints.bootstrap_servers}
    assert endpoints.cloud_bootstrap_servers is not None
    login = cloud_login(sandbox.folder)
    return {
        "bootstrap.servers": endpoints.cloud_bootstrap_servers,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": login.username,
        "sasl.password": login.password,
    }


def in_java(properties: dict[str, str]) -> dict[str, str]:
    own = {name: value for name, value in properties.items() if not name.startswith("sasl.")}
    if "sasl.username" in properties:
        login = " ".join(f'{field}="{properties[f"sasl.{field}"]}"' for field in ("username", "password"))
        own["sasl.mechanism"] = properties["sasl.mechanism"]
        own["sasl.jaas.config"] = f"org.apache.kafka.common.security.plain.PlainLoginModule required {login};"
    return own


def test_kafkas_own_client_tells_the_same_of_brokers_and_access(properties: dict[str, str]) -> None:
    mark = f"__access-{uuid4().hex[:12]}"
    with granted_access(in_java(properties), mark):
        java = told_by_java(in_java(properties), "Access")
        with WireReader(properties, 30) as reader:
            brokers, access = reader.brokers(), reader.access()

    # With KRaft the epoch of features is an offset of the metadata log, which moves between the two.
    epochs = [java["features"].pop("epoch"), brokers.brokers.features and brokers.brokers.features.epoch]
    assert epochs == sorted(epochs)
    assert differences({**_brokers(brokers.brokers), **_access(access.access)}, java) == {}
    assert java["scram_users"][mark] == {"SCRAM-SHA-512": 8192}
    assert [quota for quota in java["quotas"] if mark in quota]
    assert brokers.brokers.configs is not None
    assert brokers.brokers.configs.cluster_wide["log.cleaner.backoff.ms"] == "14999"
    assert brokers.brokers.unknown == {}
    if java["acls"] is None:
        assert access.access.unknown.keys() == {"acls"}
        assert access.access.unknown["acls"].startswith("SECURITY_DISABLED: ")
    else:
        assert sum(mark in acl for acl in java["acls"]) == 3
        assert access.access.unknown == {}


def _brokers(found: Brokers) -> dict[str, Any]:
    assert found.configs is not None
    assert found.features is not None
    assert found.quorum is not None
    by_broker: dict[str, dict[str, Any]] = {str(number): {} for number in found.configs.brokers}
    for entry in found.configs.entries:
        for number in entry.brokers or found.configs.brokers:
            by_broker[str(number)][entry.name] = {
                "value": entry.value,
                "source": _SOURCES[entry.source],
                "sensitive": entry.sensitive,
            }
    by_broker[""] = {
        name: {"value": value, "source": "DYNAMIC_DEFAULT_BROKER_CONFIG", "sensitive": False}
        for name, value in found.configs.cluster_wide.items()
    }
    quorum = found.quorum
    return {
        "fenced": {str(broker.id): broker.fenced for broker in found.brokers},
        "configs": by_broker,
        "features": {
            "features": {
                one.name: {"level": one.level, "range": [one.minimum, one.maximum]}
                for one in found.features.features
            },
        },
        "quorum": {
            "leader": found.controller,
            "epoch": quorum.epoch,
            "voters": _ids(quorum.voters),
            "observers": _ids(quorum.observers),
            "endpoints": {str(one.id): list(one.endpoints) for one in quorum.voters},
        },
    }


def _ids(replicas: tuple[QuorumReplica, ...]) -> list[int]:
    return [replica.id for replica in replicas]


def _access(found: Access) -> dict[str, Any]:
    assert found.quotas is not None
    assert found.scram_users is not None
    return {
        "acls": None
        if found.acls is None
        else sorted(
            " ".join(
                (
                    acl.permission,
                    acl.principal,
                    acl.operation,
                    acl.resource_type,
                    acl.pattern,
                    acl.resource,
                    acl.host,
                )
            ).lower()
            for acl in found.acls
        ),
        "quotas": {
            "{"
            + ", ".join(f"{kind}={name or 'null'}" for kind, name in quota.entity.items())
            + "}": quota.limits
            for quota in found.quotas
        },
        "scram_users": {
            user.name: {one.mechanism: one.iterations for one in user.credentials}
            for user in found.scram_users
        },
    }
