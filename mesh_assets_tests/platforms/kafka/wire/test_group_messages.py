"""Every supported version of every message about groups, compared with kafka-python's encoder."""

from typing import Any

import pytest

from mesh_assets.inventory.groups import GroupMember
from mesh_assets.platforms.kafka.values import CommittedPartition, ShareOffset
from mesh_assets.platforms.kafka.wire import group_kinds, streams_groups
from mesh_assets.platforms.kafka.wire.commits import (
    committed_partitions,
    describe_share_offsets,
    fetch_offsets,
)
from mesh_assets.platforms.kafka.wire.group_requests import (
    LIST_GROUPS,
    BrokersGroups,
    Described,
    Failure,
    ListedGroup,
    consumer_assignment,
    describe_classic_groups,
    find_coordinators,
)
from mesh_assets.platforms.kafka.wire.partition_columns import Committed
from mesh_assets_tests.platforms.kafka.wire.group_messages import CLASSIC, COMMITTED, LISTED, assignment
from mesh_assets_tests.platforms.kafka.wire.messages import (
    TOPIC_PARTITIONS,
    answer_of,
    encoded,
    every_version,
    versions,
    written,
)


@every_version(LIST_GROUPS)
def test_all_groups_are_listed_whatever_their_state_and_type(version: int) -> None:
    assert written(LIST_GROUPS, version) == encoded("ListGroupsRequest", version, {})


@every_version(find_coordinators(["größe"]))
def test_coordinators_are_looked_up_by_group(version: int) -> None:
    many = version >= 4
    names = ["größe", ""] if many else ["größe"]
    asked = {"coordinator_keys": names} if many else {"key": "größe"}
    assert written(find_coordinators(names), version) == encoded("FindCoordinatorRequest", version, asked)


@pytest.mark.parametrize(
    ("describe", "field"),
    [
        (describe_classic_groups, "groups"),
        (group_kinds.describe_consumer_groups, "group_ids"),
        (group_kinds.describe_share_groups, "group_ids"),
        (streams_groups.describe_streams_groups, "group_ids"),
    ],
)
def test_groups_are_described_by_name_and_with_rights_only_on_request(describe: Any, field: str) -> None:
    request = describe(["a", "größe"])
    for version in versions(request):
        asked: dict[str, Any] = {field: ["a", "größe"]}
        assert written(request, version) == encoded(f"{request.name}Request", version, asked)
        asked["include_authorized_operations"] = True
        with_rights = describe(["a", "größe"], rights=True)
        assert written(with_rights, version) == encoded(f"{request.name}Request", version, asked)


@every_version(fetch_offsets(["a"]))
def test_offsets_are_requested_for_all_topics_and_for_several_groups_where_possible(version: int) -> None:
    if version >= 8:
        names = ["a", "größe"]
        asked: dict[str, Any] = {"groups": [{"group_id": name, "member_epoch": -1} for name in names]}
    else:
        names, asked = ["a"], {"group_id": "a"}
    assert written(fetch_offsets(names), version) == encoded("OffsetFetchRequest", version, asked)


# --- answers


@every_version(LIST_GROUPS)
def test_a_listed_group_has_its_type_and_state_where_the_broker_reports_them(version: int) -> None:
    def group(kind: str, state: str, protocol_type: str) -> ListedGroup:
        return ListedGroup(
            kind if version >= 5 else "unknown", state if version >= 4 else "unknown", protocol_type
        )

    assert answer_of(LIST_GROUPS, version, LISTED) == BrokersGroups(
        0,
        {
            "billing": group("consumer", "Assigning", "consumer"),
            "": group("classic", "Empty", ""),
            "later": group("unknown", "unknown", "later"),
        },
    )


@every_version(LIST_GROUPS)
def test_a_broker_that_loads_its_groups_says_so(version: int) -> None:
    assert answer_of(LIST_GROUPS, version, {"error_code": 14}) == BrokersGroups(14, {})


