"""What Kafka says of topics and groups that its lists leave out."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState, KafkaError

from mesh_assets.errors import PlatformError
from mesh_assets.platforms.kafka.presence import group_presence, topic_presence
from mesh_assets_tests.inventory.access.fakes import FakeBrokers, Rights


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
    ],
)
def test_a_group_is_here_gone_or_hidden_by_missing_rights(said: object, presence: str) -> None:
    brokers = Brokers()
    brokers.said = said
    assert group_presence(brokers.session(), ["g"]) == {"g": presence}


def test_an_answer_that_says_nothing_of_the_group_is_an_error() -> None:
    brokers = Brokers()
    brokers.said = KafkaError(KafkaError.INVALID_GROUP_ID)
    with pytest.raises(PlatformError, match="failed asking for consumer groups by name"):
        group_presence(brokers.session(), ["g"])


def test_no_names_are_no_call() -> None:
    brokers = FakeBrokers()
    assert topic_presence(brokers.session(), []) == group_presence(brokers.session(), []) == {}
    assert brokers.asked == []
