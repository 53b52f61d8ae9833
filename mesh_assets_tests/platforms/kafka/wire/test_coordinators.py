"""A list of groups is complete when every coordinator is present and knows its groups; moved groups are followed."""

import re
from functools import partial
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.errors import RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.values import (
    BrokerNode,
    ClusterMetadata,
    PartitionMetadata,
    TopicMetadata,
    partition_of,
)
from mesh_assets.platforms.kafka.wire.coordinators import GROUPS_TOPIC, absent_names
from mesh_assets.platforms.kafka.wire.forms import BrokerError
from mesh_assets.platforms.kafka.wire.groups import read_groups
from mesh_assets_tests.platforms.kafka.wire.group_brokers import (
    GROUP_REFUSED,
    LOADING,
    NOT_COORDINATOR,
    UNAVAILABLE,
    Group,
    GroupBrokers,
)
from mesh_assets_tests.platforms.kafka.wire.groups_read import BILLING, billing, groups, reading

# --- coordinators that move and load


def test_a_group_that_moves_is_read_from_its_new_coordinator() -> None:
    brokers = GroupBrokers(billing=billing(), shipping=Group(broker=2))

    def move() -> None:
        brokers.groups["billing"].broker = 2

    brokers.before["OffsetFetch"] = move
    [found, _] = groups(brokers)
    assert found.coordinator == 2
    assert (found.members, found.offsets) == (BILLING.members, BILLING.offsets)
    assert brokers.names("FindCoordinator")


def test_a_coordinator_that_goes_down_is_searched_elsewhere() -> None:
    brokers = GroupBrokers(billing=billing(), shipping=Group(broker=2))

    def take_over() -> None:
        brokers.ids, brokers.leaders = [2], [2, 2, 2]
        brokers.groups["billing"].broker = 2

    brokers.before["OffsetFetch"] = take_over
    [found, _] = groups(brokers)
    assert (found.coordinator, found.offsets, found.error) == (2, BILLING.offsets, None)


@pytest.mark.parametrize("code", [LOADING, UNAVAILABLE, NOT_COORDINATOR])
def test_a_coordinator_that_is_not_ready_is_asked_again(code: int) -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.failures["DescribeGroups", "billing"] = [code, code, None]
    brokers.failures["OffsetFetch", "billing"] = [code, None]
    assert groups(brokers) == (BILLING,)


@pytest.mark.parametrize("failure", [LOADING, UNAVAILABLE, BrokerError(-195, "broke")])
def test_a_broker_that_is_still_loading_its_groups_is_asked_again_for_its_list(
    failure: int | Exception,
) -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.failures["ListGroups", 1] = [failure, failure, None]
    assert groups(brokers) == (BILLING,)


def test_a_broker_that_keeps_loading_makes_the_list_incomplete_and_not_an_absence() -> None:
    brokers = GroupBrokers(billing=billing(), shipping=Group(broker=2))
    brokers.patience_seconds = 0.2
    brokers.failures["ListGroups", 2] = [LOADING]
    with pytest.raises(UnexpectedAnswerError) as raised:
        groups(brokers)
    assert str(raised.value) == (
        "the list of consumer groups of Kafka at broker-1:9092 is incomplete, because a broker did not list its groups: "
        "Broker: Coordinator load in progress"
    )


def test_without_a_broker_that_lists_its_groups_there_is_no_answer() -> None:
    brokers = GroupBrokers()
    brokers.patience_seconds = 0.2
    brokers.failures = {("ListGroups", 1): [BrokerError(-185, "silence")], ("ListGroups", 2): [LOADING]}
    with pytest.raises(
        UnreachableError, match="could not be reached while listing the consumer groups: silence"
    ):
        groups(brokers)


def test_a_broker_that_leaves_the_cluster_need_not_list() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.failures["ListGroups", 2] = [BrokerError(-195, "gone")]
    brokers.leaders = [1, 1, 1]

    def leave() -> None:
        brokers.ids = [1]

    brokers.before["ListGroups"] = leave
    assert groups(brokers) == (BILLING,)


def test_coordinators_are_probed_with_a_nonexistent_group_before_their_list_is_believed() -> None:
    brokers = GroupBrokers(billing=billing())
    names = absent_names(3)
    assert groups(brokers) == (BILLING,)
    assert [asked for name, _, asked in brokers.asked if name != "Metadata"][:2] == [
        [names[0], names[2]],
        [names[1]],
    ]


