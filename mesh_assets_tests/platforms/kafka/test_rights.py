from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState, KafkaError

from mesh_assets.errors import PlatformError, UnreachableError
from mesh_assets.platforms.kafka.rights import (
    NAMES_A_CALL,
    ResourceRights,
    every_topic_is_visible,
    group_presence,
    read_cluster_rights,
    read_groups_rights,
    read_topic_rights,
    topic_presence,
)
from mesh_assets.platforms.kafka.session import Deadline
from mesh_assets_tests.access_checks.fakes import DISCOVERY, FakeBrokers, Rights


def deadline() -> Deadline:
    return Deadline(5.0)


def test_the_cluster_has_its_rights_and_the_visible_topics() -> None:
    brokers = FakeBrokers(
        rights=Rights(cluster=["DESCRIBE"], topics={"orders": ["READ", "DESCRIBE"]}),
        topics={"orders": "", "secret": ""},
    )
    cluster = read_cluster_rights(brokers.session(), deadline())
    assert (cluster.cluster_id, cluster.brokers, cluster.operations, cluster.topics) == (
        "the-cluster",
        1,
        frozenset({"DESCRIBE"}),
        ("orders",),
    )


@pytest.mark.slow
def test_rights_on_topics_are_asked_for_in_chunks() -> None:
    names = {f"topic-{number}": "delete" for number in range(9_000)}
    brokers = FakeBrokers(rights=DISCOVERY, topics=names)
    access = read_topic_rights(brokers.session(), names, deadline())
    assert len(access) == 9_000
    assert set(access.values()) == {
        ResourceRights(state="here", operations=frozenset({"DESCRIBE", "DESCRIBE_CONFIGS"}))
    }
    assert brokers.calls("chunk of topics") == [NAMES_A_CALL] * 18


def test_no_topics_need_no_request() -> None:
    brokers = FakeBrokers()
    assert read_topic_rights(brokers.session(), (), deadline()) == {}
    assert brokers.asked == []


def test_an_absent_topic_differs_from_a_refused_one_where_kafka_distinguishes_them() -> None:
    brokers = FakeBrokers(rights=Rights(topics={"missing": ["DESCRIBE"]}), topics={"hidden": "delete"})
    access = read_topic_rights(brokers.session(), ["missing", "hidden"], deadline())
    assert access == {"hidden": ResourceRights(state="refused"), "missing": ResourceRights(state="absent")}


@pytest.mark.parametrize(
    ("rights", "visible"), [(DISCOVERY, True), (Rights(topics={"orders": ["DESCRIBE"]}), False)]
)
def test_a_name_nobody_has_made_up_shows_whether_topics_are_hidden(rights: Rights, visible: bool) -> None:
    assert every_topic_is_visible(FakeBrokers(rights=rights).session(), deadline()) is visible


def test_groups_are_here_or_refused_whatever_their_kind() -> None:
    rights = Rights(cluster=["DESCRIBE"], groups={"a": ["DESCRIBE"], "workers": ["DESCRIBE"]})
    brokers = FakeBrokers(
        rights=rights, groups=("a", "b", "ignored"), connect_groups=("workers", "more-workers")
    )
    access = read_groups_rights(
        brokers.session(), lambda name: name != "ignored", deadline(), list_is_complete=True
    )
    assert {name: group.state for name, group in access.groups.items()} == {
        "a": "here",
        "b": "refused",
        "more-workers": "refused",
        "workers": "here",
    }
    assert (access.excluded, access.every_group_is_visible) == (1, True)


@pytest.mark.parametrize(("groups", "visible"), [({"*": ["DESCRIBE"]}, True), ({"a": ["DESCRIBE"]}, False)])
def test_without_rights_on_the_cluster_a_made_up_group_shows_whether_groups_are_hidden(
    groups: dict[str, list[str]], visible: bool
) -> None:
    brokers = FakeBrokers(rights=Rights(groups=groups), groups=("a", "b"))
    access = read_groups_rights(brokers.session(), lambda _: True, deadline(), list_is_complete=None)
    assert access.every_group_is_visible is visible


def test_where_no_group_is_listed_none_is_described_which_would_create_the_offsets_topic() -> None:
    brokers = FakeBrokers(rights=Rights())
    access = read_groups_rights(brokers.session(), lambda _: True, deadline(), list_is_complete=None)
    assert access.every_group_is_visible is None
    assert brokers.calls("describe_consumer_groups") == []


def test_brokers_that_do_not_tell_rights_leave_them_unknown() -> None:
    brokers = FakeBrokers(tells_rights=False, topics={"orders": "delete"})
    assert read_cluster_rights(brokers.session(), deadline()).operations is None
    assert read_topic_rights(brokers.session(), ["orders"], deadline()) == {
        "orders": ResourceRights(state="here", operations=None)
    }


def test_a_failure_that_is_not_about_rights_is_an_error() -> None:
    brokers = FakeBrokers(topics={"orders": "delete"}, failure=KafkaError(KafkaError._TIMED_OUT))
    with pytest.raises(UnreachableError, match="asking for the rights on the topics"):
        read_topic_rights(brokers.session(), ["orders"], deadline())


# What Kafka says of topics and groups that its lists leave out.


def test_a_topic_is_here_gone_or_hidden_by_missing_rights() -> None:
    brokers = FakeBrokers(
        rights=Rights(topics={"orders": ["DESCRIBE"], "deleted": ["DESCRIBE"]}),
        topics={"orders": "delete", "secret": "delete"},
    )
    assert topic_presence(brokers.session(), ["secret", "deleted", "orders"]) == {
        "secret": "refused",
        "deleted": "gone",
        "orders": "here",
    }
    assert brokers.calls("chunk of topics") == [3]


class Brokers(FakeBrokers):
    """`said`: what describing a group gives."""

    said: Any = None

    def _group(self, _name: str) -> object:
        return self.said


@pytest.mark.parametrize(
    ("said", "presence"),
    [
        (SimpleNamespace(state=ConsumerGroupState.STABLE), "here"),
        (SimpleNamespace(state=ConsumerGroupState.EMPTY), "here"),
        (SimpleNamespace(state=ConsumerGroupState.DEAD), "gone"),
        (KafkaError(KafkaError.GROUP_ID_NOT_FOUND), "gone"),
        (KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED), "refused"),
        (KafkaError(KafkaError.INVALID_GROUP_ID), "unaskable"),
    ],
)
def test_a_group_is_here_gone_or_hidden_by_missing_rights(said: object, presence: str) -> None:
    brokers = Brokers()
    brokers.said = said
    assert group_presence(brokers.session(), ["g"]) == {"g": presence}


def test_an_answer_that_says_nothing_of_the_group_is_an_error() -> None:
    brokers = Brokers()
    brokers.said = KafkaError(KafkaError.INVALID_REQUEST)
    with pytest.raises(PlatformError, match="failed asking for consumer groups by name"):
        group_presence(brokers.session(), ["g"])


def test_no_names_need_no_call() -> None:
    brokers = FakeBrokers()
    assert topic_presence(brokers.session(), []) == group_presence(brokers.session(), []) == {}
    assert brokers.asked == []
