"""Brokers, topics and partitions by Metadata."""

import asyncio
from functools import partial
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.values import BrokerNode, ClusterMetadata, PartitionMetadata, TopicMetadata
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError
from mesh_assets.platforms.kafka.wire.topics import read_cluster_id, read_metadata, topic_presence
from mesh_assets_tests.platforms.kafka.wire.oracle import Brokers, MetadataRequest, MetadataResponse
from mesh_assets_tests.platforms.kafka.wire.topic_messages import partition, topic

VERSIONS = range(4, 14)
ID_AS_PRINTED = "D5o8RFv_Tg6h8_4A-4p8EQ"
REFUSED = KafkaError.TOPIC_AUTHORIZATION_FAILED
UNKNOWN = KafkaError.UNKNOWN_TOPIC_OR_PART


def brokers_with(*topics: Any, newest: int = 13, code: int = 0) -> Brokers:
    """Two brokers that answer like Kafka: a missing topic requested by name is unknown."""

    def answer(request: Any, _: int | None) -> Any:
        known = {one.name: one for one in topics}
        if request.topics is None:
            asked = list(topics)
        else:
            names = [one.name for one in request.topics]
            asked = [known.get(name) or topic(name, code=UNKNOWN, topic_id=None) for name in names]
        return MetadataResponse(
            throttle_time_ms=0,
            brokers=[
                MetadataResponse.MetadataResponseBroker(node_id=2, host="broker-2", port=9092, rack="b"),
                MetadataResponse.MetadataResponseBroker(node_id=1, host="broker-1", port=9093, rack=None),
            ],
            cluster_id="cluster-1",
            controller_id=2,
            topics=asked,
            error_code=code,
        )

    return Brokers(1, 2, handlers={"Metadata": (MetadataRequest, answer)}, newest={"Metadata": newest})


def metadata_of(brokers: Brokers) -> ClusterMetadata:
    return asyncio.run(read_metadata(brokers))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cluster_has_its_brokers_topics_and_partitions_in_order_in_every_version(version: int) -> None:
    brokers = brokers_with(
        topic("orders", partition(1, 2, (2, 1), (2,)), partition(0, 1, (1, 2), (1, 2))),
        topic("__consumer_offsets", partition(0, 1, (1,), (1,)), internal=True),
        newest=version,
    )
    topic_id = ID_AS_PRINTED if version >= 10 else None
    known = partial(PartitionMetadata, leader_epoch=7 if version >= 7 else None)
    assert metadata_of(brokers) == ClusterMetadata(
        cluster_id="cluster-1",
        brokers=(
            BrokerNode(id=1, host="broker-1", port=9093, rack=None),
            BrokerNode(id=2, host="broker-2", port=9092, rack="b"),
        ),
        topics=(
            TopicMetadata(
                name="__consumer_offsets",
                id=topic_id,
                internal=True,
                partitions=(known(partition=0, leader=1, replicas=(1,), isr=(1,)),),
            ),
            TopicMetadata(
                name="orders",
                id=topic_id,
                internal=False,
                partitions=(
                    known(partition=0, leader=1, replicas=(1, 2), isr=(1, 2)),
                    known(partition=1, leader=2, replicas=(2, 1), isr=(2,)),
                ),
            ),
        ),
    )
    ((_, _, asked),) = brokers.asked
    assert (asked.topics, asked.allow_auto_topic_creation) == (None, False)


def test_the_id_of_a_cluster_needs_no_look_at_its_topics() -> None:
    brokers = brokers_with(topic("orders", partition(0, 1, (1,), (1,))))
    assert asyncio.run(read_cluster_id(brokers)) == "cluster-1"
    ((_, _, asked),) = brokers.asked
    assert asked.topics == []


@pytest.mark.parametrize("version", [8, 13])
def test_a_partition_without_a_leader_has_none_and_kafkas_name_for_it(version: int) -> None:
    brokers = brokers_with(
        topic("orders", partition(0, -1, (1, 2), (), KafkaError.LEADER_NOT_AVAILABLE)), newest=version
    )
    assert metadata_of(brokers).topics[0].partitions == (
        PartitionMetadata(
            partition=0, leader=None, leader_epoch=7, replicas=(1, 2), isr=(), error="LEADER_NOT_AVAILABLE"
        ),
    )


