"""How topics are stored: their size on disk, their age, where they are being moved and who may lead them.
Records like those of `records.py`, which has them as parts of its topics: None means unknown."""

from datetime import datetime

from msgspec import Struct


class StorageRecord(Struct, frozen=True, kw_only=True, gc=False):
    """Like Record, below the module that has it."""


class LogDirectory(StorageRecord, frozen=True, kw_only=True):
    """A directory that holds a broker's logs. `error`: it is offline, and nothing else is known about it.

    `bytes`: of its replicas' segments. Future replicas are copies that take over once they have caught up, after a move
    between directories of one broker; they are counted in addition. `total_bytes`, `usable_bytes`: of the volume, which
    other directories may share; None with brokers before Kafka 3.3.
    """

    broker: int
    path: str
    error: str | None = None
    replicas: int | None = None
    bytes: int | None = None
    future_replicas: int | None = None
    future_bytes: int | None = None
    total_bytes: int | None = None
    usable_bytes: int | None = None


class Reassignment(StorageRecord, frozen=True, kw_only=True):
    """A partition being moved to other brokers: it has the replicas of both sides until the `adding` ones have caught up
    and the `removing` ones go."""

    partition: int
    adding: tuple[int, ...]
    removing: tuple[int, ...]


class EligibleLeaders(StorageRecord, frozen=True, kw_only=True):
    """Brokers outside a partition's ISR that may lead it without losing a committed record (KIP-966), and the last ones
    known to be able to, before even they were gone."""

    partition: int
    eligible: tuple[int, ...]
    last_known: tuple[int, ...]


class TieredPartition(StorageRecord, frozen=True, kw_only=True):
    """Where the part of a partition that its leader has on disk begins (earlier records are only in tiered storage),
    and the last offset in tiered storage. `latest_tiered` None without an error: nothing is there."""

    partition: int
    earliest_local: int | None
    latest_tiered: int | None
    error: str | None = None


class TopicStorage(StorageRecord, frozen=True, kw_only=True):
    """What a topic takes on the brokers' disks (without tiered storage), and how old its records are.
    `Document.topics_unknown` says why something is unknown.

    `leader_bytes`: of the leaders' replicas, so one copy. `replica_bytes`: of all replicas, known only if each was
    reported. `future_bytes`: of copies not in use yet. `oldest_record_at`: the timestamp of the first record, the oldest
    among partitions; `newest_record_at`: the newest timestamp; both as producers or brokers set them, None also if no
    record has one.

    `reassignments`: the partitions being moved. `eligible_leaders`: the partitions that a broker outside the ISR may
    lead; there can be any only while a replica is out of sync. `tiered`: empty if the topic has no tiered
    storage.
    """

    leader_bytes: int | None = None
    replica_bytes: int | None = None
    future_bytes: int | None = None
    oldest_record_at: datetime | None = None
    newest_record_at: datetime | None = None
    reassignments: tuple[Reassignment, ...] | None = None
    eligible_leaders: tuple[EligibleLeaders, ...] | None = None
    tiered: tuple[TieredPartition, ...] | None = None
