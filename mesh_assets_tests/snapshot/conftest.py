"""A real broker for the publishing tests, with topics of their own that are removed afterwards."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Estate
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets.snapshot import lock
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.publisher import KafkaPublisher
from mesh_assets.snapshot.topics import EventTopics
from mesh_assets_tests.events.a_registry import ARegistry
from mesh_assets_tests.snapshot.world import MemoryObjects


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A waiter for a lock with an adjustable clock checks it every ten seconds, since each check reads the store."""
    monkeypatch.setattr(lock, "POLL_SECONDS", 10.0)


@pytest.fixture
def endpoints(request: pytest.FixtureRequest) -> Endpoints:
    """On the broker whose estate no test looks at, which has its own worker; on the whole sandbox if a test names that."""
    if "sandbox" in request.fixturenames:
        sandbox: Sandbox = request.getfixturevalue("sandbox")
        return sandbox.endpoints()
    broker: Endpoints = request.getfixturevalue("broker")
    return broker


@pytest.fixture
def estate(sandbox: Sandbox, endpoints: Endpoints) -> Estate:  # noqa: ARG001 - which makes them those of the sandbox
    return load_estate(endpoints.estate_file)


@pytest.fixture
def connection(endpoints: Endpoints) -> EventsConnection:
    return EventsConnection(
        cluster="warehouse", properties={"bootstrap.servers": endpoints.bootstrap_servers}, timeout_seconds=15
    )


@pytest.fixture
def admin(endpoints: Endpoints) -> Iterator[AdminClient]:
    with AdminClient({"bootstrap.servers": endpoints.bootstrap_servers}) as client:
        yield client


@pytest.fixture
def event_topics(admin: AdminClient) -> Iterator[EventTopics]:
    """Unique names; the topics are removed at the end."""
    name = uuid.uuid4().hex[:8]
    topics = EventTopics(events=f"test-events-{name}", changes=f"test-changes-{name}")
    yield topics
    for removal in admin.delete_topics([topics.events, topics.changes], request_timeout=15).values():
        with suppress(KafkaException):  # not every test makes both
            removal.result(timeout=20)


@pytest.fixture
def make_topic(admin: AdminClient) -> Callable[[str, Mapping[str, str]], None]:
    def make(name: str, config: Mapping[str, str]) -> None:
        new = NewTopic(name, num_partitions=1, replication_factor=1, config=dict(config))
        admin.create_topics([new], request_timeout=15)[name].result(timeout=20)

    return make


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def publisher(connection: EventsConnection, event_topics: EventTopics) -> KafkaPublisher:
    return KafkaPublisher(connection, ARegistry(), topics=event_topics)
