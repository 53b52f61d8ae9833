"""A real share group, read with every way to log in: who is in it, and what it is done with."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
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

from mesh_assets.errors import RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka.share_groups import ShareGroup, SharePartition, read_share_group
from mesh_assets.sandbox.credentials import warehouse_access
from mesh_assets.sandbox.servers import Endpoints, Sandbox

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def topic(broker: Endpoints) -> str:
    name = f"__share-{uuid4().hex[:12]}"  # outside of the picture that other tests look at
    with AdminClient({"bootstrap.servers": broker.bootstrap_servers}) as admin:
        [future] = admin.create_topics([NewTopic(name, 2, 1)]).values()
        future.result(timeout=30)
    return name


@pytest.fixture(scope="module")
def consumer(broker: Endpoints, topic: str) -> Iterator[ShareConsumer]:
    """In a share group named as the topic, which takes what there is from its beginning."""
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


def read(broker: Endpoints, topic: str, **properties: Any) -> ShareGroup:
    given = {"bootstrap.servers": broker.bootstrap_servers, **properties}
    return read_share_group(given, topic, topic, timeout_seconds=15)


def test_what_it_is_done_with_is_known_for_each_record(
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
    # Nothing waits, whatever the start says: it moves on later.
    found = read(broker, topic)
    assert (found.partitions[0].start or 0) < 3
    [member] = found.members
    assert (member.client_id, member.assignment) == ("reader", {topic: (0, 1)})


@pytest.mark.parametrize("way", ["TLS", "mTLS", "mTLS by files", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_every_way_to_log_in_reads_it(
    stand_ins: Sandbox, broker: Endpoints, topic: str, consumer: ShareConsumer, way: str
) -> None:
    assert consumer is not None
    own = warehouse_access(stand_ins.folder)
    tls = {"security.protocol": "SSL", "ssl.ca.pem": own.authority.read_text()}
    sasl = {
        **tls,
        "bootstrap.servers": broker.sasl_bootstrap_servers,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": way,
        "sasl.username": own.username,
        "sasl.password": own.password,
    }
    mutual = {**tls, "bootstrap.servers": broker.mtls_bootstrap_servers}
    properties: dict[str, Any] = {
        "TLS": {**tls, "bootstrap.servers": broker.tls_bootstrap_servers},
        "mTLS": {
            **mutual,
            "ssl.certificate.pem": own.certificate.read_text(),
            "ssl.key.pem": own.key.read_text(),
        },
        "mTLS by files": {
            **mutual,
            "ssl.certificate.location": str(own.certificate),
            "ssl.key.location": str(own.key),
        },
    }.get(way, sasl)
    assert set(read(broker, topic, **properties).partitions) == {0, 1}
    if "sasl.password" in properties:
        with pytest.raises(RefusedError, match="refused user") as caught:
            read(broker, topic, **{**properties, "sasl.password": "not-this-one"})
        assert "not-this-one" not in str(caught.value)


def test_a_group_that_is_not_there_has_neither_members_nor_partitions(broker: Endpoints, topic: str) -> None:
    given = {"bootstrap.servers": broker.bootstrap_servers}
    assert read_share_group(given, "no-such-group", topic, timeout_seconds=15) == ShareGroup((), {})


def test_nobody_and_somebody_else_at_the_address_are_told_apart(broker: Endpoints, topic: str) -> None:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{bound.getsockname()[1]}"
    with pytest.raises(UnreachableError, match="could not be reached while reading a share group"):
        read(broker, topic, **{"bootstrap.servers": closed})
    with pytest.raises((UnexpectedAnswerError, UnreachableError)):
        read(broker, topic, **{"bootstrap.servers": broker.tls_bootstrap_servers})
