"""The reader behind its interface: which requests it saves, and what a failed read says."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.errors import RefusedError, UnreachableError
from mesh_assets.platforms.kafka import (
    ClusterMetadata,
    PartitionMetadata,
    PartitionOffsets,
    TopicMetadata,
    WireReader,
    leading_partitions,
)
from mesh_assets.platforms.kafka.wire.forms import BrokerError
from mesh_assets_tests.platforms.kafka.wire.oracle import Cluster, running_on

READS: dict[str, Callable[[WireReader], object]] = {
    "reading the brokers": WireReader.read_cluster_id,
    "reading the topics": WireReader.metadata,
    "reading the topic configs": lambda reader: reader.configs(["orders"]),
    "reading the offsets": lambda reader: reader.offsets({"orders": [0]}),
    "reading the consumer groups": lambda reader: reader.groups(lambda _: True),
    "reading a share group": lambda reader: reader.share_group("sharing", "orders"),
    "asking for the topics by name": lambda reader: reader.topic_presence(["orders"]),
    "asking for consumer groups by name": lambda reader: reader.group_presence(["billing"]),
}


class Failing:
    """Connections that cannot be made."""

    def __init__(self, code: int) -> None:
        self._code = code

    async def ask(self, *_: object, **__: object) -> None:
        raise BrokerError(self._code, "not today")

    brokers = refreshed = version = ask

    async def close(self) -> None:
        """Nothing to close."""


def reader_over(connections: Any) -> WireReader:
    """A reader of brokers in memory."""
    properties = {"bootstrap.servers": "broker-1:9092"}
    reader = WireReader(properties, 0.5)
    reader._kafka = running_on(connections, properties, 0.5)
    return reader


def test_offsets_are_requested_from_the_leaders_read_with_the_topics() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 2}})
    cluster.ends = {("orders", 0): (3, 10), ("orders", 1): (0, 4)}
    with reader_over(cluster.brokers) as reader:
        assert [topic.name for topic in reader.metadata().topics] == ["orders"]
        for _ in range(2):
            read = reader.offsets({"orders": [0, 1]}).topics
            assert read["orders"] == (
                PartitionOffsets(partition=0, earliest=3, latest=10),
                PartitionOffsets(partition=1, earliest=0, latest=4),
            )
    assert len(cluster.brokers.requests("Metadata")) == 1


def test_a_topic_newer_than_the_metadata_has_offsets_too() -> None:
    cluster = Cluster({"orders": {0: 1}})
    with reader_over(cluster.brokers) as reader:
        reader.metadata()
        cluster.leaders = {"orders": {0: 2}, "new": {0: 2}}
        cluster.ends = {("orders", 0): (0, 7), ("new", 0): (0, 1)}
        read = reader.offsets({"orders": [0], "new": [0]}).topics
    assert [(topic, one.latest) for topic, [one] in read.items()] == [("new", 1), ("orders", 7)]


@pytest.mark.parametrize("doing", READS)
def test_an_unresponsive_cluster_is_reported_with_what_was_being_read(doing: str) -> None:
    with (
        reader_over(Failing(KafkaError._TRANSPORT)) as reader,
        pytest.raises(UnreachableError) as raised,
    ):
        READS[doing](reader)
    assert str(raised.value) == f"Kafka at broker-1:9092 could not be reached while {doing}: not today"


@pytest.mark.parametrize(
    ("doing", "right"),
    [
        ("reading the brokers", "DESCRIBE on the cluster"),
        ("reading the topics", "DESCRIBE on the topics"),
        ("reading the topic configs", "DESCRIBE_CONFIGS on the topics"),
        ("reading the consumer groups", "DESCRIBE on the groups"),
        ("asking for consumer groups by name", "DESCRIBE on the groups"),
    ],
)
def test_a_refused_read_names_the_required_right(doing: str, right: str) -> None:
    with (
        reader_over(Failing(KafkaError.CLUSTER_AUTHORIZATION_FAILED)) as reader,
        pytest.raises(RefusedError) as raised,
    ):
        READS[doing](reader)
    assert str(raised.value) == (
        f"Kafka at broker-1:9092 refused {doing} (not today): an anonymous client needs {right}"
    )


def test_only_partitions_with_a_leader_are_asked_for_offsets() -> None:
    orders = TopicMetadata(
        name="orders",
        id=None,
        internal=False,
        partitions=(
            PartitionMetadata(partition=0, leader=None, replicas=(1,), isr=(), error="LEADER_NOT_AVAILABLE"),
            PartitionMetadata(partition=1, leader=1, replicas=(1,), isr=(1,)),
        ),
    )
    refused = TopicMetadata(
        name="secret", id=None, internal=False, partitions=(), error="TOPIC_AUTHORIZATION_FAILED: no"
    )
    metadata = ClusterMetadata(cluster_id="c", brokers=(), topics=(orders, refused))
    assert leading_partitions(metadata) == {"orders": (1,)}
