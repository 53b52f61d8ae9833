"""A cluster as a discovery reads it, in the shape in which `java/Reading.java` prints what Kafka's AdminClient reads."""

from collections.abc import Mapping
from typing import Any

from mesh_assets.masking.configs import MASK
from mesh_assets.platforms.kafka.reader import WireReader, leading_partitions
from mesh_assets.platforms.kafka.values import (
    ClusterMetadata,
    ConsumerGroup,
    GroupsReading,
    OffsetsReading,
    TopicConfigs,
)
from mesh_assets_tests.platforms.kafka.wire.access_agreement import access_by_wire
from mesh_assets_tests.platforms.kafka.wire.group_agreement import kinds_by_wire
from mesh_assets_tests.platforms.kafka.wire.kafka_programs import KafkasOwnClient
from mesh_assets_tests.platforms.kafka.wire.storage_agreement import storage_by_wire, with_sums
from mesh_assets_tests.platforms.kafka.wire.transaction_agreement import stable_by_wire, transactions_by_wire

_ATTEMPTS = 5
# Brokers before 4.0 have it and report its value.
_MASKED = frozenset({"password.encoder.iterations"})

# Where a config is set that is not just a default.
_SET = {
    "overridden": "DYNAMIC_TOPIC_CONFIG",
    "cluster_wide": "DYNAMIC_DEFAULT_BROKER_CONFIG",
    "of_the_broker": "DYNAMIC_BROKER_CONFIG",
}


def told_by_wire(properties: Mapping[str, str], *, everything: bool = True) -> dict[str, Any]:
    with WireReader(properties, 30) as reader:
        metadata = reader.metadata()
        configs = reader.configs([topic.name for topic in metadata.topics])
        offsets = reader.offsets(leading_partitions(metadata))
        groups = reader.groups(lambda _: True)
        storage = storage_by_wire(properties, reader, metadata)
        latest = _offsets(offsets, "latest")
        more: dict[str, Any] = {}
        if everything:
            transactions = transactions_by_wire(reader)
            more = {
                "transactions": transactions,
                "stable": stable_by_wire(latest, transactions),
                "access": access_by_wire(reader),
            }
    return {
        "cluster_id": metadata.cluster_id,
        "brokers": _brokers(metadata),
        "topics": _topics(metadata),
        "configs": _configs(configs),
        "earliest": _offsets(offsets, "earliest"),
        "latest": latest,
        "groups": _groups(groups),
        "kinds": kinds_by_wire(groups),
        "storage": storage,
    } | more


def both_tellings(
    properties: Mapping[str, str], client: KafkasOwnClient, *, everything: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a discovery and Java read from the same state: brokers clean up their own topics now and then, so it reads again
    until the readings before and after Java's agree."""
    before = told_by_wire(properties, everything=everything)
    for _ in range(_ATTEMPTS):
        java = as_by_wire(client.read(everything=everything))
        after = told_by_wire(properties, everything=everything)
        if everything:
            epochs = [told["access"]["features"]["epoch"] for told in (before, java, after)]
            assert None in epochs or epochs == sorted(epochs), epochs
        moved = differences(_still(before), _still(after))
        if not moved:
            return _still(after), _still(java)
        before = after
    raise AssertionError(f"the cluster moved in each of {_ATTEMPTS} readings: {moved}")


def _still(told: dict[str, Any]) -> dict[str, Any]:
    """Without the epoch of features: with KRaft, it is an offset in the metadata log, which grows with every heartbeat."""
    if "access" not in told:
        return told
    features = {name: value for name, value in told["access"]["features"].items() if name != "epoch"}
    return told | {"access": told["access"] | {"features": features}}


def differences(one: Any, other: Any) -> dict[str, tuple[Any, Any]]:
    """The differing values by path."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return {} if one == other else {"": (one, other)}
    return {
        f"{key}/{path}": pair
        for key in sorted(one.keys() | other.keys())
        for path, pair in differences(one.get(key, "absent"), other.get(key, "absent")).items()
    }


def as_by_wire(told: dict[str, Any]) -> dict[str, Any]:
    """Java's output without what a reading leaves out: where a default comes from, and values that are secret by name."""
    for entries in told.get("access", {}).get("configs", {}).values():
        for name in _MASKED & entries.keys():
            entries[name]["value"] = MASK
    configs = {
        topic: {
            "values": {name: entry["value"] for name, entry in entries.items()},
            **{
                field: sorted(name for name, entry in entries.items() if entry["source"] == source)
                for field, source in _SET.items()
            },
        }
        for topic, entries in told["configs"].items()
    }
    for group in told["groups"].values():
        for member in group["members"].values():
            member["host"] = member["host"].removeprefix("/")  # as Java writes an address without a name
    return told | {"configs": configs, "storage": with_sums(told["storage"], told["topics"])}


def _brokers(metadata: ClusterMetadata) -> dict[str, Any]:
    return {
        str(broker.id): {"host": broker.host, "port": broker.port, "rack": broker.rack}
        for broker in metadata.brokers
    }


def _topics(metadata: ClusterMetadata) -> dict[str, Any]:
    assert [topic.error for topic in metadata.topics if topic.error is not None] == []
    return {
        topic.name: {
            "id": topic.id,
            "internal": topic.internal,
            "partitions": {
                str(one.partition): {
                    "leader": one.leader,
                    "replicas": list(one.replicas),
                    "isr": list(one.isr),
                }
                for one in topic.partitions
            },
        }
        for topic in metadata.topics
    }


def _configs(configs: dict[str, TopicConfigs]) -> dict[str, Any]:
    assert [one.error for one in configs.values() if one.error is not None] == []
    return {
        name: {"values": one.values, **{field: list(getattr(one, field)) for field in _SET}}
        for name, one in configs.items()
    }


def _offsets(offsets: OffsetsReading, field: str) -> dict[str, int]:
    assert [one.error for ones in offsets.topics.values() for one in ones if one.error is not None] == []
    return {
        f"{topic}-{one.partition}": getattr(one, field)
        for topic, ones in offsets.topics.items()
        for one in ones
    }


def _groups(reading: GroupsReading) -> dict[str, Any]:
    assert (reading.excluded, reading.unlisted) == (0, None)
    return {group.group_id: _group(group) for group in reading.groups}


def _group(group: ConsumerGroup) -> dict[str, Any]:
    assert group.members is not None, group
    told: dict[str, Any] = {
        "type": group.type,
        "protocol": group.protocol_type,
        "state": group.state,
        "coordinator": group.coordinator,
        "members": {
            member.member_id: {
                "client_id": member.client_id,
                "host": member.host,
                "instance": member.group_instance_id,
                "assignment": {topic: list(numbers) for topic, numbers in member.assignment.items()},
            }
            for member in group.members
        },
    }
    if group.type == "share":
        assert group.share is not None, group
        told["shared"] = {
            f"{one.topic}-{one.partition}": {"start": one.start, "lag": one.lag_records}
            for one in group.share
        }
        return told
    assert (group.offsets is not None, group.error) == (True, None), group
    told["committed"] = {
        f"{one.topic}-{one.partition}": one.committed
        for one in group.offsets or ()
        if one.committed is not None
    }
    return told
