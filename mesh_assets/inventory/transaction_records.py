"""The contents of the section `transactions`: transactional ids and what their coordinators know about them, the
producers active on partitions, and the transactions open there.

A part that could not be read is None, with the reason in `unknown` under the part's name.
"""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import field

from mesh_assets.inventory.records import Record

UNFINISHED = frozenset({"Ongoing", "PrepareCommit", "PrepareAbort", "PrepareEpochFence"})
"""Kafka's words for states in which records of a transaction may still be undecided."""

HangingBecause = Literal["overdue", "unknown_to_coordinator"]

GRACE = timedelta(minutes=1)
"""Coordinators look for overdue transactions every 10 s (`transaction.abort.timed.out.transaction.cleanup.
interval.ms`), and writing the markers takes a moment."""


class TransactionalId(Record, frozen=True, kw_only=True):
    """A transactional id as its coordinator knows it. `state`: Kafka's word (Empty, Ongoing, CompleteCommit, …).

    The rest is requested only while a transaction is unfinished; None otherwise, or for the reason in `error`. `topics`:
    the participating partitions, as far as the user may see the topics. `overdue`: it has been open for longer than its
    own timeout, after which its coordinator should have ended it; None: not known.
    """

    transactional_id: str
    state: str
    producer_id: int
    coordinator: int
    producer_epoch: int | None = None
    timeout_ms: int | None = None
    started_at: datetime | None = None
    topics: dict[str, tuple[int, ...]] | None = None
    overdue: bool | None = None
    error: str | None = None


class OpenTransaction(Record, frozen=True, kw_only=True):
    """A transaction open on a partition, as the partition's leader knows it: readers of committed records cannot get past
    `start_offset`. `last_written_at`: by the timestamp of the producer's last records there. `transactional_id` None: no
    coordinator names this partition as part of a transaction of the producer.

    `hanging`: why it will not end by itself; None: no sign of that. `overdue`: as in TransactionalId or, if not all
    transactional ids may be seen, last written to longer ago than any transaction may last
    (`transaction.max.timeout.ms`). `unknown_to_coordinator`: that old, and nobody's; `kafka-transactions.sh abort` ends
    it.
    """

    topic: str
    partition: int
    producer_id: int
    producer_epoch: int
    start_offset: int
    last_written_at: datetime | None
    transactional_id: str | None = None
    hanging: HangingBecause | None = None


class TopicProducers(Record, frozen=True, kw_only=True):
    """The producers whose state a topic's leaders keep: those with idempotence or transactions, which brokers forget a day
    after they last wrote (`producer.id.expiration.ms`).

    `by_partition`: how many, in partition order; None: not known, for the reason in `error`. `transactional`: whether one
    of them has begun or ended a transaction there, so that markers take offsets.
    """

    topic: str
    by_partition: tuple[int | None, ...]
    transactional: bool
    last_written_at: datetime | None = None
    error: str | None = None


class Transactions(Record, frozen=True, kw_only=True):
    """`transactional_ids`: of those the user may see, every unfinished one and the first of the others;
    `total_transactional_ids`: how many there are; None: more may be hidden. `open_transactions`,
    `total_open_transactions`: likewise, hanging ones first; those on partitions that could not be read are missing, except
    hanging ones that were known before. `producers`: topics with any. `max_timeout_ms`: the longest that brokers let a
    transaction last; None: unknown, and then no transaction without a coordinator counts as hanging.
    """

    transactional_ids: tuple[TransactionalId, ...] | None = None
    open_transactions: tuple[OpenTransaction, ...] | None = None
    producers: tuple[TopicProducers, ...] | None = None
    total_transactional_ids: int | None = None
    total_open_transactions: int | None = None
    max_timeout_ms: int | None = None
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def hanging(self) -> tuple[OpenTransaction, ...]:
        return tuple(one for one in self.open_transactions or () if one.hanging is not None)


def stable_offsets(transactions: Transactions) -> dict[tuple[str, int], int]:
    """For partitions with an open transaction, by topic and number, Kafka's last stable offset: readers of committed records
    get nothing from there on until it ends. ListOffsets returns it for `read_committed`; for other partitions that is the
    end."""
    found: dict[tuple[str, int], int] = {}
    for one in transactions.open_transactions or ():
        place = one.topic, one.partition
        found[place] = min(one.start_offset, found.get(place, one.start_offset))
    return found


def is_overdue(one: TransactionalId, now: datetime) -> bool | None:
    if one.state not in UNFINISHED:
        return False
    if one.started_at is None or one.timeout_ms is None:
        return None
    return now > one.started_at + timedelta(milliseconds=one.timeout_ms) + GRACE


def hanging_because(
    one: OpenTransaction,
    owner: TransactionalId | None,
    *,
    owners_known: bool,
    max_timeout_ms: int | None,
    now: datetime,
) -> HangingBecause | None:
    """`owner`: the transactional id that has the transaction, according to its coordinator. `owners_known`: whether every
    unfinished one was read, so that no `owner` means there is none."""
    if owner is not None:
        return "overdue" if owner.overdue else None
    if max_timeout_ms is None or one.last_written_at is None:
        return None
    if now - one.last_written_at <= timedelta(milliseconds=max_timeout_ms) + GRACE:
        return None
    return "unknown_to_coordinator" if owners_known else "overdue"
