"""Documents in a store, as a discovery leaves them there, without the events."""

from mesh_assets.inventory.document import Document, encode_document
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import EventPosition, Pointer


def publish(store: InventoryStore, document: Document) -> str:
    """Makes it the newest of its cluster. Returns its key."""
    cluster_id = document.cluster.id
    stored = store.put_document(
        store.free_document_key(cluster_id, document.discovery_timestamp), encode_document(document)
    )
    latest = store.latest(cluster_id)
    pointer = Pointer(
        cluster=document.cluster.name,
        cluster_id=cluster_id,
        run_id=document.run_id,
        sequence=document.sequence,
        discovery_timestamp=document.discovery_timestamp,
        document=stored,
        summary=document.summary,
        sections=document.sections,
        changes=0,
        triggers=(),
        event=EventPosition(topic="discovery-events", partition=0, offset=0),
        schema_ids=None,
    )
    store.move_latest(pointer, None if latest is None else latest[1])
    store.remember_cluster(document.cluster.name, cluster_id)
    return stored.key
