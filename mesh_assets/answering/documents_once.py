"""Decodes once the documents and results that one run reads several times: each part of the job `analysis` reads the
newest document of every cluster, two parts the one before, and most parts the results of earlier parts."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from mesh_assets.inventory.document import Document, sha256
from mesh_assets.store import layout
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.pointers import StoredDocument

T = TypeVar("T")
MOST_BYTES = 128 << 20
"""Measured as JSON. With 9,000 topics and 5,000 subjects, the newest document and the one before are 53 MB, all results
45 MB; anything that does not fit is decoded again, which needs room for both of its forms at once."""


class DocumentsOnce(InventoryStore):
    """A store that keeps what it decoded, up to `most_bytes` of JSON, and drops what was asked for longest ago. Meant for one
    run: a document never changes under its key, and one that is removed meanwhile is still returned; a result is kept by its
    version, so one that another process wrote is decoded. Safe to use from many threads."""

    def __init__(self, objects: ObjectStore, *, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(objects)
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()

    def read_document(self, stored: StoredDocument) -> Document:
        known = self._known(stored.key)
        # A different SHA-256: it is damaged, and reading it says so.
        return known[1] if known is not None and known[0] == stored else super().read_document(stored)

    def document_at(self, cluster_id: str, moment: datetime | str = "latest") -> Document:
        if isinstance(moment, str) and layout.document_moment(moment) is not None:
            name = moment.rpartition("/")[2]
            known = self._known(layout.plain_key(layout.cluster_folder(cluster_id) + name))
            if known is not None:
                return known[1]
        return super().document_at(cluster_id, moment)

    def decoded_once(self, result: tuple[str, object, str], data: bytes, decode: Callable[[bytes], T]) -> T:
        known = self._known_value(result[:2])
        if known is None or known[0] != result[2]:
            known = result[2], decode(data)
            self._keep(result[:2], len(data), known)
        return cast(T, known[1])

    def _decoded(self, key: str, data: bytes) -> Document:
        document = super()._decoded(key, data)
        with self._lock:
            kept = [value[1] for of, (_, value) in self._kept.items() if isinstance(of, str)]
        for known in kept:
            if known.cluster == document.cluster:
                document = sharing_records(document, known)
        stored = StoredDocument(key=key, sha256=sha256(data), bytes=len(data))
        self._keep(key, len(data), (stored, document))
        return document

    def _known(self, key: str) -> tuple[StoredDocument, Document] | None:
        return cast("tuple[StoredDocument, Document] | None", self._known_value(key))

    def _known_value(self, of: Hashable) -> Any:
        with self._lock:
            if of not in self._kept:
                return None
            self._kept.move_to_end(of)
            return self._kept[of][1]

    def _keep(self, of: Hashable, size: int, value: Any) -> None:
        with self._lock:
            self._kept[of] = size, value
            while sum(one for one, _ in self._kept.values()) > self._most_bytes:
                self._kept.popitem(last=False)


def sharing_records(document: Document, known: Document) -> Document:
    """The same document, with the records of `known` where they are equal: most of a cluster stays as it is, and two of its
    documents need a quarter less memory then."""
    return replace(
        document,
        topics=_shared(document.topics, known.topics, lambda one: one.name),
        schemas=_shared(document.schemas, known.schemas, lambda one: one.subject),
        connectors=_shared(document.connectors, known.connectors, lambda one: (one.connect, one.name)),
        consumer_groups=_shared(document.consumer_groups, known.consumer_groups, lambda one: one.group_id),
    )


def _shared(records: tuple[T, ...], known: tuple[T, ...], key: Callable[[T], Hashable]) -> tuple[T, ...]:
    by_key = {key(one): one for one in known}
    return tuple(
        there if (there := by_key.get(key(one))) == one and there is not None else one for one in records
    )
