"""Offsets by ListOffsets."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.values import ClusterMetadata, OffsetsReading, PartitionOffsets
from mesh_assets.platforms.kafka.wire import offsets
from mesh_assets.platforms.kafka.wire.forms import BrokerError, MalformedError
from mesh_assets.platforms.kafka.wire.offsets import read_edges, read_ends, read_offsets
from mesh_assets.platforms.kafka.wire.partition_columns import MISSING
from mesh_assets_tests.platforms.kafka.wire.oracle import (
    EARLIEST,
    LATEST,
    Cluster,
    ListOffsetsRequest,
    ListOffsetsResponse,
    MetadataRequest,
)
from mesh_assets_tests.platforms.kafka.wire.topic_messages import rows

VERSIONS = range(1, 12)
NO_ANSWER = "OFFSET_NOT_AVAILABLE: no answer from the partition's broker"


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "_PAUSES_SECONDS", (0.001,))


def read(
    cluster: Cluster,
    wanted: Mapping[str, Collection[int]],
    metadata: ClusterMetadata | None = None,
    patience_seconds: float = 0.3,
) -> OffsetsReading:
    return asyncio.run(read_offsets(cluster.brokers, wanted, metadata, patience_seconds=patience_seconds))


def shown(reading: OffsetsReading) -> dict[str, list[tuple[int, int | None, int | None, str | None]]]:
    return {
        topic: [(one.partition, one.earliest, one.latest, one.error) for one in ones]
        for topic, ones in reading.topics.items()
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_each_partition_has_its_earliest_and_latest_offset_in_every_version(version: int) -> None:
    cluster = Cluster({"orders": {0: 1, 1: 2}, "big": {7: 2}}, newest=version)
    cluster.ends = {("orders", 0): (5, 25), ("orders", 1): (0, 7), ("big", 7): (2**40, 2**62)}
    before = datetime.now(UTC)
    reading = read(cluster, {"orders": [1, 0], "nothing": [], "big": {7}})
    assert reading.topics == {
        "big": (PartitionOffsets(partition=7, earliest=2**40, latest=2**62),),
        "nothing": (),
        "orders": (
            PartitionOffsets(partition=0, earliest=5, latest=25),
            PartitionOffsets(partition=1, earliest=0, latest=7),
        ),
    }
    assert list(reading.topics) == ["big", "nothing", "orders"]
    assert before <= reading.read_at <= datetime.now(UTC)


def test_the_ends_alone_take_half_the_requests_and_are_unknown_where_a_leader_is_missing() -> None:
    cluster = Cluster({"orders": {0: 1, 1: -1}})
    cluster.ends = {("orders", 0): (5, 25), ("orders", 1): (0, 7)}
    reading = asyncio.run(read_ends(cluster.brokers, {"orders": [0, 1]}, patience_seconds=0.01))
    assert reading.topics == {"orders": {0: 25, 1: None}}


def test_the_edges_are_the_same_as_columns_and_missing_where_a_leader_is() -> None:
    cluster = Cluster({"orders": {0: 1, 1: -1}, "users": {3: 2}})
    cluster.ends = {("orders", 0): (5, 25), ("users", 3): (0, 2**62)}
    wanted = {"users": [3], "orders": [1, 0]}
    edges = asyncio.run(read_edges(cluster.brokers, wanted, patience_seconds=0.01))
    assert list(edges.partitions.by_topic(edges.partitions.numbers)) == [("orders", [0, 1]), ("users", [3])]
    assert (edges.earliest.tolist(), edges.latest.tolist()) == ([5, MISSING, 0], [25, MISSING, 2**62])


@pytest.mark.parametrize("version", [5, 6, 11])
def test_long_names_and_topics_with_many_partitions_are_read_like_short_ones(version: int) -> None:
    sizes = {"a": 126, "b": 127, "c": 300, "d" * 126: 1, "e" * 127: 1, "f" * 249: 200}
    cluster = Cluster({topic: dict.fromkeys(range(size), 1) for topic, size in sizes.items()}, newest=version)
    cluster.ends = {
        (topic, number): (number, size) for topic, size in sizes.items() for number in range(size)
    }
    assert shown(read(cluster, cluster.leaders)) == {
        topic: [(number, number, size, None) for number in range(size)] for topic, size in sizes.items()
    }


def test_each_leader_is_asked_once_for_all_its_latest_offsets_and_then_once_for_the_earliest() -> None:
    cluster = Cluster({f"topic-{number}": {0: 1, 1: 2, 2: 1} for number in range(50)})
    wanted = {topic: range(3) for topic in cluster.leaders}
    read(cluster, wanted, cluster.metadata())
    asked = [
        (1, {topic: [0, 2] for topic in sorted(wanted)}),
        (2, {topic: [1] for topic in sorted(wanted)}),
    ]
    assert cluster.asked() == [
        (broker, timestamp, places) for timestamp in (LATEST, EARLIEST) for broker, places in asked
    ]
    assert cluster.brokers.requests("Metadata") == []


def test_the_leaders_of_topics_not_read_yet_are_requested_by_name() -> None:
    cluster = Cluster({"known": {0: 1}, "unknown": {0: 2}, "grown": {0: 1}, "unasked": {0: 1}})
    metadata = cluster.metadata()
    known = ClusterMetadata(
        cluster_id=None,
        brokers=(),
        topics=tuple(topic for topic in metadata.topics if topic.name != "unknown"),
    )
    cluster.leaders["grown"][1] = 2
    reading = read(cluster, {"known": [0], "unknown": [0], "grown": [0, 1]}, known)
    assert {error for ones in shown(reading).values() for *_, error in ones} == {None}
    (request,) = cluster.brokers.requests("Metadata")
    assert [one.name for one in request.topics] == ["grown", "unknown"]


def test_a_request_is_split_at_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "PARTITIONS_A_REQUEST", 10)
    cluster = Cluster(
        {"a": dict.fromkeys(range(6), 1), "b": dict.fromkeys(range(4), 1), "c": dict.fromkeys(range(12), 1)}
    )
    cluster.ends = {("c", number): (number, number) for number in range(12)}
    reading = read(cluster, cluster.leaders, cluster.metadata())
    sizes = [{topic: len(numbers) for topic, numbers in places.items()} for _, _, places in cluster.asked()]
    assert sizes == [{"a": 6, "b": 4}, {"c": 12}] * 2
    assert [one.latest for one in reading.topics["c"]] == list(range(12))


def test_one_partitions_error_does_not_affect_the_others() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 1}, "secret": {0: 1}, "hidden": {0: 1}})
    cluster.ends = {("orders", 0): (3, 12)}
    cluster.codes = {
        ("secret", 0, LATEST): [KafkaError.TOPIC_AUTHORIZATION_FAILED],
        ("orders", 1, LATEST): [KafkaError.UNKNOWN],
    }
    cluster.refused = {"hidden"}
    refused = "TOPIC_AUTHORIZATION_FAILED: Broker: Topic authorization failed; needs DESCRIBE on the topic"
    assert shown(read(cluster, cluster.leaders)) == {
        "hidden": [(0, None, None, refused)],
        "orders": [(0, 3, 12, None), (1, None, None, "UNKNOWN: Unknown broker error")],
        "secret": [(0, None, None, refused)],
    }


def test_a_missing_topic_or_partition_is_reported_without_waiting() -> None:
    cluster = Cluster({"orders": {0: 1}, "deleted": {0: 1}})
    metadata = cluster.metadata()
    del cluster.leaders["deleted"]
    absent = "UNKNOWN_TOPIC_OR_PART: Broker: Unknown topic or partition"
    reading = read(cluster, {"orders": [0, 7], "deleted": [0], "never": [0]}, metadata, patience_seconds=30)
    assert shown(reading) == {
        "deleted": [(0, None, None, absent)],
        "never": [(0, None, None, absent)],
        "orders": [(0, 0, 0, None), (7, None, None, absent)],
    }
    assert len(cluster.asked()) == 2  # the latest and the earliest of the one that exists


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    ],
)
@pytest.mark.parametrize("kind", [LATEST, EARLIEST])
def test_a_partition_whose_leader_is_not_ready_is_requested_again_alone(code: int, kind: int) -> None:
    cluster = Cluster({"orders": {0: 1, 1: 1}})
    cluster.ends = {("orders", 0): (1, 2), ("orders", 1): (3, 4)}
    cluster.codes = {("orders", 1, kind): [code, code]}
    assert shown(read(cluster, {"orders": [0, 1]}, cluster.metadata(), patience_seconds=30)) == {
        "orders": [(0, 1, 2, None), (1, 3, 4, None)]
    }
    again = [places for _, timestamp, places in cluster.asked() if timestamp == kind]
    assert again == [{"orders": [0, 1]}, {"orders": [1]}, {"orders": [1]}]


def test_a_leader_that_has_moved_is_found() -> None:
    cluster = Cluster({"orders": {0: 1}, "other": {0: 2}})
    stale = cluster.metadata()
    cluster.leaders["orders"][0] = 2
    cluster.ends = {("orders", 0): (1, 2)}
    assert shown(read(cluster, cluster.leaders, stale))["orders"] == [(0, 1, 2, None)]
    (request,) = cluster.brokers.requests("Metadata")
    assert [one.name for one in request.topics] == ["orders"]
    assert cluster.asked()[-1] == (2, EARLIEST, {"orders": [0], "other": [0]})


def test_a_leader_on_an_unknown_broker_makes_the_brokers_be_requested_again() -> None:
    cluster = Cluster({"orders": {0: 3}})
    read(cluster, {"orders": [0]})
    assert cluster.brokers.refreshes == 1


def test_a_broken_connection_to_a_leader_costs_one_more_request() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 2}})
    cluster.silent = {2: 1}
    assert shown(read(cluster, cluster.leaders)) == {"orders": [(0, 0, 0, None), (1, 0, 0, None)]}
    assert [(broker, timestamp) for broker, timestamp, _ in cluster.asked()] == [
        (1, LATEST),
        (2, LATEST),
        (2, LATEST),
        (1, EARLIEST),
        (2, EARLIEST),
    ]


def test_a_leader_that_stays_away_fails_its_partitions_alone_and_is_not_asked_for_their_earliest() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 2}})
    cluster.silent = {2: 10**6}
    assert shown(read(cluster, cluster.leaders, patience_seconds=0.05)) == {
        "orders": [(0, 0, 0, None), (1, None, None, NO_ANSWER)]
    }
    assert {(broker, timestamp) for broker, timestamp, _ in cluster.asked()} == {
        (1, LATEST),
        (1, EARLIEST),
        (2, LATEST),
    }


def test_a_latest_offset_stays_when_the_earliest_cannot_be_read() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 2}})
    cluster.ends = {("orders", 0): (0, 9), ("orders", 1): (0, 9)}
    answer = cluster._offsets

    def only_latest(request: Any, broker: int | None) -> Any:
        if broker == 2 and request.topics[0].partitions[0].timestamp == EARLIEST:
            raise BrokerError(KafkaError._TIMED_OUT)
        return answer(request, broker)

    cluster.brokers.handlers["ListOffsets"] = (ListOffsetsRequest, only_latest)
    assert shown(read(cluster, cluster.leaders, patience_seconds=0)) == {
        "orders": [(0, 0, 9, None), (1, None, 9, NO_ANSWER)]
    }


def test_a_partition_without_a_leader_is_given_a_moment_to_get_one() -> None:
    cluster = Cluster({"orders": {0: -1, 1: 1}})
    looks = cluster._metadata

    def elected_later(request: Any, broker: int | None) -> Any:
        answer = looks(request, broker)
        if len(cluster.brokers.requests("Metadata")) == 2:
            cluster.leaders["orders"][0] = 2
        return answer

    cluster.brokers.handlers["Metadata"] = (MetadataRequest, elected_later)
    assert shown(read(cluster, cluster.leaders)) == {"orders": [(0, 0, 0, None), (1, 0, 0, None)]}


def test_a_partition_that_stays_without_a_leader_does_not_use_up_the_time() -> None:
    cluster = Cluster({"orders": {0: -1, 1: 1}})
    assert shown(read(cluster, cluster.leaders, patience_seconds=3600)) == {
        "orders": [(0, None, None, "LEADER_NOT_AVAILABLE: Broker: Leader not available"), (1, 0, 0, None)]
    }
    assert len(cluster.brokers.requests("Metadata")) == 4


def test_an_answer_without_an_offset_is_unknown_and_not_minus_one() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 1}})
    cluster.ends = {("orders", 0): (-1, -1), ("orders", 1): (-1, 5)}
    unknown = "OFFSET_NOT_AVAILABLE: the partition's broker gave none"
    assert shown(read(cluster, cluster.leaders, patience_seconds=3600)) == {
        "orders": [(0, None, None, unknown), (1, None, 5, unknown)]
    }


@pytest.mark.parametrize("where", ["ListOffsets", "Metadata"])
def test_without_an_answer_for_any_partition_there_is_no_reading(where: str) -> None:
    cluster = Cluster({"orders": {0: 1, 1: 2}})

    def silent(*_: object) -> Any:
        raise BrokerError(KafkaError._TIMED_OUT, "why")

    message, _ = cluster.brokers.handlers[where]
    cluster.brokers.handlers[where] = (message, silent)
    with pytest.raises(BrokerError) as raised:
        read(cluster, cluster.leaders, patience_seconds=0.05)
    assert (raised.value.code, raised.value.said) == (KafkaError._TIMED_OUT, "why")


def test_what_was_read_stays_when_a_moved_leader_cannot_be_located() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 1}})
    stale = cluster.metadata()
    cluster.leaders["orders"][1] = 2

    def silent(*_: object) -> Any:
        raise BrokerError(KafkaError._TIMED_OUT, "why")

    cluster.brokers.handlers["Metadata"] = (MetadataRequest, silent)
    assert shown(read(cluster, cluster.leaders, stale)) == {
        "orders": [
            (0, 0, 0, None),
            (1, None, None, "NOT_LEADER_FOR_PARTITION: Broker: Not leader for partition"),
        ]
    }


def test_a_refused_login_at_one_leader_does_not_blame_a_partition() -> None:
    cluster = Cluster({"orders": {0: 1, 1: 2}})

    def refuses(*_: object) -> Any:
        raise BrokerError(KafkaError._AUTHENTICATION, "wrong password")

    cluster.brokers.handlers["ListOffsets"] = (ListOffsetsRequest, refuses)
    with pytest.raises(BrokerError):
        read(cluster, cluster.leaders)
    assert len(cluster.asked()) <= 2


def test_no_partitions_need_no_request() -> None:
    cluster = Cluster({})
    assert read(cluster, {"nothing": []}).topics == {"nothing": ()}
    assert cluster.brokers.asked == []


@pytest.mark.parametrize(
    "answered",
    [
        [rows("orders", [0])],
        [rows("orders", [0, 1, 2])],
        [rows("orders", [0, 0])],
        [rows("orders", [0, 1]), rows("another", [0])],
        [rows("orders", [0]), rows("orders", [1])],
        [],
    ],
    ids=["too few", "too many", "one twice", "another topic", "a topic twice", "nothing"],
)
def test_an_impossible_answer_is_invalid(answered: list[Any]) -> None:
    cluster = Cluster({"orders": {0: 1, 1: 1}})
    cluster.brokers.handlers["ListOffsets"] = (
        ListOffsetsRequest,
        lambda *_: ListOffsetsResponse(throttle_time_ms=0, topics=answered),
    )
    with pytest.raises(MalformedError):
        read(cluster, cluster.leaders)
