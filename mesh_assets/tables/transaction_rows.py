"""Columns and rows of the tables of the section `transactions`. Unknown things have no rows."""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from mesh_assets.inventory.document import Document
from mesh_assets.tables.cluster_rows import Row

_TIME = pa.timestamp("us", tz="UTC")

COLUMNS: dict[str, list[tuple[str, pa.DataType]]] = {
    "transactional_ids": [
        ("transactional_id", pa.string()),
        ("state", pa.string()),
        ("producer_id", pa.int64()),
        ("coordinator", pa.int32()),
        ("timeout_ms", pa.int64()),
        ("started_at", _TIME),
        ("overdue", pa.bool_()),
    ],
    "open_transactions": [
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("start_offset", pa.int64()),
        ("producer_id", pa.int64()),
        ("transactional_id", pa.string()),
        ("last_written_at", _TIME),
        ("hanging", pa.string()),
    ],
    "topic_producers": [
        ("topic", pa.string()),
        ("producers", pa.int64()),
        ("transactional", pa.bool_()),
        ("last_written_at", _TIME),
    ],
}


def _transactional_ids(document: Document) -> Iterator[Row]:
    for one in (document.transactions.transactional_ids if document.transactions else None) or ():
        yield (
            one.transactional_id,
            one.state,
            one.producer_id,
            one.coordinator,
            one.timeout_ms,
            one.started_at,
            one.overdue,
        )


def _open_transactions(document: Document) -> Iterator[Row]:
    for one in (document.transactions.open_transactions if document.transactions else None) or ():
        yield (
            one.topic,
            one.partition,
            one.start_offset,
            one.producer_id,
            one.transactional_id,
            one.last_written_at,
            one.hanging,
        )


def _topic_producers(document: Document) -> Iterator[Row]:
    """The sum over partitions, null if one of them is not known."""
    for one in (document.transactions.producers if document.transactions else None) or ():
        counts = [count for count in one.by_partition if count is not None]
        producers = sum(counts) if len(counts) == len(one.by_partition) else None
        yield one.topic, producers, one.transactional, one.last_written_at


ROWS: dict[str, Callable[[Document], Iterable[Row]]] = {
    "transactional_ids": _transactional_ids,
    "open_transactions": _open_transactions,
    "topic_producers": _topic_producers,
}
