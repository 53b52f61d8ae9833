"""Publishing to a real broker and a real registry, and reading back."""

import io
import json
import os
import random
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import fastavro
import httpx
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from mesh_assets.errors import ConflictError, PublishError, UnreachableError
from mesh_assets.estate.model import Estate
from mesh_assets.events.avro_form import encode_change_event, fingerprint
from mesh_assets.events.model import (
    ChangeEvent,
    DiscoveryEvent,
    Origin,
    RefusedEventError,
    change_events,
    discovery_event,
    document_of,
)
from mesh_assets.inventory.changes import Change, Trigger
from mesh_assets.inventory.document import Document
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.snapshot.commit import publish_snapshot
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.publisher import (
    KafkaPublisher,
    RetiredAlreadyError,
    open_publisher,
    publish_tombstone,
    retire_snapshot,
)
from mesh_assets.snapshot.reader import newest_record, newest_sequence, newest_snapshot, read_newest_snapshot
from mesh_assets.snapshot.report import Published
from mesh_assets.snapshot.topics import EventTopics, ensure_topics
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.pointers import SchemaIds
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.events.test_avro_form import ARegistry
from mesh_assets_tests.snapshot.world import CLUSTER, CLUSTER_ID, Life, MemoryObjects, MortalObjects

MakeTopic = Callable[[str, Mapping[str, str]], None]

pytestmark = pytest.mark.sandbox
COMPACT = {"cleanup.policy": "compact"}
IDS = SchemaIds(
    registry=ARegistry.url,
    event_id=1,
    event_fingerprint=fingerprint("discovery_event"),
    change_id=2,
    change_fingerprint=fingerprint("change_event"),
)


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def publisher(connection: EventsConnection, event_topics: EventTopics) -> KafkaPublisher:
    return KafkaPublisher(connection, ARegistry(), topics=event_topics)


def _publish(
    objects: ObjectStore,
    publisher: KafkaPublisher,
    *topics: str,
    cluster_id: str = CLUSTER_ID,
    life: Life | None = None,
) -> Published:
    run_id = f"run-{time.monotonic_ns()}"

    def assemble(_previous: Document | None, sequence: int) -> Document:
        cluster = a_document().cluster
        return a_document(
            topics=tuple(a_topic(name, config={"note": name * 40}) for name in topics),
            sequence=sequence,
            run_id=run_id,
            cluster=type(cluster)(id=cluster_id, name=CLUSTER),
            discovery_timestamp=datetime.now(UTC),
        )

    return publish_snapshot(
        store=InventoryStore(MortalObjects(objects, life or Life())),
        cluster=CLUSTER,
        cluster_id=cluster_id,
        run_id=run_id,
        assemble=assemble,
        triggers=(Trigger(type="manual"),),
        publisher=publisher,
    )


