"""What the bulk reads of a Kafka cluster return: plain, compact, immutable values.

They repeat what the brokers said. None means "could not be read" unless a docstring says otherwise. An `error`
is a short text that begins with Kafka's name of the error, and is set exactly when part of the value could not
be read.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.broker_records import Brokers
from mesh_assets.inventory.groups import GroupMember, StreamsTopology
from mesh_assets.inventory.parts import Unread
from mesh_assets.inventory.transaction_records import Transactions

Partitions = TypeVar("Partitions")
Result = TypeVar("Result")


class Value(Struct, frozen=True, kw_only=True, gc=False):
    """Base of the values. They hold no cycles, so the garbage collector can skip them."""


# --- metadata


class BrokerNode(Value, frozen=True, kw_only=True):
    """A live broker and the listener through which it was reached. `rack` None: the broker has none."""

    id: int
    host: str
    port: int
    rack: str | None = None


class PartitionMetadata(Value, frozen=True, kw_only=True):
    """A partition. `leader` None: it currently has none. `leader_epoch`: how often it got another or none; None:
    not reported. `replicas` and `isr` are broker ids in Kafka's order.

    `error` is the name of the error code that the broker gives with the partition (LEADER_NOT_AVAILABLE,
    REPLICA_NOT_AVAILABLE, …).
    """

    partition: int
    leader: int | None
    leader_epoch: int | None = None
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    error: str | None = None


class TopicMetadata(Value, frozen=True, kw_only=True):
    """A topic. `id` is the 22-character form that Kafka's tools print; None with brokers before 2.8, or when
    `error` says why.

    With an `error` (usually a missing authorization) the topic exists, but its partitions may be missing.
    """

    name: str
    id: str | None
    internal: bool
    partitions: tuple[PartitionMetadata, ...]
    error: str | None = None


class ClusterMetadata(Value, frozen=True, kw_only=True):
    """The cluster as one broker saw it. `brokers` and `topics` are sorted.

    Without its controller: KRaft's brokers name one of themselves at random to clients, and the quorum is not asked.
    """

    cluster_id: str | None
    brokers: tuple[BrokerNode, ...]
    topics: tuple[TopicMetadata, ...]


def for_alike(of: Callable[[Partitions], Result]) -> Callable[[Partitions], Result]:
    """What holds for a topic's partitions, found once for all topics that share them, as thousands do."""
    # With the partitions, so that they last: another object could get their identity.
    known: dict[int, tuple[Partitions, Result]] = {}

    def known_or_found(partitions: Partitions) -> Result:
        found = known.get(id(partitions))
        if found is None:
            found = known[id(partitions)] = partitions, of(partitions)
        return found[1]

    return known_or_found


# --- configs


class TopicConfigs(Value, frozen=True, kw_only=True):
    """All configs of a topic by name; None for a sensitive or unset one.

    `overridden`: those set on the topic itself, sorted. `cluster_wide`: those whose value is the cluster's
    dynamic default, the same on every broker. `of_the_broker`: those set dynamically on the broker that
    answered, which hide the cluster's. `values` is None when they could not be read, with
    the reason in `error`: then nothing is known, not even a default.
    """

    topic: str
    values: dict[str, str | None] | None
    overridden: tuple[str, ...] = ()
    cluster_wide: tuple[str, ...] = ()
    of_the_broker: tuple[str, ...] = ()
    error: str | None = None


# --- offsets


class PartitionOffsets(Value, frozen=True, kw_only=True):
    """`earliest`: the first readable offset; `latest`: the offset of the next record (the high watermark)."""

    partition: int
    earliest: int | None
    latest: int | None
    error: str | None = None


class OffsetsReading(Value, frozen=True, kw_only=True):
    """Offsets by topic, partitions sorted. `read_at`: when the first `latest` was requested, UTC."""

    read_at: datetime
    topics: dict[str, tuple[PartitionOffsets, ...]]


class EndsReading(Value, frozen=True, kw_only=True):
    """Only the latest offsets, by topic and partition; None: it could not be read."""

    read_at: datetime
    topics: dict[str, dict[int, int | None]]


