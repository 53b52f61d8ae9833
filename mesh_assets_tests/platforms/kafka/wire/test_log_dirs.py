"""The brokers' log directories and the space that topics use there."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.platforms.kafka.storage import StorageReading, TopicSize
from mesh_assets.platforms.kafka.values import ClusterMetadata, PartitionMetadata, TopicMetadata
from mesh_assets.platforms.kafka.wire.forms import BrokerError, Writer
from mesh_assets.platforms.kafka.wire.log_dirs import DESCRIBE_LOG_DIRS, read_log_dirs
from mesh_assets_tests.platforms.kafka.wire.messages import encoded, read, versions, written
from mesh_assets_tests.platforms.kafka.wire.scripted import ScriptedAnswers
from mesh_assets_tests.platforms.kafka.wire.storage_messages import directory, row

REFUSED = int(KafkaError.CLUSTER_AUTHORIZATION_FAILED)


def topic(name: str, *partitions: tuple[int | None, tuple[int, ...]]) -> TopicMetadata:
    """`partitions`: leader and replicas, from 0 on."""
    return TopicMetadata(
        name=name,
        id=None,
        internal=False,
        partitions=tuple(
            PartitionMetadata(partition=number, leader=leader, replicas=replicas, isr=replicas)
            for number, (leader, replicas) in enumerate(partitions)
        ),
    )


def metadata(*topics: TopicMetadata) -> ClusterMetadata:
    return ClusterMetadata(cluster_id="c", brokers=(), topics=topics)


def reading(
    seen: ClusterMetadata,
    told: Mapping[int, list[dict[str, Any]] | BrokerError],
    *,
    newest: int = DESCRIBE_LOG_DIRS.newest,
) -> StorageReading:
    def answer(broker: int | None) -> dict[str, Any]:
        assert broker is not None
        directories = told[broker]
        if isinstance(directories, BrokerError):
            raise directories
        return {"results": directories}

    brokers = ScriptedAnswers(*told, answers={"DescribeLogDirs": answer}, newest={"DescribeLogDirs": newest})
    found = asyncio.run(read_log_dirs(brokers, seen))
    assert [broker for _, broker, _ in brokers.asked] == list(told)  # one request a broker
    return found


def test_leaders_and_replicas_are_distinguished_and_summed_over_brokers_and_directories() -> None:
    seen = metadata(topic("orders", (1, (1, 2)), (2, (2, 1))), topic("empty", (1, (1,))))
    found = reading(
        seen,
        {
            1: [
                directory("/a", total=1000, usable=400, orders=[row(0, 70)], empty=[row(0, 0)]),
                directory("/b", total=500, usable=500, orders=[row(1, 29), row(0, 5, future=True)]),
            ],
            2: [directory("/a", total=2**50, usable=0, orders=[row(1, 30), row(0, 69)])],
        },
    )
    assert found.topics == {
        "orders": TopicSize(partitions=(70, 30), leader_bytes=100, replica_bytes=198, future_bytes=5),
        "empty": TopicSize(partitions=(0,), leader_bytes=0, replica_bytes=0, future_bytes=0),
    }
    assert found.directories == (
        LogDirectory(
            broker=1, path="/a", replicas=2, bytes=70, future_replicas=0, future_bytes=0,
            total_bytes=1000, usable_bytes=400,
        ),
        LogDirectory(
            broker=1, path="/b", replicas=1, bytes=29, future_replicas=1, future_bytes=5,
            total_bytes=500, usable_bytes=500,
        ),
        LogDirectory(
            broker=2, path="/a", replicas=2, bytes=99, future_replicas=0, future_bytes=0,
            total_bytes=2**50, usable_bytes=0,
        ),
    )  # fmt: skip
    assert found.errors == {}


@pytest.mark.parametrize("version", versions(DESCRIBE_LOG_DIRS))
def test_every_version_reports_the_sizes_and_newer_ones_the_volume(version: int) -> None:
    found = reading(
        metadata(topic("orders", (1, (1,)))),
        {1: [directory("/a", total=10, usable=5, orders=[row(0, 2**40)])]},
        newest=version,
    )
    assert found.topics["orders"].leader_bytes == 2**40
    volumes = [(one.total_bytes, one.usable_bytes) for one in found.directories]
    assert volumes == [(10, 5) if version >= 4 else (None, None)]
    assert written(DESCRIBE_LOG_DIRS, version) == encoded("DescribeLogDirsRequest", version, {"topics": None})


def test_sizes_on_a_silent_broker_or_an_offline_directory_are_unknown_and_not_zero() -> None:
    seen = metadata(
        topic("orders", (1, (1, 2)), (2, (2, 1))), topic("mine", (1, (1,))), topic("lost", (3, (3,)))
    )
    found = reading(
        seen,
        {
            1: [directory("/a", orders=[row(0, 70), row(1, 30)], mine=[row(0, 9)])],
            2: BrokerError(KafkaError._TRANSPORT, "it closed the connection"),
            3: [directory("/gone", code=int(KafkaError.KAFKA_STORAGE_ERROR)), directory("/left")],
        },
    )
    assert found.topics == {
        "orders": TopicSize(partitions=(70, None), leader_bytes=None, replica_bytes=None, future_bytes=0),
        "mine": TopicSize(partitions=(9,), leader_bytes=9, replica_bytes=9, future_bytes=0),
        "lost": TopicSize(partitions=(None,), leader_bytes=None, replica_bytes=None, future_bytes=0),
    }
    assert list(found.errors) == [2]
    assert "it closed the connection" in found.errors[2]
    gone = found.directories[1]
    assert (gone.broker, gone.path, gone.bytes) == (3, "/gone", None)
    assert (gone.error or "").startswith("KAFKA_STORAGE_ERROR")


def test_partitions_not_numbered_from_zero_and_topics_created_since_are_accepted() -> None:
    orders = TopicMetadata(
        name="orders",
        id=None,
        internal=False,
        partitions=(PartitionMetadata(partition=3, leader=1, replicas=(1,), isr=(1,)),),
    )
    found = reading(metadata(orders), {1: [directory("/a", orders=[row(3, 8)], new=[row(0, 1)])]})
    assert found.topics == {
        "orders": TopicSize(partitions=(8,), leader_bytes=8, replica_bytes=8, future_bytes=0)
    }


@pytest.mark.parametrize("version", versions(DESCRIBE_LOG_DIRS))
def test_a_refusal_is_one_in_every_version_even_where_brokers_only_send_an_empty_list(version: int) -> None:
    brokers = ScriptedAnswers(
        1,
        2,
        answers={"DescribeLogDirs": lambda _: {"error_code": REFUSED, "results": []}},
        newest={"DescribeLogDirs": version},
    )
    with pytest.raises(BrokerError) as raised:
        asyncio.run(read_log_dirs(brokers, metadata(topic("orders", (1, (1,))))))
    assert raised.value.code == REFUSED


def test_tagged_fields_of_future_brokers_are_skipped() -> None:
    out = Writer(flexible=True)
    out.int32(0)
    out.int16(0)
    out.count(1)
    out.int16(0)
    out.text("/a")
    out.count(1)
    out.text("orders")
    out.count(2)
    for number, tags in ((0, b"\x01\x09\x03new"), (1, b"\0")):
        out.int32(number)
        out.int64(5 + number)
        out.int64(0)
        out.boolean(False)
        out.raw(tags)
    out.tags()
    out.int64(-1)
    out.int64(-1)
    out.boolean(True)
    out.tags()
    out.tags()
    [told] = read(DESCRIBE_LOG_DIRS, 5, bytes(out.data))
    assert (told.topics, told.counts) == (["orders"], [2])
    assert (told.partitions.tolist(), told.bytes.tolist()) == ([0, 1], [5, 6])
