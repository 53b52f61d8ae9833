"""The latest state of a cluster, read only as far as needed: just checking whether anything has changed takes
neither 9,000 topics nor their configs."""

import logging

from mesh_assets.inventory.digest import Digest, decode_digest, digest_of, encode_digest
from mesh_assets.inventory.document import Document, decode_outline
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import digest_key
from mesh_assets.store.pointers import StoredDocument

logger = logging.getLogger(__name__)


class KnownState:
    """One stored document, in three sizes. For one thread. Every part raises StoreError if the store
    fails or the document is missing or damaged."""

    def __init__(self, store: InventoryStore, cluster_id: str, stored: StoredDocument) -> None:
        self._store = store
        self._cluster_id = cluster_id
        self._stored = stored
        self._document: Document | None = None
        data = store.read_document_bytes(stored)
        self.outline: Document = decode_outline(data, source=store.objects.location(stored.key))
        """The document without its topics and consumer groups, which make up most of it."""

    def document(self) -> Document:
        """All of it: read when first asked for."""
        if self._document is None:
            self._document = self._store.read_document(self._stored)
        return self._document

    def digest(self) -> Digest:
        """The kept one; if it is missing, damaged or of another document, one made from the document
        itself."""
        key = digest_key(self._cluster_id)
        found = self._store.objects.get(key)
        digest = None if found is None else decode_digest(found[0])
        if digest is not None and digest.document == self._stored.sha256:
            return digest
        if found is not None and digest is None:
            logger.warning(
                "%s is not a digest of this version; the document is read instead, and the next snapshot replaces it",
                self._store.objects.location(key),
            )
        return digest_of(self.document(), self._stored.sha256)


def keep_digest(store: InventoryStore, document: Document, stored: StoredDocument) -> None:
    """Keeps the digest of the latest document, replacing the previous one. Raises StoreError."""
    store.objects.put(digest_key(document.cluster.id), encode_digest(digest_of(document, stored.sha256)))