def _records(endpoints: Endpoints, topic: str) -> Iterator[tuple[str, bytes | None]]:
    """Key and value of all records of the topic: a plain consumer, nothing of this project."""
    consumer = Consumer(
        {
            "bootstrap.servers": endpoints.bootstrap_servers,
            "group.id": "plain",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        while True:
            message = consumer.poll(20)
            assert message is not None, f"no answer from {topic}"
            error = message.error()
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF
                return
            yield (message.key() or b"").decode(), message.value()
    finally:
        consumer.close()


def _config(admin: AdminClient, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    return {
        name: entry.value
        for name, entry in admin.describe_configs([resource])[resource].result(timeout=20).items()
    }


def test_a_reader_written_without_this_project_finds_the_whole_state(
    estate: Estate, endpoints: Endpoints, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    subjects = (f"{event_topics.events}-value", f"{event_topics.changes}-value")
    with httpx.Client(base_url=endpoints.registry_url, timeout=20) as registry:
        try:
            with open_publisher(estate, "warehouse", topics=event_topics) as publisher:
                _publish(objects, publisher, "orders", "users")
                published = _publish(objects, publisher, "orders", "ratings")

            decoded: list[tuple[str, Any]] = []
            for topic in (event_topics.events, event_topics.changes):
                for key, value in _records(endpoints, topic):
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


def test_missing_topics_are_made_so_that_snapshots_stay_and_changes_go(
    admin: AdminClient, publisher: KafkaPublisher, event_topics: EventTopics
) -> None:
    publisher.prepare(None)
    publisher.prepare(None)
    events, changes = _config(admin, event_topics.events), _config(admin, event_topics.changes)
    assert (events["cleanup.policy"], changes["cleanup.policy"]) == ("compact", "delete")
    assert (events["segment.ms"], events["max.compaction.lag.ms"], events["max.message.bytes"]) == (
        "14400000",
        "21600000",
        "8388608",
    )
    assert changes["retention.ms"] == "2592000000"
    described = admin.list_topics(timeout=20).topics
    assert [len(described[name].partitions) for name in (event_topics.events, event_topics.changes)] == [1, 1]
    assert publisher.notes == ()


def test_a_missing_topic_that_may_not_be_made_is_a_sentence_with_the_command(
    connection: EventsConnection, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    publisher = KafkaPublisher(connection, ARegistry(), topics=event_topics, create_topics=False)
    with pytest.raises(
        PublishError,
        match=f"{event_topics.events} is missing on warehouse .*kafka-topics --create .*cleanup.policy=compact",
    ):
        _publish(objects, publisher)
    assert objects.data == {}


def test_a_replication_that_the_cluster_cannot_give_is_a_sentence(
    connection: EventsConnection, event_topics: EventTopics
) -> None:
    with pytest.raises(PublishError, match="creating the topic"):
        ensure_topics(connection, event_topics, create=True, replication_factor=3)


def test_a_topic_that_would_lose_snapshots_is_refused(
    publisher: KafkaPublisher, event_topics: EventTopics, make_topic: MakeTopic, objects: MemoryObjects
) -> None:
    make_topic(event_topics.events, {"cleanup.policy": "delete"})
    with pytest.raises(
        PublishError, match=r"has cleanup\.policy=delete, .* --add-config cleanup\.policy=compact"
    ):
        _publish(objects, publisher)
    assert objects.data == {}


def test_a_topic_that_would_lose_changes_is_refused(
    publisher: KafkaPublisher, event_topics: EventTopics, make_topic: MakeTopic, objects: MemoryObjects
) -> None:
    make_topic(event_topics.changes, COMPACT)
    with pytest.raises(PublishError, match=r"is compacted, .* --add-config cleanup\.policy=delete"):
        _publish(objects, publisher)


def test_a_topic_that_compacts_and_deletes_is_taken_with_a_note(
    publisher: KafkaPublisher, event_topics: EventTopics, make_topic: MakeTopic
) -> None:
    make_topic(event_topics.events, {"cleanup.policy": "compact,delete"})
    publisher.prepare(None)
    assert publisher.notes == (
        f"{event_topics.events} on warehouse has cleanup.policy=compact,delete: snapshots older than its retention are deleted",
    )


def test_sizes_are_those_before_and_after_compression(
    publisher: KafkaPublisher, endpoints: Endpoints, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    published = _publish(objects, publisher, *(f"topic-{number}" for number in range(500)))
    ((_, value),) = _records(endpoints, event_topics.events)
    assert value is not None
    assert published.event.bytes == len(value)
    assert published.event.compressed_bytes is not None
    assert 500 < published.event.compressed_bytes < len(value) / 5


def test_what_only_fits_compressed_is_published_as_it_is(
    publisher: KafkaPublisher, event_topics: EventTopics, make_topic: MakeTopic, objects: MemoryObjects
) -> None:
    make_topic(event_topics.events, {**COMPACT, "max.message.bytes": "100000"})
    published = _publish(objects, publisher, *(f"topic-{number}" for number in range(2000)))
    assert published.event.bytes > 900_000
    assert not published.event.claim_check


def test_what_is_too_large_after_compression_is_refused_for_a_local_folder_with_what_to_do(
    publisher: KafkaPublisher,
    endpoints: Endpoints,
    event_topics: EventTopics,
    make_topic: MakeTopic,
    objects: MemoryObjects,
) -> None:
    make_topic(event_topics.events, {**COMPACT, "max.message.bytes": "2000"})
    with pytest.raises(RefusedEventError) as caught:
        _publish(objects, publisher, *_incompressible())
    sentence = str(caught.value)
    assert "is larger than" in sentence
    assert "(max.message.bytes 2,000), and nobody else could read a document in a local folder" in sentence
    assert (
        f"raise max.message.bytes of {event_topics.events} on warehouse, or set MESH_STORE to s3://bucket/prefix"
        in sentence
    )
    assert list(_records(endpoints, event_topics.events)) == []
    assert objects.data.keys() == {"store.json"}
    assert _publish(objects, publisher, "orders").document.sequence == 1


def test_what_is_too_large_after_compression_claims_its_document_in_a_store_that_others_can_read(
    publisher: KafkaPublisher, connection: EventsConnection, event_topics: EventTopics, make_topic: MakeTopic
) -> None:
    make_topic(event_topics.events, {**COMPACT, "max.message.bytes": "2000"})
    objects = MemoryObjects(shared=True)
    published = _publish(objects, publisher, *_incompressible())
    read = newest_snapshot(connection, None, cluster_id=CLUSTER_ID, known_ids=IDS, topic=event_topics.events)
    assert read is not None
    assert read.event.document is not None
    assert (read.event.document.uri, read.event.cluster_state.topics) == (
        f"memory:///{published.pointer.document.key}",
        None,
    )
    assert read.event.summary == published.document.summary
    assert published.event.claim_check


def _incompressible() -> list[str]:
    generator = random.Random(1)
    return [generator.randbytes(16).hex() for _ in range(200)]


def _publish_and_die(bootstrap_servers: str, topics: EventTopics, folder: Path, effect: int) -> None:
    """In a process of its own: `kill -9` just before that effect on the store."""
    connection = EventsConnection(
        cluster="warehouse", properties={"bootstrap.servers": bootstrap_servers}, timeout_seconds=15
    )
    life = Life(effect, lambda: os.kill(os.getpid(), signal.SIGKILL))
    _publish(FolderStore(folder), KafkaPublisher(connection, ARegistry(), topics=topics), "users", life=life)


def test_a_run_that_is_killed_after_publishing_is_repeated_byte_for_byte_and_at_once(
    publisher: KafkaPublisher,
    connection: EventsConnection,
    endpoints: Endpoints,
    event_topics: EventTopics,
    tmp_path: Path,
) -> None:
    store = FolderStore(tmp_path)
    _publish(store, publisher, "orders")
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
    published = _publish(store, publisher, "ratings")
    assert time.monotonic() - start < 30
    assert published.document.sequence == 3
    events = [value for _, value in _records(endpoints, event_topics.events)]
    assert len(events) == 4
    assert events[1] == events[2]
    changes = [value for _, value in _records(endpoints, event_topics.changes)]
    assert len(changes) == 6
    assert changes[:2] == changes[2:4]
    read = newest_snapshot(connection, None, cluster_id=CLUSTER_ID, known_ids=IDS, topic=event_topics.events)
    assert read is not None
    assert document_of(read.event) == published.document
    assert read.position == published.event.position


def test_the_newest_snapshot_of_one_of_many_clusters_is_found(
    publisher: KafkaPublisher, connection: EventsConnection, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    wanted = _publish(objects, publisher, "orders", cluster_id="lkc-old")
    for _ in range(12):
        _publish(objects, publisher, "users")
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


def test_a_retired_cluster_has_no_snapshot_until_it_is_discovered_again(
    publisher: KafkaPublisher,
    connection: EventsConnection,
    event_topics: EventTopics,
    objects: MemoryObjects,
    estate: Estate,
) -> None:
    _publish(objects, publisher, "orders")
    position = retire_snapshot(estate, "warehouse", cluster_id=CLUSTER_ID, topic=event_topics.events)
    assert position.offset == 2  # after the snapshot and the end of its transaction
    tombstone = newest_record(connection, event_topics.events, key=CLUSTER_ID, timeout_seconds=20)
    assert tombstone is not None
    assert tombstone.value() is None
    with pytest.raises(
        RetiredAlreadyError, match=r"retired already: .*\[0\]@2 is its tombstone; nothing was written"
    ):
        retire_snapshot(estate, "warehouse", cluster_id=CLUSTER_ID, topic=event_topics.events)
    again = newest_record(connection, event_topics.events, key=CLUSTER_ID, timeout_seconds=20)
    assert again is not None
    assert again.offset() == 2
    assert read_newest_snapshot(estate, "warehouse", cluster_id=CLUSTER_ID, topic=event_topics.events) is None
    newest = partial(newest_sequence, estate, "warehouse", topic=event_topics.events)
    assert (newest(cluster_id=CLUSTER_ID), newest(cluster_id="lkc-none")) == (1, None)
    assert _publish(objects, publisher, "orders").document.sequence == 2
    read = newest_snapshot(connection, None, cluster_id=CLUSTER_ID, known_ids=IDS, topic=event_topics.events)
    assert read is not None
    assert read.event.sequence == 2


def test_a_topic_that_does_not_exist_holds_no_snapshot_and_is_not_made_by_looking(
    connection: EventsConnection, admin: AdminClient, event_topics: EventTopics
) -> None:
    assert newest_snapshot(connection, None, cluster_id=CLUSTER_ID, topic=event_topics.events) is None
    with pytest.raises(PublishError):
        publish_tombstone(connection, cluster_id=CLUSTER_ID, topic=event_topics.events)
    assert event_topics.events not in admin.list_topics(timeout=20).topics


def test_reading_makes_no_consumer_group(
    publisher: KafkaPublisher,
    connection: EventsConnection,
    admin: AdminClient,
    event_topics: EventTopics,
    objects: MemoryObjects,
) -> None:
    _publish(objects, publisher, "orders")
    newest_snapshot(connection, None, cluster_id=CLUSTER_ID, known_ids=IDS, topic=event_topics.events)
    groups = admin.list_consumer_groups(request_timeout=20).result(timeout=20).valid
    assert "mesh-assets-event-reader" not in {group.group_id for group in groups}


def test_a_registry_that_is_down_after_the_first_run_does_not_keep_a_snapshot_from_being_published(
    connection: EventsConnection, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    _publish(objects, KafkaPublisher(connection, ARegistry(), topics=event_topics), "orders")
    broken = KafkaPublisher(
        connection, ARegistry(UnreachableError("connection refused")), topics=event_topics
    )
    published = _publish(objects, broken, "users")
    assert published.document.sequence == 2
    assert published.notes == (
        "the event schemas were published under the ids known from before: connection refused",
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
        _publish(objects, publisher, "orders")
    known = newest_snapshot(
        EventsConnection.to(estate.clusters["warehouse"]),
        None,
        cluster_id="edge",
        known_ids=IDS,
        topic=event_topics.events,
    )
    assert known is None


def test_brokers_that_are_down_are_one_sentence_within_the_time_and_nothing_is_written(
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
        _publish(objects, KafkaPublisher(connection, ARegistry()), "orders")
    assert time.monotonic() - start < 10
    assert objects.data == {}


def _an_event(sequence: int, run_id: str) -> DiscoveryEvent:
    document = a_document(topics=(a_topic("orders"),), sequence=sequence, run_id=run_id)
    return discovery_event(document, triggers=(Trigger(type="manual"),), change_count=0, store_id="store-1")


def test_a_writer_that_a_newer_one_has_shut_out_publishes_nothing_more(
    connection: EventsConnection, endpoints: Endpoints, event_topics: EventTopics
) -> None:
    late, newer = (KafkaPublisher(connection, ARegistry(), topics=event_topics) for _ in range(2))
    for publisher in (late, newer):
        publisher.prepare(None)
        publisher.take_over(CLUSTER_ID, timeout_seconds=30)
    with pytest.raises(ConflictError, match="a newer run publishes this cluster; this one was shut out"):
        late.publish_snapshot(_an_event(1, "late"), changes=(), claimed=None, timeout_seconds=30)
    with pytest.raises(ConflictError):
        late.publish_snapshot(_an_event(1, "late"), changes=(), claimed=None, timeout_seconds=30)
    newer.publish_snapshot(_an_event(1, "newer"), changes=(), claimed=None, timeout_seconds=30)
    for publisher in (late, newer):
        publisher.close()

    [(key, value)] = _records(endpoints, event_topics.events)
    assert key == CLUSTER_ID
    assert value is not None
    assert b"newer" in value


def test_writers_of_different_clusters_do_not_shut_each_other_out(
    connection: EventsConnection, event_topics: EventTopics
) -> None:
    one, other = (KafkaPublisher(connection, ARegistry(), topics=event_topics) for _ in range(2))
    for publisher, cluster_id in ((one, CLUSTER_ID), (other, "lkc-other")):
        publisher.prepare(None)
        assert publisher.take_over(cluster_id, timeout_seconds=30) is None
    assert one.publish_snapshot(_an_event(1, "one"), changes=(), claimed=None, timeout_seconds=30).bytes
    for publisher in (one, other):
        publisher.close()


def test_the_newest_record_says_which_snapshot_it_is_without_its_schema_also_as_a_tombstone(
    connection: EventsConnection, event_topics: EventTopics
) -> None:
    publisher = KafkaPublisher(connection, ARegistry(), topics=event_topics)
    publisher.prepare(None)
    publisher.take_over(CLUSTER_ID, timeout_seconds=30)
    publisher.publish_snapshot(_an_event(7, "run-7"), changes=(), claimed=None, timeout_seconds=30)
    newest = publisher.take_over(CLUSTER_ID, timeout_seconds=30)
    assert newest is not None
    assert newest.origin == Origin(sequence=7, run_id="run-7", store_id="store-1")
    event = newest.read()
    assert event is not None
    assert event.cluster_state.topics is not None

    publish_tombstone(connection, cluster_id=CLUSTER_ID, topic=event_topics.events)
    retired = publisher.take_over(CLUSTER_ID, timeout_seconds=30)
    assert retired is not None
    assert (retired.origin.sequence, retired.read()) == (7, None)
    publisher.close()


def test_a_fresh_store_is_refused_until_the_cluster_is_handed_over_to_it_and_then_the_other_is(
    connection: EventsConnection, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    def publisher() -> KafkaPublisher:
        return KafkaPublisher(connection, ARegistry(), topics=event_topics)

    _publish(objects, publisher(), "orders", "users")
    other = MemoryObjects()
    with pytest.raises(ConflictError, match="another store publishes it: snapshot 1 of run"):
        _publish(other, publisher(), "orders")
    InventoryStore(other).adopt(CLUSTER_ID, InventoryStore(objects).store_id(), None, sequence=1)
    published = _publish(other, publisher(), "orders")
    assert (published.document.sequence, [change.resource for change in published.changes]) == (2, ["users"])
    with pytest.raises(ConflictError, match="another store publishes it: snapshot 2 of run"):
        _publish(objects, publisher(), "orders")
    assert _publish(other, publisher(), "orders").document.sequence == 3


def _some_changes(*resources: str) -> tuple[ChangeEvent, ...]:
    changes = [
        Change(
            kind="created",
            resource_type="topic",
            resource=resource,
            field=None,
            before=None,
            after="{}",
            severity="info",
            sentence=f"Topic {resource} created",
        )
        for resource in resources
    ]
    return tuple(
        change_events(
            changes,
            cluster_id=CLUSTER_ID,
            sequence=2,
            discovery_timestamp=datetime(2026, 11, 23, tzinfo=UTC),
            triggers=(Trigger(type="manual"),),
        )
    )


@pytest.mark.parametrize("are_out", [False, True])
def test_changes_that_a_snapshot_carries_are_published_once_by_whoever_goes_on_from_it(
    connection: EventsConnection,
    endpoints: Endpoints,
    event_topics: EventTopics,
    objects: MemoryObjects,
    are_out: bool,
) -> None:
    changes = _some_changes("users", "ratings")
    event = discovery_event(
        a_document(topics=(a_topic("orders"),), sequence=2, run_id="killed"),
        triggers=(Trigger(type="manual"),),
        change_count=2,
        store_id="store-1",
    )
    killed = KafkaPublisher(connection, ARegistry(), topics=event_topics)
    killed.prepare(None)
    killed.take_over(CLUSTER_ID, timeout_seconds=30)
    killed.publish_snapshot(event, changes=changes, claimed=None, timeout_seconds=30)
    if are_out:
        killed.publish_changes(changes, timeout_seconds=30)
    killed.close()
    InventoryStore(objects).adopt(CLUSTER_ID, "store-1", None, sequence=2)

    successor = KafkaPublisher(connection, ARegistry(), topics=event_topics)
    published = _publish(objects, successor, "orders")
    successor.close()

    assert published.document.sequence == 3
    assert (published.notes[0] == "published the 2 changes of snapshot 2, which its run had not") == (
        not are_out
    )
    expected = [encode_change_event(change, IDS.change_id) for change in changes]
    values = [value for _, value in _records(endpoints, event_topics.changes)]
    assert (values[:2], len(values)) == (expected, 2 + len(published.changes))


def test_changes_for_which_a_snapshot_has_no_room_are_left_out_of_it(
    connection: EventsConnection, endpoints: Endpoints, event_topics: EventTopics, make_topic: MakeTopic
) -> None:
    make_topic(event_topics.events, {**COMPACT, "max.message.bytes": "4000"})
    changes = _some_changes(*_incompressible())
    publisher = KafkaPublisher(connection, ARegistry(), topics=event_topics)
    publisher.prepare(None)
    publisher.take_over(CLUSTER_ID, timeout_seconds=30)

    publisher.publish_snapshot(_an_event(2, "run-2"), changes=changes, claimed=None, timeout_seconds=30)
    publisher.publish_changes(changes, timeout_seconds=30)

    newest = publisher.look(CLUSTER_ID, timeout_seconds=30)
    assert newest is not None
    assert (newest.origin.sequence, newest.changes()) == (2, None)
    assert publisher.newest_change(CLUSTER_ID, timeout_seconds=30) == changes[-1].id
    publisher.close()
    assert len(list(_records(endpoints, event_topics.changes))) == len(changes)


def test_where_kafka_allows_no_transaction_so_long_a_run_goes_on_without_a_fence_and_says_so(
    connection: EventsConnection, event_topics: EventTopics
) -> None:
    publisher = KafkaPublisher(connection, ARegistry(), topics=event_topics)
    publisher.prepare(None)

    publisher.take_over(CLUSTER_ID, timeout_seconds=1_000)  # brokers allow 900 s

    assert publisher.notes == (
        "warehouse: an older run that wakes up late cannot be shut out: raise transaction.max.timeout.ms of the brokers to 1000000 or more",
    )
    assert publisher.publish_snapshot(
        _an_event(1, "run-1"), changes=(), claimed=None, timeout_seconds=30
    ).bytes
    publisher.close()
