"""The reader against a real broker."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.inventory.groups import GroupMember
from mesh_assets.platforms.kafka import (
    CommittedPartition,
    PartitionMetadata,
    PartitionOffsets,
    TopicConfigs,
    WireReader,
    leading_partitions,
)

pytestmark = pytest.mark.sandbox
WAIT_SECONDS = 30


def test_a_new_topic_is_in_the_metadata_with_its_id_and_leaders(
    reader: WireReader, a_topic_of_ten_records: str
) -> None:
    metadata = reader.metadata()
    (broker,) = metadata.brokers
    (topic,) = (topic for topic in metadata.topics if topic.name == a_topic_of_ten_records)
    assert metadata.cluster_id
    assert topic.id is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", topic.id)
    assert (topic.internal, topic.error) == (False, None)
    assert topic.partitions == tuple(
        PartitionMetadata(
            partition=number, leader=broker.id, leader_epoch=0, replicas=(broker.id,), isr=(broker.id,)
        )
        for number in (0, 1)
    )
    assert [topic.internal for topic in metadata.topics if topic.name == "__consumer_offsets"] == [True]


def test_configs_are_complete_and_say_what_is_set_on_the_topic(
    reader: WireReader, a_topic_of_ten_records: str
) -> None:
    configs = reader.configs([a_topic_of_ten_records, "no-such-topic"])
    assert configs["no-such-topic"] == TopicConfigs(
        topic="no-such-topic", values=None, error="UNKNOWN_TOPIC_OR_PART: Broker: Unknown topic or partition"
    )
    read = configs[a_topic_of_ten_records]
    assert read.values is not None
    assert (read.overridden, read.values["retention.ms"], read.values["cleanup.policy"]) == (
        ("retention.ms",),
        "7200000",
        "delete",
    )
    assert len(read.values) > 25


def test_offsets_are_where_the_records_begin_and_end(
    reader: WireReader, admin: AdminClient, a_topic_of_ten_records: str
) -> None:
    for future in admin.delete_records([TopicPartition(a_topic_of_ten_records, 0, 4)]).values():
        future.result(WAIT_SECONDS)
    reading = reader.offsets({a_topic_of_ten_records: [0, 1]})
    assert reading.topics == {
        a_topic_of_ten_records: (
            PartitionOffsets(partition=0, earliest=4, latest=10),
            PartitionOffsets(partition=1, earliest=0, latest=0),
        )
    }
    assert datetime.now(UTC) - reading.read_at < timedelta(seconds=WAIT_SECONDS)


def test_unreadable_offsets_do_not_affect_the_others(reader: WireReader, a_topic_of_ten_records: str) -> None:
    topics = reader.offsets({a_topic_of_ten_records: [0, 7], "no-such-topic": [0]}).topics
    assert topics[a_topic_of_ten_records][0] == PartitionOffsets(partition=0, earliest=0, latest=10)
    assert topics[a_topic_of_ten_records][1].latest is None
    assert topics[a_topic_of_ten_records][1].error
    assert topics["no-such-topic"][0].error == "UNKNOWN_TOPIC_OR_PART: Broker: Unknown topic or partition"


def test_deleted_topics_have_no_offsets_which_is_not_a_failure(
    reader: WireReader,
) -> None:
    (partition,) = reader.offsets({"no-such-topic": [0]}).topics["no-such-topic"]
    assert (partition.earliest, partition.latest) == (None, None)
    assert partition.error


def test_the_latest_offset_counts_what_an_open_transaction_has_written(
    reader: WireReader, bootstrap_servers: str, a_topic_of_ten_records: str
) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": a_topic_of_ten_records})
    producer.init_transactions(WAIT_SECONDS)
    producer.begin_transaction()
    producer.produce(a_topic_of_ten_records, b"not yet committed", partition=0)
    assert producer.flush(WAIT_SECONDS) == 0
    latest = reader.offsets({a_topic_of_ten_records: [0]}).topics[a_topic_of_ten_records][0].latest
    producer.abort_transaction(WAIT_SECONDS)
    assert latest == 11


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_the_offsets_of_a_live_group_match_its_topic(
    reader: WireReader,
    bootstrap_servers: str,
    a_topic_of_ten_records: str,
    new_group: Callable[[], str],
    protocol: Literal["classic", "consumer"],
) -> None:
    name = new_group()
    settings = {
        "bootstrap.servers": bootstrap_servers,
        "group.id": name,
        "group.protocol": protocol,
        "auto.offset.reset": "earliest",
        "client.id": "a-reader",
    }
    with Consumer(settings) as consumer:
        consumer.subscribe([a_topic_of_ten_records])
        messages = consumer.consume(7, WAIT_SECONDS)
        assert len(messages) == 7
        consumer.commit(message=messages[-1], asynchronous=False)
        (group,) = reader.groups(lambda group: group == name).groups
    assert (group.type, group.protocol_type, group.state, group.error) == (
        protocol,
        "consumer",
        "Stable",
        None,
    )
    (member,) = group.members or ()
    assert member == GroupMember(
        member_id=member.member_id,
        client_id="a-reader",
        group_instance_id=None,
        host="127.0.0.1",
        assignment={a_topic_of_ten_records: (0, 1)},
        epoch=member.epoch,
        subscribed_topics=(a_topic_of_ten_records,) if protocol == "consumer" else (),
        target_assignment={a_topic_of_ten_records: (0, 1)} if protocol == "consumer" else None,
        is_classic=False if protocol == "consumer" else None,
    )
    assert (member.epoch is None) == (protocol == "classic")
    assert group.offsets == (
        CommittedPartition(topic=a_topic_of_ten_records, partition=0, committed=7),
        CommittedPartition(topic=a_topic_of_ten_records, partition=1, committed=None),
    )
    offsets = reader.offsets({offset.topic: [0, 1] for offset in group.offsets}).topics[
        a_topic_of_ten_records
    ]
    assert [offset.latest for offset in offsets] == [10, 0]


def test_connect_workers_are_among_the_groups(reader: WireReader) -> None:
    workers = [group for group in reader.groups(lambda _: True).groups if group.protocol_type == "connect"]
    assert [(group.type, group.state, group.offsets, group.error) for group in workers] == [
        ("classic", "Stable", (), None)
    ]
    assert [len(group.members or ()) for group in workers] == [1]


def test_four_simultaneous_reads_agree(reader: WireReader) -> None:
    metadata = reader.metadata()
    names = [topic.name for topic in metadata.topics]
    with ThreadPoolExecutor(4) as threads:
        again = threads.submit(reader.metadata)
        configs = threads.submit(reader.configs, names)
        offsets = threads.submit(reader.offsets, leading_partitions(metadata))
        groups = threads.submit(reader.groups, lambda _: True)
    assert {"orders", "users"} <= {topic.name for topic in again.result().topics}
    assert sorted(configs.result()) == names
    assert sorted(offsets.result().topics) == names
    assert groups.result().groups
    asked = reader.requests
    # The first reads run concurrently, so each may ask for the brokers. Then there is one request per broker and kind, whatever
    # exists.
    assert {
        name: asked[name]
        for name in ("ApiVersions", "DescribeConfigs", "ListOffsets", "ListGroups", "OffsetFetch")
    } == {
        "ApiVersions": 1,
        "DescribeConfigs": 1,
        "ListOffsets": 2,
        "ListGroups": 1,
        "OffsetFetch": 1,
    }
    assert asked.total() <= 20


def test_tls_against_this_plain_text_broker_is_reported_as_such(bootstrap_servers: str) -> None:
    with (
        WireReader({"bootstrap.servers": bootstrap_servers, "security.protocol": "SSL"}, 10) as reader,
        pytest.raises(
            UnexpectedAnswerError,
            match=r"speaks plain text, but kafka\.security_protocol is SSL; set PLAINTEXT",
        ),
    ):
        reader.metadata()
