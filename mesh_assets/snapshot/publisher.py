"""Publishing to Kafka: the snapshot to its compacted topic, the changes to theirs, and the tombstone of a
cluster that is gone."""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Event

from confluent_kafka import Message

from mesh_assets.errors import PlatformError, PublishError
from mesh_assets.estate.fields import EVENTS_TOPIC
from mesh_assets.estate.model import Estate
from mesh_assets.events.avro_form import (
    Registrar,
    encode_change_event,
    encode_discovery_event,
    register_schemas,
)
from mesh_assets.events.model import (
    ChangeEvent,
    ClaimedDocument,
    DiscoveryEvent,
    Newest,
    NotAllowedError,
    Origin,
    PublishedEvent,
    RefusedChangesError,
    RefusedEventError,
    claim_check,
)
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets.snapshot.connection import EventsConnection, carrier_of
from mesh_assets.snapshot.delivery import CannotFenceError, EventProducer, Outgoing, TooLargeError
from mesh_assets.snapshot.reader import (
    Look,
    TopicLooks,
    change_id_of,
    changes_of,
    header_of_change,
    header_of_changes,
    headers_of,
    newest_record,
    origin_of,
    read_snapshot,
)
from mesh_assets.snapshot.topics import EventTopics, TopicFacts, ensure_topics
from mesh_assets.store.pointers import EventPosition, SchemaIds

_DRAINED_SECONDS = 0.5


