"""The estate as the server knows it: read when asked for, kept while current. Safe to use from many threads."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from mesh_assets.answering.answers import Source, UnknownError, current_call, shown
from mesh_assets.answering.belonging import KnownBelonging
from mesh_assets.answering.estate_lineage import KnownLineage
from mesh_assets.answering.known_mappings import KnownMappings
from mesh_assets.answering.known_products import KnownProducts
from mesh_assets.answering.views import View
from mesh_assets.errors import EstateError, MeshError, RefusedError, StoreError
from mesh_assets.estate.file import estate_path
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.fleet.in_force import EstateInForce
from mesh_assets.importing import importing
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SectionName
from mesh_assets.profiling.results import KnownProfiles
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store, unsafe
from mesh_assets.store.pointers import Pointer

_DOCUMENTS_KEPT = 16
# Three of 9,000 topics, 36,000 partitions and 2,199 groups, 28 MB each (measured); without any, the server takes 88 MB.
_BYTES_KEPT = 100_000_000
_BYTES_A_RECORD = 350
_NAMES_LISTED = 30
ReadLive = Callable[[Cluster, Sequence[SectionName], Callable[[str], Document | None]], Document]


class KnownEstate:
    """`estate` and `store`: those of MESH_ESTATE and MESH_STORE when None. `reads` counts the documents read
    and decoded. `mappings`: the event source mappings of the estate's accounts. `lineage`: of the whole estate, as the
    job `analysis` last kept it. `belonging`: relationships and domains. `profiles`: as the job `profiling` last kept
    them.
    """

    def __init__(
        self, *, estate: Path | None = None, store: str | None = None, read_live: ReadLive | None = None
    ) -> None:
        self._estate_path = estate
        self._store_url = store
        self._read_live = read_live or _read_live
        self._lock = threading.RLock()
        self._estate: EstateInForce | None = None
        self._store: InventoryStore | None = None
        self._documents: OrderedDict[str, tuple[Document, int]] = OrderedDict()
        self._reading: dict[str, threading.Lock] = {}
        self.reads = 0
        self.mappings = KnownMappings(lambda: self.estate)
        self.lineage = KnownLineage(lambda: self.store)
        self.profiles = KnownProfiles(lambda: self.store)
        self.products = KnownProducts(lambda: self.store)
        self.belonging = KnownBelonging(lambda: self.estate_if_any, lambda: self.store)

    # --- the estate

    @property
    def estate(self) -> Estate:
        """The estate as the file describes it now; while the file is broken, the last good version. Raises EstateError when
        there is none."""
        return self._in_force().now().estate

    @property
    def estate_problem(self) -> str | None:
        """Says that the estate file is broken and what is in force instead, as of at most a second ago; None while it is sound,
        and where there is no estate at all, which is reported where one is needed."""
        try:
            return self._in_force().lately().problem
        except MeshError:
            return None

    def _in_force(self) -> EstateInForce:
        path = self._estate_path or estate_path()
        with self._lock:
            if self._estate is None or self._estate.path != path:
                self._estate = EstateInForce(path, lambda: self.store.objects)
            return self._estate

    @property
    def estate_if_any(self) -> Estate | None:
        """None when there is no file. Raises EstateError for a file with faults."""
        return self.estate if (self._estate_path or estate_path()).exists() else None

    @property
    def store(self) -> InventoryStore:
        """Raises StoreError for an address that is not one."""
        with self._lock:
            if self._store is None:
                self._store = InventoryStore(open_store(self._store_url or os.environ.get("MESH_STORE")))
            return self._store

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which another process sees the same estate and store."""
        chosen = {"MESH_ESTATE": self._estate_path, "MESH_STORE": self._store_url}
        return {name: str(value) for name, value in chosen.items() if value is not None}

    def names(self) -> list[str]:
        """The estate's clusters; the store's when there is no estate. Raises EstateError when there is
        neither."""
        try:
            return list(self.estate.clusters)
        except EstateError:
            known = self._stored_names()
            if not known:
                raise
            return known

    def name(self, cluster: str | None) -> str:
        """The cluster that is meant: by name, by id, or because there is only one. Raises UnknownError, which lists
        the clusters."""
        names = self.names()
        if cluster is None:
            if len(names) == 1:
                return names[0]
            raise UnknownError(f"say which cluster: {_listed(names)}")
        if cluster in names:
            return cluster
        by_id = next((name for name in names if self._cluster_id(name) == cluster), None)
        if by_id is None:
            raise UnknownError(f"there is no cluster {shown(cluster)}; there are: {_listed(names)}")
        return by_id

    def cluster(self, name: str) -> Cluster:
        """The cluster as the estate describes it, for asking its systems. Raises EstateError or UnknownError."""
        clusters = self.estate.clusters
        if name not in clusters:
            raise UnknownError(
                f"the estate no longer has a cluster {shown(name)}; it has: {_listed(list(clusters))}"
            )
        return clusters[name]

    # --- documents

    def pointer(self, name: str) -> Pointer | None:
        """The pointer to that cluster's newest document, with its summary and time; None if it was never
        discovered."""
        cluster_id = self._cluster_id(name)
        found = None if cluster_id is None else self.store.latest(cluster_id)
        return None if found is None else found[0]

    def view(
        self, cluster: str | None, source: Source = "latest", *, needs: Sequence[SectionName] = ()
    ) -> View:
        """The cluster's document: the newest stored one, or one whose sections in `needs` are read now.
        Raises MeshError."""
        name = self.name(cluster)
        if source == "live":
            return self._live(name, needs)
        cluster_id = self._cluster_id(name)
        document = None if cluster_id is None else self.latest(cluster_id)
        if document is None:
            raise StoreError(
                f"cluster {name} has not been discovered yet (store {self._shown_store()}); "
                "run `mesh-assets discover`, or ask with source live"
            )
        return View(document=document, source="latest", version=str(document.sequence))

    def latest(self, cluster_id: str) -> Document | None:
        """The newest published document, read once per publication; None when there is none. Raises
        StoreError."""
        found = self.store.latest(cluster_id)
        if found is None:
            return None
        stored = found[0].document
        return self._document(stored.key, lambda: self.store.read_document(stored))

    def document(self, cluster_id: str, key: str) -> Document:
        """A stored document by its key. Raises StoreError."""
        return self._document(key, lambda: self.store.document_at(cluster_id, key))

    def _document(self, key: str, read: Callable[[], Document]) -> Document:
        with self._lock:
            one = self._reading.setdefault(key, threading.Lock())
        with one:  # 50 clients asking at once read it once
            with self._lock:
                if key in self._documents:
                    self._documents.move_to_end(key)
                    return self._documents[key][0]
            document = read()
            with self._lock:
                self.reads += 1
                self._documents[key] = document, _bytes_of(document)
                while self._keeps_too_much():
                    dropped, _ = self._documents.popitem(last=False)
                    self._reading.pop(dropped, None)
            return document

    def _keeps_too_much(self) -> bool:
        """Whether more is kept than must be: the newest document always is, however large."""
        kept = self._documents.values()
        return len(kept) > 1 and (len(kept) > _DOCUMENTS_KEPT or sum(size for _, size in kept) > _BYTES_KEPT)

    def _live(self, name: str, needs: Sequence[SectionName]) -> View:
        current_call().go_on()
        document = self._read_live(self.cluster(name), needs or ("topics",), self.latest)
        return View(document=document, source="live", version=document.discovery_timestamp.isoformat())

    def _cluster_id(self, name: str) -> str | None:
        known = self.store.cluster_id(name)
        if known is not None:
            return known
        try:
            cluster = self.estate.clusters.get(name)
        except EstateError:
            return None
        return cluster.cluster_id if cluster else None

    def _stored_names(self) -> list[str]:
        entries = self.store.objects.list("clusters/")
        return sorted(unsafe(entry.key.removeprefix("clusters/").removesuffix(".json")) for entry in entries)

    def _shown_store(self) -> str:
        return self._store_url or os.environ.get("MESH_STORE") or ".mesh"


