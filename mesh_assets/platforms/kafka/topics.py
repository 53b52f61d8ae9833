"""Brokers, topics and all configs of topics, in bulk.

No single call of librdkafka has everything: the listing (`list_topics`) is one request and carries the errors
of partitions, but neither ids nor whether a topic is internal; `describe_topics` has both and wants names.
Measured with 2,000 topics of 4 partitions: 0.01 and 0.1 CPU s, whatever the chunk. Of the time for configs,
89 % goes to confluent-kafka's conversion of entries and synonyms to Python, whatever the chunk, so the chunk
only bounds memory and the size of an answer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from sys import intern
from typing import NamedTuple

from confluent_kafka import KafkaError, TopicCollection

from mesh_assets.platforms.kafka import admin_api
from mesh_assets.platforms.kafka.admin_api import (
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    DescribeClusterResult,
    ResourceType,
    TopicDescription,
)
from mesh_assets.platforms.kafka.errors import AUTHENTICATION, AUTHORIZATION, NO_ANSWER, item_error
from mesh_assets.platforms.kafka.session import Deadline, Session, in_chunks, outcome
from mesh_assets.platforms.kafka.values import (
    BrokerNode,
    ClusterMetadata,
    PartitionMetadata,
    TopicConfigs,
    TopicMetadata,
)

TOPICS_A_CALL = 500
CALLS_IN_FLIGHT = 4

_READING_TOPICS = "reading the topics"
_DESCRIBE = "DESCRIBE on the topic"
_GONE = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._NOENT})
# Kafka's own list (org.apache.kafka.common.internals.Topic), for topics that we may not describe.
_INTERNAL = frozenset(
    {"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"}
)
# What Kafka prints for a topic without an id, with a broker before 2.8.
_NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"

_READING_CONFIGS = "reading the topic configs"
_DESCRIBE_CONFIGS = "DESCRIBE_CONFIGS on the topic"
# confluent-kafka declares ConfigSource and returns its number.
_SET_ON = {
    number: place
    for place, source in (
        ("topic", ConfigSource.DYNAMIC_TOPIC_CONFIG),
        ("cluster", ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG),
        ("broker", ConfigSource.DYNAMIC_BROKER_CONFIG),
    )
    for number in (source, source.value)
}


class _Described(NamedTuple):
    id: str | None
    internal: bool


def read_cluster_id(session: Session) -> str | None:
    """The cluster's id alone. Raises as read_metadata."""
    session.connect()
    cluster_id: str | None = _described_cluster(session, Deadline(session.timeout_seconds)).cluster_id
    return cluster_id or read_metadata(session).cluster_id


def _described_cluster(session: Session, deadline: Deadline) -> DescribeClusterResult:
    cluster: DescribeClusterResult = session.one(
        lambda: session.start(
            "describe_cluster", session.admin.describe_cluster, request_timeout=deadline.call_seconds
        ),
        doing="reading the brokers",
        right="DESCRIBE on the cluster",
    )
    return cluster


def read_metadata(session: Session) -> ClusterMetadata:
    """The cluster, its brokers and all topics that the user may see.

    A topic that was deleted between the two calls is absent; one that was refused is present, with its error.
    Raises UnreachableError, RefusedError or UnexpectedAnswerError when the cluster could not be read.
    """
    session.connect()
    deadline = Deadline(session.timeout_seconds)
    cluster = _described_cluster(session, deadline)
    listing: admin_api.ClusterMetadata = session.one(
        lambda: session.start_blocking(
            "list_topics", session.admin.list_topics, timeout=deadline.call_seconds
        ),
        doing=_READING_TOPICS,
        right=_DESCRIBE,
    )
    described = _describe(session, sorted(listing.topics), deadline)
    return ClusterMetadata(
        cluster_id=cluster.cluster_id or listing.cluster_id,
        brokers=tuple(
            BrokerNode(id=node.id, host=node.host, port=node.port, rack=node.rack or None)
            for node in sorted(cluster.nodes, key=lambda node: node.id)
        ),
        topics=tuple(
            topic
            for topic in (_topic(listing.topics[name], described[name]) for name in sorted(described))
            if topic is not None
        ),
    )


def _describe(session: Session, names: list[str], deadline: Deadline) -> dict[str, _Described | KafkaError]:
    def call(chunk: list[str]) -> Callable[[], Mapping[str, Future[TopicDescription]]]:
        return lambda: session.start(
            "describe_topics",
            session.admin.describe_topics,
            TopicCollection(chunk),
            request_timeout=deadline.call_seconds,
        )

    calls = ((None, call(chunk)) for chunk in in_chunks(names, TOPICS_A_CALL))
    described: dict[str, _Described | KafkaError] = {}
    for _, answers in session.run(calls, window=CALLS_IN_FLIGHT, deadline=deadline, doing=_READING_TOPICS):
        described.update(_described(session, answers.items()))
    return described


