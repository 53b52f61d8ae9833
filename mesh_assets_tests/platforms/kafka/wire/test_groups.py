"""Groups of every kind as read from brokers: complete, or with what is missing and why."""

import pytest

from mesh_assets.platforms.kafka.values import CommittedPartition, ConsumerGroup, ShareOffset
from mesh_assets.platforms.kafka.wire.commits import committed_offsets
from mesh_assets.platforms.kafka.wire.committed import read_commits, read_committed
from mesh_assets.platforms.kafka.wire.partition_columns import COMMITTED
from mesh_assets_tests.platforms.kafka.wire.group_brokers import (
    GROUP_REFUSED,
    INVALID_GROUP,
    OLD_BROKERS,
    Group,
    GroupBrokers,
)
from mesh_assets_tests.platforms.kafka.wire.groups_read import (
    BILLING,
    assigned_member,
    billing,
    classic_member,
    groups,
    member,
    reads,
    streams_group,
)


def test_a_classic_group_has_members_and_offsets_even_where_it_committed_nothing() -> None:
    brokers = GroupBrokers(billing=billing())
    assert groups(brokers) == (BILLING,)


@pytest.mark.parametrize("newest", [{}, OLD_BROKERS])
def test_commits_alone_are_those_that_coordinators_report(newest: dict[str, int | None]) -> None:
    brokers = GroupBrokers(billing=billing(), shipping=billing(broker=2), lost=billing())
    brokers.newest = newest
    brokers.failures["OffsetFetch", "lost"] = [GROUP_REFUSED]

    told = {"payments": {0: 0}, "orders": {0: 12, 1: 40}}
    places = {"billing": 1, "shipping": 1, "lost": 1}
    assert brokers.run(read_commits, places) == {"billing": told, "shipping": told}


@pytest.mark.parametrize("newest", [{}, OLD_BROKERS])
def test_groups_and_their_commits_are_known_without_their_members(newest: dict[str, int | None]) -> None:
    share = Group(kind="share", protocol_type="share", shares={"orders": {0: (3, 1)}})
    brokers = GroupBrokers(billing=billing(), lost=billing(), dead=Group(state="Dead"), sharing=share)
    brokers.newest = newest
    brokers.failures["OffsetFetch", "lost"] = [GROUP_REFUSED]
    brokers.commit_codes = {("orders", 1): 29}

    found = brokers.run(read_committed, lambda name: name != "tmp")
    assert found.groups == {"billing", "lost", "sharing"}
    told = {name: committed_offsets(one) for name, one in found.committed.items() if one.rows}
    assert told == {"billing": {"payments": {0: 0}, "orders": {0: 12}}}
    assert len(found.committed["billing"].rows) == 3 * COMMITTED.itemsize
    described = [name for names in brokers.names("DescribeGroups") for name in names]
    assert all(name.startswith("mesh-assets-nobody") for name in described)


def test_brokers_of_kafka_2_8_report_the_same_with_one_request_per_group_for_offsets() -> None:
    brokers = GroupBrokers(billing=billing(), shipping=Group(broker=2, commits={"orders": {0: 3}}))
    brokers.newest = dict(OLD_BROKERS)
    found = groups(brokers)
    assert found[0] == BILLING
    assert (found[1].type, found[1].offsets) == (
        "classic",
        (CommittedPartition(topic="orders", partition=0, committed=3),),
    )
    assert sorted(brokers.names("OffsetFetch")) == [["billing"], ["shipping"]]


def test_brokers_without_states_in_their_list_have_them_in_the_description() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.newest = {**OLD_BROKERS, "ListGroups": 0, "DescribeGroups": 0, "OffsetFetch": 2}
    assert groups(brokers) == (BILLING,)


@pytest.mark.parametrize("state", ["Assigning", "Reconciling", "Stable", "Empty"])
def test_a_consumer_group_has_kafkas_word_for_its_state(state: str) -> None:
    group = Group(
        kind="consumer",
        state=state,
        described={"members": [assigned_member("m-1", orders=[0])]},
        commits={"orders": {0: 4}},
    )
    [found] = groups(GroupBrokers(billing=group))
    assert (found.type, found.state, reads(found), found.error) == (
        "consumer",
        state,
        {"m-1": {"orders": (0,)}},
        None,
    )
    assert found.offsets == (CommittedPartition(topic="orders", partition=0, committed=4),)


def test_a_share_group_has_members_and_progress_and_no_offsets() -> None:
    group = Group(
        kind="share",
        protocol_type="share",
        described={"members": [assigned_member("m-1", orders=[1, 0])]},
        shares={"orders": {1: (16, 0), 0: (-1, -1)}},
    )
    group.described |= {"group_epoch": 7, "assignment_epoch": 6, "assignor_name": "simple"}
    brokers = GroupBrokers(sharing=group)
    [found] = groups(brokers)
    assert found == ConsumerGroup(
        group_id="sharing",
        type="share",
        protocol_type="share",
        state="Stable",
        coordinator=1,
        members=found.members,
        offsets=None,
        share=(
            ShareOffset(topic="orders", partition=0, start=None, lag_records=None),
            ShareOffset(topic="orders", partition=1, start=16, lag_records=0),
        ),
        epoch=7,
        assignment_epoch=6,
        assignor="simple",
    )
    assert reads(found) == {"m-1": {"orders": (0, 1)}}
    assert brokers.names("OffsetFetch") == []