@every_version(find_coordinators(["a"]))
def test_a_coordinator_is_found_or_the_reason_why_not(version: int) -> None:
    if version >= 4:
        coordinators = [
            {"key": "b", "node_id": -1, "host": "", "port": -1, "error_code": 15, "error_message": "not now"},
            {"key": "a", "node_id": 3, "host": "broker-3", "port": 9092},
        ]
        found = answer_of(find_coordinators(["a", "b"]), version, {"coordinators": coordinators})
        assert found == {"a": 3, "b": Failure(15, "not now")}
        return
    here = {"node_id": 3, "host": "broker-3", "port": 9092}
    assert answer_of(find_coordinators(["a"]), version, here) == {"a": 3}
    missing = {"error_code": 15, "error_message": "not now", "node_id": -1, "host": "", "port": -1}
    found = answer_of(find_coordinators(["a"]), version, missing)
    assert found == {"a": Failure(15, "not now" if version >= 1 else "")}


@every_version(describe_classic_groups([]))
def test_a_classic_group_has_its_members_with_their_assignments(version: int) -> None:
    found = answer_of(describe_classic_groups(["billing", "gone", "secret"]), version, CLASSIC)
    assert found == {
        "billing": Described(
            "Stable",
            "consumer",
            (
                GroupMember(
                    member_id="m-1",
                    client_id="client",
                    group_instance_id=None,
                    host="10.0.0.8",
                    assignment={"orders": (2,)},
                ),
                GroupMember(
                    member_id="m-2",
                    client_id="client",
                    group_instance_id="two" if version >= 4 else None,
                    host="10.0.0.7",
                    assignment={"orders": (0, 1), "users": (2,)},
                ),
            ),
        ),
        "gone": Described("Dead", "", ()),
        "secret": Failure(30, "no" if version >= 6 else ""),
    }


@pytest.mark.parametrize(
    "assigned",
    [
        b"\0",
        b"\xff\xff" + assignment({"orders": [1]})[2:],
        assignment({"orders": [1]})[:-6],
        b"\0\0\x7f\xff\xff\xff",
        b"\0\0\xff\xff\xff\xff",
        assignment({"orders": [0xFFFFFFFF]}),
    ],
)
def test_an_assignment_outside_the_consumer_protocol_is_reported_as_unknown(
    assigned: bytes,
) -> None:
    member = {"member_id": "m-1", "member_assignment": assigned}
    group = {"group_id": "g", "group_state": "Stable", "protocol_type": "consumer", "members": [member]}
    described = answer_of(describe_classic_groups(["g"]), 5, {"groups": [group]})["g"]
    assert isinstance(described, Described)
    assert (described.members[0].assignment, described.note) == ({}, "what m-1 reads could not be decoded")


def test_a_connect_worker_has_an_assignment_in_its_own_format() -> None:
    member = {"member_id": "worker", "member_assignment": b"not of consumers"}
    group = {"group_id": "g", "group_state": "Stable", "protocol_type": "connect", "members": [member]}
    described = answer_of(describe_classic_groups(["g"]), 5, {"groups": [group]})["g"]
    assert isinstance(described, Described)
    assert (described.members[0].assignment, described.note) == ({}, None)


def test_fields_that_later_versions_append_to_an_assignment_are_ignored() -> None:
    assert consumer_assignment(assignment({"orders": [4]}, version=9) + b"more") == {"orders": [4]}


