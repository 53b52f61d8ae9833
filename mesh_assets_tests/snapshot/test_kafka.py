"""Publishing to a real broker and a real registry, and reading it back."""

import io
import json
import os
import signal
import socket
import struct
import time
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import fastavro
import httpx
import pytest
from confluent_kafka.admin import AdminClient

from mesh_assets.errors import PublishError, UnreachableError
from mesh_assets.estate.model import Estate
from mesh_assets.events.model import document_of
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.publisher import (
    KafkaPublisher,
    RetiredAlreadyError,
    open_publisher,
    publish_tombstone,
    retire_snapshot,
)
from mesh_assets.snapshot.reader import newest_record, newest_sequence, newest_snapshot, read_newest_snapshot
from mesh_assets.snapshot.topics import EventTopics
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.events.a_registry import ARegistry
from mesh_assets_tests.snapshot.on_brokers import IDS, publish, records
from mesh_assets_tests.snapshot.world import CLUSTER_ID, Life, MemoryObjects

pytestmark = pytest.mark.sandbox


def test_a_reader_written_without_this_project_finds_the_whole_state(
    estate: Estate, endpoints: Endpoints, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    subjects = (f"{event_topics.events}-value", f"{event_topics.changes}-value")
    with httpx.Client(base_url=endpoints.registry_url, timeout=20) as registry:
        try:
            with open_publisher(estate, "warehouse", topics=event_topics) as publisher:
                publish(objects, publisher, "orders", "users")
                published = publish(objects, publisher, "orders", "ratings")

            decoded: list[tuple[str, Any]] = []
            for topic in (event_topics.events, event_topics.changes):
                for key, value in records(endpoints, topic):
                    assert value is not None
                    magic, schema_id = struct.unpack(">bI", value[:5])
                    schema = json.loads(registry.get(f"/schemas/ids/{schema_id}").json()["schema"])
                    assert (magic, schema["namespace"]) == (0, "mesh_assets.events")
                    decoded.append((key, fastavro.schemaless_reader(io.BytesIO(value[5:]), schema)))
        finally:
            for subject in subjects:
                registry.delete(f"/subjects/{subject}")
                registry.delete(f"/subjects/{subject}", params={"permanent": "true"})

    assert [key for key, _ in decoded] == [CLUSTER_ID] * 4
    snapshots, changes = [event for _, event in decoded[:2]], [event for _, event in decoded[2:]]
    state = snapshots[1]["cluster_state"]
    assert (snapshots[1]["sequence"], state["cluster_id"], state["environment_id"]) == (
        2,
        CLUSTER_ID,
        "env-1",
    )
    assert snapshots[1]["discovery_timestamp"] == published.document.discovery_timestamp
    assert [topic["name"] for topic in state["topics"]] == ["orders", "ratings"]
    assert state["topics"][0]["partitions"][0]["latest"] == 10
    assert {(change["id"], change["kind"], change["resource"]) for change in changes} == {
        (f"{CLUSTER_ID}-2-{index}", change.kind, change.resource)
        for index, change in enumerate(published.changes)
    }


def _publish_and_die(bootstrap_servers: str, topics: EventTopics, folder: Path, effect: int) -> None:
    """In its own process: `kill -9` just before that effect on the store."""
    connection = EventsConnection(
        cluster="warehouse", properties={"bootstrap.servers": bootstrap_servers}, timeout_seconds=15
    )
    life = Life(effect, lambda: os.kill(os.getpid(), signal.SIGKILL))
    publish(FolderStore(folder), KafkaPublisher(connection, ARegistry(), topics=topics), "users", life=life)


def test_a_run_killed_after_publishing_is_repeated_byte_for_byte_and_at_once(
    publisher: KafkaPublisher,
    connection: EventsConnection,
    endpoints: Endpoints,
    event_topics: EventTopics,
    tmp_path: Path,
) -> None:
    store = FolderStore(tmp_path)
    publish(store, publisher, "orders")
    # The effects on the store: lock, draft, document, record; the fifth would move latest.json.
    arguments = (endpoints.bootstrap_servers, event_topics, tmp_path, 5)
    process = get_context("spawn").Process(target=_publish_and_die, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    latest = InventoryStore(store).latest(CLUSTER_ID)
    assert latest is not None
    assert latest[0].sequence == 1

    start = time.monotonic()
    published = publish(store, publisher, "ratings")
    assert time.monotonic() - start < 30
    assert published.document.sequence == 3
    events = [value for _, value in records(endpoints, event_topics.events)]
    assert len(events) == 4
    assert events[1] == events[2]
    changes = [value for _, value in records(endpoints, event_topics.changes)]
    assert len(changes) == 6
    assert changes[:2] == changes[2:4]
    read = newest_snapshot(connection, None, cluster_id=CLUSTER_ID, known_ids=IDS, topic=event_topics.events)
    assert read is not None
    assert document_of(read.event) == published.document
    assert read.position == published.event.position


def test_the_newest_snapshot_of_one_of_many_clusters_is_found(
    publisher: KafkaPublisher, connection: EventsConnection, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    wanted = publish(objects, publisher, "orders", cluster_id="lkc-old")
    for _ in range(12):
        publish(objects, publisher, "users")
    read = newest_snapshot(connection, None, cluster_id="lkc-old", known_ids=IDS, topic=event_topics.events)
    assert read is not None
    assert (document_of(read.event), read.position.offset, read.bytes) == (
        wanted.document,
        0,
        wanted.event.bytes,
    )
    assert read.written_at is not None
    assert abs((datetime.now(UTC) - read.written_at).total_seconds()) < 60
    assert (
        newest_snapshot(connection, None, cluster_id="lkc-none", known_ids=IDS, topic=event_topics.events)
        is None
    )


def test_a_retired_cluster_has_no_snapshot_until_its_next_discovery(
    publisher: KafkaPublisher,
    connection: EventsConnection,
    event_topics: EventTopics,
    objects: MemoryObjects,
    estate: Estate,
) -> None:
    publish(objects, publisher, "orders")
    position = retire_snapshot(estate, "warehouse", cluster_id=CLUSTER_ID, topic=event_topics.events)
    assert position.offset == 2  # after the snapshot and the end of its transaction
    tombstone = newest_record(connection, event_topics.events, key=CLUSTER_ID, timeout_seconds=20)
    assert tombstone is not None
    assert tombstone.value() is None
    with pytest.raises(
        RetiredAlreadyError, match=r"already retired: .*\[0\]@2 is its tombstone; nothing was written"
    ):
        retire_snapshot(estate, "warehouse", cluster_id=CLUSTER_ID, topic=event_topics.events)
    again = newest_record(connection, event_topics.events, key=CLUSTER_ID, timeout_seconds=20)
    assert again is not None
    assert again.offset() == 2
    assert read_newest_snapshot(estate, "warehouse", cluster_id=CLUSTER_ID, topic=event_topics.events) is None
    newest = partial(newest_sequence, estate, "warehouse", topic=event_topics.events)
    assert (newest(cluster_id=CLUSTER_ID), newest(cluster_id="lkc-none")) == (1, None)
    assert publish(objects, publisher, "orders").document.sequence == 2
    read = newest_snapshot(connection, None, cluster_id=CLUSTER_ID, known_ids=IDS, topic=event_topics.events)
    assert read is not None
    assert read.event.sequence == 2


def test_a_missing_topic_holds_no_snapshot_and_is_not_created_by_looking(
    connection: EventsConnection, admin: AdminClient, event_topics: EventTopics
) -> None:
    assert newest_snapshot(connection, None, cluster_id=CLUSTER_ID, topic=event_topics.events) is None
    with pytest.raises(PublishError):
        publish_tombstone(connection, cluster_id=CLUSTER_ID, topic=event_topics.events)
    assert event_topics.events not in admin.list_topics(timeout=20).topics


def test_reading_creates_no_consumer_group(
    publisher: KafkaPublisher,
    connection: EventsConnection,
    admin: AdminClient,
    event_topics: EventTopics,
    objects: MemoryObjects,
) -> None:
    publish(objects, publisher, "orders")
    newest_snapshot(connection, None, cluster_id=CLUSTER_ID, known_ids=IDS, topic=event_topics.events)
    groups = admin.list_consumer_groups(request_timeout=20).result(timeout=20).valid
    assert "mesh-assets-event-reader" not in {group.group_id for group in groups}


def test_a_registry_that_goes_down_after_the_first_run_does_not_prevent_a_snapshot(
    connection: EventsConnection, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    publish(objects, KafkaPublisher(connection, ARegistry(), topics=event_topics), "orders")
    broken = KafkaPublisher(
        connection, ARegistry(UnreachableError("connection refused")), topics=event_topics
    )
    published = publish(objects, broken, "users")
    assert published.document.sequence == 2
    assert published.notes == (
        "the event schemas could not be registered again; earlier ids were used: connection refused",
    )
    assert published.pointer.schema_ids == IDS


def test_events_go_to_the_cluster_that_the_estate_names_for_all(
    endpoints: Endpoints, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    estate = Estate.model_validate(
        {
            "clusters": {
                "edge": {"name": "edge", "kafka": {"bootstrap_servers": "127.0.0.1:1"}},
                "warehouse": {
                    "name": "warehouse",
                    "kafka": {"bootstrap_servers": endpoints.bootstrap_servers},
                },
            },
            "events": {"cluster": "warehouse"},
        }
    )
    with (
        open_publisher(estate, "edge", topics=event_topics) as publisher,
        pytest.raises(
            PublishError,
            match=r"the events of warehouse need a schema registry; .* events: \{cluster: NAME\}",
        ),
    ):
        publish(objects, publisher, "orders")
    known = newest_snapshot(
        EventsConnection.to(estate.clusters["warehouse"]),
        None,
        cluster_id="edge",
        known_ids=IDS,
        topic=event_topics.events,
    )
    assert known is None


def test_unreachable_brokers_are_one_sentence_within_the_time_and_nothing_is_written(
    objects: MemoryObjects,
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    connection = EventsConnection(
        cluster="warehouse", properties={"bootstrap.servers": f"127.0.0.1:{port}"}, timeout_seconds=2
    )
    start = time.monotonic()
    with pytest.raises(PublishError, match=rf"warehouse: Kafka at 127\.0\.0\.1:{port} could not be reached"):
        publish(objects, KafkaPublisher(connection, ARegistry()), "orders")
    assert time.monotonic() - start < 10
    assert objects.data == {}
