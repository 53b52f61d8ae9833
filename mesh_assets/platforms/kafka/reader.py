"""The interface to Kafka: bulk reads that return plain values, and their implementation over Kafka's protocol."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, Self

from mesh_assets.errors import PlatformError
from mesh_assets.inventory.storage_records import EligibleLeaders, Reassignment, TieredPartition
from mesh_assets.platforms import Presence
from mesh_assets.platforms.kafka.storage import RecordTimes, StorageReading
from mesh_assets.platforms.kafka.values import (
    AccessReading,
    BrokersReading,
    ClusterMetadata,
    EndsReading,
    GroupsReading,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    TopicConfigs,
    TransactionsReading,
    for_alike,
)
from mesh_assets.platforms.kafka.wire import (
    access,
    brokers,
    committed,
    configs,
    groups,
    log_dirs,
    named_groups,
    offsets,
    placement,
    retained,
    topics,
    transactions,
)
from mesh_assets.platforms.kafka.wire.named_groups import ShareGroup
from mesh_assets.platforms.kafka.wire.partition_columns import CommitsReading, Edges
from mesh_assets.platforms.kafka.wire.running import RunningCluster

_TOPICS, _GROUPS = "DESCRIBE on the topics", "DESCRIBE on the groups"


class KafkaReader(Protocol):
    """The bulk reads of a cluster and two questions about single names. Safe to use from many threads.

    A read raises UnreachableError, RefusedError or UnexpectedAnswerError when it fails entirely. A part of a
    single topic, partition or group that could not be read is None, with the reason next to it; never empty,
    never a default.
    """

    @property
    def requests(self) -> Counter[str]:
        """How many requests went over the wire so far, by Kafka's name for them."""

    def read_cluster_id(self) -> str | None:
        """The cluster id that the brokers give, without reading anything else; None: they give none."""

    def metadata(self) -> ClusterMetadata:
        """The cluster, its brokers, and all topics with their partitions."""

    def configs(self, topics: Iterable[str]) -> dict[str, TopicConfigs]:
        """All configs of each of the topics, keyed by exactly these topics."""

    def offsets(self, partitions_by_topic: Mapping[str, Collection[int]]) -> OffsetsReading:
        """Earliest and latest offset of each of the partitions, all of which must have a leader."""

    def edges(self, partitions_by_topic: Mapping[str, Collection[int]]) -> Edges:
        """The same as columns: an offset that could not be read is MISSING, and nothing says why."""

    def ends(self, partitions_by_topic: Mapping[str, Collection[int]]) -> EndsReading:
        """The latest offset of each of the partitions, like `offsets`."""

    def commits(self, coordinators: Mapping[str, int]) -> dict[str, dict[str, dict[int, int]]]:
        """What groups have committed, by group, topic and partition; only for those that their coordinators
        report now."""

    def groups(self, selects: Callable[[str], bool]) -> GroupsReading:
        """Every selected group of any kind, with its members and committed offsets."""

    def committed(self, selects: Callable[[str], bool]) -> CommitsReading:
        """Which selected groups there are, and as columns what they have committed."""

    def brokers(self) -> BrokersReading:
        """The brokers, with their configs, features and controllers."""

    def access(self) -> AccessReading:
        """ACLs, client quotas and users with SCRAM credentials."""

    def log_dirs(self, metadata: ClusterMetadata) -> StorageReading:
        """The brokers' log directories, and the space that each topic uses there."""

    def reassignments(self) -> Mapping[str, tuple[Reassignment, ...]]:
        """The partitions being moved to other brokers, by topic; empty when there are none."""

    def eligible_leaders(self, topics: Collection[str]) -> Mapping[str, tuple[EligibleLeaders, ...] | None]:
        """Who outside the ISR may lead partitions of these topics; None if the topic could not be
        described."""

    def record_times(
        self,
        partitions_by_topic: Mapping[str, Collection[int]],
        *,
        tiered: Collection[str],
        newest_only: Collection[str] = (),
    ) -> Mapping[str, RecordTimes]:
        """The timestamps of the first and the newest records in these partitions, all of which have records."""

    def tiered(
        self, partitions_by_topic: Mapping[str, Collection[int]]
    ) -> Mapping[str, tuple[TieredPartition, ...]]:
        """Which part of these partitions, of topics with tiered storage, is on disk and which is tiered."""

    def transactions(self, selects: Callable[[str], bool]) -> TransactionsReading:
        """Transactional ids, and the producers and open transactions of the selected topics."""

    def topic_presence(self, names: Sequence[str]) -> Mapping[str, Presence]:
        """Whether these few topics exist, whatever the list of topics says."""

    def group_presence(self, names: Sequence[str]) -> Mapping[str, Presence]:
        """Whether these few groups, which existed once, still do, whatever the list of groups says."""

    def close(self) -> None:
        """Closes the connections. No read may start afterwards."""


