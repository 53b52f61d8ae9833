"""A real share group: its members and its progress."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer, ShareConsumer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from mesh_assets.platforms.kafka import ShareGroup, WireReader
from mesh_assets.platforms.kafka.wire.named_groups import SharePartition
from mesh_assets.sandbox.servers import Endpoints

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def topic(broker: Endpoints) -> str:
    name = f"__share-{uuid4().hex[:12]}"  # outside the estate that other tests look at
    with AdminClient({"bootstrap.servers": broker.bootstrap_servers}) as admin:
        [future] = admin.create_topics([NewTopic(name, 2, 1)]).values()
        future.result(timeout=30)
    return name


@pytest.fixture(scope="module")
def consumer(broker: Endpoints, topic: str) -> Iterator[ShareConsumer]:
    """In a share group named like the topic, which reads it from the beginning."""
    with AdminClient({"bootstrap.servers": broker.bootstrap_servers}) as admin:
        earliest = ConfigEntry(
            "share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET
        )
        [future] = admin.incremental_alter_configs(
            [ConfigResource(ResourceType.GROUP, topic, incremental_configs=[earliest])]
        ).values()
        future.result(timeout=30)
    made = ShareConsumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": topic,
            "client.id": "reader",
            "share.acknowledgement.mode": "explicit",
        }
    )
    try:
        made.subscribe([topic])
        deadline = time.monotonic() + 60
        while len(read(broker, topic).partitions) < 2:
            made.poll(0.2)
            assert time.monotonic() < deadline
        yield made
    finally:
        made.close()


def read(broker: Endpoints, topic: str) -> ShareGroup:
    with WireReader({"bootstrap.servers": broker.bootstrap_servers}, 15) as reader:
        return reader.share_group(topic, topic)


def test_a_share_groups_progress_is_known_for_each_record(
    broker: Endpoints, topic: str, consumer: ShareConsumer
) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    for number in range(3):
        producer.produce(topic, str(number).encode(), partition=0)
    assert producer.flush(30) == 0
    # Not before it has taken a first record.
    assert read(broker, topic).partitions[0] == SharePartition(start=None, lag_records=None)

    taken: list[Any] = []
    deadline = time.monotonic() + 60
    while not taken:
        assert time.monotonic() < deadline
        taken += consumer.poll(1.0)
    assert len(taken) == 3
    done = []
    for message in (taken[2], taken[0], taken[1]):
        consumer.acknowledge(message)
        consumer.commit_sync(30.0)
        done.append(read(broker, topic).partitions[0].lag_records)
    assert done == [2, 1, 0]
    # Nothing waits, whatever the start offset says: it advances later.
    found = read(broker, topic)
    assert (found.partitions[0].start or 0) < 3
    [member] = found.members
    assert (member.client_id, member.assignment) == ("reader", {topic: (0, 1)})


def test_a_missing_group_has_neither_members_nor_partitions(broker: Endpoints, topic: str) -> None:
    with WireReader({"bootstrap.servers": broker.bootstrap_servers}, 15) as reader:
        assert reader.share_group("no-such-group", topic) == ShareGroup((), {})
