"""Brokers of older versions, each really started, are read as Kafka's own AdminClient reads them, in their versions of the
protocol."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.platforms.kafka.wire.connection import BrokerConnection
from mesh_assets.platforms.kafka.wire.forms import Answer, Request
from mesh_assets.sandbox.kafka_admin import broker_answers
from mesh_assets.sandbox.state import choose_free, random_id
from mesh_assets_tests.platforms.kafka.wire.agreement import both_tellings, differences
from mesh_assets_tests.platforms.kafka.wire.kafka_programs import EARLY, OLD, kafkas_own_client, old_broker

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

SECONDS = 180  # alone on two cores: 7
TOPICS = {"orders": 3, "payments": 1, "idle": 2}
AGREED = {
    EARLY: {
        "Metadata": 11,
        "DescribeConfigs": 4,
        "ListOffsets": 6,
        "DescribeLogDirs": 2,
        "ListGroups": 4,
        "DescribeGroups": 5,
        "OffsetFetch": 7,
    },
    "3.9.1": {
        "Metadata": 12,
        "DescribeConfigs": 4,
        "ListOffsets": 9,
        "DescribeLogDirs": 4,
        "DescribeTopicPartitions": 0,
        "DescribeQuorum": 2,
        "DescribeCluster": 1,
        "DescribeClientQuotas": 1,
        "DescribeAcls": 3,
        "DescribeUserScramCredentials": 0,
        "ListTransactions": 1,
        "DescribeTransactions": 0,
        "DescribeProducers": 0,
        "ListGroups": 5,
        "DescribeGroups": 5,
        "OffsetFetch": 9,
    },
}


@pytest.fixture
def agreed(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The version in which each request was made."""
    versions: dict[str, int] = {}
    ask = BrokerConnection.ask

    async def noting(self: BrokerConnection, request: Request[Answer], version: int) -> Answer:
        versions[request.name] = version
        return await ask(self, request, version)

    monkeypatch.setattr(BrokerConnection, "ask", noting)
    return versions


@pytest.fixture(params=OLD)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A broker's version and address. It has topics with records and configs, a group that only committed, and one with a
    member."""
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
        if request.param != EARLY:
            stack.enter_context(open_transaction(settings))
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


@contextmanager
def open_transaction(settings: dict[str, Any]) -> Iterator[None]:
    with Producer({**settings, "transactional.id": "open"}) as producer:
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
        producer.produce("orders", b"undecided", partition=0)
        assert producer.flush(SECONDS) == 0
        yield
        producer.abort_transaction(SECONDS)


def refusal(admin: AdminClient, commit: ConsumerGroupTopicPartitions) -> object:
    [told] = admin.alter_consumer_group_offsets([commit]).values()
    try:
        found = told.result(SECONDS).topic_partitions
    except KafkaException as error:
        return error
    return next((place.error for place in found if place.error is not None), None)


def test_kafkas_own_client_reads_the_same(old: tuple[str, str], agreed: dict[str, int]) -> None:
    version, address = old
    properties, everything = {"bootstrap.servers": address}, version != EARLY
    with kafkas_own_client(properties) as client:
        if everything:
            client.grant("old")
        wire, java = both_tellings(properties, client, everything=everything)

    internal = {"__consumer_offsets": 3} | ({"__transaction_state": 2} if everything else {})
    assert {name: len(topic["partitions"]) for name, topic in java["topics"].items()} == TOPICS | internal
    assert [java["latest"][f"orders-{number}"] for number in range(3)] == [4 + everything, 3, 3]
    assert java["configs"]["payments"]["overridden"] == ["retention.ms"]
    groups = {name: (group["state"], group["committed"]) for name, group in java["groups"].items()}
    assert groups == {
        "gone home": ("Empty", {"orders-0": 1, "payments-0": 0}),
        "living": ("Stable", {"orders-1": 2}),
    }
    assert differences(wire, java) == {}
    assert agreed == agreed | AGREED[version]
    if everything:
        access = java["access"]
        assert access["configs"][""]["log.cleaner.backoff.ms"]["value"] == "14999"
        assert access["quotas"]["{client-id=old}"] == {"consumer_byte_rate": 2048.0}
        assert access["scram_users"]["old"] == {"SCRAM-SHA-512": 8192}
        assert len(access["acls"]) == 4
        assert java["transactions"]["transactional_ids"]["open"]["state"] == "Ongoing"
        assert java["stable"]["orders-0"] == 4
