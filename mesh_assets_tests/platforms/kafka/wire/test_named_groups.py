"""Single groups by name, whatever the list of groups says."""

from functools import partial
from typing import Any

import pytest

from mesh_assets.errors import RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.values import CommittedPartition, ConsumerGroup
from mesh_assets.platforms.kafka.wire.named_groups import (
    ShareGroup,
    SharePartition,
    group_presence,
    read_group,
    read_share_group,
)
from mesh_assets_tests.platforms.kafka.wire.group_brokers import (
    GROUP_REFUSED,
    INVALID_GROUP,
    LOADING,
    OLD_BROKERS,
    TOPIC_REFUSED,
    UNAVAILABLE,
    Group,
    GroupBrokers,
)
from mesh_assets_tests.platforms.kafka.wire.groups_read import BILLING, billing, reads, sharing, streams_group

NAMELESS = Group(protocol_type="", state="Empty", commits={"orders": {0: 5}})


# --- read_group


@pytest.mark.parametrize("newest", [{}, OLD_BROKERS])
def test_a_group_is_read_by_name(newest: dict[str, int | None]) -> None:
    brokers = GroupBrokers(billing=billing(broker=2))
    brokers.newest = dict(newest)
    found = brokers.run(read_group, "billing")
    assert found is not None
    assert (found.type, found.members, found.offsets, found.coordinator, found.error) == (
        "classic",
        BILLING.members,
        BILLING.offsets,
        2,
        None,
    )
    assert brokers.names("ListGroups") == []


@pytest.mark.parametrize("newest", [{}, OLD_BROKERS])
def test_a_missing_group_is_none(newest: dict[str, int | None]) -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.newest = dict(newest)
    assert brokers.run(read_group, "nobody") is None


@pytest.mark.parametrize(
    ("group", "kind"),
    [(sharing(), "share"), (streams_group("orders"), "streams"), (Group("consumer"), "consumer")],
)
def test_a_living_group_of_a_later_kind_does_not_count_as_absent(group: Group, kind: str) -> None:
    brokers = GroupBrokers(living=group)
    brokers.newest = {"DescribeGroups": 5}
    found = brokers.run(read_group, "living")
    assert found is not None
    assert (found.type, found.state) == (kind, "Stable")
    assert found.error is None


def test_the_group_without_a_name_is_read_too() -> None:
    brokers = GroupBrokers(**{"": NAMELESS})
    for request in ("DescribeGroups", "ConsumerGroupDescribe", "ShareGroupDescribe", "StreamsGroupDescribe"):
        brokers.failures[request, ""] = [INVALID_GROUP]
    found = brokers.run(read_group, "")
    assert found == ConsumerGroup(
        group_id="",
        type="classic",
        protocol_type="",
        state="unknown",
        coordinator=1,
        members=(),
        offsets=(CommittedPartition(topic="orders", partition=0, committed=5),),
    )


def test_a_group_of_an_unknown_kind_that_has_committed_exists() -> None:
    brokers = GroupBrokers(later=Group(kind="queue", commits={"orders": {0: 5}}))
    found = brokers.run(read_group, "later")
    assert found is not None
    assert (found.type, found.protocol_type, found.members, len(found.offsets or ())) == (
        "unknown",
        None,
        None,
        1,
    )


def test_a_group_that_may_not_be_described_is_refused() -> None:
    brokers = GroupBrokers(secret=Group())
    for request in ("DescribeGroups", "ConsumerGroupDescribe", "ShareGroupDescribe", "StreamsGroupDescribe"):
        brokers.failures[request, "secret"] = [GROUP_REFUSED]
    with pytest.raises(
        RefusedError, match=r"refused reading consumer group secret .* needs DESCRIBE on the group"
    ):
        brokers.run(read_group, "secret")
    brokers.failures["FindCoordinator", "secret"] = [GROUP_REFUSED]
    with pytest.raises(RefusedError, match="refused reading consumer group secret"):
        brokers.run(read_group, "secret")


def test_a_coordinator_that_is_not_there_yet_is_waited_for() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.failures["FindCoordinator", "billing"] = [UNAVAILABLE, UNAVAILABLE, None]
    brokers.failures["DescribeGroups", "billing"] = [LOADING, None]
    found = brokers.run(read_group, "billing")
    assert found is not None
    assert found.offsets == BILLING.offsets
    brokers.failures["FindCoordinator", "billing"] = [UNAVAILABLE]
    brokers.patience_seconds = 0.2
    with pytest.raises(
        UnreachableError, match="while reading consumer group billing: Broker: Coordinator not available"
    ):
        brokers.run(read_group, "billing")


# --- read_share_group


def test_a_share_group_on_one_topic() -> None:
    found = GroupBrokers(sharing=sharing()).run(read_share_group, "sharing", "orders")
    assert reads(found) == {"m-1": {"orders": (0,)}}
    assert found.partitions == {0: SharePartition(16, 0), 1: SharePartition(None, None)}


def test_brokers_before_4_3_do_not_count_the_lag() -> None:
    brokers = GroupBrokers(sharing=sharing())
    brokers.newest = {"DescribeShareGroupOffsets": 0}
    found = brokers.run(read_share_group, "sharing", "orders")
    assert found.partitions[0] == SharePartition(16, None)


def test_a_missing_share_group_has_neither_members_nor_partitions() -> None:
    assert GroupBrokers().run(read_share_group, "nobody", "orders") == ShareGroup((), {})


