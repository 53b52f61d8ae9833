"""How topics are stored: what they take on disk, since when, where they are on their way to and who may lead them.
Records like those of `records.py`, which has them as parts of its topics: None means unknown."""

from datetime import datetime

from msgspec import Struct


class StorageRecord(Struct, frozen=True, kw_only=True, gc=False):
    """As Record, below the module that has it."""


class LogDirectory(StorageRecord, frozen=True, kw_only=True):
    """A directory that holds a broker's logs. `error`: it is offline, and nothing else is known of it.

    `bytes`: of its replicas' segments. Future replicas are copies that take over when they have caught up, after a
    move between directories of one broker; they come on top. `total_bytes`, `usable_bytes`: of the volume, which other
    directories may share; None with brokers before Kafka 3.3.
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
    """A partition on its way to other brokers: its replicas are those of both sides until the `adding` ones have caught
    up and the `removing` ones go."""

    partition: int
    adding: tuple[int, ...]
    removing: tuple[int, ...]


class EligibleLeaders(StorageRecord, frozen=True, kw_only=True):
    """Brokers outside a partition's ISR that may lead it without losing a committed record (KIP-966), and those that
    were the last known to before even they were gone."""

    partition: int
    eligible: tuple[int, ...]
    last_known: tuple[int, ...]


class TieredPartition(StorageRecord, frozen=True, kw_only=True):
    """Where the part of a partition that its leader has on disk begins (before it, records are in tiered storage
    alone), and the last offset that is in tiered storage. `latest_tiered` None without an error: nothing is."""

    partition: int
    earliest_local: int | None
    latest_tiered: int | None
    error: str | None = None


class TopicStorage(StorageRecord, frozen=True, kw_only=True):
    """What a topic takes on the brokers' disks (nothing that lies in tiered storage), and how old its records are. Why
    something is unknown, `Document.topics_unknown` says.

    `leader_bytes`: of the leaders' replicas, so one copy. `replica_bytes`: of all replicas, known only if each was
    told. `future_bytes`: of copies that are not in use yet. `oldest_record_at`: the timestamp of the first record, the
    oldest of the partitions'; `newest_record_at`: the newest timestamp; both as producers or brokers set them, None
    also where no record has one.

    `reassignments`: the partitions that are being moved. `eligible_leaders`: the partitions that somebody outside the
    ISR may lead; only while a replica is out of sync there can be any. `tiered`: empty where the topic has no tiered
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
