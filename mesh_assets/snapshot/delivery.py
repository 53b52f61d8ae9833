"""Hands messages to Kafka, and waits until each is known to be there or not."""

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from mesh_assets.errors import ConflictError, MeshError, PublishError
from mesh_assets.events.model import NotAllowedError, RefusedEventError
from mesh_assets.inventory.records import Record
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.store.pointers import EventPosition

# Brokers that restart are back within seconds. Giving up is harmless, thanks to the write-ahead record.
_SECONDS_DOWN = 20.0
# The statistics come every 50 ms.
_STATISTICS_SECONDS = 0.4
# By then every broker knows a topic that was just created.
_TOPIC_SECONDS = 3.0
_TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
# The brokers' answers that mean "not written"; after any other error, the outcome is uncertain.
_REFUSED = frozenset({KafkaError.INVALID_RECORD, KafkaError.POLICY_VIOLATION})
_NOT_ALLOWED = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED})


# The errors of a producer that a newer one with the same transactional id has shut out.
_SHUT_OUT = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})
_ABORT_SECONDS = 5.0
TRANSACTIONAL_ID_PREFIX = "mesh-assets-"


class CannotFenceError(PublishError):
    """Kafka does not let this user shut out earlier writers, and will not until somebody changes its
    settings."""


class TooLargeError(RefusedEventError):
    """The message is larger than the topic allows, after compression."""


class Outgoing(NamedTuple):
    """A record on its way. `value` None: a tombstone."""

    key: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Delivered(Record, frozen=True, kw_only=True):
    """`last`: where the last message went. `batch_bytes`: the largest batch, compressed, as sent and stored;
    None if unknown."""

    last: EventPosition
    batch_bytes: int | None


class _Outcome:
    """The fate of the messages so far; librdkafka's callbacks fill it in."""

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
        if not self.topic:  # nothing is on its way yet
            return
        batches = json.loads(text).get("topics", {}).get(self.topic, {}).get("batchsize", {})
        if batches.get("cnt"):
            self.batch_bytes = max(self.batch_bytes or 0, int(batches["max"]))


