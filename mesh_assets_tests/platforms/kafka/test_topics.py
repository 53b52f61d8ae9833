"""Brokers and topics."""

import pytest
from confluent_kafka import KafkaError
from confluent_kafka.cimpl import Uuid

from mesh_assets.errors import UnreachableError
from mesh_assets.platforms.kafka import (
    BrokerNode,
    ClusterMetadata,
    PartitionMetadata,
    TopicConfigs,
    TopicMetadata,
    leading_partitions,
)
from mesh_assets_tests.platforms.kafka.fakes import (
    TOPIC_ID,
    FakeAdmin,
    description,
    entry,
    error,
    partition,
    reader_on,
    topic,
)


@pytest.fixture
def admin() -> FakeAdmin:
    return FakeAdmin()


def test_a_cluster_has_its_brokers_topics_and_partitions_in_order(admin: FakeAdmin) -> None:
    admin.topics = {
        "orders": topic("orders", partition(1, 2, (2, 1), (2,)), partition(0, 1, (1, 2), (1, 2))),
        "__consumer_offsets": topic("__consumer_offsets", partition(0)),
    }
    admin.descriptions = {"__consumer_offsets": description("__consumer_offsets", internal=True)}
    assert reader_on(admin).metadata() == ClusterMetadata(
        cluster_id="cluster-1",
        brokers=(BrokerNode(id=1, host="broker-1", port=9092, rack="rack-a"),),
        topics=(
            TopicMetadata(
                name="__consumer_offsets",
                id=str(TOPIC_ID),
                internal=True,
                partitions=(PartitionMetadata(partition=0, leader=1, replicas=(1,), isr=(1,)),),
            ),
            TopicMetadata(
                name="orders",
                id=str(TOPIC_ID),
                internal=False,
                partitions=(
                    PartitionMetadata(partition=0, leader=1, replicas=(1, 2), isr=(1, 2)),
                    PartitionMetadata(partition=1, leader=2, replicas=(2, 1), isr=(2,)),
                ),
            ),
        ),
    )


def test_the_id_of_a_cluster_takes_no_look_at_its_topics(admin: FakeAdmin) -> None:
    reader = reader_on(admin)

    assert reader.read_cluster_id() == "cluster-1"
    assert reader.requests == {"describe_cluster": 2}  # one of them when it connects


def test_a_partition_without_a_leader_has_none_and_kafkas_name_for_that(admin: FakeAdmin) -> None:
    admin.topics = {
        "orders": topic(
            "orders", partition(0, -1, (1, 2), (), error(KafkaError.LEADER_NOT_AVAILABLE)), partition(1)
        )
    }
    metadata = reader_on(admin).metadata()
    assert metadata.topics[0].partitions[0] == PartitionMetadata(
        partition=0, leader=None, replicas=(1, 2), isr=(), error="LEADER_NOT_AVAILABLE"
    )
    assert leading_partitions(metadata) == {"orders": (1,)}


@pytest.mark.parametrize("where", ["listing", "description"])
def test_a_topic_that_has_gone_meanwhile_is_absent(admin: FakeAdmin, where: str) -> None:
    gone = error(KafkaError.UNKNOWN_TOPIC_OR_PART)
    admin.topics = {
        "kept": topic("kept", partition(0)),
        "gone": topic("gone", failure=gone if where == "listing" else None),
    }
    if where == "description":
        admin.descriptions = {"gone": gone}
    assert [known.name for known in reader_on(admin).metadata().topics] == ["kept"]


@pytest.mark.parametrize("where", ["listing", "description"])
def test_a_refused_topic_is_kept_with_its_error(admin: FakeAdmin, where: str) -> None:
    refused = error(KafkaError.TOPIC_AUTHORIZATION_FAILED, "Broker: Topic authorization failed")
    admin.topics = {
        "__transaction_state": topic("__transaction_state", failure=refused if where == "listing" else None)
    }
    admin.descriptions = {"__transaction_state": refused}
    metadata = reader_on(admin).metadata()
    assert metadata.topics == (
        TopicMetadata(
            name="__transaction_state",
            id=None,
            internal=True,
            partitions=(),
            error="TOPIC_AUTHORIZATION_FAILED: Broker: Topic authorization failed; needs DESCRIBE on the topic",
        ),
    )
    assert leading_partitions(metadata) == {}


def test_a_broker_that_knows_no_topic_ids_gives_none(admin: FakeAdmin) -> None:
    admin.topics = {"orders": topic("orders", partition(0))}
    admin.descriptions = {"orders": description("orders", topic_id=Uuid(0, 0))}
    assert reader_on(admin).metadata().topics[0].id is None


