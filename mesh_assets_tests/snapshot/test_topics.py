"""Creating the event topics while another process creates them, too."""

from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from mesh_assets.errors import PublishError
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.topics import EventTopics, ensure_topics


class Entry:
    def __init__(self, value: str) -> None:
        self.value = value


class ABrokerThatLearnsLate:
    """Knows the existing snapshots' topic only at the third request, like a broker whose controller is ahead of it."""

    def __init__(self, policy: str) -> None:
        self._policy = policy
        self.asked = 0

    def __enter__(self) -> "ABrokerThatLearnsLate":
        return self

    def __exit__(self, *_: object) -> None: ...

    def describe_configs(self, resources: list[Any], **_: object) -> dict[Any, Future[Any]]:
        answer: Future[Any] = Future()
        if resources[0].name == EventTopics().changes:
            answer.set_result({"cleanup.policy": Entry("delete")})
            return {resources[0]: answer}
        self.asked += 1
        if self.asked < 3:
            answer.set_exception(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
        else:
            answer.set_result({"cleanup.policy": Entry(self._policy)})
        return {resources[0]: answer}

    def create_topics(self, topics: list[Any], **_: object) -> dict[str, Future[Any]]:
        answer: Future[Any] = Future()
        answer.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_ALREADY_EXISTS)))
        return {topics[0].topic: answer}


def _ensure(monkeypatch: pytest.MonkeyPatch, policy: str) -> tuple[str, ...]:
    connection = EventsConnection(cluster="warehouse", properties={}, timeout_seconds=5)
    broker = ABrokerThatLearnsLate(policy)
    monkeypatch.setattr(connection, "admin", lambda: broker)
    return ensure_topics(connection, EventTopics(), create=True, replication_factor=None).notes


def test_a_topic_that_another_creates_meanwhile_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    (note,) = _ensure(monkeypatch, "compact,delete")
    assert "has cleanup.policy=compact,delete" in note


def test_a_topic_that_would_lose_events_is_refused_even_then(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PublishError, match=r"cleanup\.policy=delete, so the newest snapshot"):
        _ensure(monkeypatch, "delete")