class EventProducer:
    """Publishes the events of one cluster, and is a context that closes it.

    `fenced`: with `init`, it has shut out every earlier producer of that cluster, wherever it runs and
    however long it slept, and any later one shuts this one out. Each delivery is then a transaction: as a
    whole in the topic, or not.
    """

    def __init__(
        self, connection: EventsConnection, *, cluster_id: str | None, timeout_seconds: float
    ) -> None:
        """`cluster_id` None: without a fence. `timeout_seconds`: the longest that one message may take."""
        self._connection = connection
        self._outcome = _Outcome("")
        self.transactional_id = None if cluster_id is None else f"{TRANSACTIONAL_ID_PREFIX}{cluster_id}"
        self._producer = connection.producer(
            timeout_seconds=timeout_seconds,
            statistics=self._on_statistics,
            transactional_id=self.transactional_id,
        )
        self._timeout_seconds = timeout_seconds
        self._after_refusal = False

    def __enter__(self) -> "EventProducer":
        return self

    def __exit__(self, *_: object) -> None:
        # Not `close`, which waits forever for the abort of a transaction if no broker answers.
        self._producer.purge()
        with suppress(KafkaException):  # the producer failed for good, which has been reported
            self._producer.flush(1.0)
        del self._producer

    def connect(self, topic: str) -> None:
        """Waits until a broker is connected that knows the topic: what comes next then does not wait for it. Raises
        RefusedEventError, PublishError."""
        _connect(self._producer, self._connection, topic, time.monotonic() + self._timeout_seconds)

    def drain(self) -> None:
        """Takes the statistics that have come while nothing was delivered; they grow with the number of brokers."""
        self._producer.poll(0)

    def init(self) -> None:
        """Shuts out every earlier producer of this cluster. Raises PublishError, or CannotFenceError if Kafka
        has no way to do it for this user."""
        try:
            self._producer.init_transactions(min(self._timeout_seconds, self._connection.timeout_seconds * 2))
        except KafkaException as error:
            what_to_do = {
                KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: f"allow WRITE on the transactional id {self.transactional_id}",
                KafkaError.INVALID_TRANSACTION_TIMEOUT: "raise transaction.max.timeout.ms of the brokers to "
                f"{self._timeout_seconds * 1000:.0f} or more",
                KafkaError.UNSUPPORTED_VERSION: "the brokers have no transactions",
                KafkaError._UNSUPPORTED_FEATURE: "the brokers have no transactions",
            }.get(error.args[0].code())
            if what_to_do is not None:
                raise CannotFenceError(
                    f"{self._connection.cluster}: an older run that wakes up late cannot be shut out: {what_to_do}"
                ) from error
            raise self._failure(
                error.args[0], doing=f"shutting out earlier writers ({self.transactional_id})"
            ) from error

    def deliver(
        self,
        topic: str,
        messages: Iterable[Outgoing],
        *,
        deadline: float,
        measure: bool = False,
    ) -> Delivered:
        """Sends records, at least one, in order, and waits until all in-sync replicas have
        acknowledged all of them.

        `measure`: also wait a moment for the size after compression. `deadline`: the `time.monotonic()` after
        which nothing is sent. Raises TooLargeError or RefusedEventError if the brokers refused, ConflictError
        if a newer run has shut this one out, PublishError if it failed or the outcome is uncertain.
        """
        if not self._after_refusal:
            return self._deliver(topic, messages, deadline=deadline, measure=measure)
        self._after_refusal = False
        again = list(messages)
        try:
            return self._deliver(topic, again, deadline=deadline, measure=measure)
        except RefusedEventError:
            raise
        except PublishError:
            # librdkafka 2.16 counts a message that was refused as too large: the next transaction fails
            # because of a skipped sequence number, and the one after that succeeds.
            return self._deliver(topic, again, deadline=deadline, measure=measure)

    def _deliver(
        self, topic: str, messages: Iterable[Outgoing], *, deadline: float, measure: bool
    ) -> Delivered:
        connection, producer = self._connection, self._producer
        outcome = self._outcome = _Outcome(topic)
        _connect(producer, connection, topic, deadline)
        try:
            if self.transactional_id is not None:
                producer.begin_transaction()
            for message in messages:
                _hand_over(producer, connection, topic, message, outcome, deadline)
                if outcome.error is not None:
                    break
            while len(producer) and outcome.error is None:
                _give_up_when_due(connection, topic, deadline)
                producer.poll(0.05)
            if outcome.error is not None:
                self._after_refusal = self.transactional_id is not None and outcome.error.code() in _TOO_LARGE
                raise self._failure(outcome.error, doing=f"publishing to {topic}", topic=topic)
            if self.transactional_id is not None:
                producer.commit_transaction(max(1.0, deadline - time.monotonic()))
        except KafkaException as error:
            self._give_up()
            raise self._failure(error.args[0], doing=f"publishing to {topic}", topic=topic) from error
        except BaseException:
            self._give_up()
            raise
        until = min(deadline, time.monotonic() + _STATISTICS_SECONDS)
        while measure and outcome.batch_bytes is None and time.monotonic() < until:
            producer.poll(0.02)
        if outcome.last is None:
            raise PublishError(f"{connection.cluster}: nothing was delivered to {topic}")
        return Delivered(last=outcome.last, batch_bytes=outcome.batch_bytes)

    def _give_up(self) -> None:
        """Messages not yet acknowledged are no longer sent."""
        if self.transactional_id is None:
            self._producer.purge()
            with suppress(KafkaException):
                self._producer.flush(1.0)
            return
        # Aborting purges by itself. If it fails, the run that shuts this one out aborts: the error that led
        # here matters more.
        with suppress(KafkaException):
            self._producer.abort_transaction(_ABORT_SECONDS)

    def _on_statistics(self, text: str) -> None:
        self._outcome.on_statistics(text)

    def _failure(self, error: KafkaError, *, doing: str, topic: str | None = None) -> MeshError:
        # Errors after the first answer that says so are only called fatal.
        if error.code() in _SHUT_OUT or (
            error.code() == KafkaError._FATAL and "fenced" in error.str().lower()
        ):
            return ConflictError(
                f"{self._connection.cluster}: a newer run publishes this cluster; this one was shut out and publishes nothing more"
            )
        if topic is None:
            said = self._connection.failure(
                error, doing=doing, right=f"WRITE on the transactional id {self.transactional_id}"
            )
            return PublishError(f"{self._connection.cluster}: {said}")
        return _failure(self._connection, topic, error)


def _connect(producer: Producer, connection: EventsConnection, topic: str, deadline: float) -> None:
    """Waits until a broker is connected: an idempotent producer that has work before that sleeps 500 ms
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
    message: Outgoing,
    outcome: _Outcome,
    deadline: float,
) -> None:
    while True:
        _give_up_when_due(connection, topic, deadline)
        try:
            producer.produce(
                topic,
                key=message.key.encode(),
                value=message.value,
                headers=list(message.headers),
                on_delivery=outcome.on_delivery,
            )
        except BufferError:  # the queue is full: let some of it drain
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
    if error.code() in _NOT_ALLOWED:
        return NotAllowedError(sentence)
    return RefusedEventError(sentence) if error.code() in _REFUSED else PublishError(sentence)