def test_a_partition_without_a_leader_hides_its_own_groups_and_no_others() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.leaders = [1, None, 1, None]
    found = reading(brokers)
    assert found.groups == (BILLING,)
    assert found.unlisted is not None
    assert [name in found.unlisted for name in absent_names(4)] == [False, True, False, True]
    assert found.unlisted.reason == (
        "the list of consumer groups of Kafka at broker-1:9092 is incomplete: the groups in partitions 1, 3 of __consumer_offsets have no "
        "coordinator, because those partitions have no leader"
    )
    with pytest.raises(UnexpectedAnswerError, match="is incomplete"):
        found.all_groups()


def test_without_any_leader_there_is_no_reading() -> None:
    brokers = GroupBrokers()
    brokers.leaders = [None, None]
    with pytest.raises(
        UnexpectedAnswerError, match="partitions 0, 1 of __consumer_offsets have no coordinator"
    ):
        groups(brokers)


@pytest.mark.parametrize("codes", [[NOT_COORDINATOR, LOADING, None], [BrokerError(-195, "broke"), None]])
def test_a_coordinator_that_has_just_started_is_asked_until_it_knows_its_groups(codes: list[Any]) -> None:
    brokers = GroupBrokers(billing=billing())
    late, times = absent_names(3)[1], len(codes)
    if isinstance(codes[0], Exception):
        brokers.failures["DescribeGroups", 2] = codes
    else:
        brokers.failures["DescribeGroups", late] = codes
    assert groups(brokers) == (BILLING,)
    asked = brokers.names("DescribeGroups")
    assert asked.count([late]) == times


def test_a_coordinator_that_never_becomes_ready_hides_its_own_groups_and_no_others() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.patience_seconds = 0.2
    brokers.failures["DescribeGroups", absent_names(3)[2]] = [NOT_COORDINATOR]
    unlisted = reading(brokers).unlisted
    assert unlisted is not None
    assert (unlisted.partitions, unlisted.of) == (frozenset({2}), 3)
    assert unlisted.reason == (
        "the list of consumer groups of Kafka at broker-1:9092 is incomplete: 1 of the 3 coordinators do not know their groups yet "
        "(NOT_COORDINATOR); a broker that has just started needs some time"
    )


def test_without_any_ready_coordinator_there_is_no_reading() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.patience_seconds = 0.2
    for name in absent_names(3):
        brokers.failures["DescribeGroups", name] = [NOT_COORDINATOR]
    with pytest.raises(UnexpectedAnswerError, match="3 of the 3 coordinators do not know their groups yet"):
        groups(brokers)
    assert brokers.names("ListGroups") == []


def test_without_an_answer_from_any_coordinator_there_is_no_reading() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.patience_seconds = 0.2
    for broker in (1, 2):
        brokers.failures["DescribeGroups", broker] = [BrokerError(-185, "silence")]
    expected = "while asking the coordinators of the consumer groups: silence"
    with pytest.raises(UnreachableError, match=re.escape(expected)):
        groups(brokers)


def test_a_user_who_may_not_see_the_offsets_topic_gets_the_list_as_it_is() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.leaders = None
    assert reading(brokers).unlisted is None
    assert brokers.names("DescribeGroups") == [["billing"]]


def test_a_user_who_may_not_describe_groups_of_any_name_gets_the_list_as_it_is() -> None:
    brokers = GroupBrokers(billing=billing())
    for name in absent_names(3):
        brokers.failures["DescribeGroups", name] = [GROUP_REFUSED]
    found = reading(brokers)
    assert (found.groups, found.unlisted) == ((BILLING,), None)


def test_a_partition_that_moves_while_brokers_list_is_listed_again() -> None:
    brokers = GroupBrokers(billing=billing())

    def move() -> None:
        # It moves to broker 2, which has already listed; broker 1 has not, and has lost the group.
        brokers.leaders = [1, 2, 2]

    brokers.before["ListGroups"] = move
    assert groups(brokers) == (BILLING,)
    assert len(brokers.names("ListGroups")) == 4


def test_a_coordinator_that_was_away_while_brokers_list_makes_them_list_again() -> None:
    """It leads before and after. In between, it lists nothing, without an error."""
    brokers = GroupBrokers(billing=billing())

    def restart() -> None:
        brokers.groups["billing"].broker = 0
        brokers.before["Metadata"] = come_back

    def come_back() -> None:
        brokers.groups["billing"].broker, brokers.epoch = 1, 2

    brokers.before["ListGroups"] = restart
    assert groups(brokers) == (BILLING,)


