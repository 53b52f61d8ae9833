"""The small records next to the documents, and their JSON form: which document is the latest, and what a run
is about to publish."""

from datetime import datetime
from typing import TypeVar

import msgspec

from mesh_assets.errors import DamagedError
from mesh_assets.inventory.changes import Change, Trigger
from mesh_assets.inventory.document import Document, Summary
from mesh_assets.inventory.formats import refuse_newer_format
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.sections import SectionName, SectionState


class StoredDocument(Record, frozen=True, kw_only=True):
    """A document in the store; `sha256` (hexadecimal) and `bytes` are those of the stored object."""

    key: str
    sha256: str
    bytes: int


class EventPosition(Record, frozen=True, kw_only=True):
    """An event's position in Kafka."""

    topic: str
    partition: int
    offset: int


class SchemaIds(Record, frozen=True, kw_only=True):
    """The ids under which a registry knows the two event schemas. A fingerprint is the SHA-256 of the
    schema's text."""

    registry: str
    event_id: int
    event_fingerprint: str
    change_id: int
    change_fingerprint: str


class Pointer(Record, frozen=True, kw_only=True):
    """`latest.json`: the newest published document of a cluster and its event. `ticket`: the highest number
    of a reading in the document; 0 if an earlier version wrote the pointer."""

    format: int = 1
    cluster: str
    cluster_id: str
    run_id: str
    sequence: int
    discovery_timestamp: datetime
    document: StoredDocument
    summary: Summary
    sections: dict[SectionName, SectionState]
    changes: int
    triggers: tuple[Trigger, ...]
    event: EventPosition
    schema_ids: SchemaIds | None
    ticket: int = 0


class Holder(Record, frozen=True, kw_only=True):
    """The process that works on a cluster. `machine`: its boot and process namespace, None if unknown.
    `started`: when the process started, as the kernel counts, so that a reused process id is not taken for
    it."""

    run_id: str
    host: str
    pid: int
    machine: str | None
    started: str | None


class WriteAhead(Record, frozen=True, kw_only=True):
    """What a run is about to publish: enough for another run to publish the same. `taken`: the ids of the triggers
    in the inbox that are dealt with once it is published."""

    run_id: str
    sequence: int
    discovery_timestamp: datetime
    document: StoredDocument
    changes: tuple[Change, ...]
    triggers: tuple[Trigger, ...]
    taken: tuple[str, ...] = ()

    def pointer(
        self, document: Document, *, cluster: str, event: EventPosition, ids: SchemaIds | None
    ) -> Pointer:
        """A pointer to the record's `document`, published at `event`."""
        return Pointer(
            cluster=cluster,
            cluster_id=document.cluster.id,
            run_id=self.run_id,
            sequence=self.sequence,
            discovery_timestamp=self.discovery_timestamp,
            document=self.document,
            summary=document.summary,
            sections=document.sections,
            changes=len(self.changes),
            triggers=self.triggers,
            event=event,
            schema_ids=ids,
            ticket=max(document.tickets.values(), default=0),
        )


class Pending(Record, frozen=True, kw_only=True):
    """`pending.json`: the lock of a cluster, and the write-ahead record once there is one.

    `holder` None: nobody is working on it any more, whatever `expires_at` says. `draft`: the key of a
    document that is being written and has no record yet; without a record it is useless. `refused`: why Kafka
    will not take what the record still owes.
    """

    format: int = 1
    cluster: str
    holder: Holder | None
    acquired_at: datetime
    expires_at: datetime
    draft: str | None = None
    record: WriteAhead | None = None
    refused: str | None = None


class StoreIdentity(Record, frozen=True, kw_only=True):
    """`store.json`: which store this is, wherever it is moved to."""

    format: int = 1
    id: str


class Tickets(Record, frozen=True, kw_only=True):
    """`tickets.json`: the number of the newest reading of a cluster that was begun. `series`: numbers can be
    compared only within one; it changes whenever the counter starts over; empty if an earlier version wrote
    it."""

    format: int = 1
    last: int
    series: str = ""


class KnownCluster(Record, frozen=True, kw_only=True):
    """`clusters/<name>.json`: the id that the brokers last gave for a cluster of the estate. `former`: its
    earlier ids that were not retired."""

    name: str
    cluster_id: str
    former: tuple[str, ...] = ()


class Adoption(Record, frozen=True, kw_only=True):
    """`adopted.json`: this store may continue from what another one published, or from what it lost itself.
    `store_id`: that store; None if its events do not say. `sequence`: of the newest snapshot at that time, so
    a reading that begins now is newer; 0 if an earlier version wrote it."""

    format: int = 1
    store_id: str | None
    sequence: int = 0


class Base(Record, frozen=True, kw_only=True):
    """A whole document that other documents of its day (UTC) are stored against. `sha256`: of the
    document."""

    id: str
    day: str
    sha256: str


class Packing(Record, frozen=True, kw_only=True):
    """`packing.json`: the bases of packed documents, the newest last. `turn` makes each write a new version;
    `on_newest`: how many documents were packed on the newest base."""

    format: int = 1
    turn: int = 0
    on_newest: int = 0
    bases: tuple[Base, ...] = ()


_R = TypeVar("_R")
_encoder = msgspec.json.Encoder()
_pointers = msgspec.json.Decoder(Pointer)
_pendings = msgspec.json.Decoder(Pending)
_clusters = msgspec.json.Decoder(KnownCluster)
_tickets = msgspec.json.Decoder(Tickets)
_stores = msgspec.json.Decoder(StoreIdentity)
_adoptions = msgspec.json.Decoder(Adoption)
_packings = msgspec.json.Decoder(Packing)


def encode(
    record: Pointer | Pending | KnownCluster | StoreIdentity | Tickets | Adoption | Packing,
) -> bytes:
    return msgspec.json.format(_encoder.encode(record))


def decode_pointer(data: bytes, *, source: str) -> Pointer:
    """Raises DamagedError naming `source` if the bytes are not a pointer."""
    return _decoded(_pointers, data, source)


def decode_pending(data: bytes, *, source: str) -> Pending:
    """Raises DamagedError naming `source` if the bytes are not a lock."""
    return _decoded(_pendings, data, source)


def decode_known_cluster(data: bytes, *, source: str) -> KnownCluster:
    """Raises DamagedError naming `source` if the bytes are not a known cluster."""
    return _decoded(_clusters, data, source)


def decode_tickets(data: bytes, *, source: str) -> Tickets:
    """Raises StoreError naming `source` if the bytes are not a cluster's tickets."""
    return _decoded(_tickets, data, source)


def decode_store_identity(data: bytes, *, source: str) -> StoreIdentity:
    """Raises DamagedError naming `source` if the bytes are not a store's identity."""
    return _decoded(_stores, data, source)


def decode_adoption(data: bytes, *, source: str) -> Adoption:
    """Raises DamagedError naming `source` if the bytes are not an adoption."""
    return _decoded(_adoptions, data, source)


def decode_packing(data: bytes, *, source: str) -> Packing:
    """Raises DamagedError naming `source` if the bytes do not name a cluster's bases."""
    return _decoded(_packings, data, source)


def _decoded(decoder: msgspec.json.Decoder[_R], data: bytes, source: str) -> _R:
    refuse_newer_format(data, source=source)
    try:
        return decoder.decode(data)
    except UNDECODABLE as error:
        raise DamagedError(
            f"{source} cannot be read by this version: {error}; it was written by another version or damaged. "
            "See what is wrong: mesh-assets snapshot repair --cluster NAME"
        ) from error
