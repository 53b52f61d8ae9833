"""Earliest and latest offsets."""

from datetime import UTC, datetime

import pytest
from confluent_kafka import KafkaError

from mesh_assets.errors import UnreachableError
from mesh_assets.platforms.kafka import PartitionOffsets
from mesh_assets_tests.platforms.kafka.fakes import FakeAdmin, FakeConsumer, error, reader_on


@pytest.fixture
def admin() -> FakeAdmin:
    return FakeAdmin()


@pytest.fixture
def consumer() -> FakeConsumer:
    return FakeConsumer()


def test_each_partition_has_its_earliest_and_latest_offset(admin: FakeAdmin, consumer: FakeConsumer) -> None:
    consumer.ends = {("orders", 0): (5, 25), ("orders", 1): (0, 7)}
    before = datetime.now(UTC)
    reading = reader_on(admin, consumer).offsets({"orders": [1, 0], "nothing": []})
    assert reading.topics == {
        "nothing": (),
        "orders": (
            PartitionOffsets(partition=0, earliest=5, latest=25),
            PartitionOffsets(partition=1, earliest=0, latest=7),
        ),
    }
    assert before <= reading.read_at <= datetime.now(UTC)


def test_the_latest_offsets_are_read_first_by_the_protocols_timestamps_for_latest_and_earliest(
    admin: FakeAdmin, consumer: FakeConsumer
) -> None:
    reader_on(admin, consumer).offsets({"orders": [0, 1]})
    assert consumer.asked == [[("orders", 0, -1), ("orders", 1, -1)], [("orders", 0, -2), ("orders", 1, -2)]]


def test_partitions_are_asked_2_000_a_call(admin: FakeAdmin, consumer: FakeConsumer) -> None:
    reader = reader_on(admin, consumer)
    reading = reader.offsets({f"topic-{number:04}": range(5) for number in range(1_001)})
    assert sum(len(partitions) for partitions in reading.topics.values()) == 5_005
    assert sorted(len(places) for places in consumer.asked) == [1_005, 1_005, 2_000, 2_000, 2_000, 2_000]


def test_one_partitions_error_does_not_cost_the_others_of_its_call(
    admin: FakeAdmin, consumer: FakeConsumer
) -> None:
    refused = error(KafkaError.TOPIC_AUTHORIZATION_FAILED, "Broker: Topic authorization failed")
    consumer.ends = {("orders", 0): (3, 99), ("secret", 0): refused}
    admin.offsets = {("orders", 0): 12, ("secret", 0): refused}
    reading = reader_on(admin, consumer).offsets({"orders": [0], "secret": [0]})
    assert reading.topics == {
        "orders": (PartitionOffsets(partition=0, earliest=3, latest=12),),
        "secret": (
            PartitionOffsets(
                partition=0,
                earliest=None,
                latest=None,
                error="TOPIC_AUTHORIZATION_FAILED: Broker: Topic authorization failed; needs DESCRIBE on the topic",
            ),
        ),
    }


def test_an_answer_without_an_offset_is_unknown_and_not_minus_one(
    admin: FakeAdmin, consumer: FakeConsumer
) -> None:
    consumer.ends = {("orders", 0): (-1, -1)}
    assert reader_on(admin, consumer).offsets({"orders": [0]}).topics["orders"] == (
        PartitionOffsets(
            partition=0,
            earliest=None,
            latest=None,
            error="OFFSET_NOT_AVAILABLE: no answer from the partition's broker",
        ),
    )


def test_a_partition_whose_broker_hangs_has_no_offset_and_not_librdkafkas_minus_1001(
    admin: FakeAdmin, consumer: FakeConsumer
) -> None:
    consumer.ends = {("orders", 0): (3, 99), ("orders", 1): error(KafkaError._TIMED_OUT, "Timed out")}
    admin.offsets = {("orders", 0): 12, ("orders", 1): -1001}
    assert reader_on(admin, consumer).offsets({"orders": [0, 1]}).topics["orders"] == (
        PartitionOffsets(partition=0, earliest=3, latest=12),
        PartitionOffsets(
            partition=1,
            earliest=None,
            latest=None,
            error="OFFSET_NOT_AVAILABLE: no answer from the partition's broker",
        ),
    )


def test_without_an_answer_for_any_partition_there_is_no_reading(
    admin: FakeAdmin, consumer: FakeConsumer
) -> None:
    silence = error(KafkaError._TIMED_OUT, "Timed out")
    consumer.ends = {("orders", 0): silence}
    admin.offsets = {("orders", 0): -1001}
    with pytest.raises(UnreachableError, match="could not be reached while reading the offsets: Timed out"):
        reader_on(admin, consumer).offsets({"orders": [0]})


def test_a_partition_without_a_latest_offset_is_not_asked_for_its_earliest(
    admin: FakeAdmin, consumer: FakeConsumer
) -> None:
    consumer.ends = {("orders", 1): (0, -1)}
    reader_on(admin, consumer).offsets({"orders": [0, 1]})
    assert consumer.asked == [[("orders", 0, -1), ("orders", 1, -1)], [("orders", 0, -2)]]


def test_no_partitions_need_no_call(admin: FakeAdmin, consumer: FakeConsumer) -> None:
    reader = reader_on(admin, consumer)
    assert reader.offsets({"nothing": []}).topics == {"nothing": ()}
    assert reader.requests == {}


def test_closing_the_reader_closes_both_clients(admin: FakeAdmin, consumer: FakeConsumer) -> None:
    with reader_on(admin, consumer) as reader:
        reader.metadata()
        reader.offsets({"orders": [0]})
        assert (admin.closed, consumer.closed) == (False, False)
    assert (admin.closed, consumer.closed) == (True, True)
