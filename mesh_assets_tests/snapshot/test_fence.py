"""Who may publish a cluster, on real brokers: a newer run fences an older one, and changes are published once."""

from datetime import UTC, datetime

import pytest

from mesh_assets.errors import ConflictError
from mesh_assets.events.avro_form import encode_change_event
from mesh_assets.events.model import ChangeEvent, DiscoveryEvent, Origin, change_events, discovery_event
from mesh_assets.inventory.changes import Change, Trigger
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets.snapshot.connection import EventsConnection
from mesh_assets.snapshot.publisher import KafkaPublisher, publish_tombstone
from mesh_assets.snapshot.topics import EventTopics
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.events.a_registry import ARegistry
from mesh_assets_tests.snapshot.on_brokers import COMPACT, IDS, MakeTopic, incompressible, publish, records
from mesh_assets_tests.snapshot.world import CLUSTER_ID, MemoryObjects

pytestmark = pytest.mark.sandbox


def _an_event(sequence: int, run_id: str) -> DiscoveryEvent:
    document = a_document(topics=(a_topic("orders"),), sequence=sequence, run_id=run_id)
    return discovery_event(document, triggers=(Trigger(type="manual"),), change_count=0, store_id="store-1")


def test_a_writer_fenced_by_a_newer_one_publishes_nothing_more(
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

    [(key, value)] = records(endpoints, event_topics.events)
    assert key == CLUSTER_ID
    assert value is not None
    assert b"newer" in value


def test_a_publisher_that_got_ready_early_sees_what_came_since_and_fences_its_writer(
    connection: EventsConnection, event_topics: EventTopics
) -> None:
    early, other = (KafkaPublisher(connection, ARegistry(), topics=event_topics) for _ in range(2))
    early.prepare_ahead(None, cluster_id=CLUSTER_ID, timeout_seconds=30)
    early.prepare(None)
    other.prepare(None)
    other.take_over(CLUSTER_ID, timeout_seconds=30)
    other.publish_snapshot(_an_event(3, "other"), changes=(), claimed=None, timeout_seconds=30)

    seen = early.look(CLUSTER_ID, timeout_seconds=30)
    taken_over = early.take_over(CLUSTER_ID, timeout_seconds=30)

    assert seen is not None
    assert taken_over is not None
    assert (seen.origin.sequence, taken_over.origin.sequence) == (3, 3)
    with pytest.raises(ConflictError):
        other.publish_snapshot(_an_event(4, "other"), changes=(), claimed=None, timeout_seconds=30)
    assert early.publish_snapshot(_an_event(4, "early"), changes=(), claimed=None, timeout_seconds=30).bytes
    for publisher in (early, other):
        publisher.close()


def test_writers_of_different_clusters_do_not_fence_each_other(
    connection: EventsConnection, event_topics: EventTopics
) -> None:
    one, other = (KafkaPublisher(connection, ARegistry(), topics=event_topics) for _ in range(2))
    for publisher, cluster_id in ((one, CLUSTER_ID), (other, "lkc-other")):
        publisher.prepare(None)
        assert publisher.take_over(cluster_id, timeout_seconds=30) is None
    assert one.publish_snapshot(_an_event(1, "one"), changes=(), claimed=None, timeout_seconds=30).bytes
    for publisher in (one, other):
        publisher.close()


def test_the_newest_record_identifies_its_snapshot_without_its_schema_even_as_a_tombstone(
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


def test_a_fresh_store_is_refused_until_it_is_handed_the_cluster_and_then_the_other_is(
    connection: EventsConnection, event_topics: EventTopics, objects: MemoryObjects
) -> None:
    def publisher() -> KafkaPublisher:
        return KafkaPublisher(connection, ARegistry(), topics=event_topics)

    publish(objects, publisher(), "orders", "users")
    other = MemoryObjects()
    with pytest.raises(ConflictError, match="another store publishes it: snapshot 1 of run"):
        publish(other, publisher(), "orders")
    InventoryStore(other).adopt(CLUSTER_ID, InventoryStore(objects).store_id(), None, sequence=1)
    published = publish(other, publisher(), "orders")
    assert (published.document.sequence, [change.resource for change in published.changes]) == (2, ["users"])
    with pytest.raises(ConflictError, match="another store publishes it: snapshot 2 of run"):
        publish(objects, publisher(), "orders")
    assert publish(other, publisher(), "orders").document.sequence == 3


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
def test_changes_carried_by_a_snapshot_are_published_once_by_the_store_that_continues(
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
    published = publish(objects, successor, "orders")
    successor.close()

    assert published.document.sequence == 3
    assert (
        published.notes[0] == "published the 2 changes of snapshot 2, which its own run had not published"
    ) == (not are_out)
    expected = [encode_change_event(change, IDS.change_id) for change in changes]
    values = [value for _, value in records(endpoints, event_topics.changes)]
    assert (values[:2], len(values)) == (expected, 2 + len(published.changes))


def test_changes_for_which_a_snapshot_has_no_room_are_left_out_of_it(
    connection: EventsConnection, endpoints: Endpoints, event_topics: EventTopics, make_topic: MakeTopic
) -> None:
    make_topic(event_topics.events, {**COMPACT, "max.message.bytes": "4000"})
    changes = _some_changes(*incompressible())
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
    assert len(list(records(endpoints, event_topics.changes))) == len(changes)


def test_where_kafka_allows_no_such_long_transaction_a_run_continues_without_a_fence_and_says_so(
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
