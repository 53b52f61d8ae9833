"""Reads the newest records of one topic without a group: it assigns partitions, and never subscribes or
commits."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, TopicPartition

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.errors import Endpoint, from_kafka_error

_POLL_SECONDS = 0.2
_MOST_PARTITIONS = 64
_MOST_BYTES = 5_000_000
_FURTHER = 4

_SETTINGS = {
    # librdkafka requires it, but nothing subscribes or commits, so the group is never created.
    "group.id": "mesh-assets-sampler",
    "enable.auto.commit": "false",
    "allow.auto.create.topics": "false",
    "auto.offset.reset": "earliest",
    "enable.partition.eof": "true",
    "isolation.level": "read_committed",
    # Each round ends with an answer that there is no more; by default the broker waits 0.5 s for more before it says so
    # (two rounds: 2.0 s, this way 0.2 s).
    "fetch.wait.max.ms": "50",
    # A sample needs little; the defaults would fetch up to 50 MB ahead.
    "queued.max.messages.kbytes": "4096",
    "fetch.message.max.bytes": "262144",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRecord:
    """One record. `timestamp_ms` None: it has none. `value` None: a tombstone."""

    partition: int
    offset: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Records, newest first.

    `unread`: how many partitions were not read to the end, for lack of time or because there are too many;
    they may hold newer records. `not_searched`: how many returned fewer records than asked for, and were not
    searched back to their beginning. `has_offsets`: there is something in the topic, though perhaps no
    record.
    """

    records: tuple[TailRecord, ...]
    unread: int
    not_searched: int = 0
    has_offsets: bool = True


def read_tail(
    properties: Mapping[str, Any],
    topic: str,
    *,
    partition: int | None,
    most: int,
    timeout_seconds: float,
    within_seconds: float,
    go_on: Callable[[], None],
    on_confluent_cloud: bool = False,
) -> Tail:
    """The newest records of the first 64 partitions (or of one), at most `most`. `go_on` may raise to give
    up.

    `timeout_seconds` limits each answer about the topic, `within_seconds` the whole call. Raises
    PlatformError when the brokers cannot be read, or when there are records but none came in time.
    """
    endpoint = Endpoint(properties, on_confluent_cloud=on_confluent_cloud)
    deadline = time.monotonic() + within_seconds
    consumer = Consumer({**properties, **_SETTINGS})
    try:
        windows, passed_over = _windows(
            consumer, topic, partition, most, lambda: min(timeout_seconds, _left(deadline)), go_on
        )
        if not windows:
            return Tail(records=(), unread=passed_over, has_offsets=False)
        found: dict[tuple[int, int], TailRecord] = {}
        waiting = _read(consumer, topic, windows, found, deadline, go_on)
        if waiting and not found:
            raise UnreachableError(
                f"{topic} holds records, but none could be read within {within_seconds:.0f} s; try again"
            )
        short = _search_back(consumer, topic, windows.keys() - waiting, windows, most, found, deadline, go_on)
    except KafkaException as error:
        raise from_kafka_error(
            error.args[0],
            endpoint=endpoint,
            doing=f"reading records of {topic}",
            right=f"READ on topic {topic}",
            cause=None,
        ) from None
    finally:
        consumer.close()
    newest = sorted(
        found.values(), key=lambda record: (record.timestamp_ms or 0, record.offset), reverse=True
    )
    return Tail(records=tuple(newest[:most]), unread=len(waiting) + passed_over, not_searched=len(short))


@dataclass(slots=True, kw_only=True)
class _Window:
    """Where reading begins in a partition, and where the partition begins."""

    start: int
    low: int
    high: int


def _search_back(
    consumer: Consumer,
    topic: str,
    partitions: Collection[int],
    windows: Mapping[int, _Window],
    most: int,
    found: dict[tuple[int, int], TailRecord],
    deadline: float,
    go_on: Callable[[], None],
) -> set[int]:
    """Reads further back if the newest offsets are mostly transaction markers or records that were rolled
    back; adds to `found`. Returns the partitions that still gave fewer than `most` records and have more
    before them.

    Each round reaches four times as far as the last, so all of them together read little more than the last.
    """
    while True:
        counts = Counter(partition for partition, _ in found)
        short = {
            number
            for number in partitions
            if counts[number] < most and windows[number].start > windows[number].low
        }
        if not short or time.monotonic() >= deadline:
            return short
        for number in short:
            window = windows[number]
            window.start = max(window.low, window.high - _FURTHER * (window.high - window.start))
        again = {number: windows[number] for number in short}
        missed = _read(consumer, topic, again, found, deadline, go_on)
        if missed:
            return missed


def _read(
    consumer: Consumer,
    topic: str,
    windows: Mapping[int, _Window],
    found: dict[tuple[int, int], TailRecord],
    deadline: float,
    go_on: Callable[[], None],
) -> set[int]:
    """Adds the records of the windows to `found`. Returns the partitions that were not read to their end."""
    consumer.assign([TopicPartition(topic, number, window.start) for number, window in windows.items()])
    waiting = set(windows)
    for record in _poll(consumer, waiting, deadline, go_on):
        found[record.partition, record.offset] = record
    return waiting


def _windows(
    consumer: Consumer,
    topic: str,
    partition: int | None,
    most: int,
    timeout: Callable[[], float],
    go_on: Callable[[], None],
) -> tuple[dict[int, _Window], int]:
    """Where to begin in each partition that holds anything, and how many partitions beyond the first 64 are
    skipped."""
    metadata = consumer.list_topics(topic, timeout=timeout()).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    numbers = (
        sorted(metadata.partitions)
        if partition is None
        else [number for number in metadata.partitions if number == partition]
    )
    if not numbers:
        raise UnexpectedAnswerError(
            f"{topic} has no partition {partition}; it has {len(metadata.partitions)}, counted from 0"
        )
    windows = {}
    for number in numbers[:_MOST_PARTITIONS]:
        go_on()
        ends = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=timeout())
        if ends is None:
            raise UnreachableError(f"partition {number} of {topic} returned no offsets in time")
        low, high = ends
        if high > low:
            windows[number] = _Window(start=max(low, high - most), low=low, high=high)
    return windows, max(0, len(numbers) - _MOST_PARTITIONS)


def _poll(
    consumer: Consumer, waiting: set[int], deadline: float, go_on: Callable[[], None]
) -> list[TailRecord]:
    """The records until every partition has ended, or time or bytes run out; removes ended partitions from
    `waiting`."""
    found: list[TailRecord] = []
    size = 0
    while waiting and time.monotonic() < deadline and size < _MOST_BYTES:
        go_on()
        message = consumer.poll(_POLL_SECONDS)
        if message is None:
            continue
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            waiting.discard(message.partition())
            continue
        record = _record(message)
        size += len(record.value or b"") + len(record.key or b"")
        found.append(record)
    return found


def _record(
    message: Any,
) -> TailRecord:  # confluent-kafka types every part of a message as optional
    kind, timestamp = message.timestamp()
    return TailRecord(
        partition=message.partition(),
        offset=message.offset(),
        timestamp_ms=None if kind == TIMESTAMP_NOT_AVAILABLE else timestamp,
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )


def _left(deadline: float) -> float:
    return max(0.1, deadline - time.monotonic())