def check_may_read(cluster: Cluster, topic: str) -> None:
    """Raises RefusedError unless the estate lets agents read messages of the topic."""
    if not cluster.may_read(topic):
        raise RefusedError(
            f"messages of {shown(topic)} may not be read: it is not under allow_message_reading of cluster {cluster.name} "
            f"in the estate ({', '.join(cluster.allow_message_reading) or 'which allows none'})"
        )


def _read_live(
    cluster: Cluster, wanted: Sequence[SectionName], previous: Callable[[str], Document | None]
) -> Document:
    with importing:
        from mesh_assets.collecting.live import (
            read_live,  # imports the clients, which are heavy and needed only here
        )

    return read_live(cluster, wanted, previous=previous, sleep=current_call().wait)


def _bytes_of(document: Document) -> int:
    """Roughly what the document takes in memory: the things that come in tens of thousands, and the texts of schemas."""
    records = sum(1 + len(topic.partitions) for topic in document.topics)
    records += sum(1 + len(group.offsets or ()) for group in document.consumer_groups)
    return _BYTES_A_RECORD * records + sum(len(schema.definition) for schema in document.schemas)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_LISTED} more" if len(names) > _NAMES_LISTED else ""
    return ", ".join(names[:_NAMES_LISTED]) + more or "none"
