"""What coordinators answer about groups, as kafka-python writes it."""

from collections.abc import Iterator
from typing import Any

from mesh_assets.platforms.kafka.wire import group_kinds, streams_groups
from mesh_assets.platforms.kafka.wire.commits import describe_share_offsets, fetch_offsets
from mesh_assets.platforms.kafka.wire.forms import Request
from mesh_assets.platforms.kafka.wire.group_requests import (
    LIST_GROUPS,
    describe_classic_groups,
    find_coordinators,
)
from mesh_assets_tests.platforms.kafka.wire.messages import TOPIC_PARTITIONS, encoded, versions

LISTED = {
    "throttle_time_ms": 7,
    "error_code": 0,
    "groups": [
        {
            "group_id": "billing",
            "protocol_type": "consumer",
            "group_state": "Assigning",
            "group_type": "Consumer",
        },
        {"group_id": "", "protocol_type": "", "group_state": "Empty", "group_type": "Classic"},
        {"group_id": "later", "protocol_type": "later", "group_state": "", "group_type": "Later"},
    ],
}


def assignment(topics: dict[str, list[int]], version: int = 0) -> bytes:
    """As the leader of a classic group writes it; defined here, since kafka-python hides its own."""
    body = version.to_bytes(2, "big") + len(topics).to_bytes(4, "big")
    for topic, numbers in topics.items():
        body += len(topic).to_bytes(2, "big") + topic.encode() + len(numbers).to_bytes(4, "big")
        body += b"".join(number.to_bytes(4, "big") for number in numbers)
    return body + (-1).to_bytes(4, "big", signed=True)


CLASSIC = {
    "groups": [
        {
            "group_id": "billing",
            "group_state": "Stable",
            "protocol_type": "consumer",
            "protocol_data": "range",
            "members": [
                {
                    "member_id": "m-2",
                    "group_instance_id": "two",
                    "client_id": "client",
                    "client_host": "/10.0.0.7",
                    "member_metadata": b"\0\1",
                    "member_assignment": assignment({"orders": [1, 0], "users": [2]}),
                },
                {
                    "member_id": "m-1",
                    "client_id": "client",
                    "client_host": "10.0.0.8",
                    "member_assignment": assignment({"orders": [2]}, version=3),
                },
            ],
        },
        {"group_id": "gone", "group_state": "Dead", "protocol_type": ""},
        {"group_id": "secret", "error_code": 30, "error_message": "no"},
    ]
}
COMMITTED = [
    {
        "name": "orders",
        "partitions": [
            {"partition_index": 1, "committed_offset": 2**40, "committed_leader_epoch": 3, "metadata": ""},
            {"partition_index": 0, "committed_offset": 0, "committed_leader_epoch": -1, "metadata": None},
            {"partition_index": 2, "committed_offset": -1, "metadata": "written by größe"},
            {"partition_index": 3, "committed_offset": 7, "metadata": "", "error_code": 88},
        ],
    },
    {
        "name": "users",
        "partitions": [{"partition_index": 300, "committed_offset": 12, "metadata": "m" * 300}],
    },
    {"name": "empty", "partitions": []},
]


def streams(topology: dict[str, Any] | None) -> dict[str, Any]:
    pair = {"key": "zone", "value": "a"}
    offset = {"subtopology_id": "0", "partition": 1, "offset": 40}
    member = {
        "member_id": "m-1",
        "member_epoch": 6,
        "topology_epoch": 3,
        "instance_id": "one",
        "client_id": "client",
        "client_host": "/10.0.0.7",
        "process_id": "p",
        "user_endpoint": {"host": "here", "port": 65_535},
        "client_tags": [pair],
        "task_offsets": [offset, {"subtopology_id": "1", "partition": 0, "offset": 3}],
        "task_end_offsets": [offset | {"offset": 47}],
        "assignment": {
            "active_tasks": [
                {"subtopology_id": "0", "partitions": [1, 0]},
                {"subtopology_id": "1", "partitions": [2]},
            ],
            "standby_tasks": [{"subtopology_id": "1", "partitions": [0]}],
            "warmup_tasks": [{"subtopology_id": "1", "partitions": [1]}],
        },
        "target_assignment": {"active_tasks": [{"subtopology_id": "0", "partitions": [3]}]},
        "is_classic": False,
    }
    group = {"group_id": "totals", "group_state": "NotReady", "topology": topology, "members": [member]}
    return group | {"group_epoch": 7, "assignment_epoch": 6}


def answers() -> Iterator[tuple[str, Request[Any], int, bytes]]:
    """An answer of every message in every version."""
    topology = {"subtopologies": [{"subtopology_id": "0", "source_topics": ["orders"]}]}
    plain: dict[Request[Any], dict[str, Any]] = {
        LIST_GROUPS: LISTED,
        describe_classic_groups(["billing", "gone", "secret"]): CLASSIC,
        streams_groups.describe_streams_groups(["totals"]): {"groups": [streams(topology)]},
        group_kinds.describe_consumer_groups(["a"]): {
            "groups": [{"group_id": "a", "members": [{"member_id": "m", "assignment": TOPIC_PARTITIONS}]}]
        },
        group_kinds.describe_share_groups(["a"]): {
            "groups": [{"group_id": "a", "members": [{"member_id": "m", "assignment": TOPIC_PARTITIONS}]}]
        },
        describe_share_offsets(["a"]): {
            "groups": [
                {"group_id": "a", "topics": [{"topic_name": "t", "partitions": [{"partition_index": 1}]}]}
            ]
        },
    }
    for request, values in plain.items():
        for version in versions(request):
            yield request.name, request, version, encoded(f"{request.name}Response", version, values)
    for version in versions(fetch_offsets(["a"])):
        group = {"group_id": "a", "topics": COMMITTED}
        values = {"groups": [group]} if version >= 8 else {"topics": COMMITTED}
        yield "OffsetFetch", fetch_offsets(["a"]), version, encoded("OffsetFetchResponse", version, values)
    for version in versions(find_coordinators(["a"])):
        values = {"coordinators": [{"key": "a"}]} if version >= 4 else {"host": "broker"}
        body = encoded("FindCoordinatorResponse", version, values)
        yield "FindCoordinator", find_coordinators(["a"]), version, body
