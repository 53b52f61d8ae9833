"""A cluster as the wire tells it, in the shape in which `java/Reading.java` prints what Kafka's AdminClient tells."""

from collections.abc import Callable
from typing import Any

from mesh_assets.platforms.kafka.reader import leading_partitions
from mesh_assets.platforms.kafka.values import (
    ClusterMetadata,
    ConsumerGroup,
    GroupsReading,
    OffsetsReading,
    TopicConfigs,
)
from mesh_assets.platforms.kafka.wire.configs import read_configs
from mesh_assets.platforms.kafka.wire.forms import Connections
from mesh_assets.platforms.kafka.wire.groups import read_groups
from mesh_assets.platforms.kafka.wire.offsets import read_offsets
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets.platforms.kafka.wire.topics import read_metadata

# Where a config is set that is not just a default.
_SET = {
    "overridden": "DYNAMIC_TOPIC_CONFIG",
    "cluster_wide": "DYNAMIC_DEFAULT_BROKER_CONFIG",
    "of_the_broker": "DYNAMIC_BROKER_CONFIG",
}


def told_by_wire(
    cluster: RunningCluster,
    *,
    through: Callable[[Connections], Connections] = lambda connections: connections,
) -> dict[str, Any]:
    """`through`: what stands between the reads and the connections."""

    async def everything(brokers: Connections) -> dict[str, Any]:
        connections = through(brokers)
        metadata = await read_metadata(connections)
        configs = await read_configs(connections, [topic.name for topic in metadata.topics])
        offsets = await read_offsets(connections, leading_partitions(metadata), metadata)
        groups = await read_groups(connections, lambda _: True, endpoint=cluster.endpoint, timeout_seconds=30)
        return {
            "cluster_id": metadata.cluster_id,
            "brokers": _brokers(metadata),
            "topics": _topics(metadata),
            "configs": _configs(configs),
            "earliest": _offsets(offsets, "earliest"),
            "latest": _offsets(offsets, "latest"),
            "groups": _groups(groups),
        }

    return cluster.run(everything, doing="reading the cluster", right="DESCRIBE on the cluster")


def as_by_wire(told: dict[str, Any]) -> dict[str, Any]:
    """What Java told, without what the wire does not tell: where a default comes from."""
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
    return told | {"configs": configs}


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