def test_brokers_without_share_groups_say_so() -> None:
    brokers = GroupBrokers()
    brokers.newest = dict(OLD_BROKERS)
    expected = "Kafka at broker-1:9092 does not support reading a share group: the broker at broker-1:9092 has no ShareGroupDescribe"
    with pytest.raises(UnexpectedAnswerError, match=expected):
        brokers.run(read_share_group, "nobody", "orders")


@pytest.mark.parametrize("request_", ["FindCoordinator", "ShareGroupDescribe", "DescribeShareGroupOffsets"])
def test_a_refused_share_group_is_not_an_empty_one(request_: str) -> None:
    brokers = GroupBrokers(sharing=sharing())
    brokers.failures[request_, "sharing"] = [GROUP_REFUSED]
    with pytest.raises(RefusedError, match="needs DESCRIBE on the group and on its topics"):
        brokers.run(read_share_group, "sharing", "orders")


def test_an_unreadable_partition_of_a_share_group_is_an_error_on_its_topic_alone() -> None:
    brokers = GroupBrokers(sharing=sharing())
    offsets = brokers._DescribeShareGroupOffsets

    def failing(*asked: Any) -> dict[str, Any]:
        answer = offsets(*asked)
        answer["groups"][0]["topics"][1]["partitions"][0] |= {"error_code": 3, "error_message": "gone"}
        return answer

    brokers._DescribeShareGroupOffsets = failing  # type: ignore[method-assign,assignment]
    assert brokers.run(read_share_group, "sharing", "orders").partitions
    with pytest.raises(UnexpectedAnswerError, match=r"sharing on users\[0\]: UNKNOWN_TOPIC_OR_PART: gone"):
        brokers.run(read_share_group, "sharing", "users")


# --- group_presence


@pytest.mark.parametrize("newest", [{}, OLD_BROKERS])
def test_present_deleted_and_refused_groups_are_distinguished(newest: dict[str, int | None]) -> None:
    brokers = GroupBrokers(billing=billing(), secret=Group(), hidden=Group(broker=2))
    brokers.newest = dict(newest)
    brokers.failures["DescribeGroups", "secret"] = [GROUP_REFUSED]
    brokers.failures["FindCoordinator", "hidden"] = [GROUP_REFUSED]
    assert brokers.run(group_presence, ["gone", "billing", "secret", "hidden"]) == {
        "gone": "gone",
        "billing": "here",
        "secret": "refused",
        "hidden": "refused",
    }
    assert brokers.run(group_presence, []) == {}


def test_a_living_share_or_streams_group_is_present() -> None:
    brokers = GroupBrokers(sharing=sharing(), totals=streams_group("orders"), topical=Group("consumer"))
    brokers.failures["ConsumerGroupDescribe", "topical"] = [TOPIC_REFUSED]
    brokers.newest = {"DescribeGroups": 5}
    names = ["sharing", "totals", "topical"]
    assert brokers.run(group_presence, names) == dict.fromkeys(names, "here")


@pytest.mark.parametrize(("commits", "presence"), [({"orders": {0: 5}}, "here"), ({}, "gone")])
def test_the_group_without_a_name_is_present_while_it_has_commits(commits: Any, presence: str) -> None:
    brokers = GroupBrokers(**{"": Group(protocol_type="", state="Empty", commits=commits)})
    for request in ("DescribeGroups", "ConsumerGroupDescribe", "ShareGroupDescribe", "StreamsGroupDescribe"):
        brokers.failures[request, ""] = [INVALID_GROUP]
    assert brokers.run(group_presence, [""]) == {"": presence}
    brokers.failures["OffsetFetch", ""] = [INVALID_GROUP]
    assert brokers.run(group_presence, [""]) == {"": "unaskable"}


def test_a_coordinator_that_says_neither_is_an_error() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.patience_seconds = 0.2
    brokers.failures["DescribeGroups", "billing"] = [LOADING]
    with pytest.raises(UnreachableError, match="while asking for consumer groups by name"):
        brokers.run(group_presence, ["billing"])


@pytest.mark.parametrize(("kind", "asked"), [("classic", 1), ("consumer", 4)])
def test_only_groups_that_are_not_classic_are_searched_among_the_other_kinds(kind: str, asked: int) -> None:
    brokers = GroupBrokers(living=Group(kind, commits={"orders": {0: 5}}))
    assert brokers.run(read_group, "living") is not None
    assert len([name for name, *_ in brokers.asked if "Describe" in name]) == asked


@pytest.mark.parametrize(
    ("kind", "likely", "asked"),
    [
        ("classic", "classic", 1),
        ("consumer", "consumer", 1),
        ("classic", "consumer", 4),
        ("share", "unknown", 4),
    ],
)
def test_a_kind_seen_before_is_tried_first(kind: str, likely: str, asked: int) -> None:
    brokers = GroupBrokers(living=Group(kind, commits={"orders": {0: 5}}))
    found = brokers.run(partial(read_group, likely=likely), "living")
    assert found is not None
    assert found.type == kind
    assert len([name for name, *_ in brokers.asked if "Describe" in name and "Offsets" not in name]) == asked


def test_a_likely_kind_unknown_to_old_brokers_hides_no_group() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.newest = dict(OLD_BROKERS)
    found = brokers.run(partial(read_group, likely="streams"), "billing")
    assert found is not None
    assert (found.type, found.offsets) == ("classic", BILLING.offsets)