@pytest.mark.parametrize("version", [0, 1])
def test_a_consumer_group_distinguishes_assignments_from_targets(version: int) -> None:
    group = {
        "group_id": "billing",
        "group_state": "Reconciling",
        "group_epoch": 5,
        "assignment_epoch": 3,
        "assignor_name": "uniform",
        "members": [
            {
                "member_id": "m-1",
                "instance_id": "one",
                "rack_id": "rack",
                "member_epoch": 4,
                "client_id": "client",
                "client_host": "/10.0.0.7",
                "subscribed_topic_names": ["orders", "users"],
                "subscribed_topic_regex": "orders.*",
                "assignment": TOPIC_PARTITIONS,
                "target_assignment": {"topic_partitions": [{"topic_name": "users", "partitions": [1]}]},
                "member_type": 1,
            }
        ],
    }
    absent = {"group_id": "gone", "error_code": 69, "error_message": "not found"}
    request = group_kinds.describe_consumer_groups(["billing", "gone"])
    member = GroupMember(
        member_id="m-1",
        client_id="client",
        group_instance_id="one",
        host="10.0.0.7",
        assignment={"orders": (0, 2)},
        epoch=4,
        rack="rack",
        subscribed_topics=("orders", "users"),
        subscribed_regex="orders.*",
        target_assignment={"users": (1,)},
        is_classic=False if version else None,
    )
    assert answer_of(request, version, {"groups": [group, absent]}) == {
        "billing": Described(
            "Reconciling", "consumer", (member,), epoch=5, assignment_epoch=3, assignor="uniform"
        ),
        "gone": Failure(69, "not found"),
    }


EXPECTED = {
    "orders": [
        CommittedPartition(topic="orders", partition=1, committed=2**40),
        CommittedPartition(topic="orders", partition=0, committed=0),
        CommittedPartition(topic="orders", partition=2, committed=None),
        CommittedPartition(
            topic="orders",
            partition=3,
            committed=None,
            error="UNSTABLE_OFFSET_COMMIT: Broker: There are unstable offsets that need to be cleared",
        ),
    ],
    "users": [CommittedPartition(topic="users", partition=300, committed=12)],
    "empty": [],
}


def by_topic(committed: Committed | Failure) -> dict[str, list[CommittedPartition]]:
    assert isinstance(committed, Committed)
    return committed_partitions(committed)


@every_version(fetch_offsets(["a"]))
def test_a_group_has_its_commits(version: int) -> None:
    if version < 8:
        alone = answer_of(fetch_offsets(["a"]), version, {"topics": COMMITTED})
        assert by_topic(alone["a"]) == EXPECTED
        assert answer_of(fetch_offsets(["a"]), version, {"error_code": 16}) == {"a": Failure(16)}
        return
    groups = [
        {"group_id": "a", "topics": COMMITTED},
        {"group_id": "b", "error_code": 16},
        {"group_id": "", "topics": []},
    ]
    found = answer_of(fetch_offsets(["a", "b", ""]), version, {"groups": groups})
    assert found.keys() == {"a", "b", ""}
    assert (by_topic(found["a"]), found["b"]) == (EXPECTED, Failure(16))
    assert by_topic(found[""]) == {}


@every_version(describe_share_offsets(["a"]))
def test_a_share_group_has_its_starts_and_the_brokers_lag(version: int) -> None:
    partitions = [
        {"partition_index": 1, "start_offset": 16, "leader_epoch": 2, "lag": 0},
        {"partition_index": 0, "start_offset": -1, "lag": -1},
        {"partition_index": 2, "start_offset": 4, "lag": 5, "error_code": 3, "error_message": "gone"},
    ]
    groups = [
        {"group_id": "a", "topics": [{"topic_name": "orders", "partitions": partitions}]},
        {"group_id": "b", "error_code": 69, "error_message": "not found"},
    ]
    found = answer_of(describe_share_offsets(["a", "b"]), version, {"groups": groups})
    failed = "UNKNOWN_TOPIC_OR_PART: gone"
    assert found == {
        "a": (
            ShareOffset(topic="orders", partition=0, start=None, lag_records=None),
            ShareOffset(topic="orders", partition=1, start=16, lag_records=0 if version else None),
            ShareOffset(topic="orders", partition=2, start=None, lag_records=None, error=failed),
        ),
        "b": Failure(69, "not found"),
    }