# --- consumer groups


class CommittedPartition(Value, frozen=True, kw_only=True):
    """A committed offset. None without an `error`: the partition is assigned to a member, but nothing is
    committed."""

    topic: str
    partition: int
    committed: int | None
    error: str | None = None


class ShareOffset(Value, frozen=True, kw_only=True):
    """How far a share group is on a partition that it has begun.

    `start`: no record before it is delivered any more; None without an `error`: before the group's first record.
    `lag_records`: those from there on that it has not finished; None with brokers that do not count them
    (before 4.3).
    """

    topic: str
    partition: int
    start: int | None
    lag_records: int | None
    error: str | None = None


class ConsumerGroup(Value, frozen=True, kw_only=True):
    """A group of any kind.

    `type`: classic, consumer (KIP-848), share, streams or `unknown` (later kinds). `protocol_type`: `consumer`,
    `connect`, `sr`, …; empty for a group that only commits; None when unknown. `state`: Kafka's word (Stable,
    Empty, PreparingRebalance, …), or `unknown` when no broker says it. `members` and `offsets` are
    None when they could not be read, with the reason in `error`; `offsets` are sorted. A share group commits no
    offsets: it has `share` instead, sorted, or None when that could not be read. `epoch` and what follows it as in
    the inventory's record.
    """

    group_id: str
    type: str
    protocol_type: str | None
    state: str
    coordinator: int | None
    members: tuple[GroupMember, ...] | None
    offsets: tuple[CommittedPartition, ...] | None
    error: str | None = None
    share: tuple[ShareOffset, ...] | None = None
    epoch: int | None = None
    assignment_epoch: int | None = None
    assignor: str | None = None
    topology: StreamsTopology | None = None


def partition_of(group: str, partitions: int) -> int:
    """The partition of __consumer_offsets in which Kafka keeps a group: `Utils.abs(groupId.hashCode()) %
    partitions`, where abs(Integer.MIN_VALUE) is 0."""
    value = 0
    encoded = group.encode("utf-16-be", "surrogatepass")
    for high, low in zip(encoded[::2], encoded[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    magnitude = min(value, 0x1_0000_0000 - value)
    return magnitude % partitions if magnitude != 0x8000_0000 else 0


class UnlistedGroups(Value, frozen=True, kw_only=True):
    """The groups in these `partitions` of __consumer_offsets, which has `of` in all: no list shows them,
    because the partitions have no coordinator that knows its groups. `reason`: as a sentence."""

    partitions: frozenset[int]
    of: int
    reason: str

    def __contains__(self, group_id: object) -> bool:
        return isinstance(group_id, str) and partition_of(group_id, self.of) in self.partitions


class GroupsReading(Value, frozen=True, kw_only=True):
    """The selected groups, sorted. `excluded`: how many more exist. `read_at`: when offsets were first
    requested, UTC. `unlisted`: the groups about which nothing is known, not even whether they exist; None:
    these are all."""

    read_at: datetime
    groups: tuple[ConsumerGroup, ...]
    excluded: int = 0
    unlisted: UnlistedGroups | None = None

    def all_groups(self) -> tuple[ConsumerGroup, ...]:
        """The groups, for callers that need all of them. Raises UnexpectedAnswerError when groups are
        unlisted."""
        if self.unlisted is not None:
            raise UnexpectedAnswerError(self.unlisted.reason)
        return self.groups


# --- brokers, access and transactions


class BrokersReading(Value, frozen=True, kw_only=True):
    """`unread`: the parts that could not be read, with what `brokers.unknown` says and whether that was to be expected."""

    brokers: Brokers
    unread: dict[str, Unread]


class AccessReading(Value, frozen=True, kw_only=True):
    """As BrokersReading."""

    access: Access
    unread: dict[str, Unread]


class TransactionsReading(Value, frozen=True, kw_only=True):
    """As BrokersReading."""

    transactions: Transactions
    unread: dict[str, Unread]
