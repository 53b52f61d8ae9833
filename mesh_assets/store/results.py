"""What analyses found, beside the documents they read: `analysis/<name>.json`, the newest result of each."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from mesh_assets.diff import diff_documents
from mesh_assets.errors import DamagedError, StoreError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.formats import refuse_newer_format
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.pointers import Pointer

T = TypeVar("T")


class DocumentRead(Record, frozen=True, kw_only=True):
    """Which document of a cluster a result is of. `sequence` and `key` None: the cluster was never discovered."""

    cluster: str
    cluster_id: str | None
    sequence: int | None
    key: str | None


class StoredResult(Record, Generic[T], frozen=True, kw_only=True):
    """A result with its origin: `made_at` in UTC, and for every cluster of the estate at that time the document read."""

    format: int = 1
    made_at: datetime
    documents: tuple[DocumentRead, ...]
    result: T


class LatestDocuments(Record, frozen=True, kw_only=True):
    """The newest document of each cluster of the estate, by name, and what was read: clusters that were never
    discovered have no document."""

    documents: Mapping[str, Document]
    read: tuple[DocumentRead, ...]


class ResultStore(Generic[T]):
    """The results of one analysis, of records of `kind`, which the job `job` makes. Every method raises StoreError if the store fails."""

    def __init__(self, objects: ObjectStore, name: str, kind: type[T], *, job: str = "analysis") -> None:
        self.objects = objects
        self._job = job
        self.key = f"analysis/{name}.json"
        self._decoder: msgspec.json.Decoder[StoredResult[T]] = msgspec.json.Decoder(
            StoredResult[kind]  # type: ignore[valid-type]
        )

    def put(self, result: T, *, documents: Iterable[DocumentRead], made_at: datetime) -> str:
        """Keeps the result instead of the one before; its location, for people."""
        stored = StoredResult(made_at=made_at, documents=tuple(documents), result=result)
        self.objects.put(self.key, msgspec.json.encode(stored))
        return self.objects.location(self.key)

    def get(self) -> StoredResult[T] | None:
        """The newest result; None if the analysis has not run yet. Raises DamagedError if it cannot be read."""
        found = self.objects.get(self.key)
        if found is None:
            return None
        refuse_newer_format(found[0], source=self.objects.location(self.key))
        try:
            return self._decoder.decode(found[0])
        except UNDECODABLE as error:
            raise DamagedError(
                f"{self.objects.location(self.key)} is not a result of this version ({error}); run the job `{self._job}` again"
            ) from error


def holds_for(store: InventoryStore, read: DocumentRead | None, document: Document) -> bool:
    """Whether what was found in the document `read` is true of `document`: it is the same, or a later one without a
    change between them. The job `analysis` runs after snapshots whose inventory changed, so most of the time the newest
    is a later one. Compares the two documents then, which takes a second for large ones."""
    if read is None or read.key is None or read.cluster_id != document.cluster.id:
        return False
    if document.cluster.name != read.cluster:
        return False  # the result has what belongs to a renamed cluster under its old name
    if read.sequence == document.sequence:
        return True
    try:
        earlier = store.document_at(document.cluster.id, read.key)
    except StoreError:  # the store keeps documents for a while only
        return False
    return not diff_documents(earlier, document)


def latest_pointers(store: InventoryStore, clusters: Iterable[str]) -> dict[str, Pointer | None]:
    """The pointers to the newest documents of those clusters of the estate; None: never discovered."""
    found: dict[str, Pointer | None] = {}
    for name in clusters:
        cluster_id = store.cluster_id(name)
        latest = None if cluster_id is None else store.latest(cluster_id)
        found[name] = None if latest is None else latest[0]
    return found


def read_latest_documents(store: InventoryStore, clusters: Iterable[str]) -> LatestDocuments:
    """The newest document of each of those clusters. Raises StoreError also if one that is known cannot be read:
    an analysis without it would show as gone what is only unreadable."""
    documents: dict[str, Document] = {}
    read = []
    for name, pointer in latest_pointers(store, clusters).items():
        if pointer is None:
            read.append(DocumentRead(cluster=name, cluster_id=None, sequence=None, key=None))
            continue
        documents[name] = store.read_document(pointer.document)
        read.append(
            DocumentRead(
                cluster=name,
                cluster_id=pointer.cluster_id,
                sequence=pointer.sequence,
                key=pointer.document.key,
            )
        )
    return LatestDocuments(documents=documents, read=tuple(read))
