"""Publishing a snapshot so that a crash at any point loses, splits and reorders nothing.

The effects of a run, in order. A run that is killed between any two of them leaves the state to the next one:

1. Take the lock `pending.json` (create-only, or compare-and-swap over one that nobody holds any more). Find
the newest snapshot in the topic, and stop if another store publishes the cluster. Shut out every earlier
writer at Kafka, and look again.
2. Publish a record that an earlier run left there, move `latest.json` to it, clear the record.
3. Read `latest.json`; if the topic is ahead of it, continue from the topic (after publishing changes of its
newest snapshot that are not in Kafka yet), or refuse if another store publishes the cluster. Assemble the
document from it, compare. Note the document's key in the lock, then write it.
4. Write the write-ahead record into the lock: sequence, document, changes, triggers.
5. Publish the snapshot, then its changes, awaiting each delivery.
6. Move `latest.json` (compare-and-swap on the version read under the lock).
7. Remove the lock.

Before 4, nothing has been published and nothing is owed. From 4 on, the next run publishes the same sequence,
ids and document again, and consumers recognise them. From 6 on, it only cleans up.

The lock keeps runs from working at the same time; it cannot keep a process that slept from sending what it
was about to send. The fence of step 1 does: after it, such a process can no longer send anything, and the
look at the topic sees whatever it sent before.

The snapshot goes before its changes, for two reasons. A consumer that subscribes to the changes, then reads
the newest snapshot, then applies changes with a higher sequence, misses none: every change from before the
subscription has its snapshot before it. And only a snapshot can be refused for its size: then nothing of its
sequence has been published, and the record is taken back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.errors import ConflictError, DamagedError
from mesh_assets.events.model import (
    ChangeEvent,
    ClaimedDocument,
    DiscoveryEvent,
    Newest,
    Origin,
    PublishedEvent,
    Publisher,
    RefusedChangesError,
    RefusedEventError,
    change_events,
    discovery_event,
    document_of,
    is_behind,
    is_of,
    most_severe_first,
)
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import Document, encode_document
from mesh_assets.inventory.wording import counted
from mesh_assets.snapshot.lock import Clock, ClusterLock, SystemClock, acquire_lock
from mesh_assets.snapshot.report import Published
from mesh_assets.store.fingerprints import KeptFingerprints, ReadFingerprints
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import Pointer, SchemaIds, WriteAhead

LEASE_SECONDS = 120.0

Assemble = Callable[[Document | None, int], Document]
"""Makes this run's document from the latest published one (None: there is none) and the sequence it gets."""


