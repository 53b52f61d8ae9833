"""The newest snapshot of a cluster, read back from Kafka."""

import re
import time
import zlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import msgspec
from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from mesh_assets.errors import EstateError, UnexpectedAnswerError, UnreachableError
from mesh_assets.estate.fields import EVENTS_TOPIC
from mesh_assets.estate.model import Estate
from mesh_assets.events.avro_form import decode_discovery_event, fingerprint, schema_text
from mesh_assets.events.model import ChangeEvent, Origin, ReadSnapshot
from mesh_assets.inventory.records import UNDECODABLE
from mesh_assets.inventory.wording import one_line, readable
from mesh_assets.platforms.schema_registry import SchemaRegistryClient, SchemaText
from mesh_assets.snapshot.connection import EventsConnection, carrier_of
from mesh_assets.store.pointers import EventPosition, SchemaIds

# How many offsets to look at, from the end. Usually these are the right event, which may be large, and the
# end of its transaction; if many clusters share a topic, the event is further back.
_FIRST_STEP = 2
_GROWTH = 8
# By then every broker knows a topic that was just created, even where all of them are busy.
_KNOWN_EVERYWHERE_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_NOT_KNOWN_YET = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    }
)


class SchemaReader(Protocol):
    """What reading needs from a SchemaRegistryClient."""

    def schema_by_id(self, schema_id: int) -> SchemaText | None: ...


def read_newest_snapshot(
    estate: Estate,
    name: str,
    *,
    cluster_id: str,
    known_ids: SchemaIds | None = None,
    topic: str = EVENTS_TOPIC,
    timeout_seconds: float = 30.0,
) -> ReadSnapshot | None:
    """The newest snapshot of the cluster `name`, from the cluster that carries its events; None if it was
    never published, or retired.

    `known_ids` (from the pointer in the store) save asking the registry. Raises PlatformError, and
    EstateError if the event's schema is needed and the carrying cluster has no registry.
    """
    carrier = carrier_of(estate, name)
    registry = None if carrier.schema_registry is None else SchemaRegistryClient(carrier.schema_registry)
    try:
        return newest_snapshot(
            EventsConnection.to(carrier),
            registry,
            cluster_id=cluster_id,
            known_ids=known_ids,
            topic=topic,
            timeout_seconds=timeout_seconds,
        )
    finally:
        if registry is not None:
            registry.close()


def newest_sequence(estate: Estate, name: str, *, cluster_id: str, topic: str = EVENTS_TOPIC) -> int | None:
    """The sequence of the newest snapshot of the cluster in the topic, even if it was retired; None if there
    is none. Raises like read_newest_snapshot."""
    connection = EventsConnection.to(carrier_of(estate, name))
    message = newest_record(connection, topic, key=cluster_id, timeout_seconds=connection.timeout_seconds)
    if message is None:
        return None
    origin = origin_of(message)
    if origin is not None:
        return origin.sequence
    read = read_newest_snapshot(
        estate, name, cluster_id=cluster_id, topic=topic
    )  # from a version that wrote no headers
    return None if read is None else read.event.sequence


def newest_snapshot(
    connection: EventsConnection,
    registry: SchemaReader | None,
    *,
    cluster_id: str,
    known_ids: SchemaIds | None = None,
    topic: str = EVENTS_TOPIC,
    timeout_seconds: float = 30.0,
) -> ReadSnapshot | None:
    """Like read_newest_snapshot. It assigns partitions and never subscribes, so no consumer group is
    created."""
    message = newest_record(connection, topic, key=cluster_id, timeout_seconds=timeout_seconds)
    return None if message is None else read_snapshot(message, connection, registry, known_ids=known_ids)


