"""Documents that one run goes through several times, decoded once: each part of the job `analysis` reads the newest of every
cluster, and two of them the one before."""

import threading
from collections import OrderedDict
from datetime import datetime

from mesh_assets.inventory.document import Document, sha256
from mesh_assets.store import layout
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.pointers import StoredDocument

MOST_BYTES = 48 << 20
"""Of kept documents, as JSON: the newest and the one before, of 9,000 topics each, have 31 MB."""


class DocumentsOnce(InventoryStore):
    """A store that keeps what it decoded, up to `most_bytes` of JSON, and drops what was asked for longest ago. For the time
    of a run: a document never changes under its key, and one that is removed meanwhile is still answered. Safe to use from
    many threads."""

    def __init__(self, objects: ObjectStore, *, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(objects)
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[StoredDocument, Document]] = OrderedDict()

    def read_document(self, stored: StoredDocument) -> Document:
        known = self._known(stored.key)
        # Another SHA-256: it is damaged, which reading it says.
        return known[1] if known is not None and known[0] == stored else super().read_document(stored)

    def document_at(self, cluster_id: str, moment: datetime | str = "latest") -> Document:
        if isinstance(moment, str) and layout.document_moment(moment) is not None:
            name = moment.rpartition("/")[2]
            known = self._known(layout.plain_key(layout.cluster_folder(cluster_id) + name))
            if known is not None:
                return known[1]
        return super().document_at(cluster_id, moment)

    def _decoded(self, key: str, data: bytes) -> Document:
        document = super()._decoded(key, data)
        stored = StoredDocument(key=key, sha256=sha256(data), bytes=len(data))
        with self._lock:
            self._kept[key] = stored, document
            while sum(one.bytes for one, _ in self._kept.values()) > self._most_bytes:
                self._kept.popitem(last=False)
        return document

    def _known(self, key: str) -> tuple[StoredDocument, Document] | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)
