"""A store with a history, for tests: documents, the pointer to the newest, and whatever else is told."""

from datetime import timedelta

from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import Document, encode_document
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import EventPosition, Pointer
from mesh_assets_tests.documents import MOMENT, a_document, a_topic

ID = "lkc-1"


def publish(store: InventoryStore, document: Document, *, pack: bool = True) -> str:
    """As a discovery does, without Kafka; the document's key."""
    key = store.free_document_key(document.cluster.id, document.discovery_timestamp)
    stored = store.put_document(key, encode_document(document))
    before = store.latest(document.cluster.id)
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
        triggers=(Trigger(type="manual"),),
        event=EventPosition(topic="discovery-events", partition=0, offset=0),
        schema_ids=None,
    )
    store.move_latest(pointer, None if before is None else before[1])
    if before is not None and pack:
        store.pack_document(before[0].document)
    return key


def a_history(store: InventoryStore, days: int, *, pack: bool = True) -> list[str]:
    """A document a day; their keys."""
    return [publish(store, document_of_day(day), pack=pack) for day in range(days)]


def document_of_day(day: int) -> Document:
    topics = [a_topic(f"topic-{one:02}") for one in range(20)] + [a_topic(f"z-new-{day}")]
    return a_document(
        sequence=day + 1, discovery_timestamp=MOMENT - timedelta(days=30 - day), topics=tuple(topics)
    )
