"""What is known of a cluster: immutable records, made once by the collectors and never parsed again downstream.

Field names are those of the document. None means "could not be read" (`unknown`) wherever a docstring does not say otherwise.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

EdgeKnown = Literal["declared", "observed", "inferred"]


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """Base of the small immutable values; they hold no cycles, so the garbage collector need not walk them."""


# --- topics


class Partition(Record, frozen=True, kw_only=True):
    """One partition. `leader` None: it has none now. `earliest` and `latest` are offsets, None when they could not be read."""

    partition: int
    leader: int | None
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    earliest: int | None
    latest: int | None
    error: str | None = None


class TopicDetails(Record, frozen=True, kw_only=True):
    """The topic in figures.

    `message_count` is the sum of `latest - earliest`: an upper bound under compaction, and exact otherwise unless transactions write to
    the topic (their markers take offsets), which `message_count_is` says. None when a partition's offsets are unknown.
    """

    partitions: int
    replication_factor: int
    cleanup_policy: str | None
    internal: bool
    message_count: int | None
    message_count_is: Literal["exact_without_transactions", "upper_bound", "unknown"]


class TopicSchema(Record, frozen=True, kw_only=True):
    """The subjects that describe the topic's records, by naming strategy; nothing is guessed from similar names."""

    key_subjects: tuple[str, ...] = ()
    value_subjects: tuple[str, ...] = ()
    record_subjects: tuple[str, ...] = ()


class Topic(Record, frozen=True, kw_only=True):
    """A sensitive config's value is None. `config_error`: the configs could not be read; then `config` is what was last known, or None.

    `error`: the brokers know the topic but did not describe it (a missing right, as a rule); then its partitions may be missing here.
    """

    name: str
    id: str | None
    details: TopicDetails
    partitions: tuple[Partition, ...]
    config: dict[str, str | None] | None
    config_overrides: tuple[str, ...] = ()
    config_error: str | None = None
    error: str | None = None
    schema: TopicSchema = TopicSchema()
    connectors: tuple[str, ...] = ()


# --- connectors


class ConnectorTask(Record, frozen=True, kw_only=True):
    """`trace` is the stack trace of a failed task, as Connect gives it."""

    id: int
    state: str
    worker_id: str | None = None
    trace: str | None = None


class ConnectorTopic(Record, frozen=True, kw_only=True):
    """A topic the connector uses and how that is known: `declared` by its config, `observed` by Connect."""

    name: str
    known: EdgeKnown


class Connector(Record, frozen=True, kw_only=True):
    """`status` is Connect's word for the connector itself; a failed task shows in `tasks` while the connector stays RUNNING.

    `id` is the platform's own (Confluent Cloud: `lcc-…`), None where there is none; a connector made anew under its name has a new one.
    `connect` names the endpoint it was read from. `config` is masked; empty where it may not be read. `quickstart` is the Datagen template
    where there is one.
    `topics_note` says why the topics may be incomplete (a routing transform that cannot be followed, a pattern); None: they are not.
    """

    name: str
    connect: str
    type: str
    connector_class: str | None
    status: str
    worker_id: str | None
    trace: str | None
    tasks: tuple[ConnectorTask, ...]
    config: dict[str, str | None]
    quickstart: str | None = None
    topics: tuple[ConnectorTopic, ...] = ()
    topics_pattern: str | None = None
    topics_note: str | None = None
    id: str | None = None

    @property
    def failed_tasks(self) -> int:
        return sum(1 for task in self.tasks if task.state == "FAILED")

    @property
    def active(self) -> bool:
        """RUNNING with every task RUNNING, and at least one task."""
        return self.status == "RUNNING" and bool(self.tasks) and all(task.state == "RUNNING" for task in self.tasks)


# --- schemas


class SchemaReference(Record, frozen=True, kw_only=True):
    name: str
    subject: str
    version: int


class SubjectLevel(Record, frozen=True, kw_only=True):
    """A compatibility level or mode of a subject, and when it was read.

    `value` None: not read yet (or it failed: `error`). `own` True: set on the subject; False: inherited; None: the registry cannot tell.
    """

    value: str | None = None
    own: bool | None = None
    read_at: datetime | None = None
    error: str | None = None


class Schema(Record, frozen=True, kw_only=True):
    """The latest version of a subject. `naming_strategy`: how the subject got its name, derived and never guessed."""

    subject: str
    version: int
    id: int
    schema_type: str
    definition: str
    references: tuple[SchemaReference, ...] = ()
    compatibility: SubjectLevel = SubjectLevel()
    mode: SubjectLevel = SubjectLevel()
    naming_strategy: Literal["topic", "record", "topic_record", "unknown"] = "unknown"
    record_name: str | None = None


class RegistryFacts(Record, frozen=True, kw_only=True):
    """What holds for the whole registry; None where it cannot be asked."""

    compatibility: str | None
    mode: str | None
    contexts: tuple[str, ...]


# --- consumer groups


class GroupMember(Record, frozen=True, kw_only=True):
    """A live member. `assignment`: topic → partitions."""

    member_id: str
    client_id: str
    host: str
    group_instance_id: str | None
    assignment: dict[str, tuple[int, ...]]


class CommittedOffset(Record, frozen=True, kw_only=True):
    """Where a group stands on one partition.

    `lag_records` is `end - committed`, never negative; None where the group has committed nothing there or the end is unknown.
    """

    topic: str
    partition: int
    committed: int | None
    end: int | None
    lag_records: int | None


class ConsumerGroup(Record, frozen=True, kw_only=True):
    """`type` is the group protocol's name (classic, consumer, share, streams) or `unknown`.

    `protocol_type` tells Connect's workers (`connect`) from consumers. `total_lag_records` sums the known lags; None when the group
    has none. `members` and `offsets` are None when they could not be read, and `error` says why.
    """

    group_id: str
    type: str
    protocol_type: str | None
    state: str
    coordinator: int | None
    members: tuple[GroupMember, ...] | None
    offsets: tuple[CommittedOffset, ...] | None
    topics: tuple[str, ...]
    total_lag_records: int | None
    error: str | None = None


# --- metrics


class Broker(Record, frozen=True, kw_only=True):
    id: int
    host: str
    port: int
    rack: str | None = None


class TopicRate(Record, frozen=True, kw_only=True):
    """`records_in_per_second`: growth of the end offsets over the window; None without two readings of the same topic."""

    topic: str
    records_in_per_second: float | None
    message_count: int | None


class GroupRate(Record, frozen=True, kw_only=True):
    """`records_committed_per_second`: growth of the committed offsets over the window."""

    group_id: str
    records_committed_per_second: float | None
    lag_records: int | None


class PartitionHealth(Record, frozen=True, kw_only=True):
    """Counts of partitions. `under_replicated`: ISR smaller than replicas. `offline`: no replica on a live broker. `leaderless`: no leader.

    `under_min_isr`: ISR smaller than min.insync.replicas, None where configs could not be read.
    """

    partitions: int
    under_replicated: int
    under_min_isr: int | None
    offline: int
    leaderless: int


class Metrics(Record, frozen=True, kw_only=True):
    """Rates and health. The rates are means over the window between two readings of the offsets, `window_seconds` long."""

    source: str
    window_start: datetime | None
    window_end: datetime | None
    window_seconds: float | None
    topics: tuple[TopicRate, ...]
    consumer_groups: tuple[GroupRate, ...]
    brokers: tuple[Broker, ...]
    controller: int | None
    partition_health: PartitionHealth
    not_available: tuple[str, ...] = ()
