"""Brokers and access, as a discovery and as Kafka's AdminClient read them, in the shape of `java/Access.java`."""

from collections.abc import Mapping
from typing import Any

from mesh_assets.inventory.access_records import Access, Acl
from mesh_assets.inventory.broker_records import Brokers, QuorumReplica
from mesh_assets.inventory.parts import Unread
from mesh_assets.platforms.kafka.reader import WireReader
from mesh_assets_tests.platforms.kafka.wire.storage_agreement import UNSUPPORTED

_SOURCES = {
    "dynamic_broker": "DYNAMIC_BROKER_CONFIG",
    "dynamic_cluster": "DYNAMIC_DEFAULT_BROKER_CONFIG",
    "static": "STATIC_BROKER_CONFIG",
    "default": "DEFAULT_CONFIG",
}


def access_by_wire(reader: WireReader) -> dict[str, Any]:
    brokers, access = reader.brokers(), reader.access()
    told = {**_brokers(brokers.brokers), **_access(access.access)}
    assert brokers.unread.keys() <= {"quorum"}
    return told | {name: _why_not(one) for name, one in {**brokers.unread, **access.unread}.items()}


def _why_not(one: Unread) -> str | None:
    """As in `java/Access.java`: null without an authorizer. No part is unknown for any other reason."""
    assert one.expected, one
    if one.reason.startswith("SECURITY_DISABLED: "):
        return None
    assert " has no " in one.reason, one
    return UNSUPPORTED


def _brokers(found: Brokers) -> dict[str, Any]:
    assert found.configs is not None
    assert found.features is not None
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
    return {
        "fenced": {str(broker.id): broker.fenced for broker in found.brokers},
        "configs": by_broker,
        "features": {
            "epoch": found.features.epoch,
            "features": {
                one.name: {"level": one.level, "range": [one.minimum, one.maximum]}
                for one in found.features.features
            },
        },
        "quorum": _quorum(found),
    }


def _quorum(found: Brokers) -> dict[str, Any] | None:
    quorum = found.quorum
    if quorum is None:
        return None
    return {
        "leader": found.controller,
        "epoch": quorum.epoch,
        "voters": _ids(quorum.voters),
        "observers": _ids(quorum.observers),
        "endpoints": {str(one.id): list(one.endpoints) for one in quorum.voters},
    }


def _ids(replicas: tuple[QuorumReplica, ...]) -> list[int]:
    return [replica.id for replica in replicas]


def _access(found: Access) -> dict[str, Any]:
    return {
        "acls": found.acls and sorted(" ".join(_words(acl)).lower() for acl in found.acls),
        "quotas": {_entity(quota.entity): quota.limits for quota in found.quotas or ()},
        "scram_users": {
            user.name: {one.mechanism: one.iterations for one in user.credentials}
            for user in found.scram_users or ()
        },
    }


def _words(acl: Acl) -> tuple[str, ...]:
    return (
        acl.permission,
        acl.principal,
        acl.operation,
        acl.resource_type,
        acl.pattern,
        acl.resource,
        acl.host,
    )


def _entity(entity: Mapping[str, str | None]) -> str:
    return "{" + ", ".join(f"{kind}={name or 'null'}" for kind, name in entity.items()) + "}"
