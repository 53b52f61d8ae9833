"""A store with a history: documents and the pointer to the newest."""

from datetime import timedelta

from mesh_assets.inventory.document import Document
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import MOMENT, a_document, a_topic
from mesh_assets_tests.published import published

ID = "lkc-1"


def publish(store: InventoryStore, document: Document, *, pack: bool = True) -> str:
    """Like a discovery without Kafka. Returns the document's key."""
    before = store.latest(document.cluster.id)
    stored, _ = published(store, document, None if before is None else before[1])
    if before is not None and pack:
        store.pack_document(before[0].document)
    return stored.key


def a_history(store: InventoryStore, days: int, *, pack: bool = True) -> list[str]:
    """A document per day. Returns their keys."""
    return [publish(store, document_of_day(day), pack=pack) for day in range(days)]


def document_of_day(day: int) -> Document:
    topics = [a_topic(f"topic-{one:02}") for one in range(20)] + [a_topic(f"z-new-{day}")]
    return a_document(
        sequence=day + 1, discovery_timestamp=MOMENT - timedelta(days=30 - day), topics=tuple(topics)
    )