@dataclass
class _Run:
    """One run on one cluster, with everything its steps need."""

    store: InventoryStore
    cluster: str
    cluster_id: str
    publisher: Publisher
    ids: SchemaIds | None
    fingerprints: ReadFingerprints
    newest: Newest | None = None
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store_id = self.store.store_id()

    def publish_record(
        self, lock: ClusterLock, record: WriteAhead, document: Document, latest_version: str | None
    ) -> tuple[Pointer, PublishedEvent]:
        """Steps 5 and 6, for a record that is in the lock."""
        event = discovery_event(
            document, triggers=record.triggers, change_count=len(record.changes), store_id=self.store_id
        )
        changes = tuple(
            change_events(
                record.changes,
                cluster_id=self.cluster_id,
                sequence=record.sequence,
                discovery_timestamp=record.discovery_timestamp,
                triggers=record.triggers,
            )
        )
        published = self.publisher.publish_snapshot(
            event,
            changes=changes,
            claimed=self._claimed(record),
            timeout_seconds=lock.seconds_to_publish(),
        )
        origin = Origin(sequence=event.sequence, run_id=event.run_id, store_id=event.store_id)
        self.newest = Newest(origin=origin, retired=False, read=lambda: event, changes=lambda: changes)
        if changes:
            try:
                self.publisher.publish_changes(changes, timeout_seconds=lock.seconds_to_publish())
            except RefusedChangesError as error:
                lock.note_refusal(str(error))
                raise
        pointer = record.pointer(document, cluster=self.cluster, event=published.position, ids=self.ids)
        self._move(pointer, latest_version)
        self.store.remember_cluster(self.cluster, self.cluster_id)
        return pointer, published

    def publish_left(self, lock: ClusterLock, record: WriteAhead) -> WriteAhead | None:
        """Step 2. The run that left the record may have stopped anywhere between writing and clearing it.
        Returns the record, or None if it is dropped."""
        latest = self.store.latest(self.cluster_id)
        if self.drop_overtaken(lock, record, latest):
            return None
        if latest is None or latest[0].sequence < record.sequence:
            failure = self._complete(lock, record, latest)
            if failure is not None:
                self._drop(lock, record, failure)
                return None
        lock.write_record(None)
        return record

    def drop_overtaken(
        self, lock: ClusterLock, record: WriteAhead, latest: tuple[Pointer, str] | None
    ) -> bool:
        """Drops a record if another store has gone on since: the state that this one compared with is no
        longer the one before it. If its snapshot went out, that store has published its changes."""
        newest = None if self.newest is None else self.newest.origin
        if newest is None or self._precedes(newest, latest, record):
            return False
        self.notes.append(
            f"what run {record.run_id} left of snapshot {record.sequence} is dropped: the topic is at {newest.sequence}"
        )
        self.store.delete_document(record.document)
        lock.write_record(None)
        return True

    def _drop(self, lock: ClusterLock, record: WriteAhead, failure: RefusedEventError | DamagedError) -> None:
        """Takes back a record that can never be published. Raises PublishError if its snapshot is out."""
        if self.newest is not None and is_of(self.newest.origin, record):
            raise lock.note_refusal(
                f"{self.cluster}: snapshot {record.sequence}, which run {record.run_id} left behind, is in the topic but cannot be "
                f"completed: {failure}; see: mesh-assets snapshot repair --cluster {self.cluster}"
            ) from failure
        # None of it is or will be in the topics: the next comparison finds its changes again.
        self.notes.append(
            f"snapshot {record.sequence}, which run {record.run_id} left behind, is dropped (none of it was published): {failure}"
        )
        if isinstance(failure, RefusedEventError):
            self.store.delete_document(record.document)
        else:
            self.store.set_document_aside(record.document)
        lock.write_record(None)

    def _complete(
        self, lock: ClusterLock, record: WriteAhead, latest: tuple[Pointer, str] | None
    ) -> RefusedEventError | DamagedError | None:
        """Publishes a record that was left behind; returns what keeps it from ever being published."""
        try:
            document = self.store.read_document(record.document)
        except DamagedError as error:
            return error
        try:
            self.publish_record(lock, record, document, None if latest is None else latest[1])
        except RefusedEventError as error:
            return error
        return None

    def _precedes(self, newest: Origin, latest: tuple[Pointer, str] | None, record: WriteAhead) -> bool:
        ours = newest.store_id == self.store_id or (latest is not None and is_behind(newest, latest[0]))
        return is_of(newest, record) or (ours and newest.sequence < record.sequence)

    def publish_own(
        self,
        lock: ClusterLock,
        *,
        run_id: str,
        assemble: Assemble,
        triggers: tuple[Trigger, ...],
        taken: tuple[str, ...],
    ) -> Published:
        """Steps 3 to 6."""
        latest = self.store.latest(self.cluster_id)
        previous, sequence = self._before(lock, None if latest is None else latest[0])
        document = assemble(previous, sequence)
        assert (document.sequence, document.cluster.id) == (sequence, self.cluster_id), "not as asked"
        # In whole milliseconds, as in events, so that document and event agree.
        moment = document.discovery_timestamp
        document = replace(
            document, discovery_timestamp=moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        )
        kept = KeptFingerprints(self.store.objects, self.cluster_id)
        secrets = kept.compared(document, self.fingerprints(document), previous=previous, latest=latest)
        changes = diff_documents(previous, document, changed_secrets=secrets.changed)
        key = self.store.free_document_key(self.cluster_id, document.discovery_timestamp)
        stored = lock.write_document(key, encode_document(document))
        kept.keep(key, secrets)
        record = WriteAhead(
            run_id=run_id,
            sequence=sequence,
            discovery_timestamp=document.discovery_timestamp,
            document=stored,
            changes=changes,
            triggers=triggers,
            taken=taken,
        )
        lock.write_record(record)
        try:
            pointer, event = self.publish_record(
                lock, record, document, None if latest is None else latest[1]
            )
        except RefusedEventError:
            # This run wrote the record, and the first event was refused: nothing of this sequence is in
            # Kafka. If kept, the record would block every later run, even one with a smaller state.
            lock.forget(stored)
            raise
        return Published(
            pointer=pointer,
            document=document,
            changes=changes,
            baseline=previous is None,
            triggers=triggers,
            event=event,
            approximate_tokens=stored.bytes // 4,
            repeated=None,
            notes=(*self.notes, *self.publisher.notes),
            superseded=None if latest is None else latest[0],
            previous=previous,
        )

    def _before(self, lock: ClusterLock, latest: Pointer | None) -> tuple[Document | None, int]:
        """The state to compare with (None: none is known), and the next sequence. By then, all changes of the
        snapshot to continue from are in Kafka.

        Raises ConflictError if another store publishes this cluster.
        """
        newest = None if self.newest is None else self.newest.origin
        if newest is None or (latest is not None and is_behind(newest, latest)):
            return (
                (None, 1)
                if latest is None
                else (self.store.read_document(latest.document), latest.sequence + 1)
            )
        assert self.newest is not None
        self.refuse_if_another_store_publishes(latest)
        ours = newest.store_id == self.store_id
        event = self.newest.read()
        what = f"snapshot {newest.sequence}, which {'this store' if ours else 'another store'} published"
        if event is None:
            self.notes.append(f"continues after the tombstone of {what}")
            return None, newest.sequence + 1
        # Before anything is refused or fails, so that the next run knows it when it starts reading.
        self.store.note_newest(self.cluster_id, newest.store_id, newest.sequence)
        self.store.begin_new_series(self.cluster_id)
        self._publish_owed(lock, event, self.newest.changes())
        if event.document is not None:
            self.notes.append(
                f"continues after {what}; its state is at {event.document.uri} and was not compared"
            )
            return None, newest.sequence + 1
        lost = "this store has lost it, or a copy of this store published it"
        self.notes.append(f"continues from {what}; {lost if ours else 'that store may no longer publish it'}")
        return document_of(event), newest.sequence + 1

    def _publish_owed(
        self, lock: ClusterLock, event: DiscoveryEvent, changes: tuple[ChangeEvent, ...] | None
    ) -> None:
        """Publishes the changes of a snapshot whose writer may have ended between the two. If this run is
        killed meanwhile, the next one does it: the snapshot is still the newest. Raises PublishError."""
        if event.change_count == 0:
            return
        if not changes:
            self.notes.append(
                f"whether all changes of snapshot {event.sequence} ({event.change_count:,}) are in Kafka is not known: it carries none"
            )
            return
        timeout_seconds = lock.seconds_to_publish()
        if self.publisher.newest_change(self.cluster_id, timeout_seconds=timeout_seconds) == changes[-1].id:
            return
        try:
            self.publisher.publish_changes(changes, timeout_seconds=lock.seconds_to_publish())
        except RefusedChangesError as error:
            if error.not_allowed:
                raise
            self.notes.append(
                f"not all changes of snapshot {event.sequence} ({event.change_count:,}) are in Kafka, and never will be: {error.refusal}"
            )
            return
        self.notes.append(
            f"published the {counted(event.change_count, 'change')} of snapshot {event.sequence}, which its own run had not published"
        )

    def refuse_if_another_store_publishes(self, latest: Pointer | None) -> None:
        """Raises ConflictError unless the cluster was handed over to this store or given up by a
        tombstone."""
        if self.newest is None:
            return
        newest = self.newest.origin
        ours = newest.store_id == self.store_id or (latest is not None and is_behind(newest, latest))
        if ours or self.newest.retired:
            return
        if latest is None:
            adopted = self.store.adoption(self.cluster_id)
            if adopted is not None and adopted.store_id == newest.store_id:
                return
        known = "nothing of it" if latest is None else f"only snapshot {latest.sequence}"
        raise ConflictError(
            f"{self.cluster}: another store publishes it: snapshot {newest.sequence} of run {newest.run_id} in the topic came from "
            f"store {newest.store_id or 'unknown'}, and this store ({self.store_id}) knows {known}; discover "
            f"it from one store alone, or hand it over to this one: mesh-assets snapshot adopt --cluster {self.cluster}"
        )

    def _claimed(self, record: WriteAhead) -> ClaimedDocument | None:
        stored, objects = record.document, self.store.objects
        if not objects.shared:
            return None
        return ClaimedDocument(uri=objects.uri(stored.key), sha256=stored.sha256, bytes=stored.bytes)

    def _move(self, pointer: Pointer, version: str | None) -> None:
        try:
            self.store.move_latest(pointer, version)
        except ConflictError:
            # The lock expired while this run published. The run that took it over found the record, published
            # it again and moved the pointer: there is no other way past this sequence.
            latest = self.store.latest(self.cluster_id)
            if latest is None or latest[0].sequence < pointer.sequence:
                raise


