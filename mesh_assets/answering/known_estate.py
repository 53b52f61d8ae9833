"""What the server knows of the estate: read when asked for, kept while current. Safe to use from many threads."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from mesh_assets.answering.answers import (
    About,
    Source,
    age_text,
    moment_text,
    shown,
)
from mesh_assets.answering.calls import current_call
from mesh_assets.answering.known_mappings import KnownMappings
from mesh_assets.errors import EstateError, MeshError, StoreError
from mesh_assets.estate.file import estate_path, load_estate
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector, ConsumerGroup, Schema, Topic
from mesh_assets.inventory.sections import SectionName
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store, unsafe
from mesh_assets.store.pointers import Pointer

# What the server knows of the estate: read when it is asked for, kept while it is current. Safe to use from
# many threads.

_DOCUMENTS_KEPT = 16
ReadLive = Callable[[Cluster, Sequence[SectionName], Callable[[str], Document | None]], Document]


class UnknownError(MeshError):
    """The estate has no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A document and where it is from. `version` names its state, for cursors."""

    document: Document
    source: Source
    version: str

    def about(self, *sections: SectionName) -> About:
        """`sections`: what the answer is made of, whose state it must tell."""
        states = {name: self.document.sections.get(name) for name in sections}
        times = [
            state.collected_at
            for state in states.values()
            if state is not None and state.collected_at is not None
        ]
        moment = min(times, default=self.document.discovery_timestamp)
        notes = []
        for name, state in states.items():
            words = name.replace("_", " ")
            if state is None or state.status == "not_configured":
                notes.append(f"{words}: nothing in the estate to ask them from, so none are known")
            elif state.status == "stale":
                notes.append(f"{words} are not current: {state.error}")
        age = datetime.now(UTC) - moment
        return About(
            cluster=self.document.cluster.name,
            source=self.source,
            as_of=moment_text(moment),
            age=age_text(age),
            notes=notes,
        )


class KnownEstate:
    """`reads` counts the documents that were read and decoded. `mappings`: the event source mappings of the
    estate's accounts."""

    def __init__(
        self, *, estate: Path | None = None, store: str | None = None, read_live: ReadLive | None = None
    ) -> None:
        self._estate_path = estate
        self._store_url = store
        self._read_live = read_live or _read_live
        self._lock = threading.RLock()
        self._estate: tuple[tuple[Path, int, int], Estate] | None = None
        self._store: InventoryStore | None = None
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._reading: dict[str, threading.Lock] = {}
        self.reads = 0
        self.mappings = KnownMappings(lambda: self.estate)

    # --- the estate

    @property
    def estate(self) -> Estate:
        """The estate as the file says it now. Raises EstateError."""
        path = self._estate_path or estate_path()
        try:
            status = path.stat()
            key = (path, status.st_mtime_ns, status.st_size)
        except OSError:
            return load_estate(path)  # which says what is wrong
        with self._lock:
            if self._estate is None or self._estate[0] != key:
                self._estate = (key, load_estate(path))
            return self._estate[1]

    @property
    def store(self) -> InventoryStore:
        with self._lock:
            if self._store is None:
                self._store = InventoryStore(open_store(self._store_url or os.environ.get("MESH_STORE")))
            return self._store

    def names(self) -> list[str]:
        """The estate's clusters; those of the store where there is no estate. Raises the estate's error when
        there is neither."""
        try:
            return list(self.estate.clusters)
        except EstateError:
            known = self._stored_names()
            if not known:
                raise
            return known

    def name(self, cluster: str | None) -> str:
        """The one cluster meant: by name, by id, or because there is only one. Raises UnknownError that lists
        what there is."""
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
        """The cluster as the estate describes it; needed for whatever asks its systems. Raises EstateError or
        UnknownError."""
        clusters = self.estate.clusters
        if name not in clusters:
            raise UnknownError(
                f"the estate no longer has a cluster {shown(name)}; it has: {_listed(list(clusters))}"
            )
        return clusters[name]

    # --- documents

    def pointer(self, name: str) -> Pointer | None:
        """What stands beside the newest document of that cluster: its summary, its moment; None when it was
        never discovered."""
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
                f"nothing was discovered of cluster {name} yet (store {self._shown_store()}); "
                "run `mesh-assets discover`, or ask with source live"
            )
        return View(document=document, source="latest", version=str(document.sequence))

    def latest(self, cluster_id: str) -> Document | None:
        """The newest published document, read once for each that is published; None when there is none."""
        found = self.store.latest(cluster_id)
        if found is None:
            return None
        stored = found[0].document
        return self._document(stored.key, lambda: self.store.read_document(stored))

    def before(self, document: Document) -> Document | None:
        """The document before that one; None when there is none."""
        earlier = [
            entry
            for entry in self.store.list_documents(document.cluster.id)
            if entry.moment < document.discovery_timestamp.replace(microsecond=0)
        ]
        return self.document(document.cluster.id, earlier[-1].key) if earlier else None

    def document(self, cluster_id: str, key: str) -> Document:
        """A stored document by its key."""
        return self._document(key, lambda: self.store.document_at(cluster_id, key))

    def _document(self, key: str, read: Callable[[], Document]) -> Document:
        with self._lock:
            one = self._reading.setdefault(key, threading.Lock())
        with one:  # 50 clients that ask at once read it once
            with self._lock:
                if key in self._documents:
                    self._documents.move_to_end(key)
                    return self._documents[key]
            document = read()
            with self._lock:
                self.reads += 1
                self._documents[key] = document
                while len(self._documents) > _DOCUMENTS_KEPT:
                    dropped, _ = self._documents.popitem(last=False)
                    self._reading.pop(dropped, None)
            return document

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
        return sorted(
            unsafe(entry.key.removeprefix("clusters/").removesuffix(".json"))
            for entry in self.store.objects.list("clusters/")
        )

    def _shown_store(self) -> str:
        return self._store_url or os.environ.get("MESH_STORE") or ".mesh"