def _described(
    session: Session, answers: Iterable[tuple[str, Future[TopicDescription]]]
) -> Iterator[tuple[str, _Described | KafkaError]]:
    for name, future in answers:
        answer = outcome(future)
        if isinstance(answer, KafkaError):
            if answer.code() not in _GONE | AUTHORIZATION:
                # Not a single topic's problem: librdkafka fails the whole call.
                raise session.failed(answer, doing=_READING_TOPICS, right=_DESCRIBE)
            yield name, answer
        else:
            # librdkafka uses base64's standard alphabet, Kafka and its tools the one for URLs.
            topic_id = str(answer.topic_id).replace("+", "-").replace("/", "_")
            yield name, _Described(topic_id if topic_id != _NO_ID else None, answer.is_internal)


def _topic(listed: admin_api.TopicMetadata, described: _Described | KafkaError) -> TopicMetadata | None:
    """The topic; None when it is gone. The listing's error outranks the description's."""
    name = str(listed.topic)
    error = listed.error or (described if isinstance(described, KafkaError) else None)
    if error is not None and error.code() in _GONE:
        return None
    return TopicMetadata(
        name=name,
        id=described.id if isinstance(described, _Described) else None,
        internal=described.internal if isinstance(described, _Described) else name in _INTERNAL,
        partitions=tuple(
            PartitionMetadata(
                partition=partition.id,
                leader=partition.leader if partition.leader >= 0 else None,
                replicas=tuple(partition.replicas),
                isr=tuple(partition.isrs),
                error=partition.error.name() if partition.error is not None else None,
            )
            for _, partition in sorted(listed.partitions.items())
        ),
        error=item_error(error, _DESCRIBE) if error is not None else None,
    )


def read_configs(session: Session, topics: Iterable[str]) -> dict[str, TopicConfigs]:
    """All configs of each of `topics`; an error replaces the values where Kafka refused them or the topic is
    gone.

    Raises UnreachableError or RefusedError when nothing could be read.
    """
    names = sorted(set(topics))
    if not names:
        return {}
    session.connect()
    deadline = Deadline(session.timeout_seconds)

    def call(chunk: list[str]) -> Callable[[], Mapping[ConfigResource, Future[dict[str, ConfigEntry]]]]:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in chunk]
        return lambda: session.start(
            "describe_configs",
            session.admin.describe_configs,
            resources,
            request_timeout=deadline.call_seconds,
        )

    configs: dict[str, TopicConfigs] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    calls = ((None, call(chunk)) for chunk in in_chunks(names, TOPICS_A_CALL))
    for _, answers in session.run(calls, window=CALLS_IN_FLIGHT, deadline=deadline, doing=_READING_CONFIGS):
        for resource, future in answers.items():
            answer = outcome(future)
            if isinstance(answer, KafkaError):
                if answer.code() in NO_ANSWER | AUTHENTICATION:
                    raise session.failed(answer, doing=_READING_CONFIGS, right=_DESCRIBE_CONFIGS)
                configs[resource.name] = TopicConfigs(
                    topic=resource.name, values=None, error=item_error(answer, _DESCRIBE_CONFIGS)
                )
            else:
                configs[resource.name] = _configs(resource.name, answer, shared)
    return {name: configs[name] for name in names}


def _configs(
    topic: str, entries: Mapping[str, ConfigEntry], shared: dict[tuple[str, ...], tuple[str, ...]]
) -> TopicConfigs:
    """One topic's configs, interned: thousands of topics differ in a few of them, and every answer has its
    own copies."""
    values: dict[str, str | None] = {}
    set_on: dict[str, list[str]] = {"topic": [], "cluster": [], "broker": []}
    for entry in entries.values():
        name = intern(entry.name)
        values[name] = None if entry.is_sensitive or entry.value is None else intern(entry.value)
        place = _SET_ON.get(entry.source)
        if place is not None:
            set_on[place].append(name)

    def names(place: str) -> tuple[str, ...]:
        found = tuple(sorted(set_on[place]))
        return shared.setdefault(found, found)

    return TopicConfigs(
        topic=topic,
        values=dict(sorted(values.items())),
        overridden=names("topic"),
        cluster_wide=names("cluster"),
        of_the_broker=names("broker"),
    )
