"""The changes of a period, recomputed from the stored documents."""

from collections.abc import Callable, Sequence
from datetime import datetime

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.changes import Change, headline_changes
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.store.inventories import DocumentEntry, InventoryStore
from mesh_assets.store.pointers import Pointer

# How much is decoded for one question. A document of 9,000 topics is about 13 MB, one of 37 topics 0.2 MB.
MOST_BYTES = 64_000_000


class ChangeAt(Record, frozen=True, kw_only=True):
    """A change, and the time of the first document that shows it."""

    moment: datetime
    change: Change


class History(Record, frozen=True, kw_only=True):
    """The changes, newest first. `first` and `last`: the moments that were compared; None if there is no
    document.

    `net`: there were too many documents, so only the first and the last were compared, and whatever came and went
    in between is missing. `documents`: how many there are from first to last.
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

    Documents are chosen by the times in their names and compared in the order of their sequences: after a clock
    is set back, a later one has an earlier name. Unpublished ones are left out. Raises StoreError.
    """
    pointer = store.latest(cluster_id)
    entries = _between(_published(store, cluster_id, pointer[0]), since, until) if pointer is not None else []
    if pointer is None or not entries:
        return History(changes=(), first=None, last=None, documents=0, net=False)
    # Judged by the newest: packed documents do not show how much there is to decode.
    net = len(entries) * pointer[0].document.bytes > most_bytes and len(entries) > 2
    decode = read or (lambda key: store.document_at(cluster_id, key))
    chosen = [entries[0].key, entries[-1].key] if net else [entry.key for entry in entries]
    found, sequences = _compared(decode, chosen, newest=pointer[0].sequence)
    # Of two with the same sequence, the first was never published: a repair moved aside the record that named it.
    places = dict(sorted((sequence, place) for place, sequence in enumerate(sequences)))
    in_order = [chosen[place] for place in places.values()]
    if in_order != chosen:
        found, _ = _compared(decode, in_order, newest=pointer[0].sequence)
    return History(
        changes=tuple(found),
        first=entries[0].moment,
        last=entries[-1].moment,
        documents=len(entries),
        net=net,
    )


def _compared(
    decode: Callable[[str], Document], keys: Sequence[str], *, newest: int
) -> tuple[list[ChangeAt], list[int]]:
    """The changes from each document to the next, newest first, and the documents' sequences in the order of `keys`.

    One document is held at a time besides the one before it: all of them at once may be gigabytes.
    """
    by_document: list[list[ChangeAt]] = []
    sequences: list[int] = []
    before: Document | None = None
    for key in keys:
        after = decode(key)
        sequences.append(after.sequence)
        if after.sequence > newest:
            continue  # a run that was killed left it
        changes = headline_changes(diff_documents(before, after))
        by_document.append([ChangeAt(moment=after.discovery_timestamp, change=change) for change in changes])
        before = after
    return [change for of_one in reversed(by_document) for change in of_one], sequences


def _published(store: InventoryStore, cluster_id: str, latest: Pointer) -> list[DocumentEntry]:
    """Oldest first by their names, without the one that a run may be about to publish."""
    pending = store.pending(cluster_id)
    record = None if pending is None else pending[0].record
    about_to_be = {
        None if pending is None else pending[0].draft,
        None if record is None else record.document.key,
    }
    return [
        entry
        for entry in store.list_documents(cluster_id)
        if entry.key == latest.document.key or entry.key not in about_to_be
    ]


def _between(entries: list[DocumentEntry], since: datetime, until: datetime) -> list[DocumentEntry]:
    known = [entry for entry in entries if entry.moment <= until]
    start = max((number for number, entry in enumerate(known) if entry.moment <= since), default=0)
    return known[start:]
