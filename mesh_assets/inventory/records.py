"""What is known about a cluster, as immutable records. The collectors make them once; nothing downstream parses
them again.

Field names are those of the document. Unless a docstring says otherwise, None means unknown: the value could not
be read.
"""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.inventory.storage_records import TopicStorage

UNDECODABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What msgspec raises for bytes that are damaged: the second for text that is not UTF-8, the third for JSON that is
nested too deep."""

EdgeKnown = Literal["declared", "observed", "inferred"]


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """Base of the small immutable values. They contain no cycles, so the garbage collector need not track them."""


# --- topics


class Partition(Record, frozen=True, kw_only=True):
    """One partition. `leader` None: it has no leader at present. `earliest` and `latest` are offsets, None if
    they could not be read. `bytes`: what its leader has on disk."""

    partition: int
    leader: int | None
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    earliest: int | None
    latest: int | None
    error: str | None = None
    bytes: int | None = None


class TopicDetails(Record, frozen=True, kw_only=True):
    """The topic in figures.

    `message_count` is the sum of `latest - earliest`, None if a partition's offsets are unknown. It is an
    upper bound for a compacted topic, and where transactions are known to have written, because their markers take
    offsets. Otherwise it is exact unless a transaction did write; `message_count_is` says which.
    """

    partitions: int
    replication_factor: int
    cleanup_policy: str | None
    internal: bool
    message_count: int | None
    message_count_is: Literal["exact_without_transactions", "upper_bound", "unknown"]


class TopicSchema(Record, frozen=True, kw_only=True):
    """The subjects that describe the topic's records, by naming strategy. A similar name is not enough."""

    key_subjects: tuple[str, ...] = ()
    value_subjects: tuple[str, ...] = ()
    record_subjects: tuple[str, ...] = ()


class Topic(Record, frozen=True, kw_only=True):
    """`config`: a sensitive value is None. With `config_error` the configs could not be read, and `config` is
    as last known, or None.

    `error`: the brokers know the topic but did not describe it, usually because a right is missing;
    partitions may then be missing here. `storage` None: it was not asked for, as in earlier versions.
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
    storage: TopicStorage | None = None

    def may_be(self, known_id: str | None) -> bool:
        """Whether it may be the topic that had this id (None: not known): deleted and recreated, it is another one."""
        return self.id is None or known_id is None or self.id == known_id


# --- connectors


class ConnectorTask(Record, frozen=True, kw_only=True):
    """`trace` is the stack trace of a failed task, as Connect gives it."""

    id: int
    state: str
    worker_id: str | None = None
    trace: str | None = None


class ConnectorTopic(Record, frozen=True, kw_only=True):
    """A topic the connector uses, and how we know: `declared` by its config, or `observed` by Connect."""

    name: str
    known: EdgeKnown


class Connector(Record, frozen=True, kw_only=True):
    """`status` is that of the connector itself, as Connect gives it. When a task fails, `tasks` shows it while the
    connector stays RUNNING.

    `id` is the platform's own (Confluent Cloud: `lcc-…`, MSK Connect: the ARN), None if it has none; a
    connector recreated under its name gets a new one. `connect` names the endpoint it was read from: by its name in
    the estate or, if it is the only one of its kind, by its kind; otherwise by its address.
    `config` is masked, and empty if it may not be read. `quickstart` is the Datagen template, if any.
    `topics_note` says why the topics may be incomplete (a routing transform that cannot be followed, a
    pattern); None if they are complete. `error`: why the connector, or its config, could not be read; that part is
    then unknown.
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
    error: str | None = None

    @property
    def failed_tasks(self) -> int:
        return sum(1 for task in self.tasks if task.state == "FAILED")

    @property
    def active(self) -> bool:
        """RUNNING, with at least one task and all of them RUNNING. The connector's own status decides where having no tasks
        is normal: MSK Connect (the id is an ARN) reports none, MirrorMaker has none while there is nothing to mirror."""
        if self.status != "RUNNING" or any(task.state != "RUNNING" for task in self.tasks):
            return False
        mirrors = (self.connector_class or "").startswith("org.apache.kafka.connect.mirror.")
        return bool(self.tasks) or mirrors or (self.id or "").startswith("arn:")


# --- schemas


class SchemaReference(Record, frozen=True, kw_only=True):
    name: str
    subject: str
    version: int


class SubjectLevel(Record, frozen=True, kw_only=True):
    """A compatibility level or mode of a subject, and when it was read.

    `value` None: not read yet, or reading failed (`error`). `own` True: set on the subject; False: inherited;
    None: the registry does not say.
    """

    value: str | None = None
    own: bool | None = None
    read_at: datetime | None = None
    error: str | None = None


class Schema(Record, frozen=True, kw_only=True):
    """The latest version of a subject. `naming_strategy`: how the subject got its name, derived from topics
    and schema. `contract` None: not read yet. `error`: why it could not be read in this run; the record is then what
    was last known."""

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
    error: str | None = None
    contract: DataContract | None = None


class RegistryFacts(Record, frozen=True, kw_only=True):
    """What applies to the whole registry; None if it cannot be asked, for the reason in `error`."""

    compatibility: str | None
    mode: str | None
    contexts: tuple[str, ...] | None
    error: str | None = None


# --- metrics
#
# One vocabulary for every platform, with units in the names (docs/metrics.md). None: no source of this
# cluster has it. `Metrics.not_available` says why; `Metrics.sources` says where each figure comes from, and
# over which window.

MetricsSourceName = Literal["offsets", "log_dirs", "confluent_cloud", "cloudwatch"]


