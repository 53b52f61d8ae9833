"""A tail that could not be read is not an empty topic."""

import itertools
import time
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka import tail


class SilentConsumer:
    """A topic of `partitions` with `high` records each, of which only those of `spoken` ever arrive."""

    high = 5
    partitions = 1
    spoken: tuple[Any, ...] = ()

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties

    def list_topics(self, topic: str, timeout: float) -> Any:
        assert timeout <= 1.0
        return SimpleNamespace(
            topics={topic: SimpleNamespace(error=None, partitions=dict.fromkeys(range(self.partitions)))}
        )

    def get_watermark_offsets(self, where: Any, timeout: float) -> tuple[int, int]:  # noqa: ARG002 - the client's names
        return 0, self.high

    def assign(self, starts: Any) -> None:
        pass

    def poll(self, seconds: float) -> Any:  # noqa: ARG002
        said, type(self).spoken = self.spoken[:1], self.spoken[1:]
        return said[0] if said else None

    def close(self) -> None:
        pass


class Message:
    """A record of partition 0."""

    def __getattr__(self, name: str) -> Any:
        values = {
            "partition": 0,
            "offset": 4,
            "timestamp": (0, 0),
            "key": None,
            "value": b"v",
            "headers": None,
            "error": None,
        }
        return lambda: values[name]


def read(
    monkeypatch: pytest.MonkeyPatch, high: int, *, partition: int | None = None, **world: Any
) -> tail.Tail:
    for name, value in {"high": high, "spoken": (), **world}.items():
        monkeypatch.setattr(SilentConsumer, name, value)
    monkeypatch.setattr(tail, "Consumer", SilentConsumer)
    return tail.read_tail(
        {"bootstrap.servers": "b:1"},
        "orders",
        partition=partition,
        most=3,
        timeout_seconds=1.0,
        within_seconds=0.05,
        go_on=lambda: None,
    )


def test_records_that_do_not_arrive_in_time_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreachableError, match="orders holds records, but none could be read"):
        read(monkeypatch, high=5)


def test_a_topic_without_records_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, high=0) == tail.Tail(records=(), unread=0, has_offsets=False)


def test_what_arrived_in_time_comes_with_how_much_was_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, high=5, partitions=66, spoken=(Message(),))
    assert [record.offset for record in found.records] == [4]
    assert found.unread == 64 + 2  # none reached its end, and two exceed the number to read


def test_a_missing_partition_is_not_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnexpectedAnswerError, match="orders has no partition 7; it has 1, counted from 0"):
        read(monkeypatch, high=5, partition=7)


class LogConsumer(SilentConsumer):
    """A topic of one partition with `high` offsets, of which only `offsets` hold committed records: the others are transaction
    markers or were rolled back. `rounds`: where each reading began."""

    offsets: tuple[int, ...] = ()
    rounds: list[int]

    def __init__(self, properties: dict[str, Any]) -> None:
        super().__init__(properties)
        assert properties["isolation.level"] == "read_committed"
        type(self).rounds = []
        self.queue: list[Any] = []

    def assign(self, starts: Any) -> None:
        (start,) = starts
        self.rounds.append(start.offset)
        self.queue = [LogMessage(offset) for offset in self.offsets if offset >= start.offset]
        self.queue.append(LogMessage(self.high, KafkaError(KafkaError._PARTITION_EOF)))

    def poll(self, seconds: float) -> Any:  # noqa: ARG002
        return self.queue.pop(0) if self.queue else None


class LogMessage(Message):
    def __init__(self, offset: int, error: KafkaError | None = None) -> None:
        self.at, self.failed = offset, error

    def __getattr__(self, name: str) -> Any:
        return {"offset": lambda: self.at, "error": lambda: self.failed}.get(name) or super().__getattr__(
            name
        )


def read_log(monkeypatch: pytest.MonkeyPatch, high: int, *offsets: int, seconds: float = 5.0) -> tail.Tail:
    monkeypatch.setattr(LogConsumer, "high", high)
    monkeypatch.setattr(LogConsumer, "offsets", offsets)
    monkeypatch.setattr(tail, "Consumer", LogConsumer)
    return tail.read_tail(
        {"bootstrap.servers": "b:1"},
        "orders",
        partition=None,
        most=3,
        timeout_seconds=1.0,
        within_seconds=seconds,
        go_on=lambda: None,
    )


def test_records_before_markers_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # Transactions of one record each, then a long one that was rolled back.
    found = read_log(monkeypatch, 1_000, 0, 2, 4, 6)
    assert sorted(record.offset for record in found.records) == [2, 4, 6]
    assert (found.unread, found.not_searched) == (0, 0)
    assert LogConsumer.rounds == [997, 988, 952, 808, 232, 0]


def test_a_tail_that_has_enough_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(read_log(monkeypatch, 1_000, 997, 998, 999).records) == 3
    assert LogConsumer.rounds == [997]


def test_a_topic_of_markers_alone_has_offsets_and_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_log(monkeypatch, 1_000) == tail.Tail(records=(), unread=0, has_offsets=True)


def test_what_was_left_unsearched_for_time_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(tail, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    found = read_log(monkeypatch, 10**9, 10**9 - 2, seconds=12.0)
    assert ([record.offset for record in found.records], found.not_searched) == ([10**9 - 2], 1)


def test_a_real_client_reads_further_back_on_request() -> None:
    """On librdkafka's own mock of a broker, which has no transactions: the first window is made too small instead."""
    producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = producer.list_topics(timeout=10).brokers.values()
    for number in range(40):
        producer.produce("orders", value=str(number), partition=number % 2)
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": f"{broker.host}:{broker.port}", **tail._SETTINGS})
    try:
        windows, _ = tail._windows(consumer, "orders", None, 1, lambda: 10.0, lambda: None)
        found: dict[tuple[int, int], tail.TailRecord] = {}
        deadline = time.monotonic() + 30
        assert tail._read(consumer, "orders", windows, found, deadline, lambda: None) == set()
        assert sorted(found) == [(0, 19), (1, 19)]
        assert (
            tail._search_back(consumer, "orders", {0, 1}, windows, 5, found, deadline, lambda: None) == set()
        )
    finally:
        consumer.close()
    assert sorted(found) == [(partition, offset) for partition in (0, 1) for offset in range(4, 20)]
