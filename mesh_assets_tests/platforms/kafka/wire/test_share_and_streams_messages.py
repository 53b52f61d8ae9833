"""What brokers answer about share groups and streams groups, in every version."""

from typing import Any

import pytest

from mesh_assets.inventory.groups import (
    GroupMember,
    StreamsMember,
    StreamsTasks,
    StreamsTopology,
    Subtopology,
)
from mesh_assets.platforms.kafka.wire import group_kinds, streams_groups
from mesh_assets.platforms.kafka.wire.commits import describe_share_offsets
from mesh_assets.platforms.kafka.wire.group_requests import Described, Failure
from mesh_assets_tests.platforms.kafka.wire.group_messages import streams
from mesh_assets_tests.platforms.kafka.wire.messages import (
    TOPIC_PARTITIONS,
    answer_of,
    encoded,
    every_version,
    written,
)


@every_version(describe_share_offsets(["a"]))
def test_share_offsets_are_asked_for_of_all_topics(version: int) -> None:
    asked = {"groups": [{"group_id": "a"}, {"group_id": "b"}]}
    expected = encoded("DescribeShareGroupOffsetsRequest", version, asked)
    assert written(describe_share_offsets(["a", "b"]), version) == expected


def test_a_share_group_has_its_members() -> None:
    member = {
        "member_id": "m-1",
        "rack_id": "rack",
        "member_epoch": 8,
        "client_id": "client",
        "client_host": "/10.0.0.7",
        "subscribed_topic_names": ["orders"],
        "assignment": TOPIC_PARTITIONS,
    }
    group = {
        "group_id": "sharing",
        "group_state": "Stable",
        "group_epoch": 9,
        "assignment_epoch": 8,
        "assignor_name": "simple",
        "members": [member],
    }
    found = answer_of(group_kinds.describe_share_groups(["sharing"]), 1, {"groups": [group]})
    expected = GroupMember(
        member_id="m-1",
        client_id="client",
        group_instance_id=None,
        host="10.0.0.7",
        assignment={"orders": (0, 2)},
        epoch=8,
        rack="rack",
        subscribed_topics=("orders",),
    )
    assert found == {
        "sharing": Described("Stable", "share", (expected,), epoch=9, assignment_epoch=8, assignor="simple")
    }


def test_a_member_of_a_streams_group_reads_the_source_topics_of_its_active_tasks() -> None:
    info = {"name": "totals-repartition", "partitions": 3, "topic_configs": [{"key": "a", "value": "b"}]}
    topology = {
        "epoch": 3,
        "subtopologies": [
            {
                "subtopology_id": "0",
                "source_topics": ["orders"],
                "repartition_sink_topics": ["totals-repartition"],
            },
            {
                "subtopology_id": "1",
                "source_topics": ["users"],
                "state_changelog_topics": [{"name": "totals-changelog"}],
                "repartition_source_topics": [info],
            },
        ],
    }
    found = answer_of(streams_groups.describe_streams_groups(["totals"]), 0, {"groups": [streams(topology)]})
    member = GroupMember(
        member_id="m-1",
        client_id="client",
        group_instance_id="one",
        host="10.0.0.7",
        assignment={"orders": (0, 1), "totals-repartition": (2,), "users": (2,)},
        epoch=6,
        is_classic=False,
        streams=StreamsMember(
            process_id="p",
            topology_epoch=3,
            tasks=(
                StreamsTasks(subtopology="0", role="active", partitions=(0, 1)),
                StreamsTasks(subtopology="1", role="active", partitions=(2,)),
                StreamsTasks(subtopology="1", role="standby", partitions=(0,)),
                StreamsTasks(subtopology="1", role="warmup", partitions=(1,)),
            ),
            target_tasks=(StreamsTasks(subtopology="0", role="active", partitions=(3,)),),
            task_lag_records={"0_1": 7},  # the other's end is unknown
            client_tags={"zone": "a"},
            endpoint="here:65535",
        ),
    )
    assert found == {
        "totals": Described(
            "NotReady",
            "streams",
            (member,),
            shared_topics=frozenset({"users", "totals-repartition"}),
            epoch=7,
            assignment_epoch=6,
            topology=StreamsTopology(
                epoch=3,
                subtopologies=(
                    Subtopology(
                        id="0",
                        source_topics=("orders",),
                        repartition_source_topics=(),
                        repartition_sink_topics=("totals-repartition",),
                        changelog_topics=(),
                    ),
                    Subtopology(
                        id="1",
                        source_topics=("users",),
                        repartition_source_topics=("totals-repartition",),
                        repartition_sink_topics=(),
                        changelog_topics=("totals-changelog",),
                    ),
                ),
            ),
        )
    }


@pytest.mark.parametrize("topology", [None, {"epoch": 1, "subtopologies": None}])
def test_the_topics_of_a_streams_group_are_unknown_without_its_topology(
    topology: dict[str, Any] | None,
) -> None:
    request = streams_groups.describe_streams_groups(["totals"])
    described = answer_of(request, 0, {"groups": [streams(topology)]})["totals"]
    assert isinstance(described, Described)
    assert (described.members[0].assignment, described.note) == ({}, "what m-1 reads could not be decoded")


@pytest.mark.parametrize("code", [-32768, -1, 1, 69, 32767])
def test_a_brokers_words_become_one_printable_line(code: int) -> None:
    assert Failure(code, "bad\0news\x1b[31m\n").text("more rights").endswith(": bad news [31m")