class Broker(Record, frozen=True, kw_only=True):
    """`cpu_percent`: user and system time. `disk_used_percent`: of the volume with the logs, the fullest if there are
    several."""

    id: int
    host: str
    port: int
    rack: str | None = None
    cpu_percent: float | None = None
    disk_used_percent: float | None = None
    connections: int | None = None


class TopicRate(Record, frozen=True, kw_only=True):
    """`records_in_per_second`: growth of the end offsets between two readings of the same topic, on every
    platform.

    `retained_bytes`: what the topic holds on disk, each record once, without replicas.
    """

    topic: str
    records_in_per_second: float | None
    message_count: int | None
    records_out_per_second: float | None = None
    bytes_in_per_second: float | None = None
    bytes_out_per_second: float | None = None
    retained_bytes: int | None = None


class GroupRate(Record, frozen=True, kw_only=True):
    """`records_committed_per_second`: growth of the committed offsets over the window.

    `lag_seconds`: how long ago the end of the log was where the group is now, on the partition where that is
    longest; 0 without lag. It lies between two readings of the end and is as exact as they are close.
    `lag_seconds_at_least`: a lower bound, if the kept readings do not reach back far enough or are too far
    apart. `estimated_max_lag_seconds`: Amazon's estimate (EstimatedMaxTimeLag). The rest is for the topic nearest to
    losing records, as in GroupTopicRate; `lost_records` is the sum.
    """

    group_id: str
    records_committed_per_second: float | None
    lag_records: int | None
    lag_seconds: float | None = None
    lag_seconds_at_least: float | None = None
    estimated_max_lag_seconds: float | None = None
    lost_records: int | None = None
    retention_used_percent: float | None = None
    retention_left_seconds: float | None = None


class GroupTopicRate(Record, frozen=True, kw_only=True):
    """A group on one topic where records wait for it, or were lost before it read them.

    `lost_records`: removed before the group read them, an upper bound. `retention_used_percent`: how much of what the
    topic holds the group has yet to read, by offsets, on the partition where that is most: at 100 its next record is the
    next one that retention removes. None if retention has removed nothing yet, or never does.
    `retention_left_seconds`: `retention.ms` minus `lag_seconds`, so how long the next record is kept at least, by its
    age; whole segments are removed, so usually somewhat longer. None if either is unknown, or the topic keeps records
    forever.
    """

    group_id: str
    topic: str
    lag_records: int
    lost_records: int | None = None
    retention_used_percent: float | None = None
    lag_seconds: float | None = None
    retention_left_seconds: float | None = None


class ConnectorRate(Record, frozen=True, kw_only=True):
    """`in`: what a sink reads from Kafka. `out`: what a source writes to Kafka. `dead_letter_records`: set
    aside within the source's window.

    `connect` as in Connector: names are unique only within an endpoint.
    """

    connector: str
    connect: str
    records_in_per_second: float | None = None
    records_out_per_second: float | None = None
    bytes_in_per_second: float | None = None
    bytes_out_per_second: float | None = None
    dead_letter_records: int | None = None


class ClusterLoad(Record, frozen=True, kw_only=True):
    """The cluster as a whole, as its platform reports it, including topics that the estate leaves out.
    `partitions`: without replicas."""

    load_percent: float | None = None
    connections: int | None = None
    requests_per_second: float | None = None
    records_in_per_second: float | None = None
    records_out_per_second: float | None = None
    bytes_in_per_second: float | None = None
    bytes_out_per_second: float | None = None
    retained_bytes: int | None = None
    partitions: int | None = None
    under_replicated_partitions: int | None = None
    offline_partitions: int | None = None
    active_controllers: int | None = None


class PartitionHealth(Record, frozen=True, kw_only=True):
    """Counts of partitions. `under_replicated`: ISR smaller than replicas. `offline`: no replica on a live
    broker. `leaderless`: no leader.

    `under_min_isr`: ISR smaller than min.insync.replicas, or than replicas where those are fewer, so that writes
    with acks=all are refused; None if configs could not be read.
    """

    partitions: int
    under_replicated: int
    under_min_isr: int | None
    offline: int
    leaderless: int


class MetricsSource(Record, frozen=True, kw_only=True):
    """One source that was asked. `figures`: what it gave, as `topics.bytes_in_per_second`. Rates are means
    over its window; None: it had none. `error`: why all or part of it could not be read in this run; its
    figures are unknown then."""

    name: MetricsSourceName
    window_start: datetime | None = None
    window_end: datetime | None = None
    window_seconds: float | None = None
    figures: tuple[str, ...] = ()
    error: str | None = None


class Metrics(Record, frozen=True, kw_only=True):
    """Rates and health. `source`: the names of all sources. The window here is that of the offsets, between
    two readings; each source has its own in `sources`. `cluster` None: no source covers the cluster as a whole.
    `controller` is None, since no source reports it; earlier versions gave a random broker on KRaft. `group_topics`: only
    where records wait, or were lost."""

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
    connectors: tuple[ConnectorRate, ...] = ()
    cluster: ClusterLoad | None = None
    group_topics: tuple[GroupTopicRate, ...] = ()
    sources: tuple[MetricsSource, ...] = ()

    @property
    def errors(self) -> tuple[str, ...]:
        """Why sources, or parts of them, are missing; empty if everything that was asked answered."""
        return tuple(source.error for source in self.sources if source.error is not None)

    @property
    def slowest_group(self) -> GroupRate | None:
        """The group with the longest known time lag; None if no lag is known."""
        known = [
            group
            for group in self.consumer_groups
            if group.lag_seconds is not None or group.lag_seconds_at_least is not None
        ]
        return max(
            known, key=lambda group: group.lag_seconds or group.lag_seconds_at_least or 0.0, default=None
        )
