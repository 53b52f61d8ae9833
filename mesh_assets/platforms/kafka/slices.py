"""Reads records from given runs of offsets without a group: it assigns partitions, and never subscribes or
commits."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, TopicPartition

from mesh_assets.errors import PlatformError
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, AUTHORIZATION, Endpoint, from_kafka_error

_POLL_SECONDS = 0.2
_AT_ONCE = 500
_LATE = "not read to the end of its sample in the time allowed"
_USED_UP = "not read to the end of its sample: its share of the bytes is used up"

_SETTINGS = {
    # librdkafka requires it, but nothing subscribes or commits, so the group is never created.
    "group.id": "mesh-assets-profiler",
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "allow.auto.create.topics": "false",
    "auto.offset.reset": "earliest",
    "enable.partition.eof": "true",
    "isolation.level": "read_committed",
    # A slice ends with an answer that there is no more; by default, the broker waits 0.5 s before giving it.
    "fetch.wait.max.ms": "50",
    # A sample needs little; the defaults would fetch up to 64 MB ahead of what is asked for.
    "queued.max.messages.kbytes": "8192",
    "queued.min.messages": "1000",
    "fetch.message.max.bytes": "262144",
    # How long it rests once it has that; the default is a second, which each run of offsets would cost.
    "fetch.queue.backoff.ms": "10",
}


class SampledRecord(NamedTuple):
    """One record. `timestamp_ms` None: it has none. `value` None: a tombstone."""

    partition: int
    offset: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Offsets of a partition from `start` on and before `stop`; at most `most` records of them."""

    start: int
    stop: int
    most: int


@dataclass(slots=True)
class SlicesRead:
    """`records`: in order of arrival. `errors`: the partitions that were not read as asked, and why."""

    records: list[SampledRecord] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    bytes: int = 0


class SliceReader:
    """Reads slices of any topics of one cluster. Contacts nothing before the first; a context manager, since the client
    behind it must be closed. Not safe for several threads."""

    def __init__(self, properties: Mapping[str, Any], *, on_confluent_cloud: bool = False) -> None:
        self._endpoint = Endpoint(properties, on_confluent_cloud=on_confluent_cloud)
        self._consumer = Consumer({**properties, **_SETTINGS})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def read(
        self,
        topic: str,
        slices: Mapping[int, Sequence[Slice]],
        *,
        most_bytes: int,
        deadline: float,
    ) -> SlicesRead:
        """The committed records of the slices, by partition, which must not overlap. `most_bytes`: of keys and values, shared
        out evenly among the partitions; a partition that has used up its share is left, and `errors` says so.
        `deadline`: by `time.monotonic`; anything not read by then is in `errors`. Raises PlatformError when
        the topic cannot be read at all, e.g. without READ on it."""
        found = SlicesRead()
        share = max(1, most_bytes // max(1, len(slices)))
        sizes = dict.fromkeys(slices, 0)
        left = {number: list(several) for number, several in slices.items() if several}
        self._find_leaders(topic, deadline)
        try:
            while left:
                now = {number: several.pop(0) for number, several in left.items()}
                self._consumer.assign(
                    [TopicPartition(topic, number, one.start) for number, one in now.items()]
                )
                self._read(topic, now, found, sizes, share, deadline)
                left = {
                    number: several
                    for number, several in left.items()
                    if several and number not in found.errors
                }
        except KafkaException as error:
            raise self._failed(topic, error.args[0]) from None
        finally:
            self._consumer.unassign()
        return found

    def offsets_at(
        self, topic: str, partitions: Sequence[int], timestamp_ms: int, *, timeout_seconds: float
    ) -> dict[int, int | None]:
        """The first offset of each partition whose record is not older; None: all are. Raises PlatformError."""
        try:
            answers = self._consumer.offsets_for_times(
                [TopicPartition(topic, number, timestamp_ms) for number in partitions],
                timeout=timeout_seconds,
            )
        except KafkaException as error:
            raise self._failed(topic, error.args[0]) from None
        for answer in answers:
            if answer.error is not None:
                raise self._failed(topic, answer.error)
        return {answer.partition: answer.offset if answer.offset >= 0 else None for answer in answers}

    def _find_leaders(self, topic: str, deadline: float) -> None:
        """librdkafka looks for leaders that it does not know once a second (`rd_kafka_topic_scan_all`), which
        is how long most topics took (48 of them 47 s, 2.16; findings/librdkafka-new-topics.sh). If something
        is wrong with the brokers, reading reveals it; that the topic is gone, it would not reveal before the
        deadline."""
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            return
        with suppress(KafkaException):
            found = self._consumer.list_topics(topic, timeout=seconds).topics.get(topic)
            error = None if found is None else found.error
            if error is not None and error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise self._failed(topic, error)

    def _read(
        self,
        topic: str,
        slices: Mapping[int, Slice],
        found: SlicesRead,
        sizes: dict[int, int],
        share: int,
        deadline: float,
    ) -> None:
        waiting = dict.fromkeys(slices, 0)
        while waiting:
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                for number in waiting:
                    found.errors[number] = _LATE
                return
            # No more than there can be: for more, it would wait until time runs out.
            expected = sum(
                min(slices[number].most, slices[number].stop - slices[number].start) - got
                for number, got in waiting.items()
            )
            for message in self._consumer.consume(
                max(1, min(_AT_ONCE, expected)), min(_POLL_SECONDS, seconds)
            ):
                error = message.error()
                if error is not None:
                    self._ended(topic, message.partition(), error, waiting, found)
                    continue
                record = _record(message)
                wanted = slices.get(record.partition)
                if wanted is None or record.partition not in waiting or record.offset < wanted.start:
                    continue
                if record.offset >= wanted.stop:
                    del waiting[record.partition]
                    continue
                size = len(record.key or b"") + len(record.value or b"")
                found.records.append(record)
                found.bytes += size
                sizes[record.partition] += size
                waiting[record.partition] += 1
                if sizes[record.partition] >= share:
                    found.errors[record.partition] = _USED_UP
                    del waiting[record.partition]
                elif waiting[record.partition] >= wanted.most or record.offset == wanted.stop - 1:
                    del waiting[record.partition]

    def _ended(
        self, topic: str, number: int | None, error: KafkaError, waiting: dict[int, int], found: SlicesRead
    ) -> None:
        """What a message without a record says about its partition: that it ends here, or why it cannot be
        read."""
        if error.code() in AUTHORIZATION or error.code() in AUTHENTICATION:
            raise KafkaException(error)
        if number is None or waiting.pop(number, None) is None:
            return
        if error.code() != KafkaError._PARTITION_EOF:
            found.errors[number] = str(self._failed(topic, error))

    def _failed(self, topic: str, error: KafkaError) -> PlatformError:
        return from_kafka_error(
            error,
            endpoint=self._endpoint,
            doing=f"reading records of {topic}",
            right=f"READ on topic {topic}",
            cause=None,
        )


def _record(message: Any) -> SampledRecord:  # confluent-kafka types every part of a message as optional
    kind, timestamp = message.timestamp()
    return SampledRecord(
        message.partition(),
        message.offset(),
        None if kind == TIMESTAMP_NOT_AVAILABLE else timestamp,
        message.key(),
        message.value(),
    )