def read_snapshot(
    message: Message,
    connection: EventsConnection,
    registry: SchemaReader | None,
    *,
    known_ids: SchemaIds | None,
) -> ReadSnapshot | None:
    """The snapshot in the record; None for a tombstone. Raises like newest_snapshot."""
    value, partition, offset = message.value(), message.partition(), message.offset()
    if value is None or partition is None or offset is None:
        return None

    def text_of(schema_id: int) -> str:
        if known_ids is not None and (known_ids.event_id, known_ids.event_fingerprint) == (
            schema_id,
            fingerprint("discovery_event"),
        ):
            return schema_text("discovery_event")
        if registry is None:
            raise EstateError(
                f"{connection.cluster} has no schema_registry in the estate, so the event's schema {schema_id} cannot be read; "
                "give it the one where the events' schemas are registered"
            )
        found = registry.schema_by_id(schema_id)
        if found is None:
            raise UnexpectedAnswerError(
                f"the schema registry of {connection.cluster} does not know the event's schema {schema_id}"
            )
        return found.definition

    kind, milliseconds = message.timestamp()
    return ReadSnapshot(
        event=decode_discovery_event(value, text_of),
        position=EventPosition(topic=str(message.topic()), partition=partition, offset=offset),
        written_at=None
        if kind == TIMESTAMP_NOT_AVAILABLE
        else datetime.fromtimestamp(milliseconds / 1000, UTC),
        bytes=len(value),
    )


_SEQUENCE, _RUN_ID, _STORE_ID = "mesh-sequence", "mesh-run-id", "mesh-store-id"
_NUMBER = re.compile(rb"[0-9]{1,18}")  # what an Avro long holds


def headers_of(origin: Origin) -> tuple[tuple[str, bytes], ...]:
    return (
        (_SEQUENCE, str(origin.sequence).encode()),
        (_RUN_ID, origin.run_id.encode()),
        *(() if origin.store_id is None else ((_STORE_ID, origin.store_id.encode()),)),
    )


def origin_of(message: Message) -> Origin | None:
    """None: no headers of ours, as in records from versions that wrote none."""
    found = dict(message.headers() or ())
    sequence, run_id = found.get(_SEQUENCE), found.get(_RUN_ID)
    if not isinstance(sequence, bytes) or not _NUMBER.fullmatch(sequence) or not isinstance(run_id, bytes):
        return None
    store_id = found.get(_STORE_ID)
    return Origin(
        sequence=int(sequence),
        run_id=_id_in(run_id),
        store_id=_id_in(store_id) if isinstance(store_id, bytes) else None,
    )


_LONGEST_ID = 100


def _id_in(header: bytes) -> str:
    """In a form that sentences may quote: anybody who may write to the topic writes headers."""
    return one_line(readable(header.decode(errors="replace")), most=_LONGEST_ID)


_CHANGES, _CHANGE_ID = "mesh-changes", "mesh-change-id"
_LONGEST_CHANGES = 256_000_000
_encoder = msgspec.json.Encoder()
_changes = msgspec.json.Decoder(tuple[ChangeEvent, ...])


def header_of_changes(changes: Sequence[ChangeEvent]) -> tuple[tuple[str, bytes], ...]:
    """A snapshot carries its changes, so that whoever continues from it can publish them if its writer no
    longer could. Not for consumers: the changes are the records of the other topic."""
    return ((_CHANGES, zlib.compress(_encoder.encode(changes))),) if changes else ()


def header_of_change(change: ChangeEvent) -> tuple[tuple[str, bytes], ...]:
    return ((_CHANGE_ID, change.id.encode()),)


def changes_of(message: Message) -> tuple[ChangeEvent, ...] | None:
    """The changes that the snapshot carries; None: it carries none, or those of another version."""
    found = dict(message.headers() or ()).get(_CHANGES)
    if not isinstance(found, bytes):
        return None
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(found, _LONGEST_CHANGES)
        return _changes.decode(text) if unpacking.eof else None
    except (zlib.error, *UNDECODABLE):
        return None


def change_id_of(message: Message) -> str | None:
    found = dict(message.headers() or ()).get(_CHANGE_ID)
    return found.decode(errors="replace") if isinstance(found, bytes) else None


class Look(NamedTuple):
    """`edges`: partition, first and next offset. `newest`: the newest record with the wanted key."""

    edges: tuple[tuple[int, int, int], ...]
    newest: Message | None


def newest_record(
    connection: EventsConnection, topic: str, *, key: str, timeout_seconds: float
) -> Message | None:
    """The newest record with that key, which can be a tombstone; None if there is none or no such topic.
    Raises PlatformError."""
    with closing(TopicLooks(connection, topic)) as looks:
        return looks.look(key, timeout_seconds=timeout_seconds).newest


