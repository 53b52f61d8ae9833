"""Transactions, as a discovery and as Kafka's AdminClient read them, in the shape of `java/Transactions.java`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mesh_assets.inventory.transaction_records import TransactionalId
from mesh_assets.platforms.kafka.reader import WireReader
from mesh_assets_tests.platforms.kafka.wire.storage_agreement import UNSUPPORTED

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def transactions_by_wire(reader: WireReader) -> dict[str, Any]:
    """Brokers report producers since 2.8, transactional ids since 3.0."""
    reading = reader.transactions(lambda _: True)
    assert all(" has no " in one.reason for one in reading.unread.values()), reading.unread
    told = reading.transactions
    ids, producers, opened = told.transactional_ids, told.producers, told.open_transactions
    assert {one.error for one in ids or ()} | {one.error for one in producers or ()} <= {None}
    return {
        "transactional_ids": UNSUPPORTED if ids is None else {one.transactional_id: _id(one) for one in ids},
        "producers": UNSUPPORTED
        if producers is None
        else {
            f"{row.topic}-{number}": count
            for row in producers
            for number, count in enumerate(row.by_partition)
            if count
        },
        "open": UNSUPPORTED
        if opened is None
        else {
            f"{one.topic}-{one.partition}": {
                "producer_id": one.producer_id,
                "producer_epoch": one.producer_epoch,
                "start_offset": one.start_offset,
                "last_written_ms": _milliseconds(one.last_written_at),
            }
            for one in opened
        },
    }


def stable_by_wire(latest: dict[str, int], transactions: dict[str, Any]) -> dict[str, int]:
    """Where readers of committed records stop: at the first open transaction, or at the end."""
    return latest | {place: one["start_offset"] for place, one in transactions["open"].items()}


def _id(one: TransactionalId) -> dict[str, Any]:
    listed = {"state": one.state, "producer_id": one.producer_id}
    if one.started_at is None:
        return listed
    return listed | {
        "coordinator": one.coordinator,
        "producer_epoch": one.producer_epoch,
        "timeout_ms": one.timeout_ms,
        "started_ms": _milliseconds(one.started_at),
        "topics": {topic: list(numbers) for topic, numbers in (one.topics or {}).items()},
    }


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // timedelta(milliseconds=1)
