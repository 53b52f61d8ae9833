"""Runs of offsets are read as requested, without a group, and unread ones are reported by partition."""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_NOT_AVAILABLE, KafkaError, KafkaException

from mesh_assets.errors import PlatformError, RefusedError
from mesh_assets.platforms.kafka import slices
from mesh_assets.platforms.kafka.slices import Slice, SliceReader

MANY = 10**6


class Message:
    def __init__(
        self, partition: int, offset: int, *, error: int | None = None, timestamp: int | None = 7
    ) -> None:
        self._partition, self._offset, self._timestamp = partition, offset, timestamp
        self._error = None if error is None else KafkaError(error)

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def error(self) -> KafkaError | None:
        return self._error

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes:
        return b"value"

    def timestamp(self) -> tuple[int, int]:
        kind = TIMESTAMP_NOT_AVAILABLE if self._timestamp is None else TIMESTAMP_CREATE_TIME
        return kind, self._timestamp or 0


def end(partition: int) -> Message:
    return Message(partition, -1, error=KafkaError._PARTITION_EOF)


class LogConsumer:
    """`logs`: what each partition returns from an offset on; then it has ended, unless it is `silent`."""

    logs: Mapping[int, Sequence[Message]]
    silent: frozenset[int]
    topic_error: KafkaError | None = None
    made: "LogConsumer"

    def __init__(self, properties: dict[str, Any]) -> None:
        type(self).made = self
        self.properties = properties
        self.assigned: list[list[tuple[int, int]]] = []
        self.asked: list[str] = []
        self.closed = False
        self._queue: Iterator[Message] = iter(())

    def assign(self, places: Any) -> None:
        starts = {one.partition: one.offset for one in places}
        self.assigned.append(sorted(starts.items()))
        found = []
        for number, start in starts.items():
            found += [one for one in self.logs[number] if one.error() is not None or one.offset() >= start]
            found += [] if number in self.silent else [end(number)]
        self._queue = iter(found)

    def list_topics(self, topic: str, timeout: float) -> Any:
        assert timeout > 0
        self.asked.append(topic)
        return SimpleNamespace(topics={topic: SimpleNamespace(error=self.topic_error)})

    def unassign(self) -> None:
        self._queue = iter(())

    def consume(self, most: int, seconds: float) -> list[Message]:
        assert 0 < seconds <= 0.2
        return list(itertools.islice(self._queue, min(most, 3)))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(slices, "Consumer", LogConsumer)

    def reading(
        logs: Mapping[int, Sequence[Message]],
        wanted: Mapping[int, Sequence[Slice]],
        *,
        silent: frozenset[int] = frozenset(),
        most_bytes: int = MANY,
        seconds: float = 5,
    ) -> slices.SlicesRead:
        LogConsumer.logs, LogConsumer.silent = logs, silent
        with SliceReader({"bootstrap.servers": "b:1"}) as reader:
            found = reader.read("orders", wanted, most_bytes=most_bytes, deadline=time.monotonic() + seconds)
        assert LogConsumer.made.closed
        return found

    return reading


def offsets(found: slices.SlicesRead) -> list[tuple[int, int]]:
    return [(one.partition, one.offset) for one in found.records]


def a_log(*numbers: int, partition: int = 0) -> list[Message]:
    return [Message(partition, number) for number in numbers]


def test_slices_of_several_partitions_are_read_in_rounds(read: Any) -> None:
    logs = {0: a_log(*range(100)), 1: a_log(*range(50), partition=1)}
    wanted = {0: [Slice(10, 20, 2), Slice(50, 53, 9)], 1: [Slice(40, 50, 9)]}
    found = read(logs, wanted)
    assert sorted(offsets(found)) == [
        (0, 10),
        (0, 11),
        *((0, n) for n in (50, 51, 52)),
        *((1, n) for n in range(40, 49)),
    ]
    assert (found.errors, found.bytes) == ({}, 14 * len(b"kvalue"))
    assert LogConsumer.made.assigned == [[(0, 10), (1, 40)], [(0, 50)]]


