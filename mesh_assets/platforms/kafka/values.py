"""What the four bulk reads of a Kafka cluster return: plain, compact, immutable values.

They say what the brokers said. None means "could not be read" wherever a docstring does not say otherwise; an
`error` is a short text that begins with Kafka's name of the error, and is there exactly when something of the
value could not be read.
"""

from datetime import datetime

from msgspec import Struct


class Value(Struct, frozen=True, kw_only=True, gc=False):
    """Base of the values; they hold no cycles, so the garbage collector need not walk them."""


# --- metadata


class BrokerNode(Value, frozen=True, kw_only=True):
    """A live broker and the listener it was reached by. `rack` None: the broker names none."""

    id: int
    host: str
    port: int
    rack: str | None = None


class PartitionMetadata(Value, frozen=True, kw_only=True):
    """`leader` None: the partition has no leader now. `replicas` and `isr` are broker ids in Kafka's order.

    `error` is the name of the error code that the broker gives with the partition (LEADER_NOT_AVAILABLE,
    REPLICA_NOT_AVAILABLE, …).
    """

    partition: int
    leader: int | None
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    error: str | None = None


class TopicMetadata(Value, frozen=True, kw_only=True):
    """A topic. `id` is the 22-character form that Kafka's tools print; None with brokers before 2.8, or when
    `error` says why.

    With an `error` (as a rule, an authorization that is missing) the topic exists, but its partitions may be
    missing here.
    """

    name: str
    id: str | None
    internal: bool
    partitions: tuple[PartitionMetadata, ...]
    error: str | None = None


class ClusterMetadata(Value, frozen=True, kw_only=True):
    """The cluster as one broker saw it. `controller_id` None: no controller is known. `brokers` and `topics`
    are sorted."""

    cluster_id: str | None
    controller_id: int | None
    brokers: tuple[BrokerNode, ...]
    topics: tuple[TopicMetadata, ...]


# --- configs


class TopicConfigs(Value, frozen=True, kw_only=True):
    """All configs of a topic by name; None for a sensitive or unset one. `overridden`: those set on the topic
    itself, sorted.

    `values` is None when they could not be read, with the reason in `error`: then nothing is known, not even
    a default.
    """

    topic: str
    values: dict[str, str | None] | None
    overridden: tuple[str, ...] = ()
    error: str | None = None


# --- offsets


class PartitionOffsets(Value, frozen=True, kw_only=True):
    """`earliest`: the first offset that can be read; `latest`: the offset that the next record will get (the
    high watermark)."""

    partition: int
    earliest: int | None
    latest: int | None
    error: str | None = None


class OffsetsReading(Value, frozen=True, kw_only=True):
    """Offsets by topic, partitions sorted. `read_at`: when the first of the `latest` was asked for, UTC."""

    read_at: datetime
    topics: dict[str, tuple[PartitionOffsets, ...]]


# --- consumer groups


class GroupMember(Value, frozen=True, kw_only=True):
    """A live member. `assignment`: topic → partitions, sorted; empty also for members that are not consumers
    (Connect's workers)."""

    member_id: str
    client_id: str
    group_instance_id: str | None
    host: str
    assignment: dict[str, tuple[int, ...]]


class CommittedPartition(Value, frozen=True, kw_only=True):
    """`committed` None without an `error`: the partition is assigned to a member, and the group has committed
    nothing there."""

    topic: str
    partition: int
    committed: int | None
    error: str | None = None


class ConsumerGroup(Value, frozen=True, kw_only=True):
    """A group of any kind.

    `type`: classic, consumer (KIP-848) or `unknown`: this client cannot tell share and streams groups and
    whatever comes later apart. `protocol_type`: `consumer`, `connect`, `sr`, …; empty for a group that only
    commits; None when it is unknown. `state`: Kafka's word (Stable, Empty, PreparingRebalance, …), or
    `unknown` where the client does not know the broker's. `members` and `offsets` are None when they could
    not be read, with the reason in `error`; `offsets` are sorted.
    """

    group_id: str
    type: str
    protocol_type: str | None
    state: str
    coordinator: int | None
    members: tuple[GroupMember, ...] | None
    offsets: tuple[CommittedPartition, ...] | None
    error: str | None = None


class GroupsReading(Value, frozen=True, kw_only=True):
    """The selected groups, sorted. `excluded`: how many more there are. `read_at`: when the first offsets
    were asked for, UTC."""

    read_at: datetime
    groups: tuple[ConsumerGroup, ...]
    excluded: int = 0
