"""What analyses found, next to the documents they read: `analysis/<name>.json`, the newest result of each."""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from mesh_assets.diff import diff_documents
from mesh_assets.errors import DamagedError, StoreError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.formats import refuse_newer_format
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import StoredObject
from mesh_assets.store.pointers import Pointer

T = TypeVar("T")


class DocumentRead(Record, frozen=True, kw_only=True):
    """The document of a cluster that a result was made from. `sequence` and `key` None: the cluster was never
    discovered."""

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
    """The newest document of each discovered cluster, by its name in the estate, and what was read."""

    documents: Mapping[str, Document]
    read: tuple[DocumentRead, ...]


class ResultStore(Generic[T]):
    """The results of one analysis, made by the job `job`, as records of `kind`. Every method raises
    StoreError if the store fails."""

    def __init__(self, store: InventoryStore, name: str, kind: type[T], *, job: str = "analysis") -> None:
        self.objects = store.objects
        self.key = f"analysis/{name}.json"
        self._store, self._kind, self._job = store, kind, job
        self._stored: type[StoredResult[T]] = StoredResult[kind]  # type: ignore[valid-type]

    def put(self, result: T, *, documents: Iterable[DocumentRead], made_at: datetime) -> str:
        """Keeps the result in place of the previous one; returns its location, for people."""
        stored = StoredResult(made_at=made_at, documents=tuple(documents), result=result)
        version = self.objects.put(self.key, data := msgspec.json.encode(stored))
        self._store.decoded_once((self.key, self._kind, version), data, lambda _: stored)
        return self.objects.location(self.key)

    def get(self) -> StoredResult[T] | None:
        """The newest result; None if the analysis has not run yet. Raises DamagedError if it cannot be read."""
        if (found := self.objects.get(self.key)) is None:
            return None
        return self._store.decoded_once((self.key, self._kind, found[1]), found[0], self._decode)

    def listed(self) -> StoredObject | None:
        """The newest result as a listing shows it, without reading it: another one once it is written again."""
        return next((one for one in self.objects.list(self.key) if one.key == self.key), None)

    def _decode(self, data: bytes) -> StoredResult[T]:
        refuse_newer_format(data, source=self.objects.location(self.key))
        try:
            return msgspec.json.decode(data, type=self._stored)
        except UNDECODABLE as error:
            raise DamagedError(
                f"{self.objects.location(self.key)} is not a result of this version ({error}); run the job `{self._job}` again"
            ) from error


class LatestResult(Generic[T]):
    """The newest result, read once after each time it is written. Safe to use from many threads."""

    def __init__(self, results: Callable[[], ResultStore[T]]) -> None:
        self._results = results
        self._lock = threading.Lock()
        self._kept: tuple[StoredObject, StoredResult[T]] | None = None

    def get(self) -> StoredResult[T] | None:
        """None: its job has not run yet. Raises StoreError."""
        results = self._results()
        listed = results.listed()
        with self._lock:
            if listed is None:
                return None
            if self._kept is None or self._kept[0] != listed:
                found = results.get()
                self._kept = None if found is None else (listed, found)
            return None if self._kept is None else self._kept[1]


def holds_for(store: InventoryStore, read: DocumentRead | None, document: Document) -> bool:
    """Whether what was found in the document `read` holds for `document`: it is the same one, or a later one
    without a change in between. The job `analysis` runs after snapshots whose inventory changed, so usually
    the newest is a later one; then this compares the two documents, which takes a second for large ones."""
    here = document.cluster  # a result keeps things of a renamed cluster under its old name
    if read is None or read.key is None or (read.cluster_id, read.cluster) != (here.id, here.name):
        return False
    if read.sequence == document.sequence:
        return True
    try:
        earlier = store.document_at(document.cluster.id, read.key)
    except StoreError:  # the store keeps documents only for a while
        return False
    return not diff_documents(earlier, document)


def latest_pointers(store: InventoryStore, clusters: Iterable[str]) -> dict[str, Pointer | None]:
    """The pointers to the newest documents of those clusters of the estate; None: never discovered."""
    ids = {name: store.cluster_id(name) for name in clusters}
    found = {name: None if one is None else store.latest(one) for name, one in ids.items()}
    return {name: None if one is None else one[0] for name, one in found.items()}


def read_latest_documents(store: InventoryStore, clusters: Iterable[str]) -> LatestDocuments:
    """The newest document of each of those clusters. Also raises StoreError if a known one cannot be read: an
    analysis without it would show unreadable things as gone."""
    pointers = latest_pointers(store, clusters)
    documents = {name: store.read_document(one.document) for name, one in pointers.items() if one is not None}
    return LatestDocuments(documents=documents, read=documents_read(pointers))


def documents_read(pointers: Mapping[str, Pointer | None]) -> tuple[DocumentRead, ...]:
    """What was read, when the newest documents are read."""
    return tuple(
        DocumentRead(cluster=name, cluster_id=None, sequence=None, key=None)
        if one is None
        else DocumentRead(
            cluster=name, cluster_id=one.cluster_id, sequence=one.sequence, key=one.document.key
        )
        for name, one in pointers.items()
    )