def test_leaders_are_looked_up_and_no_more_records_are_requested_than_can_exist(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """librdkafka would find the leaders a second later, and use up its time for the others."""
    most: list[int] = []
    consume = LogConsumer.consume

    def asked(consumer: LogConsumer, records: int, seconds: float) -> list[Message]:
        most.append(records)
        return consume(consumer, records, seconds)

    monkeypatch.setattr(LogConsumer, "consume", asked)
    logs = {0: a_log(*range(100)), 1: a_log(*range(4), partition=1)}
    read(logs, {0: [Slice(95, 100, 9)], 1: [Slice(0, 4, 2)]})
    assert LogConsumer.made.asked == ["orders"]
    assert most[0] == 5 + 2
    assert most == sorted(most, reverse=True)


def test_a_topic_is_read_even_without_known_leaders(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any, **__: Any) -> None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    monkeypatch.setattr(LogConsumer, "list_topics", silent)
    assert offsets(read({0: a_log(0)}, {0: [Slice(0, 1, 1)]})) == [(0, 0)]


def test_a_deleted_topic_is_an_error_at_once(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogConsumer, "topic_error", KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    with pytest.raises(PlatformError, match="reading records of orders"):
        read({0: []}, {0: [Slice(0, 5, 5)]}, silent=frozenset({0}))
    assert LogConsumer.made.assigned == []


def test_gaps_end_a_slice_just_as_its_last_offset_does(read: Any) -> None:
    # 5 to 8 are gone; the next record is beyond the slice. The other one has no further record.
    found = read({0: a_log(3, 4, 9), 1: a_log(3, partition=1)}, {0: [Slice(0, 8, 9)], 1: [Slice(0, 8, 9)]})
    assert offsets(found) == [(0, 3), (0, 4), (1, 3)]
    assert found.errors == {}


def test_late_records_are_reported_by_partition(read: Any) -> None:
    found = read(
        {0: [], 1: a_log(0, partition=1)},
        {0: [Slice(0, 5, 5)], 1: [Slice(0, 1, 5)]},
        silent=frozenset({0}),
        seconds=0.05,
    )
    assert offsets(found) == [(1, 0)]
    assert found.errors == {0: "not read to the end of its sample in the time allowed"}


def test_bytes_are_divided_among_the_partitions(read: Any) -> None:
    logs = {0: a_log(*range(100)), 1: a_log(0, 1, partition=1)}
    found = read(logs, {0: [Slice(0, 100, 100)], 1: [Slice(0, 2, 100)]}, most_bytes=2 * 3 * len(b"kvalue"))
    assert offsets(found) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert list(found.errors) == [0]


def test_a_failing_partition_affects_no_other_and_loses_its_other_slices(read: Any) -> None:
    broken = [Message(0, 0, error=KafkaError._MAX_POLL_EXCEEDED)]
    found = read(
        {0: broken, 1: a_log(0, partition=1)}, {0: [Slice(0, 5, 5), Slice(9, 10, 5)], 1: [Slice(0, 1, 5)]}
    )
    assert offsets(found) == [(1, 0)]
    assert "failed reading records of orders" in found.errors[0]
    assert len(LogConsumer.made.assigned) == 1


def test_an_unreadable_topic_names_the_right(read: Any) -> None:
    with pytest.raises(RefusedError, match="needs READ on topic orders"):
        read({0: [Message(0, 0, error=KafkaError.TOPIC_AUTHORIZATION_FAILED)]}, {0: [Slice(0, 5, 5)]})


def test_a_record_without_a_timestamp_has_none(read: Any) -> None:
    found = read({0: [Message(0, 0, timestamp=None)]}, {0: [Slice(0, 1, 1)]})
    assert found.records[0].timestamp_ms is None


def test_nothing_is_ever_committed_and_only_committed_records_are_read(read: Any) -> None:
    read({0: []}, {0: [Slice(0, 1, 1)]})
    settings = LogConsumer.made.properties
    assert (settings["enable.auto.commit"], settings["enable.auto.offset.store"]) == ("false", "false")
    assert settings["isolation.level"] == "read_committed"