class TopicLooks:
    """Looks at a topic, as often as needed over one connection: the first look opens it, `close` closes it."""

    def __init__(self, connection: EventsConnection, topic: str) -> None:
        self._connection = connection
        self._topic = topic
        self._consumer: Consumer | None = None

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def look(self, key: str, *, timeout_seconds: float, before: Look | None = None) -> Look:
        """Like `newest_record`. `before`: an earlier look, which still holds if nothing has come or gone since."""
        connection, topic = self._connection, self._topic
        deadline = time.monotonic() + timeout_seconds
        if self._consumer is None:
            self._consumer = connection.consumer()
        consumer = self._consumer
        try:
            edges = _all_edges(consumer, connection, topic, deadline)
            if edges is None:
                return Look((), None)
            if before is not None and edges == before.edges:
                return before
            found = [
                _newest_in(consumer, connection, TopicPartition(topic, number), (low, end), key, deadline)
                for number, low, end in edges
            ]
            consumer.unassign()  # it would hold on to what it fetched, and fetch more
        except KafkaException as error:
            raise connection.failure(
                error.args[0], doing=f"reading {topic}", right=f"READ on the topic {topic}"
            ) from error
        return Look(edges, newest_of(message for message in found if message is not None))


def newest_of(messages: Iterable[Message]) -> Message | None:
    """The newest of a cluster's records in different partitions, which exist if partitions were added: by
    sequence, with a tombstone after the snapshot it retires. Its time comes from some host's clock, and
    decides only between records without a sequence."""

    def order(message: Message) -> tuple[int, bool, int]:
        origin = origin_of(message)
        return -1 if origin is None else origin.sequence, message.value() is None, message.timestamp()[1]

    return max(messages, key=order, default=None)


def _all_edges(
    consumer: Consumer, connection: EventsConnection, topic: str, deadline: float
) -> tuple[tuple[int, int, int], ...] | None:
    """The edges of each partition, as in Look; None if there is no such topic. Waits for a topic that was just created: one
    broker may list it while its leader does not know it yet."""
    known_by = min(deadline, time.monotonic() + _KNOWN_EVERYWHERE_SECONDS)
    while True:
        described = consumer.list_topics(topic, timeout=_left(connection, topic, deadline)).topics[topic]
        if described.error is not None and described.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        try:
            if described.error is not None:
                raise KafkaException(described.error)
            return tuple(
                (number, *_edges(consumer, connection, TopicPartition(topic, number), deadline))
                for number in sorted(described.partitions)
            )
        except KafkaException as error:
            if error.args[0].code() not in _NOT_KNOWN_YET or time.monotonic() >= known_by:
                raise
        time.sleep(_PAUSE_SECONDS)


def _edges(
    consumer: Consumer, connection: EventsConnection, place: TopicPartition, deadline: float
) -> tuple[int, int]:
    low, end = consumer.get_watermark_offsets(place, timeout=_left(connection, place.topic, deadline))
    return low, end


def _newest_in(
    consumer: Consumer,
    connection: EventsConnection,
    place: TopicPartition,
    edges: tuple[int, int],
    key: str,
    deadline: float,
) -> Message | None:
    low, end = edges
    step = _FIRST_STEP
    while end > low:
        start = max(low, end - step)
        found = _last_between(
            consumer, connection, TopicPartition(place.topic, place.partition, start), end, key, deadline
        )
        if found is not None:
            return found
        end, step = start, step * _GROWTH
    return None


def _last_between(
    consumer: Consumer,
    connection: EventsConnection,
    start: TopicPartition,
    end: int,
    key: str,
    deadline: float,
) -> Message | None:
    """The last record with the key from `start` up to, not including, the offset `end`. Compaction leaves
    gaps, even at `end`."""
    consumer.assign([start])
    found: Message | None = None
    while True:
        message = consumer.poll(min(0.5, _left(connection, start.topic, deadline)))
        if message is None:
            continue
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                return found
            raise KafkaException(error)
        offset = message.offset()
        if offset is None or offset >= end:
            return found
        if message.key() == key.encode():
            found = message
        if offset == end - 1:
            return found


def _left(connection: EventsConnection, topic: str, deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        cause = f": {connection.log.failure}" if connection.log.failure else ""
        raise UnreachableError(f"{connection.cluster}: reading {topic} took too long{cause}")
    return left
