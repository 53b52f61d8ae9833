"""Groups since KIP-848 in full, in the shape in which `java/Kinds.java` prints what Kafka's AdminClient reads."""

from collections.abc import Iterable
from typing import Any

from mesh_assets.inventory.groups import GroupMember, StreamsTasks
from mesh_assets.platforms.kafka.values import ConsumerGroup, GroupsReading


def kinds_by_wire(reading: GroupsReading) -> dict[str, Any]:
    return {group.group_id: _group(group) for group in reading.groups if group.type != "classic"}


def _group(group: ConsumerGroup) -> dict[str, Any]:
    told: dict[str, Any] = {
        "epoch": group.epoch,
        "assignment_epoch": group.assignment_epoch,
        "members": {member.member_id: _member(group, member) for member in group.members or ()},
    }
    if group.type == "consumer":
        told["assignor"] = group.assignor
    if group.type == "streams":
        assert group.topology is not None, group
        told["topology_epoch"] = group.topology.epoch
        told["subtopologies"] = {
            part.id: {
                name: sorted(getattr(part, name))
                for name in part.__struct_fields__
                if name.endswith("topics")
            }
            for part in group.topology.subtopologies
        }
    return told


def _member(group: ConsumerGroup, member: GroupMember) -> dict[str, Any]:
    told: dict[str, Any] = {"epoch": member.epoch, "rack": member.rack}
    if group.type != "share":
        told["is_classic"] = member.is_classic
    if group.type == "consumer":
        assert member.subscribed_topics, member  # which Java does not report
        assert member.target_assignment is not None, member
        told["target"] = {topic: list(numbers) for topic, numbers in member.target_assignment.items()}
    if group.type == "streams":
        assert member.streams is not None, member
        told |= {
            name: getattr(member.streams, name)
            for name in ("topology_epoch", "process_id", "endpoint", "client_tags")
        }
        told |= {name: _tasks(getattr(member.streams, name)) for name in ("tasks", "target_tasks")}
    return told


def _tasks(tasks: Iterable[StreamsTasks]) -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = {"active": {}, "standby": {}, "warmup": {}}
    for one in tasks:
        found[one.role][one.subtopology] = list(one.partitions)
    return found
