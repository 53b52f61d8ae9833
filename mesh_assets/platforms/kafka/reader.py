"""The interface to Kafka: four bulk reads that return plain values, and their implementation by
confluent-kafka."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from confluent_kafka import Consumer

from mesh_assets.errors import PlatformError
from mesh_assets.platforms import Presence
from mesh_assets.platforms.kafka.admin_api import AdminClient
from mesh_assets.platforms.kafka.consumer_groups import read_groups
from mesh_assets.platforms.kafka.offsets import read_offsets
from mesh_assets.platforms.kafka.rights import group_presence, topic_presence
from mesh_assets.platforms.kafka.session import ClientFactory, Session
from mesh_assets.platforms.kafka.topics import read_cluster_id, read_configs, read_metadata
from mesh_assets.platforms.kafka.values import (
    ClusterMetadata,
    GroupsReading,
    OffsetsReading,
    PartitionOffsets,
    TopicConfigs,
)


class KafkaReader(Protocol):
    """Four bulk reads of a cluster and two questions about single names. Safe to use from many threads.

    A read raises UnreachableError, RefusedError or UnexpectedAnswerError when it fails entirely. What could
    not be read of a single topic, partition or group is None, with the reason beside it; never empty, never a
    default.
    """

    @property
    def requests(self) -> Counter[str]:
        """How many calls were made so far, by kind."""

    def read_cluster_id(self) -> str | None:
        """The id that the brokers give the cluster, without reading anything else; None: they give none."""

    def metadata(self) -> ClusterMetadata:
        """The cluster, its brokers, and all topics with their partitions."""

    def configs(self, topics: Iterable[str]) -> dict[str, TopicConfigs]:
        """All configs of each of the topics, keyed by exactly these topics."""

    def offsets(self, partitions_by_topic: Mapping[str, Collection[int]]) -> OffsetsReading:
        """Earliest and latest offset of each of the partitions, all of which must have a leader."""

    def groups(self, selects: Callable[[str], bool]) -> GroupsReading:
        """Every selected group of any kind, with its members and committed offsets."""

    def topic_presence(self, names: Sequence[str]) -> Mapping[str, Presence]:
        """Whether these few topics exist, whatever the list of topics says."""

    def group_presence(self, names: Sequence[str]) -> Mapping[str, Presence]:
        """Whether these few groups, which existed once, still do, whatever the list of groups says."""

    def close(self) -> None:
        """Closes the connections. No read may start afterwards."""


class ConfluentKafkaReader:
    """A KafkaReader on confluent-kafka (librdkafka). Connects on first use; a context manager.

    `connection_properties`: librdkafka's configuration, from `client_properties`. `timeout_seconds`: how long
    one call may go without an answer. An unreachable cluster is reported within that time, after 3 s when it
    is certain (all brokers refuse connections, names do not resolve), and at once when the brokers refuse to
    authenticate the user. `on_confluent_cloud`: messages call the user an API key.
    """

    def __init__(
        self,
        connection_properties: Mapping[str, str],
        timeout_seconds: float,
        *,
        on_confluent_cloud: bool = False,
        admin_factory: ClientFactory = AdminClient,
        consumer_factory: ClientFactory = Consumer,
    ) -> None:
        self._session = Session(
            connection_properties,
            timeout_seconds,
            on_confluent_cloud=on_confluent_cloud,
            admin_factory=admin_factory,
            consumer_factory=consumer_factory,
        )

    @property
    def requests(self) -> Counter[str]:
        """A copy of how many calls to librdkafka were made so far, by its name for them.

        One call can be several requests on the wire: one per broker (listings, offsets) or per group
        (descriptions).
        """
        return self._session.requests_so_far()

    def read_cluster_id(self) -> str | None:
        return read_cluster_id(self._session)

    def metadata(self) -> ClusterMetadata:
        return read_metadata(self._session)

    def configs(self, topics: Iterable[str]) -> dict[str, TopicConfigs]:
        return read_configs(self._session, topics)

    def offsets(self, partitions_by_topic: Mapping[str, Collection[int]]) -> OffsetsReading:
        return read_offsets(self._session, partitions_by_topic)

    def groups(self, selects: Callable[[str], bool]) -> GroupsReading:
        return read_groups(self._session, selects)

    def topic_presence(self, names: Sequence[str]) -> dict[str, Presence]:
        return topic_presence(self._session, names)

    def group_presence(self, names: Sequence[str]) -> dict[str, Presence]:
        return group_presence(self._session, names)

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ends_after(kafka: KafkaReader, offsets: OffsetsReading, groups: GroupsReading) -> OffsetsReading:
    """`offsets`, with the edges of those partitions read again where a group has committed beyond their end.

    Ends are read before or beside the commits, so a fast consumer can have passed the one that was read. What
    is beyond the end still is so because the topic was created anew or cut. An end that cannot be read again
    is unknown.
    """
    ends = {(topic, one.partition): one.latest for topic, ones in offsets.topics.items() for one in ones}
    passed: dict[str, set[int]] = {}
    for group in groups.groups:
        for commit in group.offsets or ():
            end = ends.get((commit.topic, commit.partition))
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
    return {
        topic.name: tuple(
            partition.partition for partition in topic.partitions if partition.leader is not None
        )
        for topic in metadata.topics
        if topic.error is None
    }