def publish_snapshot(
    *,
    store: InventoryStore,
    cluster: str,
    cluster_id: str,
    run_id: str,
    assemble: Assemble,
    triggers: Sequence[Trigger],
    publisher: Publisher,
    taken: tuple[str, ...] = (),
    lease_seconds: float = LEASE_SECONDS,
    wait_seconds: float | None = None,
    clock: Clock | None = None,
    progress: Callable[[str], None] | None = None,
    fingerprints: ReadFingerprints = lambda _: None,
) -> Published:
    """Publishes the cluster's state as the next snapshot, then its changes, after anything that an earlier
    run left unfinished.

    `cluster`: its name in the estate. `triggers`: at least one; `taken`: their ids in the inbox. `lease_seconds`:
    how long the lock holds without a sign of life. `wait_seconds`: how long to wait for another run (default: its whole lease).
    `fingerprints`: of the secrets read for a document.
    Raises ConflictError if another run holds the cluster, PublishError if an event cannot be published,
    StoreError if the store fails, and whatever `assemble` raises.
    """
    clock = clock or SystemClock()
    say = progress or (lambda _: None)
    known = store.latest(cluster_id)
    ids = publisher.prepare(None if known is None else known[0].schema_ids)
    with acquire_lock(
        store,
        cluster=cluster,
        cluster_id=cluster_id,
        run_id=run_id,
        lease=timedelta(seconds=lease_seconds),
        wait=timedelta(seconds=lease_seconds + 1 if wait_seconds is None else wait_seconds),
        clock=clock,
        progress=say,
    ) as lock:
        run = _Run(store, cluster, cluster_id, publisher, ids, fingerprints)
        left, latest = lock.record, store.latest(cluster_id)
        # Before shutting anybody out: a run that is refused must not disturb the publishing store.
        run.newest = publisher.look(cluster_id, timeout_seconds=lock.seconds_to_publish())
        if left is not None and run.drop_overtaken(lock, left, latest):
            left = None
        if left is None:
            run.refuse_if_another_store_publishes(None if latest is None else latest[0])
        # The second look sees what has happened since: nothing can be added after it.
        run.newest = publisher.take_over(cluster_id, timeout_seconds=lock.seconds_to_publish())
        if left is not None:
            say(
                f"{cluster}: run {left.run_id} ended before snapshot {left.sequence} was complete; publishing it again first"
            )
            left = run.publish_left(lock, left)
        published = run.publish_own(
            lock, run_id=run_id, assemble=assemble, triggers=most_severe_first(triggers), taken=taken
        )
        lock.finish()
    return replace(published, repeated=left)
