"""A list of groups is only complete when every coordinator is there and knows its groups."""

from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState, KafkaError, Node, TopicPartitionInfo

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka import group_listing
from mesh_assets.platforms.kafka.group_listing import absent_groups
from mesh_assets.platforms.kafka.rights import read_groups_rights
from mesh_assets.platforms.kafka.session import Deadline, Session
from mesh_assets.platforms.kafka.values import partition_of
from mesh_assets_tests.platforms.kafka.fakes import (
    FakeAdmin,
    described,
    description,
    error,
    listed,
    reader_on,
)

NOT_COORDINATOR = error(KafkaError.NOT_COORDINATOR, "Broker: Not coordinator")


@pytest.fixture
def admin() -> FakeAdmin:
    """A cluster with one group and three coordinators, all ready."""
    admin = FakeAdmin()
    admin.consumer_groups = [listed("billing")]
    admin.coordinators = offsets_topic(1, 2, 1)
    admin.group_descriptions = {
        name: described(name, state=ConsumerGroupState.DEAD) for name in absent_groups(3)
    }
    return admin


def offsets_topic(*leaders: int | None) -> Any:
    nodes: list[Any] = [Node(leader, "", 0) if leader is not None else None for leader in leaders]
    return description(
        "__consumer_offsets",
        partitions=[TopicPartitionInfo(number, node, [], []) for number, node in enumerate(nodes)],
    )


def group_names(admin: FakeAdmin, timeout_seconds: float = 5) -> list[str]:
    return [
        group.group_id
        for group in reader_on(admin, timeout_seconds=timeout_seconds).groups(lambda _: True).groups
    ]


def test_a_list_is_believed_when_every_coordinator_answers(admin: FakeAdmin) -> None:
    assert group_names(admin) == ["billing"]
    assert admin.calls("describe_consumer_groups") == [list(absent_groups(3)), ["billing"]]


def test_a_partition_without_a_leader_hides_its_own_groups_and_no_others(admin: FakeAdmin) -> None:
    admin.coordinators = offsets_topic(1, None, 1, -1)
    names = absent_groups(4)
    admin.group_descriptions = {name: described(name, state=ConsumerGroupState.DEAD) for name in names}

    reading = reader_on(admin).groups(lambda _: True)

    assert [group.group_id for group in reading.groups] == ["billing"]
    assert admin.calls("describe_consumer_groups")[0] == [names[0], names[2]]
    assert reading.unlisted is not None
    assert [name in reading.unlisted for name in names] == [False, True, False, True]
    assert reading.unlisted.reason == (
        "the list of consumer groups of Kafka at broker-1:9092 is incomplete: the groups in partitions 1, 3 of __consumer_offsets have no "
        "coordinator, because those partitions have no leader"
    )
    with pytest.raises(UnexpectedAnswerError, match="is incomplete"):
        reading.all_groups()


def test_without_any_leader_there_is_no_reading(admin: FakeAdmin) -> None:
    admin.coordinators = offsets_topic(None, -1)
    with pytest.raises(
        UnexpectedAnswerError, match="partitions 0, 1 of __consumer_offsets have no coordinator"
    ):
        group_names(admin)


def test_rights_on_some_of_the_groups_are_not_taken_for_rights_on_all(admin: FakeAdmin) -> None:
    admin.coordinators = offsets_topic(1, None, 1)
    session = Session({"bootstrap.servers": "broker-1:9092"}, 5, admin_factory=lambda _: admin)
    with closing(session), pytest.raises(UnexpectedAnswerError, match="partitions 1 of __consumer_offsets"):
        read_groups_rights(session, lambda _: True, Deadline(5), list_is_complete=True)


def test_a_coordinator_that_is_not_ready_is_asked_again_until_it_is(admin: FakeAdmin) -> None:
    late = absent_groups(3)[1]
    ready = admin.group_descriptions[late]
    answers = [NOT_COORDINATOR, error(KafkaError.COORDINATOR_LOAD_IN_PROGRESS), ready]
    ask = admin.describe_consumer_groups

    def describe(names: list[str], **options: Any) -> Any:
        if late in names:
            admin.group_descriptions[late] = answers.pop(0)
        return ask(names, **options)

    admin.describe_consumer_groups = describe  # type: ignore[method-assign]
    assert group_names(admin) == ["billing"]
    assert admin.calls("describe_consumer_groups") == [list(absent_groups(3)), [late], [late], ["billing"]]


def test_a_coordinator_that_never_gets_ready_hides_its_own_groups_and_no_others(
    admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_listing, "READY_SECONDS", 0.0)
    admin.group_descriptions[absent_groups(3)[2]] = NOT_COORDINATOR

    unlisted = reader_on(admin).groups(lambda _: True).unlisted

    assert unlisted is not None
    assert (unlisted.partitions, unlisted.of) == (frozenset({2}), 3)
    assert unlisted.reason == (
        "the list of consumer groups of Kafka at broker-1:9092 is incomplete: 1 of the 3 coordinators do not know their groups yet "
        "(NOT_COORDINATOR); a broker that has just started needs some time"
    )


def test_coordinators_of_which_none_gets_ready_give_no_reading(
    admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_listing, "READY_SECONDS", 0.0)
    admin.group_descriptions = dict.fromkeys(absent_groups(3), NOT_COORDINATOR)
    with pytest.raises(UnexpectedAnswerError, match="3 of the 3 coordinators do not know their groups yet"):
        group_names(admin)
    assert admin.calls("list_consumer_groups") == []


def test_without_an_answer_from_any_coordinator_there_is_no_reading(admin: FakeAdmin) -> None:
    admin.group_descriptions = dict.fromkeys(absent_groups(3), error(KafkaError._TIMED_OUT, "Timed out"))
    with pytest.raises(
        UnreachableError, match="while asking the coordinators of the consumer groups: Timed out"
    ):
        group_names(admin)


@pytest.mark.parametrize("code", [KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED])
def test_a_user_who_may_not_see_the_offsets_topic_gets_the_list_as_it_is(admin: FakeAdmin, code: int) -> None:
    admin.coordinators = error(code)
    assert group_names(admin) == ["billing"]
    assert admin.calls("describe_consumer_groups") == [["billing"]]


def test_a_user_who_may_not_describe_groups_of_any_name_gets_the_list_as_it_is(admin: FakeAdmin) -> None:
    admin.group_descriptions = dict.fromkeys(absent_groups(3), error(KafkaError.GROUP_AUTHORIZATION_FAILED))
    assert group_names(admin) == ["billing"]


# The hash codes are Java's own: 99162322, -438341406, and Integer.MIN_VALUE, whose absolute value is 0 to
# Kafka.
@pytest.mark.parametrize(
    ("group", "magnitude"),
    [
        ("hello", 99162322),
        ("größe-11-✓", 438341406),
        ("polygenelubricants", 0),
    ],
)
def test_a_group_is_in_the_partition_that_kafka_puts_it_in(group: str, magnitude: int) -> None:
    assert partition_of(group, 50) == magnitude % 50


@pytest.mark.parametrize("partitions", [1, 6, 50])
def test_the_groups_that_are_asked_about_cover_every_coordinator(partitions: int) -> None:
    assert [partition_of(name, partitions) for name in absent_groups(partitions)] == list(range(partitions))
