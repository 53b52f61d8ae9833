"""Messages handed to Kafka, and the wait until each is known to be there, or not."""

import json
import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from mesh_assets.errors import PublishError
from mesh_assets.inventory.records import Record
from mesh_assets.snapshot.commit import RefusedEventError
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.store.pointers import EventPosition

# Brokers that restart are back within seconds. Giving up is harmless, thanks to the write-ahead record.
_SECONDS_DOWN = 20.0
# The statistics come every 50 ms.
_STATISTICS_SECONDS = 0.4
# By then every broker knows a topic that was just created.
_TOPIC_SECONDS = 3.0
_TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
# The brokers' answers that mean "not written"; after any other error it is uncertain.
_REFUSED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.INVALID_RECORD,
        KafkaError.POLICY_VIOLATION,
    }
)


class TooLargeError(RefusedEventError):
    """The message is larger than the topic allows, after compression."""


class Delivered(Record, frozen=True, kw_only=True):
    """`last`: where the last message went. `batch_bytes`: the largest batch, compressed, as sent and stored;
    None if unknown."""

    last: EventPosition
    batch_bytes: int | None


class _Outcome:
    """What has become of the messages so far; librdkafka's callbacks fill it."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.error: KafkaError | None = None
        self.last: EventPosition | None = None
        self.batch_bytes: int | None = None

    def on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.error = self.error or error
            return
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is not None and partition is not None and offset is not None:
            self.last = EventPosition(topic=topic, partition=partition, offset=offset)

    def on_statistics(self, text: str) -> None:
        batches = json.loads(text).get("topics", {}).get(self.topic, {}).get("batchsize", {})
        if batches.get("cnt"):
            self.batch_bytes = max(self.batch_bytes or 0, int(batches["max"]))


def deliver(
    connection: EventsConnection,
    topic: str,
    messages: Iterable[tuple[str, bytes | None]],
    *,
    deadline: float,
    measure: bool = False,
) -> Delivered:
    """Sends (key, value) pairs, at least one, in order, and waits until all in-sync replicas have
    acknowledged all of them.

    `measure`: also waits a moment for the size after compression. `deadline`: the `time.monotonic()` after
    which nothing is sent. Raises TooLargeError or RefusedEventError if the brokers refused, PublishError if
    it failed or is uncertain.
    """
    outcome = _Outcome(topic)
    producer = connection.producer(
        timeout_seconds=deadline - time.monotonic(), statistics=outcome.on_statistics
    )
    try:
        _connect(producer, connection, topic, deadline)
        for key, value in messages:
            _hand_over(producer, connection, topic, key, value, outcome, deadline)
            if outcome.error is not None:
                break
        while len(producer) and outcome.error is None:
            _give_up_when_due(connection, topic, deadline)
            producer.poll(0.05)
        if outcome.error is not None:
            raise _failure(connection, topic, outcome.error)
        until = min(deadline, time.monotonic() + _STATISTICS_SECONDS)
        while measure and outcome.batch_bytes is None and time.monotonic() < until:
            producer.poll(0.02)
    finally:
        producer.purge()
        producer.flush(1.0)
    if outcome.last is None:
        raise PublishError(f"{connection.cluster}: nothing was delivered to {topic}")
    return Delivered(last=outcome.last, batch_bytes=outcome.batch_bytes)


def _connect(producer: Producer, connection: EventsConnection, topic: str, deadline: float) -> None:
    """Waits until a broker is connected: an idempotent producer with work to do before that sleeps 500 ms
    (measured: 0.51 s, with this wait 0.06).

    Raises RefusedEventError if there is no such topic; librdkafka would wait 30 s for it.
    """
    appeared_by = time.monotonic() + _TOPIC_SECONDS
    while True:
        left = min(deadline - time.monotonic(), connection.timeout_seconds)
        try:
            error = producer.list_topics(topic, timeout=max(0.001, left)).topics[topic].error
        except KafkaException as failed:
            raise _failure(connection, topic, failed.args[0]) from failed
        if error is None or error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            return
        if time.monotonic() >= min(appeared_by, deadline):
            raise RefusedEventError(f"{connection.cluster}: there is no topic {topic}")
        producer.poll(0.1)


def _hand_over(
    producer: Producer,
    connection: EventsConnection,
    topic: str,
    key: str,
    value: bytes | None,
    outcome: _Outcome,
    deadline: float,
) -> None:
    while True:
        _give_up_when_due(connection, topic, deadline)
        try:
            producer.produce(topic, key=key.encode(), value=value, on_delivery=outcome.on_delivery)
        except BufferError:  # the queue is full: let some of it go
            producer.poll(0.05)
        except KafkaException as error:  # refused by librdkafka itself
            raise _failure(connection, topic, error.args[0]) from error
        else:
            producer.poll(0)
            return


def _give_up_when_due(connection: EventsConnection, topic: str, deadline: float) -> None:
    log = connection.log
    if log.refusal:
        raise PublishError(f"{connection.cluster}: Kafka refused the producer of {topic}: {log.refusal}")
    now = time.monotonic()
    if now >= deadline or log.seconds_down(now - 2 * _SECONDS_DOWN) >= _SECONDS_DOWN:
        cause = f": {log.failure}" if log.failure else ""
        raise PublishError(
            f"{connection.cluster}: {topic} did not acknowledge in time{cause}; the next run publishes the same again"
        )


def _failure(connection: EventsConnection, topic: str, error: KafkaError) -> PublishError:
    if error.code() in _TOO_LARGE:
        return TooLargeError(f"{connection.cluster}: {topic} refused an event as too large")
    said = connection.failure(error, doing=f"publishing to {topic}", right=f"WRITE on the topic {topic}")
    sentence = f"{connection.cluster}: {said}"
    return RefusedEventError(sentence) if error.code() in _REFUSED else PublishError(sentence)
