"""Documents in a store as a discovery leaves them, without the events."""

from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import Document, encode_document
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import EventPosition, Pointer, StoredDocument


def publish(store: InventoryStore, document: Document) -> str:
    """Makes it its cluster's newest. Returns its key."""
    cluster_id = document.cluster.id
    latest = store.latest(cluster_id)
    stored, _ = _put_latest(store, document, None if latest is None else latest[1])
    store.remember_cluster(document.cluster.name, cluster_id)
    return stored.key


def published(
    store: InventoryStore, document: Document, version: str | None = None
) -> tuple[StoredDocument, str]:
    """The same step by step, for tests of the pointer: only over that version, and without remembering the cluster's name."""
    ticket = max(document.tickets.values(), default=0)
    return _put_latest(store, document, version, triggers=(Trigger(type="manual"),), ticket=ticket)


def _put_latest(
    store: InventoryStore,
    document: Document,
    version: str | None,
    *,
    triggers: tuple[Trigger, ...] = (),
    ticket: int = 0,
) -> tuple[StoredDocument, str]:
    key = store.free_document_key(document.cluster.id, document.discovery_timestamp)
    stored = store.put_document(key, encode_document(document))
    pointer = Pointer(
        cluster=document.cluster.name,
        cluster_id=document.cluster.id,
        run_id=document.run_id,
        sequence=document.sequence,
        discovery_timestamp=document.discovery_timestamp,
        document=stored,
        summary=document.summary,
        sections=document.sections,
        changes=0,
        triggers=triggers,
        event=EventPosition(topic="discovery-events", partition=0, offset=0),
        schema_ids=None,
        ticket=ticket,
    )
    return stored, store.move_latest(pointer, version)
