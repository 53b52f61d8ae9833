"""Looking into the events' topic while not all brokers know it."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.reader import newest_record

NO_ERROR = None


class BrokersOfANewTopic:
    """A consumer of an empty topic, whose first broker lists it. The leader fails with the codes `at_first`, one per request,
    before it knows the topic."""

    def __init__(self, *at_first: int, metadata: tuple[int | None, ...] = ()) -> None:
        self._at_first = list(at_first)
        self._metadata = list(metadata)
        self.asked = 0

    def list_topics(self, topic: str, **_: Any) -> Any:
        code = self._metadata.pop(0) if self._metadata else NO_ERROR
        error = None if code is None else KafkaError(code)
        return SimpleNamespace(
            topics={topic: SimpleNamespace(error=error, partitions={} if error else {0: None})}
        )

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        self.asked += 1
        if self._at_first:
            raise KafkaException(KafkaError(self._at_first.pop(0)))
        return 0, 0

    def unassign(self) -> None: ...

    def close(self) -> None: ...


def look(consumer: BrokersOfANewTopic, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("mesh_assets.snapshot.reader._PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("mesh_assets.snapshot.reader._KNOWN_EVERYWHERE_SECONDS", 0.2)
    connection = EventsConnection(
        cluster="warehouse", properties={"bootstrap.servers": "127.0.0.1:1"}, timeout_seconds=5
    )
    monkeypatch.setattr(connection, "consumer", lambda: consumer)
    return newest_record(connection, "discovery-events", key="lkc-1", timeout_seconds=5)


@pytest.mark.parametrize(
    "codes",
    [
        (KafkaError.UNKNOWN_TOPIC_OR_PART,),
        (KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION),
    ],
)
def test_a_leader_that_learns_late_of_a_new_topic_is_asked_again(
    codes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = BrokersOfANewTopic(*codes)
    assert look(consumer, monkeypatch) is None
    assert consumer.asked == len(codes) + 1


def test_a_topic_that_has_no_leader_yet_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = BrokersOfANewTopic(metadata=(KafkaError.LEADER_NOT_AVAILABLE, NO_ERROR))
    assert look(consumer, monkeypatch) is None
    assert consumer.asked == 1


def test_a_topic_that_is_deleted_meanwhile_has_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = BrokersOfANewTopic(
        KafkaError.UNKNOWN_TOPIC_OR_PART, metadata=(NO_ERROR, KafkaError.UNKNOWN_TOPIC_OR_PART)
    )
    assert look(consumer, monkeypatch) is None
    assert consumer.asked == 1


def test_a_leader_that_never_learns_of_the_topic_is_a_failure_not_an_empty_topic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consumer = BrokersOfANewTopic(*[KafkaError.UNKNOWN_TOPIC_OR_PART] * 100_000)
    with pytest.raises(
        UnexpectedAnswerError, match=r"failed reading discovery-events: UNKNOWN_TOPIC_OR_PART"
    ):
        look(consumer, monkeypatch)
    assert consumer.asked > 1
