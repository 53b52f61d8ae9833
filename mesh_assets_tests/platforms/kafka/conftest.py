"""A real broker for the tests that need one, and private topics on it."""

import socket
import uuid
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.platforms.kafka import WireReader
from mesh_assets.sandbox.servers import Endpoints

WAIT_SECONDS = 30


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address without a listener, reserved meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def bootstrap_servers(endpoints: Endpoints) -> str:
    """The whole estate's broker: readings include its topics, and the groups of Connect and the feed."""
    return endpoints.bootstrap_servers


@pytest.fixture
def reader(bootstrap_servers: str) -> Iterator[WireReader]:
    with WireReader({"bootstrap.servers": bootstrap_servers}, 15) as reader:
        yield reader


@pytest.fixture
def admin(bootstrap_servers: str) -> Iterator[AdminClient]:
    with AdminClient({"bootstrap.servers": bootstrap_servers}) as client:
        yield client


@pytest.fixture
def a_topic_of_ten_records(admin: AdminClient, bootstrap_servers: str) -> Iterator[str]:
    """Two partitions; ten records in the first; retention.ms is set on it."""
    name = f"kafka-reader-test-{uuid.uuid4().hex}"
    admin.create_topics([NewTopic(name, 2, 1, config={"retention.ms": "7200000"})])[name].result(WAIT_SECONDS)
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for number in range(10):
        producer.produce(name, str(number).encode(), partition=0)
    assert producer.flush(WAIT_SECONDS) == 0
    yield name
    admin.delete_topics([name])[name].result(WAIT_SECONDS)


@pytest.fixture
def new_group(admin: AdminClient) -> Iterator[Callable[[], str]]:
    """Names for groups, which are deleted afterwards."""
    names: list[str] = []

    def new() -> str:
        names.append(f"kafka-reader-test-{uuid.uuid4().hex}")
        return names[-1]

    yield new
    for future in admin.delete_consumer_groups(names).values() if names else ():
        future.result(WAIT_SECONDS)
