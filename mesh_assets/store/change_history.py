"""The changes of a period, recomputed from the stored documents."""

from collections.abc import Callable
from datetime import datetime

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.changes import Change, headline_changes
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.store.inventories import DocumentEntry, InventoryStore

# How much is decoded for one question. A document of 9,000 topics has about 13 MB, one of 37 topics 0.2 MB.
MOST_BYTES = 64_000_000


class ChangeAt(Record, frozen=True, kw_only=True):
    """A change, and the time of the first document that shows it."""

    moment: datetime
    change: Change


class History(Record, frozen=True, kw_only=True):
    """The changes, newest first. `first` and `last`: the moments that were compared, None if there is no
    document.

    `net`: there were too many documents, so only the first and the last were compared; what came and went in
    between is missing. `documents`: how many there are from first to last.
    """

    changes: tuple[ChangeAt, ...]
    first: datetime | None
    last: datetime | None
    documents: int
    net: bool


def read_history(
    store: InventoryStore,
    cluster_id: str,
    *,
    since: datetime,
    until: datetime,
    read: Callable[[str], Document] | None = None,
    most_bytes: int = MOST_BYTES,
) -> History:
    """The changes from `since` to `until` as a person counts them, starting with the document that was valid
    at `since` (or the first there is).

    Documents that were written but never published are newer than the latest pointer; they are left out.
    Raises StoreError.
    """
    pointer = store.latest(cluster_id)
    entries = (
        _between(store.list_documents(cluster_id), since, until, published=pointer[0].discovery_timestamp)
        if pointer
        else []
    )
    if not entries:
        return History(changes=(), first=None, last=None, documents=0, net=False)
    net = sum(entry.bytes for entry in entries) > most_bytes and len(entries) > 2
    decode = read or (lambda key: store.document_at(cluster_id, key))
    found: list[ChangeAt] = []
    before: Document | None = None
    for entry in (entries[0], entries[-1]) if net else entries:
        after = decode(entry.key)
        changes = headline_changes(diff_documents(before, after))
        found.extend(ChangeAt(moment=after.discovery_timestamp, change=change) for change in changes)
        before = after
    found.sort(key=lambda at: at.moment, reverse=True)
    return History(
        changes=tuple(found),
        first=entries[0].moment,
        last=entries[-1].moment,
        documents=len(entries),
        net=net,
    )


def _between(
    entries: list[DocumentEntry], since: datetime, until: datetime, *, published: datetime
) -> list[DocumentEntry]:
    known = [entry for entry in entries if entry.moment <= until and entry.moment <= published]
    start = max((number for number, entry in enumerate(known) if entry.moment <= since), default=0)
    return known[start:]
