"""The inventories in the store: documents, the pointer to the latest, the lock, and sections between two steps."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from mesh_assets.errors import ConflictError, DamagedError, StoreError
from mesh_assets.inventory.document import Document, decode_document, decode_section, encode_section, sha256
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.sections import SECTION_NAMES, Section, SectionName
from mesh_assets.store import layout
from mesh_assets.store.objects import ObjectStore, keep_aside, set_aside
from mesh_assets.store.packed import document_bytes, document_object, has_sha256, pack_plain
from mesh_assets.store.pointers import (
    Adoption,
    KnownCluster,
    Pending,
    Pointer,
    StoredDocument,
    StoreIdentity,
    Tickets,
    decode_adoption,
    decode_known_cluster,
    decode_pending,
    decode_pointer,
    decode_store_identity,
    decode_tickets,
    encode,
)

T = TypeVar("T")
SECTIONS_KEPT = timedelta(days=7)
_TRIES = 20


class DocumentEntry(Record, frozen=True, kw_only=True):
    """A document in a listing; `moment` is the time of its discovery, in whole seconds."""

    key: str
    moment: datetime
    bytes: int


class Ticket(NamedTuple):
    """A reading's place in the order of its series."""

    number: int
    series: str


class InventoryStore:
    """Reads and writes, by meaning, what `objects` holds by key. Every method raises StoreError if the store
    fails."""

    def __init__(self, objects: ObjectStore) -> None:
        self.objects = objects
        self._in_hand: dict[str, Section] = {}
        self._read: tuple[StoredDocument, Document] | None = None

    # --- reading

    def store_id(self) -> str:
        """Which store this is: made once, at the first call, and moved and copied along with the store."""
        key = layout.store_key()
        while (found := self.objects.get(key)) is None:
            with suppress(ConflictError):  # another was faster
                self.objects.put_new(key, encode(StoreIdentity(id=uuid.uuid4().hex)))
        return decode_store_identity(found[0], source=self.objects.location(key)).id

    def latest(self, cluster_id: str) -> tuple[Pointer, str] | None:
        """The pointer to the newest published document, and its version; None if nothing was ever published."""
        key = layout.latest_key(cluster_id)
        found = self.objects.get(key)
        return (
            None if found is None else (decode_pointer(found[0], source=self.objects.location(key)), found[1])
        )

    def latest_document(self, cluster_id: str, *, again: bool = False) -> Document | None:
        """The newest published document; None if nothing was ever published. `again`: this process will read
        it once more and need not decode it twice. Raises StoreError if it is missing or damaged."""
        found = self.latest(cluster_id)
        document = None if found is None else self.read_document(found[0].document)
        if again and found is not None and document is not None:
            self._read = found[0].document, document
        return document

    def read_document(self, stored: StoredDocument) -> Document:
        """That document, checked against its SHA-256."""
        read, self._read = self._read, None
        if read is not None and read[0] == stored:
            return read[1]
        return self._decoded(stored.key, self.read_document_bytes(stored))

    def read_document_bytes(self, stored: StoredDocument) -> bytes:
        """Raises DamagedError if the document is missing or not what was written."""
        found = document_object(self.objects, stored.key)
        if found is not None and has_sha256(found, stored.sha256):
            return found[0]
        other = "not what was written there (its SHA-256 differs)"
        wrong = "missing though the store refers to it" if found is None else other
        raise DamagedError(f"{self.objects.location(stored.key)} is {wrong}; restore it from a backup")

    def document_at(self, cluster_id: str, moment: datetime | str = "latest") -> Document:
        """The document that was valid at `moment`: a time (also as ISO 8601 text), `latest`, a document's key
        or its file name.

        Raises StoreError if there is none.
        """
        if moment == "latest":
            document = self.latest_document(cluster_id)
            if document is None:
                raise StoreError(f"nothing has ever been published for cluster {cluster_id}")
            return document
        if isinstance(moment, str) and layout.document_moment(moment) is not None:
            key = layout.plain_key(layout.cluster_folder(cluster_id) + moment.rpartition("/")[2])
        else:
            key = self._key_at(cluster_id, moment)
        data = document_bytes(self.objects, key)
        if data is None:
            raise StoreError(f"{self.objects.location(key)} does not exist")
        return self._decoded(key, data)

    def _decoded(self, key: str, data: bytes) -> Document:
        """The last step of every way to a document."""
        return decode_document(data, source=self.objects.location(key))

    def decoded_once(self, result: tuple[str, object, str], data: bytes, decode: Callable[[bytes], T]) -> T:  # noqa: ARG002 - see DocumentsOnce
        """The last step of every way to a result. `result`: its key, the kind of its records, its version."""
        return decode(data)

    def list_documents(self, cluster_id: str) -> list[DocumentEntry]:
        """The cluster's documents, oldest first, under their keys, in whatever form they are kept."""
        entries = {}  # one of them may exist in two forms
        for entry in self.objects.list(f"{layout.cluster_folder(cluster_id)}inventory-"):
            moment = layout.document_moment(entry.key)
            if moment is not None:
                key = layout.plain_key(entry.key)
                entries[moment] = DocumentEntry(key=key, moment=moment[0], bytes=entry.bytes)
        return [entries[moment] for moment in sorted(entries)]

    def cluster_id(self, name: str) -> str | None:
        """The id that the brokers last gave for that cluster of the estate; None if it was never discovered."""
        known = self.known_cluster(name)
        return None if known is None else known.cluster_id

    def known_cluster(self, name: str) -> KnownCluster | None:
        """The clusters that this name of the estate has stood for; None if it was never discovered."""
        key = layout.known_cluster_key(name)
        found = self.objects.get(key)
        return None if found is None else decode_known_cluster(found[0], source=self.objects.location(key))

    def _key_at(self, cluster_id: str, moment: datetime | str) -> str:
        if isinstance(moment, str):
            try:
                moment = datetime.fromisoformat(moment)
            except ValueError as error:
                raise StoreError(
                    f"{moment!r} is not a moment; expected a time like 2026-11-23T16:40:02Z, latest, or a document's name"
                ) from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        entries = self.list_documents(cluster_id)
        keys = [entry.key for entry in entries if entry.moment <= moment]
        if not keys:
            known = (
                f"the oldest is from {entries[0].moment:%Y-%m-%dT%H:%M:%SZ}" if entries else "there are none"
            )
            raise StoreError(
                f"no document of cluster {cluster_id} is as old as {moment:%Y-%m-%dT%H:%M:%SZ}; {known}"
            )
        return keys[-1]

    # --- publishing: only under the cluster's lock (mesh_assets.snapshot)

    def free_document_key(self, cluster_id: str, moment: datetime) -> str:
        """An unused key for a document from that moment. The second document of a second gets the suffix
        `-2`."""
        first = layout.document_key(cluster_id, moment, 1)
        listed = self.objects.list(first.removesuffix(".json"))
        taken = {layout.plain_key(entry.key) for entry in listed}
        return next(
            key
            for attempt in range(1, len(taken) + 2)
            if (key := layout.document_key(cluster_id, moment, attempt)) not in taken
        )

    def put_document(self, key: str, data: bytes) -> StoredDocument:
        self.objects.put_new(key, data)
        return StoredDocument(key=key, sha256=sha256(data), bytes=len(data))

    def pack_document(self, stored: StoredDocument) -> None:
        """Keeps a document that is no longer the latest as its difference from another one of its day. It can
        still be read by its key; a kill in between leaves both forms."""
        pack_plain(self.objects, stored.key, stored.sha256)

    def delete_document(self, stored: StoredDocument) -> None:
        """Removes a document that was never published, unless its key holds another one by now."""
        found = self.objects.get(stored.key)
        if found is not None and sha256(found[0]) == stored.sha256:
            self.objects.delete_if(stored.key, found[1])

    def set_document_aside(self, stored: StoredDocument) -> None:
        """Takes a damaged document that was never published out of the history; a copy stays under
        `quarantine/`."""
        found = self.objects.get(stored.key)
        if found is not None:
            keep_aside(self.objects, stored.key, found[0])
            self.objects.delete_if(stored.key, found[1])

    def move_latest(self, pointer: Pointer, version: str | None) -> str:
        """Makes `pointer` the latest if the present one still has that version (None: there is none); returns
        its new version. Raises ConflictError otherwise."""
        key = layout.latest_key(pointer.cluster_id)
        data = encode(pointer)
        if version is not None:
            return self.objects.put_if(key, data, version)
        moved = self.objects.put_new(key, data)
        if self.objects.get(layout.adoption_key(pointer.cluster_id)) is not None:
            self.objects.delete(
                layout.adoption_key(pointer.cluster_id)
            )  # it is used up; another handover needs another one
        return moved

    def adopt(self, cluster_id: str, store_id: str | None, version: str | None, *, sequence: int) -> None:
        """Lets this store continue from what the store `store_id` published up to `sequence`, as if it had
        never published the cluster itself; its documents stay. Raises ConflictError if the pointer has moved
        from that version."""
        self.note_newest(cluster_id, store_id, sequence)
        if version is not None:
            self.objects.delete_if(layout.latest_key(cluster_id), version)

    def note_newest(self, cluster_id: str, store_id: str | None, sequence: int) -> None:
        """Records the snapshot in the topic that the store continues from although it did not publish it, or
        has lost it."""
        adoption = Adoption(store_id=store_id, sequence=sequence)
        self.objects.put(layout.adoption_key(cluster_id), encode(adoption))

    def known_sequence(self, cluster_id: str) -> int | None:
        """The newest snapshot of the cluster in the topic, as far as this store knows; None: it knows of
        none."""
        latest, adopted = self.latest(cluster_id), self.adoption(cluster_id)
        known = (
            *(() if latest is None else (latest[0].sequence,)),
            *(() if adopted is None else (adopted.sequence,)),
        )
        return max(known, default=None)

    def adoption(self, cluster_id: str) -> Adoption | None:
        """What this store continues from, if that is not its own `latest.json`."""
        key = layout.adoption_key(cluster_id)
        found = self.objects.get(key)
        return None if found is None else decode_adoption(found[0], source=self.objects.location(key))

    def remember_cluster(self, name: str, cluster_id: str) -> None:
        known = self.known_cluster(name)
        if known is None:
            self._put_known(KnownCluster(name=name, cluster_id=cluster_id))
        elif known.cluster_id != cluster_id:
            former = (*(one for one in known.former if one != cluster_id), known.cluster_id)
            self._put_known(KnownCluster(name=name, cluster_id=cluster_id, former=former))

    def forget_cluster_id(self, name: str, cluster_id: str) -> None:
        """Removes an id that is gone from those that the name has stood for; the previous one becomes current
        again. The only one stays: nothing else says where the documents are."""
        known = self.known_cluster(name)
        ids = () if known is None else (*known.former, known.cluster_id)
        left = tuple(one for one in ids if one != cluster_id)
        if left and left != ids:
            self._put_known(KnownCluster(name=name, cluster_id=left[-1], former=left[:-1]))

    def forget_name(self, name: str) -> None:
        """Makes the name one that was never discovered; the documents stay under their ids."""
        self.objects.delete(layout.known_cluster_key(name))

    def cluster_names(self) -> tuple[str, ...]:
        """The name of every cluster that was ever discovered into this store."""
        folder = layout.known_clusters_folder()
        return tuple(
            layout.unsafe(entry.key.removeprefix(folder).removesuffix(".json"))
            for entry in self.objects.list(folder)
        )

    def names_of(self, cluster_id: str) -> tuple[str, ...]:
        """The names under which that cluster was last discovered."""
        return tuple(name for name in self.cluster_names() if self.cluster_id(name) == cluster_id)

    def _put_known(self, known: KnownCluster) -> None:
        self.objects.put(layout.known_cluster_key(known.name), encode(known))

    def pending(self, cluster_id: str) -> tuple[Pending, str] | None:
        """The lock of the cluster and its version; None if nobody holds it."""
        key = layout.pending_key(cluster_id)
        found = self.objects.get(key)
        return (
            None if found is None else (decode_pending(found[0], source=self.objects.location(key)), found[1])
        )

    def put_pending(self, cluster_id: str, pending: Pending, version: str | None) -> str:
        """Writes the lock if it still has that version (None: there is none); returns its new version. Raises
        ConflictError otherwise."""
        key = layout.pending_key(cluster_id)
        data = encode(pending)
        return self.objects.put_new(key, data) if version is None else self.objects.put_if(key, data, version)

    def delete_pending(self, cluster_id: str, version: str) -> None:
        self.objects.delete_if(layout.pending_key(cluster_id), version)

    # --- the order of readings

    def begin_new_series(self, cluster_id: str) -> None:
        """For a store that has lost something: it may give the same numbers again, and they must not be
        confused."""
        self.objects.delete(layout.tickets_key(cluster_id))

    def take_ticket(self, cluster_id: str) -> Ticket:
        """The next number for a reading of the cluster: higher than every earlier one in the series, in any
        process, on any host. Raises StoreError if other writers are always faster."""
        key = layout.tickets_key(cluster_id)
        for _ in range(_TRIES):
            found = self.objects.get(key)
            known = None if found is None else self._tickets(key, found[0])
            if known is None:  # lost: the latest document's numbers must stay older than those to come
                latest = self.latest_document(cluster_id)
                before = 0 if latest is None else max(latest.tickets.values(), default=0)
            else:  # restored from a backup older than the document: the counter must not start below it either
                pointer = self.latest(cluster_id)
                before = known.last if pointer is None else max(known.last, pointer[0].ticket)
            series = (None if known is None else known.series) or uuid.uuid4().hex
            data = encode(Tickets(last=before + 1, series=series))
            with suppress(ConflictError):  # another was faster
                if found is None:
                    self.objects.put_new(key, data)
                else:
                    self.objects.put_if(key, data, found[1])
                return Ticket(before + 1, series)
        raise StoreError(f"{self.objects.location(key)} is being written by others all the time; try again")

    def _tickets(self, key: str, data: bytes) -> Tickets | None:
        try:
            return decode_tickets(data, source=self.objects.location(key))
        except DamagedError as error:
            set_aside(self.objects, key, data, reason=str(error))
            return None

    # --- sections on their way from step to step

    def hand_over(self, run_id: str, cluster: str, section: Section) -> None:
        """Keeps a section in this process for later steps of the run. `put_sections` keeps for another
        process whatever remains when this one is done with the run."""
        self._in_hand[layout.section_key(run_id, cluster, section_name(section))] = section

    def put_sections(self) -> None:
        """Writes the sections that were handed over and not dropped, for whichever process continues their
        run."""
        while self._in_hand:
            key, section = next(iter(self._in_hand.items()))
            self.objects.put(key, encode_section(section))
            del self._in_hand[key]

    def get_section(self, run_id: str, cluster: str, name: SectionName) -> Section | None:
        """The section that the run collected; None if it did not."""
        key = layout.section_key(run_id, cluster, name)
        if key in self._in_hand:
            return self._in_hand[key]
        found = self.objects.get(key)
        return None if found is None else decode_section(found[0], source=self.objects.location(key))

    def drop_sections(self, run_id: str) -> None:
        folder = layout.run_folder(run_id)
        for key in [key for key in self._in_hand if key.startswith(folder)]:
            del self._in_hand[key]
        for entry in self.objects.list(folder):
            self.objects.delete(entry.key)

    def prune_sections(self, *, now: datetime, kept: timedelta = SECTIONS_KEPT) -> int:
        """Removes the sections of runs whose newest section is older than `kept`; returns the number of
        objects removed."""
        runs: dict[str, list[tuple[str, datetime]]] = {}
        for entry in self.objects.list("steps/"):
            runs.setdefault(entry.key.split("/")[1], []).append((entry.key, entry.modified_at))
        old = [
            key
            for entries in runs.values()
            if max(moment for _, moment in entries) < now - kept
            for key, _ in entries
        ]
        for key in old:
            self.objects.delete(key)
        return len(old)


def section_name(section: Section) -> SectionName:
    tag = section.__struct_config__.tag
    return next(name for name in SECTION_NAMES if name == tag)