class WireReader:
    """A KafkaReader on Kafka's own protocol. Contacts nothing before the first read; a context manager.

    `properties`: librdkafka's configuration, from `client_properties`. `timeout_seconds`: how long a broker may leave
    requests without a byte of an answer. An unreachable cluster is reported within that time, after 3 s when it is
    certain (all brokers refuse connections, names do not resolve), and at once when the brokers refuse to
    authenticate the user. `on_confluent_cloud`: messages call the user an API key. Raises EstateError for properties
    that are not understood.
    """

    def __init__(
        self, properties: Mapping[str, Any], timeout_seconds: float, *, on_confluent_cloud: bool = False
    ) -> None:
        self._kafka = RunningCluster(properties, timeout_seconds, on_confluent_cloud=on_confluent_cloud)
        self._asked: dict[str, Any] = {"endpoint": self._kafka.endpoint, "timeout_seconds": timeout_seconds}
        self._seen: ClusterMetadata | None = None

    @property
    def requests(self) -> Counter[str]:
        return self._kafka.requests

    def read_cluster_id(self) -> str | None:
        return self._kafka.run(
            topics.read_cluster_id, doing="reading the brokers", right="DESCRIBE on the cluster"
        )

    def metadata(self) -> ClusterMetadata:
        self._seen = self._kafka.run(topics.read_metadata, doing="reading the topics", right=_TOPICS)
        return self._seen

    def configs(self, topics: Iterable[str]) -> dict[str, TopicConfigs]:
        return self._kafka.run(
            lambda kafka: configs.read_configs(kafka, topics),
            doing="reading the topic configs",
            right="DESCRIBE_CONFIGS on the topics",
        )

    def offsets(self, partitions_by_topic: Mapping[str, Collection[int]]) -> OffsetsReading:
        # The leaders as last seen: answers show which have moved since.
        return self._kafka.run(
            lambda kafka: offsets.read_offsets(kafka, partitions_by_topic, self._seen),
            doing="reading the offsets",
            right=_TOPICS,
        )

    def edges(self, partitions_by_topic: Mapping[str, Collection[int]]) -> Edges:
        return self._kafka.run(
            lambda kafka: offsets.read_edges(kafka, partitions_by_topic, self._seen),
            doing="reading the offsets",
            right=_TOPICS,
        )

    def ends(self, partitions_by_topic: Mapping[str, Collection[int]]) -> EndsReading:
        return self._kafka.run(
            lambda kafka: offsets.read_ends(kafka, partitions_by_topic, self._seen),
            doing="reading the offsets",
            right=_TOPICS,
        )

    def commits(self, coordinators: Mapping[str, int]) -> dict[str, dict[str, dict[int, int]]]:
        return self._kafka.run(
            lambda kafka: committed.read_commits(kafka, coordinators, **self._asked),
            doing="reading what consumer groups have committed",
            right=_GROUPS,
        )

    def log_dirs(self, metadata: ClusterMetadata) -> StorageReading:
        return self._kafka.run(
            lambda kafka: log_dirs.read_log_dirs(kafka, metadata),
            doing="reading the log directories",
            right=log_dirs.RIGHT,
        )

    def reassignments(self) -> dict[str, tuple[Reassignment, ...]]:
        return self._kafka.run(
            placement.read_reassignments, doing="listing the reassignments", right=placement.RIGHT
        )

    def eligible_leaders(self, topics: Collection[str]) -> dict[str, tuple[EligibleLeaders, ...] | None]:
        return self._kafka.run(
            lambda kafka: placement.read_eligible_leaders(kafka, topics),
            doing="reading who may lead partitions",
            right=_TOPICS,
        )

    def record_times(
        self,
        partitions_by_topic: Mapping[str, Collection[int]],
        *,
        tiered: Collection[str],
        newest_only: Collection[str] = (),
    ) -> dict[str, RecordTimes]:
        return self._kafka.run(
            lambda kafka: retained.read_record_times(
                kafka, partitions_by_topic, self._seen, tiered=tiered, newest_only=newest_only
            ),
            doing="reading the age of records",
            right=_TOPICS,
        )

    def tiered(
        self, partitions_by_topic: Mapping[str, Collection[int]]
    ) -> dict[str, tuple[TieredPartition, ...]]:
        return self._kafka.run(
            lambda kafka: retained.read_tiered(kafka, partitions_by_topic, self._seen),
            doing="reading what is in tiered storage",
            right=_TOPICS,
        )

    def groups(self, selects: Callable[[str], bool]) -> GroupsReading:
        return self._kafka.run(
            lambda kafka: groups.read_groups(kafka, selects, seen=self._seen, **self._asked),
            doing="reading the consumer groups",
            right=_GROUPS,
        )

    def committed(self, selects: Callable[[str], bool]) -> CommitsReading:
        return self._kafka.run(
            lambda kafka: committed.read_committed(kafka, selects, seen=self._seen, **self._asked),
            doing="reading what consumer groups have committed",
            right=_GROUPS,
        )

    def brokers(self) -> BrokersReading:
        return self._kafka.run(brokers.read_brokers, doing="reading the brokers", right=brokers.DESCRIBE)

    def access(self) -> AccessReading:
        return self._kafka.run(
            access.read_access, doing="reading ACLs, quotas and SCRAM users", right=access.DESCRIBE
        )

    def transactions(self, selects: Callable[[str], bool]) -> TransactionsReading:
        selected = [
            topic
            for topic in (self._seen or self.metadata()).topics
            if topic.error is None and selects(topic.name)
        ]
        return self._kafka.run(
            lambda kafka: transactions.read_transactions(kafka, selected),
            doing="reading the transactions",
            right=transactions.LIST_RIGHT,
        )

    def share_group(self, group: str, topic: str) -> ShareGroup:
        """One share group on one topic; without members and partitions when there is none."""
        return self._kafka.run(
            lambda kafka: named_groups.read_share_group(kafka, group, topic, **self._asked),
            doing="reading a share group",
            right=groups.SHARE_RIGHT,
        )

    def topic_presence(self, names: Sequence[str]) -> dict[str, Presence]:
        return self._kafka.run(
            lambda kafka: topics.topic_presence(kafka, names),
            doing="asking for the topics by name",
            right=_TOPICS,
        )

    def group_presence(self, names: Sequence[str]) -> dict[str, Presence]:
        return self._kafka.run(
            lambda kafka: named_groups.group_presence(kafka, names, **self._asked),
            doing="asking for consumer groups by name",
            right=_GROUPS,
        )

    def close(self) -> None:
        self._kafka.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ends_after(kafka: KafkaReader, offsets: OffsetsReading, groups: GroupsReading) -> OffsetsReading:
    """`offsets`, with the edges of partitions read again if a group has committed beyond their end.

    Ends are read before or alongside the commits, so a fast consumer can have passed the one that was read. A
    commit still beyond the new end means that the topic was recreated or truncated. An end that cannot be
    read again is unknown.
    """
    ends: dict[str, dict[int, int | None]] = {}  # of the topics that groups read
    passed: dict[str, set[int]] = {}
    for group in groups.groups:
        for commit in group.offsets or ():
            of_topic = ends.get(commit.topic)
            if of_topic is None:
                of_topic = {one.partition: one.latest for one in offsets.topics.get(commit.topic, ())}
                ends[commit.topic] = of_topic
            end = of_topic.get(commit.partition)
            if end is not None and commit.committed is not None and commit.committed > end:
                passed.setdefault(commit.topic, set()).add(commit.partition)
    if not passed:
        return offsets
    try:
        again = {
            (topic, one.partition): one
            for topic, ones in kafka.offsets(passed).topics.items()
            for one in ones
        }
    except PlatformError as error:
        again = {
            (topic, number): PartitionOffsets(partition=number, earliest=None, latest=None, error=str(error))
            for topic, numbers in passed.items()
            for number in numbers
        }
    topics = {
        topic: tuple(again.get((topic, one.partition), one) for one in ones)
        for topic, ones in offsets.topics.items()
    }
    return OffsetsReading(read_at=offsets.read_at, topics=topics)


def leading_partitions(metadata: ClusterMetadata) -> dict[str, tuple[int, ...]]:
    """The partitions with a leader, by topic: those whose offsets `KafkaReader.offsets` can read."""

    @for_alike
    def leading(partitions: tuple[PartitionMetadata, ...]) -> tuple[int, ...]:
        return tuple(one.partition for one in partitions if one.leader is not None)

    return {topic.name: leading(topic.partitions) for topic in metadata.topics if topic.error is None}