class KafkaPublisher:
    """The Publisher (commit.py) for one cluster that carries events. Call `prepare` first.

    `registrar` None: the carrying cluster has no schema registry, and `prepare` refuses.
    """

    def __init__(
        self,
        connection: EventsConnection,
        registrar: Registrar | None,
        *,
        topics: EventTopics | None = None,
        create_topics: bool = True,
        replication_factor: int | None = None,
    ) -> None:
        self._connection = connection
        self._registrar = registrar
        self._topics = topics or EventTopics()
        self._create_topics = create_topics
        self._replication_factor = replication_factor
        self._facts: TopicFacts | None = None
        self._ids: SchemaIds | None = None
        self._registry_note: str | None = None
        self._fence_note: str | None = None
        self._open = ExitStack()
        self._producer: EventProducer | None = None
        self._looks = TopicLooks(connection, self._topics.events)
        self._seen: dict[str, Look] = {}
        self._ahead: Future[SchemaIds] | None = None
        self._connected: EventProducer | None = None
        self._draining: Future[None] | None = None
        self._wanted = Event()

    def close(self) -> None:
        self._end_draining()
        self._open.close()
        self._looks.close()

    @property
    def notes(self) -> tuple[str, ...]:
        facts = () if self._facts is None else self._facts.notes
        return (*facts, *(note for note in (self._registry_note, self._fence_note) if note is not None))

    @property
    def http_requests(self) -> int:
        """Requests to the schema registry so far, retries included."""
        return 0 if self._registrar is None else self._registrar.requests

    def prepare_ahead(self, cached: SchemaIds | None, *, cluster_id: str, timeout_seconds: float) -> None:
        """Begins in a thread what needs no lock and affects no other writer: `prepare`, which then only waits for it, a
        first look, and the connection of the producer that will take over."""

        def prepare() -> SchemaIds:
            ids = self._prepare(cached)
            self.look(cluster_id, timeout_seconds=self._connection.timeout_seconds)
            self._connected = self._opened(cluster_id, timeout_seconds)
            self._connected.connect(self._topics.events)
            return ids

        def drain() -> None:
            while self._connected is not None and not self._wanted.wait(_DRAINED_SECONDS):
                self._connected.drain()  # or the statistics of its connections would pile up

        pool = ThreadPoolExecutor(1, thread_name_prefix="publisher")
        self._ahead = pool.submit(prepare)
        self._draining = pool.submit(drain)
        pool.shutdown(wait=False)

    def _end_draining(self) -> None:
        """After whatever gets ready; what fails there, `prepare` raises."""
        self._wanted.set()
        if self._draining is not None:
            self._draining.result()

    def prepare(self, cached: SchemaIds | None) -> SchemaIds:
        return self._prepare(cached) if self._ahead is None else self._ahead.result()

    def _prepare(self, cached: SchemaIds | None) -> SchemaIds:
        if self._registrar is None:
            raise PublishError(
                f"the events of {self._connection.cluster} need a schema registry; give the cluster a schema_registry in the estate, "
                "or name one that has one: events: {cluster: NAME}"
            )
        self._facts = ensure_topics(
            self._connection,
            self._topics,
            create=self._create_topics,
            replication_factor=self._replication_factor,
        )
        self._ids, self._registry_note = register_schemas(
            self._registrar,
            events_topic=self._topics.events,
            changes_topic=self._topics.changes,
            cached=cached,
        )
        return self._ids

    def take_over(self, cluster_id: str, *, timeout_seconds: float) -> Newest | None:
        self._end_draining()
        self._producer, self._connected = self._connected, None
        try:
            if self._producer is None:
                self._open.close()
                self._producer = self._opened(cluster_id, timeout_seconds)
            self._producer.init()
        except CannotFenceError as error:
            self._fence_note = str(error)
            self._open.close()
            self._producer = self._opened(None, timeout_seconds)
        return self.look(cluster_id, timeout_seconds=timeout_seconds)

    def look(self, cluster_id: str, *, timeout_seconds: float) -> Newest | None:
        ids = self._prepared()
        try:
            # A store that takes over looks twice, and hardly anything comes in between.
            self._seen[cluster_id] = self._looks.look(
                cluster_id, timeout_seconds=timeout_seconds, before=self._seen.get(cluster_id)
            )
        except PlatformError as error:
            raise PublishError(
                f"{self._connection.cluster}: whether another store publishes {cluster_id} is not known, so nothing is published: {error}"
            ) from error
        message = self._seen[cluster_id].newest
        if message is None:
            return None

        def read() -> DiscoveryEvent | None:
            try:
                found = read_snapshot(message, self._connection, self._registrar, known_ids=ids)
            except PlatformError as error:
                raise PublishError(
                    f"{self._connection.cluster}: the newest snapshot of {cluster_id} in {self._topics.events} cannot be read: {error}; "
                    f"if it is no longer needed, write its tombstone: mesh-assets snapshot retire --cluster NAME"
                ) from error
            return None if found is None else found.event

        origin = origin_of(message)
        if origin is None:
            event = read()
            if event is None:
                return None
            origin = Origin(sequence=event.sequence, run_id=event.run_id, store_id=event.store_id)
        return Newest(
            origin=origin,
            retired=message.value() is None,
            read=read,
            changes=lambda: changes_of(message),
        )

    def _opened(self, cluster_id: str | None, timeout_seconds: float) -> EventProducer:
        return self._open.enter_context(
            EventProducer(self._connection, cluster_id=cluster_id, timeout_seconds=timeout_seconds)
        )

    def publish_snapshot(
        self,
        event: DiscoveryEvent,
        *,
        changes: Sequence[ChangeEvent],
        claimed: ClaimedDocument | None,
        timeout_seconds: float,
    ) -> PublishedEvent:
        deadline = time.monotonic() + timeout_seconds
        ids = self._prepared()
        value = encode_discovery_event(event, ids.event_id)
        if changes:
            with suppress(TooLargeError):  # perhaps only too large together
                return self._publish(event, value, changes, claim=False, deadline=deadline)
        try:
            return self._publish(event, value, (), claim=False, deadline=deadline)
        except TooLargeError as error:
            size = f"{len(value):,} bytes before compression"
            limit = (
                ""
                if self._facts is None or self._facts.max_message_bytes is None
                else f" {self._facts.max_message_bytes:,}"
            )
            topic = self._topics.events
            if claimed is None:
                raise RefusedEventError(
                    f"snapshot {event.sequence} of {event.cluster_state.cluster_name} ({size}) is larger than {topic} allows "
                    f"(max.message.bytes{limit}), and nobody else could read a document in a local folder; raise max.message.bytes of "
                    f"{topic} on {self._connection.cluster}, or set MESH_STORE to a bucket, such as s3://bucket/prefix"
                ) from error
        value = encode_discovery_event(claim_check(event, claimed), ids.event_id)
        if changes:
            with suppress(TooLargeError):
                return self._publish(event, value, changes, claim=True, deadline=deadline)
        return self._publish(event, value, (), claim=True, deadline=deadline)

    def newest_change(self, cluster_id: str, *, timeout_seconds: float) -> str | None:
        # Discovery does not need the right to read this topic. Without it, the changes are published once
        # more than needed; consumers recognise them by their ids.
        try:
            found = newest_record(
                self._connection, self._topics.changes, key=cluster_id, timeout_seconds=timeout_seconds
            )
        except PlatformError:
            return None
        return None if found is None else change_id_of(found)

    def publish_changes(self, events: Iterable[ChangeEvent], *, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        ids = self._prepared()
        messages = (
            Outgoing(event.cluster_id, encode_change_event(event, ids.change_id), header_of_change(event))
            for event in events
        )
        try:
            self._taken_over().deliver(self._topics.changes, messages, deadline=deadline)
        except RefusedEventError as error:
            raise RefusedChangesError(
                str(error),
                advice="; its snapshot is published. The next run publishes the changes if the cause is gone by then; otherwise see: "
                "mesh-assets snapshot repair --cluster NAME",
                not_allowed=isinstance(error, NotAllowedError),
            ) from error

    def _publish(
        self,
        event: DiscoveryEvent,
        value: bytes,
        changes: Sequence[ChangeEvent],
        *,
        claim: bool,
        deadline: float,
    ) -> PublishedEvent:
        key = event.cluster_state.cluster_id
        origin = Origin(sequence=event.sequence, run_id=event.run_id, store_id=event.store_id)
        headers = (*headers_of(origin), *header_of_changes(changes))
        delivered = self._taken_over().deliver(
            self._topics.events, [Outgoing(key, value, headers)], deadline=deadline, measure=True
        )
        return PublishedEvent(
            position=delivered.last,
            bytes=len(value),
            compressed_bytes=delivered.batch_bytes,
            claim_check=claim,
        )

    def _prepared(self) -> SchemaIds:
        if self._ids is None:
            raise RuntimeError("prepare comes first")
        return self._ids

    def _taken_over(self) -> EventProducer:
        if self._producer is None:
            raise RuntimeError("take_over comes first")
        return self._producer


@contextmanager
def open_publisher(
    estate: Estate, name: str, *, topics: EventTopics | None = None
) -> Iterator[KafkaPublisher]:
    """The publisher of the events about the cluster `name`.

    Contacts nothing yet. Raises EstateError if a secret cannot be resolved.
    """
    carrier = carrier_of(estate, name)
    connection = EventsConnection.to(carrier)
    registry = None if carrier.schema_registry is None else SchemaRegistryClient(carrier.schema_registry)
    publisher = KafkaPublisher(
        connection,
        registry,
        topics=topics,
        create_topics=estate.events.create_topics,
        replication_factor=estate.events.replication_factor,
    )
    try:
        yield publisher
    finally:
        publisher.close()
        if registry is not None:
            registry.close()


_TIMEOUT_SECONDS = 30.0


class NothingToRetireError(PublishError):
    """The topic holds no record of the cluster, not even a tombstone."""


class RetiredAlreadyError(PublishError):
    """The newest record of the cluster is a tombstone; nothing was written."""


def retire_snapshot(
    estate: Estate, name: str, *, cluster_id: str, topic: str = EVENTS_TOPIC
) -> EventPosition:
    """Publishes the tombstone of the cluster `name` to the cluster that carries its events; compaction then
    removes its snapshots.

    The documents in the store stay, and a later discovery continues with the next sequence. Raises
    PublishError, and EstateError if a secret cannot be resolved.
    """
    return publish_tombstone(
        EventsConnection.to(carrier_of(estate, name)), cluster_id=cluster_id, topic=topic
    )


def publish_tombstone(
    connection: EventsConnection, *, cluster_id: str, topic: str = EVENTS_TOPIC
) -> EventPosition:
    """Writes a record with the cluster's key and no value, which gives the last sequence; returns its
    position.

    A run that is publishing is shut out first: otherwise its snapshot could still come after the tombstone,
    or not be visible yet (a transaction ends a moment after Kafka says so). If the cluster is already
    retired, nobody is shut out. Raises PublishError, UnreachableError.
    """
    _refuse_a_second(
        newest_record(connection, topic, key=cluster_id, timeout_seconds=_TIMEOUT_SECONDS), cluster_id
    )
    with ExitStack() as open_producers:

        def opened(fenced_for: str | None) -> EventProducer:
            return open_producers.enter_context(
                EventProducer(connection, cluster_id=fenced_for, timeout_seconds=_TIMEOUT_SECONDS)
            )

        producer = opened(cluster_id)
        try:
            producer.init()
        except CannotFenceError:
            producer = opened(None)
        newest = newest_record(connection, topic, key=cluster_id, timeout_seconds=_TIMEOUT_SECONDS)
        if newest is None:
            raise NothingToRetireError(
                f"{topic} on {connection.cluster} has no record of a cluster {cluster_id}, so there is nothing to retire; the ids are the "
                "keys of its records"
            )
        _refuse_a_second(newest, cluster_id)
        origin = origin_of(newest)
        tombstone = Outgoing(cluster_id, None, () if origin is None else headers_of(origin))
        return producer.deliver(topic, [tombstone], deadline=time.monotonic() + _TIMEOUT_SECONDS).last


def _refuse_a_second(newest: Message | None, cluster_id: str) -> None:
    """Another tombstone would only wake every consumer and restart the time for which compaction keeps it."""
    if newest is not None and newest.value() is None:
        raise RetiredAlreadyError(
            f"{cluster_id} is already retired: {newest.topic()}[{newest.partition()}]@{newest.offset()} is its tombstone; "
            "nothing was written"
        )