def test_a_partition_that_loses_its_leader_while_another_coordinator_loads_hides_its_groups() -> None:
    brokers = GroupBrokers(billing=billing())
    at = partition_of("billing", 3)
    assert at == 1
    brokers.failures["DescribeGroups", absent_names(3)[0]] = [LOADING, None]

    def lose() -> None:
        brokers.leaders, brokers.groups["billing"].broker = [1, None, 1], 0

    brokers.before["DescribeGroups"] = lose
    found = reading(brokers)
    assert found.groups == ()
    assert found.unlisted is not None
    assert found.unlisted.partitions == {at}


def test_a_partition_that_keeps_moving_hides_its_groups() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.patience_seconds = 0.2
    metadata, turns = brokers._Metadata, iter(range(1_000_000))

    def moving(*asked: Any) -> dict[str, Any]:
        brokers.leaders = [1, 2, 1 + next(turns) % 2]
        return metadata(*asked)

    brokers._Metadata = moving  # type: ignore[method-assign,assignment]
    unlisted = reading(brokers).unlisted
    assert unlisted is not None
    assert unlisted.partitions == frozenset({2})
    assert (
        "partitions 2 of __consumer_offsets got another coordinator, or had none, while the groups were listed"
        in unlisted.reason
    )


def seen(
    *leaders: int | None, brokers: tuple[int, ...] = (1, 2), topic: str = GROUPS_TOPIC
) -> ClusterMetadata:
    """The cluster as it was when its topics were read."""
    partitions = tuple(
        PartitionMetadata(partition=number, leader=leader, leader_epoch=0, replicas=(), isr=())
        for number, leader in enumerate(leaders)
    )
    return ClusterMetadata(
        cluster_id="c",
        brokers=tuple(BrokerNode(id=number, host=f"broker-{number}", port=9092) for number in brokers),
        topics=(TopicMetadata(name=topic, id=None, internal=True, partitions=partitions),),
    )


def test_coordinators_are_known_from_the_topics_and_only_checked_afterwards() -> None:
    brokers = GroupBrokers(billing=billing())
    assert brokers.run(partial(read_groups, seen=seen(1, 2, 1)), lambda _: True).groups == (BILLING,)
    assert brokers.names("Metadata") == [[GROUPS_TOPIC]]
    assert len(brokers.names("ListGroups")) == 2


@pytest.mark.parametrize(
    ("known", "looks"),
    [
        (seen(1, 2, 2), 2),  # a partition has moved since
        (seen(1, 1, 1, brokers=(1,)), 2),  # and to a broker that is new
        (seen(1, 2), 2),  # the topic has grown
        (seen(1, topic="orders"), 2),  # it was hidden, or there was none
    ],
)
def test_changes_since_the_topics_were_read_are_found_and_listed_again(
    known: ClusterMetadata, looks: int
) -> None:
    brokers = GroupBrokers(billing=billing(), shipping=Group(broker=2))
    found = brokers.run(partial(read_groups, seen=known), lambda _: True)
    assert [group.group_id for group in found.groups] == ["billing", "shipping"]
    assert found.unlisted is None
    assert len(brokers.names("Metadata")) == looks


def test_a_broker_that_joins_while_the_others_list_is_asked_for_its_groups() -> None:
    brokers = GroupBrokers(billing=billing(), shipping=Group(broker=2))
    brokers.leaders = None  # hidden, so that only the brokers show that something is new
    brokers.ids = [1]
    brokers.tells_brokers = True

    def come() -> None:
        brokers.ids = [1, 2]

    brokers.before["ListGroups"] = come
    assert [group.group_id for group in groups(brokers)] == ["billing", "shipping"]


def test_a_login_that_fails_meanwhile_is_not_a_coordinator_that_needs_time() -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.failures["DescribeGroups", 1] = [BrokerError(KafkaError._AUTHENTICATION, "wrong password")]
    with pytest.raises(RefusedError, match="wrong password"):
        groups(brokers)


# The hash codes are Java's own: 99162322, -438341406, and Integer.MIN_VALUE, whose absolute value is 0 to Kafka.
@pytest.mark.parametrize(
    ("group", "magnitude"), [("hello", 99162322), ("größe-11-✓", 438341406), ("polygenelubricants", 0)]
)
def test_a_group_is_in_the_partition_where_kafka_puts_it(group: str, magnitude: int) -> None:
    assert partition_of(group, 50) == magnitude % 50


@pytest.mark.parametrize("partitions", [1, 6, 50])
def test_the_probe_groups_cover_every_coordinator(partitions: int) -> None:
    assert [partition_of(name, partitions) for name in absent_names(partitions)] == list(range(partitions))