def test_topics_are_described_500_a_call(admin: FakeAdmin) -> None:
    admin.topics = {
        f"topic-{number:04}": topic(f"topic-{number:04}", partition(0)) for number in range(1_001)
    }
    reader = reader_on(admin)
    assert len(reader.metadata().topics) == 1_001
    assert [len(names) for names in admin.calls("describe_topics")] == [500, 500, 1]
    assert reader.requests == {"describe_cluster": 2, "list_topics": 1, "describe_topics": 3}


def test_descriptions_that_fail_as_a_whole_fail_the_reading(admin: FakeAdmin) -> None:
    admin.topics = {"orders": topic("orders", partition(0))}
    admin.descriptions = {"orders": error(KafkaError._TIMED_OUT, "Timed out")}
    with pytest.raises(UnreachableError, match="could not be reached while reading the topics: Timed out"):
        reader_on(admin).metadata()


# The configs of topics.


def test_all_configs_are_read_and_which_are_set_on_the_topic_itself(admin: FakeAdmin) -> None:
    admin.topic_configs = {
        "orders": {
            "retention.ms": entry("retention.ms", "3600000", source=1),
            "cleanup.policy": entry("cleanup.policy", "compact", source=1),
            "min.insync.replicas": entry("min.insync.replicas", "2", source=4),
            "segment.bytes": entry("segment.bytes", "1073741824"),
        }
    }
    assert reader_on(admin).configs(["orders"]) == {
        "orders": TopicConfigs(
            topic="orders",
            values={
                "cleanup.policy": "compact",
                "min.insync.replicas": "2",
                "retention.ms": "3600000",
                "segment.bytes": "1073741824",
            },
            overridden=("cleanup.policy", "retention.ms"),
        )
    }


def test_a_sensitive_value_is_not_carried_even_when_the_broker_gives_it(admin: FakeAdmin) -> None:
    admin.topic_configs = {
        "orders": {"link.password": entry("link.password", "hush", source=1, sensitive=True)}
    }
    assert reader_on(admin).configs(["orders"])["orders"] == TopicConfigs(
        topic="orders", values={"link.password": None}, overridden=("link.password",)
    )


def test_a_refused_topic_is_unknown_with_the_right_that_is_missing_and_the_others_are_read(
    admin: FakeAdmin,
) -> None:
    admin.topic_configs = {
        "secret": error(KafkaError.TOPIC_AUTHORIZATION_FAILED, "Topic authorization failed."),
        "gone": error(KafkaError.UNKNOWN_TOPIC_OR_PART, "This server does not host this topic-partition."),
    }
    assert reader_on(admin).configs(["secret", "open", "gone"]) == {
        "gone": TopicConfigs(
            topic="gone",
            values=None,
            error="UNKNOWN_TOPIC_OR_PART: This server does not host this topic-partition.",
        ),
        "open": TopicConfigs(topic="open", values={}),
        "secret": TopicConfigs(
            topic="secret",
            values=None,
            error="TOPIC_AUTHORIZATION_FAILED: Topic authorization failed.; needs DESCRIBE_CONFIGS on the topic",
        ),
    }


def test_without_an_answer_there_is_no_reading(admin: FakeAdmin) -> None:
    admin.topic_configs = {"orders": error(KafkaError._TIMED_OUT, "Timed out")}
    with pytest.raises(
        UnreachableError, match="could not be reached while reading the topic configs: Timed out"
    ):
        reader_on(admin).configs(["orders"])


def test_topics_are_asked_500_a_call_and_each_once(admin: FakeAdmin) -> None:
    names = [f"topic-{number:04}" for number in range(1_200)]
    reader = reader_on(admin)
    assert list(reader.configs([*names, *names])) == names
    assert [len(asked) for asked in admin.calls("describe_configs")] == [500, 500, 200]


def test_no_topics_need_no_call(admin: FakeAdmin) -> None:
    reader = reader_on(admin)
    assert (reader.configs([]), reader.requests) == ({}, {})


def test_equal_texts_are_one_object_in_memory(admin: FakeAdmin) -> None:
    copies = ["".join(["compact", ",delete"]) for _ in range(2)]
    admin.topic_configs = {
        name: {"cleanup.policy": entry("".join(["cleanup", ".policy"]), text, source=1)}
        for name, text in zip(("one", "two"), copies, strict=True)
    }
    one, two = reader_on(admin).configs(["one", "two"]).values()
    assert one.values is not None
    assert two.values is not None
    assert one.values["cleanup.policy"] is two.values["cleanup.policy"]
    assert one.overridden is two.overridden


def test_a_value_of_the_whole_cluster_is_told_from_one_of_the_broker_that_answered(admin: FakeAdmin) -> None:
    admin.topic_configs = {
        "orders": {
            name: entry(name, "1", source=source)
            for name, source in (("own", 1), ("broker", 2), ("cluster", 3), ("static", 4), ("default", 5))
        }
    }
    read = reader_on(admin).configs(["orders"])["orders"]
    assert (read.overridden, read.cluster_wide, read.of_the_broker) == (("own",), ("cluster",), ("broker",))