def test_partitions_that_differ_in_their_last_byte_or_in_the_length_of_a_list_stay_apart() -> None:
    """Equal partitions are recognised by their bytes, whose lengths are guessed."""
    replicas = [tuple(range(1, length + 1)) for length in (1, 2, 40, 130, 2, 130)]
    topics = [
        topic(f"topic-{number}", partition(0, 1, of_each, of_each[:-1]), partition(1, 1, of_each, of_each))
        for number, of_each in enumerate(replicas)
    ]
    read = metadata_of(
        brokers_with(*topics, *(topic(f"{one.name}-again", *one.partitions) for one in topics))
    )
    seen = {one.name: [(p.partition, p.replicas, p.isr) for p in one.partitions] for one in read.topics}
    expected = {
        f"topic-{number}": [(0, of_each, of_each[:-1]), (1, of_each, of_each)]
        for number, of_each in enumerate(replicas)
    }
    assert seen == expected | {f"{name}-again": partitions for name, partitions in expected.items()}


def test_equal_partitions_are_one_object_in_memory() -> None:
    alike = [topic(name, partition(0, 1, (1, 2), (1,))) for name in ("one", "two")]
    longer = topic("three", partition(0, 1, (1, 2), (1,)), partition(1, 1, (1,), (1,)))
    one, three, two = metadata_of(brokers_with(*alike, longer)).topics
    assert one.partitions is two.partitions
    assert one.partitions[0] is three.partitions[0]


def test_a_topic_deleted_meanwhile_is_absent() -> None:
    brokers = brokers_with(
        topic("kept", partition(0, 1, (1,), (1,))), topic("gone", code=UNKNOWN, topic_id=None)
    )
    assert [known.name for known in metadata_of(brokers).topics] == ["kept"]


def test_a_refused_topic_is_kept_with_its_error() -> None:
    assert metadata_of(brokers_with(topic("__transaction_state", code=REFUSED, topic_id=None))).topics == (
        TopicMetadata(
            name="__transaction_state",
            id=None,
            internal=True,
            partitions=(),
            error="TOPIC_AUTHORIZATION_FAILED: Broker: Topic authorization failed; needs DESCRIBE on the topic",
        ),
    )


def test_an_answer_that_is_wholly_an_error_is_not_a_cluster_without_topics() -> None:
    with pytest.raises(BrokerError) as raised:
        metadata_of(brokers_with(code=KafkaError.REBOOTSTRAP_REQUIRED))
    assert raised.value.code == KafkaError.REBOOTSTRAP_REQUIRED


@pytest.mark.parametrize("version", VERSIONS)
def test_topics_are_requested_by_name_without_being_created(version: int) -> None:
    brokers = brokers_with(
        topic("here", partition(0, 1, (1,), (1,))),
        topic("secret", code=REFUSED, topic_id=None),
        topic("no name", code=KafkaError.TOPIC_EXCEPTION, topic_id=None),
        newest=version,
    )
    assert asyncio.run(topic_presence(brokers, ["here", "gone", "secret", "no name"])) == {
        "here": "here",
        "gone": "gone",
        "secret": "refused",
        "no name": "unaskable",
    }
    ((_, _, asked),) = brokers.asked
    assert [one.name for one in asked.topics] == ["gone", "here", "no name", "secret"]
    assert asked.allow_auto_topic_creation is False


def test_no_names_need_no_request() -> None:
    brokers = brokers_with()
    assert (asyncio.run(topic_presence(brokers, [])), brokers.asked) == ({}, [])


def test_the_existence_of_a_topic_is_not_guessed_from_an_unrelated_error() -> None:
    brokers = brokers_with(topic("orders", code=KafkaError.UNKNOWN, topic_id=None))
    with pytest.raises(BrokerError) as raised:
        asyncio.run(topic_presence(brokers, ["orders"]))
    assert raised.value.code == KafkaError.UNKNOWN


@pytest.mark.parametrize(
    "answered",
    [
        [topic("orders"), topic("orders")],
        [topic("orders", partition(0, 1, (1,), (1,)), partition(0, 2, (2,), (2,)))],
        [topic("orders", partition(-1, 1, (1,), (1,)))],
    ],
    ids=["a topic twice", "a partition twice", "a negative partition"],
)
def test_an_impossible_answer_is_invalid(answered: list[Any]) -> None:
    with pytest.raises(MalformedError):
        metadata_of(brokers_with(*answered))


def test_an_answer_about_another_topic_is_invalid() -> None:
    brokers = brokers_with()
    brokers.handlers["Metadata"] = (
        MetadataRequest,
        lambda *_: MetadataResponse(brokers=[], cluster_id=None, topics=[topic("another")], error_code=0),
    )
    with pytest.raises(MalformedError, match="topics that were not asked for"):
        asyncio.run(topic_presence(brokers, ["orders"]))
