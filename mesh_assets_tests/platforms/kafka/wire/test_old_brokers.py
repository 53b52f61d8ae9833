"""Brokers of older versions, each really started, are read as Kafka's own AdminClient reads them, in the versions of the
protocol that they speak."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire.forms import Answer, Connections, Request
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets.sandbox.kafka_admin import broker_answers
from mesh_assets.sandbox.state import choose_free, random_id
from mesh_assets_tests.platforms.kafka.wire.agreement import as_by_wire, told_by_wire
from mesh_assets_tests.platforms.kafka.wire.kafka_programs import OLD, old_broker, told_by_java

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

SECONDS = 90
TOPICS = {"orders": 3, "payments": 1, "idle": 2}
AGREED = {
    "2.8.2": {
        "Metadata": 11,
        "DescribeConfigs": 4,
        "ListOffsets": 6,
        "ListGroups": 4,
        "DescribeGroups": 5,
        "OffsetFetch": 7,
    },
    "3.9.1": {
        "Metadata": 12,
        "DescribeConfigs": 4,
        "ListOffsets": 9,
        "ListGroups": 5,
        "DescribeGroups": 5,
        "OffsetFetch": 9,
    },
}


class Noting:
    """`Connections` that note which version was agreed on for each request."""

    def __init__(self, connections: Connections) -> None:
        self.agreed: dict[str, int | None] = {}
        self._connections = connections

    async def brokers(self) -> Sequence[BrokerNode]:
        return await self._connections.brokers()

    async def refreshed(self) -> Sequence[BrokerNode]:
        return await self._connections.refreshed()

    async def ask(self, request: Request[Answer], *, broker: int | None = None) -> Answer:
        self.agreed[request.name] = await self.version(request, broker=broker)
        return await self._connections.ask(request, broker=broker)

    async def version(self, request: Request[Any], *, broker: int | None = None) -> int | None:
        return await self._connections.version(request, broker=broker)


@pytest.fixture(params=OLD)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The version of a broker and its address. It has topics with records and configs, a group that only committed,
    and one with a member."""
    port = choose_free(())
    controller = choose_free((port,))
    running = old_broker(request.param, tmp_path, port=port, controller=controller, cluster_id=random_id())
    with running as address, ExitStack() as stack:
        deadline = time.monotonic() + SECONDS
        while (why := broker_answers(address, seconds=3)) is not None:
            assert time.monotonic() < deadline, (why, (tmp_path / "server.log").read_text()[-3_000:])
        settings: dict[str, Any] = {"bootstrap.servers": address}
        admin = stack.enter_context(AdminClient(settings))
        fill(admin, settings)
        consumer = Consumer(
            {**settings, "group.id": "living", "client.id": "reader", "enable.auto.commit": False}
        )
        stack.callback(consumer.close)
        consumer.subscribe(["orders", "payments"])
        while len(consumer.assignment()) < 4:
            assert time.monotonic() < deadline, "the consumer got no partitions"
            consumer.poll(0.2)
        consumer.commit(offsets=[TopicPartition("orders", 1, 2)], asynchronous=False)
        yield request.param, address


def fill(admin: AdminClient, settings: dict[str, Any]) -> None:
    new = [
        NewTopic(name, number, 1, config={"retention.ms": "7200000"} if name == "payments" else {})
        for name, number in TOPICS.items()
    ]
    for future in admin.create_topics(new).values():
        future.result(SECONDS)
    with Producer(settings) as producer:
        for number in range(10):
            producer.produce("orders", f"order {number}".encode(), partition=number % 3)
        assert producer.flush(SECONDS) == 0
    places = [TopicPartition("orders", 0, 1), TopicPartition("payments", 0, 0)]
    commit = ConsumerGroupTopicPartitions("gone home", places)
    deadline = time.monotonic() + SECONDS
    while (why := refusal(admin, commit)) is not None:  # the first coordinator takes a while
        assert time.monotonic() < deadline, why
        time.sleep(0.2)


def refusal(admin: AdminClient, commit: ConsumerGroupTopicPartitions) -> object:
    [told] = admin.alter_consumer_group_offsets([commit]).values()
    try:
        found = told.result(SECONDS).topic_partitions
    except KafkaException as error:
        return error
    return next((place.error for place in found if place.error is not None), None)


def test_kafkas_own_client_tells_the_same(old: tuple[str, str]) -> None:
    version, address = old
    with closing(RunningCluster({"bootstrap.servers": address}, 30)) as cluster:
        noted: list[Noting] = []

        def noting(connections: Connections) -> Noting:
            noted.append(Noting(connections))
            return noted[-1]

        wire = told_by_wire(cluster, through=noting)
        java = as_by_wire(told_by_java({"bootstrap.servers": address}))

    assert {name: len(topic["partitions"]) for name, topic in java["topics"].items()} == {
        **TOPICS,
        "__consumer_offsets": 3,
    }
    assert [java["latest"][f"orders-{number}"] for number in range(3)] == [4, 3, 3]
    assert java["configs"]["payments"]["overridden"] == ["retention.ms"]
    groups = {name: (group["state"], group["committed"]) for name, group in java["groups"].items()}
    assert groups == {
        "gone home": ("Empty", {"orders-0": 1, "payments-0": 0}),
        "living": ("Stable", {"orders-1": 2}),
    }
    for part, told in java.items():
        assert wire[part] == told, part
    assert wire.keys() == java.keys()
    assert noted[0].agreed == noted[0].agreed | AGREED[version]
