"""Groups as a reading has them, and the members that brokers report."""

from typing import Any

from mesh_assets.inventory.groups import GroupMember
from mesh_assets.platforms.kafka.values import CommittedPartition, ConsumerGroup, GroupsReading
from mesh_assets.platforms.kafka.wire.groups import read_groups
from mesh_assets.platforms.kafka.wire.named_groups import ShareGroup
from mesh_assets_tests.platforms.kafka.wire.group_brokers import Group, GroupBrokers
from mesh_assets_tests.platforms.kafka.wire.group_messages import assignment


def reading(brokers: GroupBrokers) -> GroupsReading:
    return brokers.run(read_groups, lambda _: True)


def groups(brokers: GroupBrokers) -> tuple[ConsumerGroup, ...]:
    return reading(brokers).groups


def classic_member(name: str, **topics: list[int]) -> dict[str, Any]:
    return {
        "member_id": name,
        "client_id": f"client-{name}",
        "client_host": "/10.0.0.7",
        "member_assignment": assignment(topics),
    }


def reads(group: ConsumerGroup | ShareGroup) -> dict[str, dict[str, tuple[int, ...]]]:
    """What each member of the group is assigned."""
    return {member.member_id: member.assignment for member in group.members or ()}


def member(name: str, **topics: tuple[int, ...]) -> GroupMember:
    """As the classic protocol reports it."""
    return GroupMember(
        member_id=name,
        client_id=f"client-{name}",
        group_instance_id=None,
        host="10.0.0.7",
        assignment=topics,
    )


def assigned_member(name: str, **topics: list[int]) -> dict[str, Any]:
    """For the kinds since KIP-848."""
    places = [{"topic_name": topic, "partitions": numbers} for topic, numbers in topics.items()]
    return {
        "member_id": name,
        "client_id": f"client-{name}",
        "client_host": "/10.0.0.7",
        "assignment": {"topic_partitions": places},
    }


def billing(**more: Any) -> Group:
    return Group(
        described={"members": [classic_member("m-1", orders=[1, 0]), classic_member("m-2", users=[0])]},
        commits={"payments": {0: 0}, "orders": {1: 40, 0: 12}},
        **more,
    )


BILLING = ConsumerGroup(
    group_id="billing",
    type="classic",
    protocol_type="consumer",
    state="Stable",
    coordinator=1,
    members=(member("m-1", orders=(0, 1)), member("m-2", users=(0,))),
    offsets=(
        CommittedPartition(topic="orders", partition=0, committed=12),
        CommittedPartition(topic="orders", partition=1, committed=40),
        CommittedPartition(topic="payments", partition=0, committed=0),
        CommittedPartition(topic="users", partition=0, committed=None),
    ),
)


def streams_group(*source_topics: str) -> Group:
    task = {"subtopology_id": "0", "partitions": [0, 1, 2]}
    one = assigned_member("m-1") | {"assignment": {"active_tasks": [task]}}
    topology = {"subtopologies": [{"subtopology_id": "0", "source_topics": list(source_topics)}]}
    return Group(
        kind="streams",
        protocol_type="streams",
        described={"members": [one], "topology": topology},
        commits={"orders": {0: 12}},
    )


def sharing(**more: Any) -> Group:
    return Group(
        kind="share",
        protocol_type="share",
        described={"members": [assigned_member("m-1", orders=[0]), assigned_member("m-2", users=[0])]},
        shares={"orders": {0: (16, 0), 1: (-1, -1)}, "users": {0: (3, 4)}},
        **more,
    )