def test_brokers_that_list_no_types_have_them_in_their_descriptions() -> None:
    brokers = GroupBrokers(
        billing=Group(kind="consumer", described={"members": [assigned_member("m-1", orders=[0])]}),
        sharing=Group(kind="share", protocol_type="share", shares={"orders": {0: (16, 0)}}),
    )
    expected = groups(brokers)
    brokers.newest = {"ListGroups": 4}
    assert groups(brokers) == expected
    assert (expected[0].type, expected[1].offsets, len(expected[1].share or ())) == ("consumer", None, 1)


def test_a_streams_group_has_members_and_offsets() -> None:
    [found] = groups(GroupBrokers(totals=streams_group("orders")))
    assert (found.type, found.state, reads(found), found.error) == (
        "streams",
        "Stable",
        {"m-1": {"orders": (0, 1, 2)}},
        None,
    )
    assert found.topology is not None
    assert [one.source_topics for one in found.topology.subtopologies] == [("orders",)]
    assert found.offsets == (
        CommittedPartition(topic="orders", partition=0, committed=12),
        CommittedPartition(topic="orders", partition=1, committed=None),
        CommittedPartition(topic="orders", partition=2, committed=None),
    )


def test_a_task_reads_no_partition_beyond_those_of_a_shorter_topic() -> None:
    brokers = GroupBrokers(totals=streams_group("orders", "users"))
    brokers.topics = {"orders": 3, "users": 1}
    [found] = groups(brokers)
    assert reads(found) == {"m-1": {"orders": (0, 1, 2), "users": (0,)}}


def test_hidden_partitions_of_such_a_topic_are_reported_as_unknown() -> None:
    brokers = GroupBrokers(totals=streams_group("orders", "users"))
    brokers.topics = {"orders": 3}
    [found] = groups(brokers)
    assert reads(found) == {"m-1": {"orders": (0, 1, 2)}}
    assert found.error == "the partitions of users could not be read"


def test_brokers_that_list_a_kind_but_cannot_describe_it_leave_it_unknown_with_the_reason() -> None:
    group = Group(kind="share", protocol_type="share", shares={"orders": {0: (3, 1)}})
    brokers = GroupBrokers(sharing=group)
    brokers.newest = {"ShareGroupDescribe": None, "DescribeShareGroupOffsets": None}
    [found] = groups(brokers)
    assert (found.type, found.state, found.members, found.offsets, found.share) == (
        "share",
        "Stable",
        None,
        None,
        None,
    )
    assert found.error == (
        "UNSUPPORTED_VERSION: the broker at broker-1:9092 has no ShareGroupDescribe; "
        "UNSUPPORTED_VERSION: the broker at broker-1:9092 has no DescribeShareGroupOffsets"
    )


def test_a_group_of_an_unknown_kind_is_neither_gone_nor_empty() -> None:
    brokers = GroupBrokers(later=Group(kind="queue", protocol_type="queue"))
    [found] = groups(brokers)
    assert (found.type, found.protocol_type, found.state, found.members, found.offsets) == (
        "unknown",
        "queue",
        "Stable",
        None,
        None,
    )
    assert "cannot be described: what it reads is not known" in (found.error or "")
    brokers.groups["later"].commits = {"orders": {0: 1}}
    assert groups(brokers)[0].offsets == (CommittedPartition(topic="orders", partition=0, committed=1),)


def test_connect_workers_are_a_group_with_their_own_protocol_type() -> None:
    worker = classic_member("worker-1") | {"member_assignment": b"of Connect"}
    brokers = GroupBrokers(connect=Group(protocol_type="connect", described={"members": [worker]}))
    [found] = groups(brokers)
    assert (found.type, found.protocol_type, found.members, found.offsets, found.error) == (
        "classic",
        "connect",
        (member("worker-1"),),
        (),
        None,
    )


def test_a_group_that_only_commits_has_an_empty_protocol_type() -> None:
    [found] = groups(GroupBrokers(tool=Group(protocol_type="", state="Empty")))
    assert (found.protocol_type, found.members, found.offsets) == ("", (), ())


@pytest.mark.parametrize("code", [None, INVALID_GROUP])
def test_the_group_without_a_name_has_its_offsets_and_no_members(code: int | None) -> None:
    nameless = Group(protocol_type="", state="Empty", commits={"orders": {0: 5}})
    brokers = GroupBrokers(**{"": nameless, "billing": billing()})
    brokers.failures["DescribeGroups", ""] = [code]
    found = groups(brokers)
    assert found == (
        ConsumerGroup(
            group_id="",
            type="classic",
            protocol_type="",
            state="Empty",
            coordinator=1,
            members=(),
            offsets=(CommittedPartition(topic="orders", partition=0, committed=5),),
        ),
        BILLING,
    )


def test_an_undecodable_assignment_is_reported_as_unknown() -> None:
    broken = classic_member("m-1") | {"member_assignment": b"\0\0\0\0\0\7"}
    [found] = groups(GroupBrokers(billing=Group(described={"members": [broken]})))
    assert (found.members, found.error) == ((member("m-1"),), "what m-1 reads could not be decoded")