def _read_live(
    cluster: Cluster, wanted: Sequence[SectionName], previous: Callable[[str], Document | None]
) -> Document:
    from mesh_assets.collecting.live import read_live  # the clients are heavy, and only needed here

    return read_live(cluster, wanted, previous=previous, sleep=current_call().wait)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "") or "none"


# Looking one thing up in a document: what is not there is said with what comes near, so that the next try
# succeeds.


def the_topic(document: Document, name: str) -> Topic:
    for topic in document.topics:
        if topic.name == name:
            return topic
    raise _unknown(document, "topics", "topic", name, (topic.name for topic in document.topics))


def the_connector(document: Document, name: str) -> Connector:
    for connector in document.connectors:
        if connector.name == name:
            return connector
    raise _unknown(
        document, "connectors", "connector", name, (connector.name for connector in document.connectors)
    )


def the_schema(document: Document, subject: str) -> Schema:
    for schema in document.schemas:
        if schema.subject == subject:
            return schema
    raise _unknown(document, "schemas", "subject", subject, (schema.subject for schema in document.schemas))


def the_group(document: Document, name: str) -> ConsumerGroup:
    for group in document.consumer_groups:
        if group.group_id == name:
            return group
    raise _unknown(
        document,
        "consumer_groups",
        "consumer group",
        name,
        (group.group_id for group in document.consumer_groups),
    )


def _unknown(
    document: Document, section: SectionName, kind: str, name: str, names: Iterable[str]
) -> UnknownError:
    known = list(names)
    wanted = name[:200]
    near = [other for other in known if wanted.casefold() in other.casefold()][:5] or get_close_matches(
        wanted, known[:20_000], n=5
    )
    hint = (
        f"; near it: {', '.join(near)}"
        if near
        else f"; list_{section} shows all {len(known):,}"
        if known
        else ""
    )
    state = document.sections.get(section)
    doubt = (
        f" ({section.replace('_', ' ')} are not current: {state.error})"
        if state is not None and state.status == "stale"
        else ""
    )
    if state is None or state.status == "not_configured":
        doubt = f" (the estate names nothing to ask {section.replace('_', ' ')} from)"
    return UnknownError(f"cluster {document.cluster.name} has no {kind} {shown(name)}{doubt}{hint}")
