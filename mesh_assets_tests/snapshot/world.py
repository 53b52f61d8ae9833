"""A world for the publishing protocol without waiting or servers: a store in memory, a log in place of both topics, an
adjustable clock, and runs that can be killed or frozen at any of their effects."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from mesh_assets.errors import ConflictError, PublishError
from mesh_assets.events.model import (
    ChangeEvent,
    ClaimedDocument,
    DiscoveryEvent,
    Newest,
    Origin,
    PublishedEvent,
    RefusedChangesError,
    RefusedEventError,
    claim_check,
)
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import Document, sha256
from mesh_assets.inventory.sections import SecretFingerprints
from mesh_assets.snapshot.commit import publish_snapshot
from mesh_assets.snapshot.report import Published
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore, StoredObject, checked_key
from mesh_assets.store.pointers import EventPosition, SchemaIds
from mesh_assets_tests.documents import MOMENT, a_document, a_topic

_R = TypeVar("_R")
CLUSTER, CLUSTER_ID = "warehouse", "lkc-1"
LEASE_SECONDS = 40.0


class Killed(BaseException):
    """`kill -9`: nothing in the process runs after it, which `Life` ensures."""


class MovedClock:
    def __init__(self) -> None:
        self.time = MOMENT
        self.slept = 0.0

    def now(self) -> datetime:
        return self.time

    def elapsed(self) -> float:
        return (self.time - MOMENT).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.time += timedelta(seconds=seconds)


class Life:
    """Counts a run's effects on the world. Just before effect `ends_at` (from 1), `then` happens once: it kills or freezes the
    run."""

    def __init__(self, ends_at: int | None = None, then: Callable[[], None] | None = None) -> None:
        self.effects = 0
        self.dead = False
        self._ends_at = ends_at
        self._then = then

    def look(self) -> None:
        if self.dead:
            raise Killed

    def effect(self, do: Callable[[], _R]) -> _R:
        self.look()
        self.effects += 1
        if self.effects == self._ends_at:
            if self._then is None:
                self.dead = True
                raise Killed
            self._then()
        return do()


class MemoryObjects:
    """An ObjectStore in memory."""

    def __init__(self, *, shared: bool = False) -> None:
        self.data: dict[str, bytes] = {}
        self.shared = shared

    def get(self, key: str) -> tuple[bytes, str] | None:
        data = self.data.get(checked_key(key))
        return None if data is None else (data, sha256(data))

    def put(self, key: str, data: bytes) -> str:
        self.data[checked_key(key)] = data
        return sha256(data)

    def put_new(self, key: str, data: bytes) -> str:
        if key in self.data:
            raise ConflictError(f"{key} exists")
        return self.put(key, data)

    def put_if(self, key: str, data: bytes, version: str) -> str:
        self._expect(key, version)
        return self.put(key, data)

    def delete(self, key: str) -> None:
        self.data.pop(key, None)

    def delete_if(self, key: str, version: str) -> None:
        self._expect(key, version)
        del self.data[key]

    def list(self, prefix: str) -> "list[StoredObject]":
        now = datetime.now(UTC)
        return [
            StoredObject(key=key, bytes=len(self.data[key]), modified_at=now)
            for key in sorted(key for key in self.data if key.startswith(prefix))
        ]

    def uri(self, key: str) -> str:
        return f"memory:///{key}"

    def location(self, key: str) -> str:
        return key

    def _expect(self, key: str, version: str) -> None:
        found = self.get(key)
        if found is None or found[1] != version:
            raise ConflictError(f"{key} is another")


class MortalObjects:
    """Another store as seen by a run that may not live long."""

    def __init__(self, inner: ObjectStore, life: Life) -> None:
        self._inner = inner
        self._life = life
        self.shared = inner.shared

    def get(self, key: str) -> tuple[bytes, str] | None:
        self._life.look()
        return self._inner.get(key)

    def put(self, key: str, data: bytes) -> str:
        return self._life.effect(lambda: self._inner.put(key, data))

    def put_new(self, key: str, data: bytes) -> str:
        return self._life.effect(lambda: self._inner.put_new(key, data))

    def put_if(self, key: str, data: bytes, version: str) -> str:
        return self._life.effect(lambda: self._inner.put_if(key, data, version))

    def delete(self, key: str) -> None:
        self._life.effect(lambda: self._inner.delete(key))

    def delete_if(self, key: str, version: str) -> None:
        self._life.effect(lambda: self._inner.delete_if(key, version))

    def list(self, prefix: str) -> "list[StoredObject]":
        self._life.look()
        return self._inner.list(prefix)

    def uri(self, key: str) -> str:
        return self._inner.uri(key)

    def location(self, key: str) -> str:
        return self._inner.location(key)


class Log:
    """The content of both topics, in the order of writing. A snapshot of more than `largest_bytes` is refused."""

    def __init__(self) -> None:
        self.entries: list[DiscoveryEvent | ChangeEvent] = []
        self.writer: object | None = None
        """The last to fence the others."""
        self.largest_bytes: int | None = None
        self.refused_change: str | None = None
        """The resource whose change Kafka refuses for good."""
        self.down = False
        self.retired = False
        """Whether a tombstone came after the last snapshot."""
        self.carried: dict[tuple[int, str], tuple[ChangeEvent, ...]] = {}
        """The changes that snapshots carry, by sequence and run."""
        self.changes_can_be_read = True

    @property
    def snapshots(self) -> list[DiscoveryEvent]:
        return [entry for entry in self.entries if isinstance(entry, DiscoveryEvent)]

    @property
    def changes(self) -> list[ChangeEvent]:
        return [entry for entry in self.entries if isinstance(entry, ChangeEvent)]


class LogPublisher:
    """A Publisher that appends to the log, one effect per message, until another fences it. It ignores deadlines: its clock may
    have stood still."""

    http_requests = 0

    def __init__(self, log: Log, life: Life, clock: MovedClock) -> None:
        self._log = log
        self._life = life
        self._clock = clock
        self.notes: tuple[str, ...] = ()
        self.cached: SchemaIds | None = None
        self.looked_at = 0
        """The length of the log at the last look before the others were fenced."""
        self.shut_out_at: int | None = None

    def prepare(self, cached: SchemaIds | None) -> SchemaIds | None:
        self.cached = cached
        return SchemaIds(registry="r", event_id=1, event_fingerprint="e", change_id=2, change_fingerprint="c")

    def take_over(self, cluster_id: str, *, timeout_seconds: float) -> Newest | None:
        def shut_out() -> None:
            self._log.writer = self
            self.shut_out_at = len(self._log.entries)

        self._life.effect(shut_out)
        return self.look(cluster_id, timeout_seconds=timeout_seconds)

    def look(self, cluster_id: str, *, timeout_seconds: float) -> Newest | None:  # noqa: ARG002
        self._life.look()
        if self.shut_out_at is None:
            self.looked_at = len(self._log.entries)
        found = [event for event in self._log.snapshots if event.cluster_state.cluster_id == cluster_id]
        if not found:
            return None
        event, retired = found[-1], self._log.retired
        origin = Origin(sequence=event.sequence, run_id=event.run_id, store_id=event.store_id)
        carried = self._log.carried.get((event.sequence, event.run_id))
        return Newest(
            origin=origin,
            retired=retired,
            read=lambda: None if retired else event,
            changes=lambda: None if retired else carried,
        )

    def newest_change(self, cluster_id: str, *, timeout_seconds: float) -> str | None:
        assert timeout_seconds > 0
        self._life.look()
        found = [change.id for change in self._log.changes if change.cluster_id == cluster_id]
        return found[-1] if found and self._log.changes_can_be_read else None

    def publish_snapshot(
        self,
        event: DiscoveryEvent,
        *,
        changes: Sequence[ChangeEvent],
        claimed: ClaimedDocument | None,
        timeout_seconds: float,
    ) -> PublishedEvent:
        size = len(repr(event.cluster_state.topics))
        too_large = self._log.largest_bytes is not None and size > self._log.largest_bytes
        if too_large and claimed is None:
            raise RefusedEventError("too large")
        if too_large and claimed is not None:
            event = claim_check(event, claimed)
        self._append(event, timeout_seconds, tuple(changes))
        position = EventPosition(topic="discovery-events", partition=0, offset=len(self._log.snapshots) - 1)
        return PublishedEvent(position=position, bytes=size, compressed_bytes=None, claim_check=too_large)

    def publish_changes(self, events: Iterable[ChangeEvent], *, timeout_seconds: float) -> None:
        for event in events:
            if event.resource == self._log.refused_change:
                raise RefusedChangesError(f"the change of {event.resource} is too large")
            self._append(event, timeout_seconds)

    def _append(
        self,
        event: DiscoveryEvent | ChangeEvent,
        timeout_seconds: float,
        carried: tuple[ChangeEvent, ...] = (),
    ) -> None:
        assert timeout_seconds > 0

        def append() -> None:
            if self._log.writer is not self:
                raise ConflictError("a newer run has shut this one out")
            if self._log.down:
                raise PublishError("the brokers are down")
            self._log.entries.append(event)
            if isinstance(event, DiscoveryEvent):
                self._log.retired = False
                self._log.carried[event.sequence, event.run_id] = carried

        self._life.effect(append)


class World:
    """`topics`: what a run sees by default. `previous`: what the last run compared with."""

    def __init__(
        self, *, shared_store: bool = False, store: ObjectStore | None = None, run_prefix: str = "run"
    ) -> None:
        """`store` None: one in memory, `objects`."""
        self._run_prefix = run_prefix
        self.objects = MemoryObjects(shared=shared_store)
        self._kept: ObjectStore = self.objects if store is None else store
        self.store = InventoryStore(self._kept)
        self.store.store_id()  # made now, so that it is no effect of a run
        self.log = Log()
        self.clock = MovedClock()
        self.topics: tuple[str, ...] = ("orders",)
        self.runs = 0
        self.previous: Document | None = None

    def run(
        self,
        topics: tuple[str, ...] | None = None,
        *,
        life: Life | None = None,
        run_id: str | None = None,
        triggers: tuple[Trigger, ...] = (Trigger(type="manual"),),
        wait_seconds: float | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Published:
        """One discovery, a second after the last one, of those topics."""
        self.runs += 1
        self.clock.time += timedelta(seconds=1)
        life = life or Life()
        seen = self.topics if topics is None else topics
        name = run_id or f"{self._run_prefix}-{self.runs}"

        def assemble(previous: Document | None, sequence: int) -> Document:
            self.previous = previous
            return a_document(
                topics=tuple(a_topic(topic) for topic in sorted(seen)),
                sequence=sequence,
                run_id=name,
                discovery_timestamp=self.clock.now(),
            )

        return publish_snapshot(
            store=InventoryStore(MortalObjects(self._kept, life)),
            cluster=CLUSTER,
            cluster_id=CLUSTER_ID,
            run_id=name,
            assemble=assemble,
            triggers=triggers,
            publisher=LogPublisher(self.log, life, self.clock),
            lease_seconds=LEASE_SECONDS,
            wait_seconds=wait_seconds,
            clock=self.clock,
            progress=progress,
        )

    def publish(
        self,
        assemble: Callable[[Document | None, int], Document],
        *,
        cluster: str = CLUSTER,
        cluster_id: str = CLUSTER_ID,
        triggers: tuple[Trigger, ...] = (Trigger(type="manual"),),
        fingerprints: SecretFingerprints | None = None,
    ) -> Published:
        """Publishes any document: `assemble` builds it from the previous one and the sequence."""
        return publish_snapshot(
            store=self.store,
            cluster=cluster,
            cluster_id=cluster_id,
            run_id="run",
            assemble=assemble,
            triggers=triggers,
            publisher=LogPublisher(self.log, Life(), self.clock),
            lease_seconds=LEASE_SECONDS,
            clock=self.clock,
            fingerprints=lambda _: fingerprints,
        )

    def killed_run(self, effect: int, topics: tuple[str, ...] | None = None) -> bool:
        """A run that is killed just before that effect. Returns whether it lived that long."""
        try:
            self.run(topics, life=Life(effect))
        except Killed:
            return True
        return False

    def effects_of_a_run(self, topics: tuple[str, ...] | None = None) -> int:
        life = Life()
        self.run(topics, life=life)
        return life.effects
