from datetime import UTC, datetime

import pytest

from mesh_assets.errors import ConflictError, PublishError, StoreError
from mesh_assets.events.model import RefusedEventError, document_of
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import Document
from mesh_assets.snapshot.commit import publish_snapshot
from mesh_assets_tests.documents import a_document
from mesh_assets_tests.snapshot.invariants import check_always, check_at_rest
from mesh_assets_tests.snapshot.world import (
    CLUSTER,
    CLUSTER_ID,
    LEASE_SECONDS,
    Killed,
    Life,
    LogPublisher,
    MovedClock,
    World,
)


@pytest.fixture
def world() -> World:
    return World()


def test_the_first_snapshot_has_sequence_1_and_no_changes(world: World) -> None:
    published = world.run(("orders", "users"))
    assert (published.document.sequence, published.changes, published.baseline) == (1, (), True)
    assert world.previous is None
    assert [document_of(event) for event in world.log.snapshots] == [published.document]
    check_at_rest(world)


def test_the_next_one_builds_on_the_latest_document_and_contains_the_differences(world: World) -> None:
    first = world.run(("orders", "users"))
    second = world.run(("orders", "ratings"))
    assert world.previous == first.document
    assert (second.document.sequence, second.baseline) == (2, False)
    assert [(event.id, event.kind, event.resource) for event in world.log.changes] == [
        ("lkc-1-2-0", second.changes[0].kind, second.changes[0].resource),
        ("lkc-1-2-1", second.changes[1].kind, second.changes[1].resource),
    ]
    assert {(change.kind, change.resource) for change in second.changes} == {
        ("created", "ratings"),
        ("deleted", "users"),
    }
    check_at_rest(world)


def test_the_snapshot_goes_before_its_changes(world: World) -> None:
    world.run(("orders",))
    world.run(("users",))
    assert [type(entry).__name__ for entry in world.log.entries] == [
        "DiscoveryEvent",
        "DiscoveryEvent",
        "ChangeEvent",
        "ChangeEvent",
    ]


def test_the_report_matches_what_was_published(world: World) -> None:
    world.run(("orders",))
    published = world.run(("users",))
    pointer = published.pointer
    latest = world.store.latest(CLUSTER_ID)
    assert latest is not None
    assert latest[0] == pointer
    assert (pointer.event.topic, pointer.event.offset, pointer.changes) == ("discovery-events", 1, 2)
    assert pointer.document.bytes == len(world.objects.data[pointer.document.key])
    assert published.approximate_tokens == pointer.document.bytes // 4
    assert pointer.schema_ids is not None


def test_document_and_event_have_the_same_whole_milliseconds(world: World) -> None:
    world.clock.time = datetime(2026, 11, 23, 16, 40, 2, 123456, tzinfo=UTC)
    published = world.run()
    assert published.document.discovery_timestamp.microsecond == 123000
    assert world.log.snapshots[0].discovery_timestamp == published.document.discovery_timestamp


def test_all_triggers_are_in_the_event_and_the_most_severe_leads(world: World) -> None:
    triggers = (
        Trigger(type="schedule"),
        Trigger(type="connector_failed", resource="orders-sink"),
        Trigger(type="topic_changed"),
    )
    published = world.run(triggers=triggers)
    trigger = world.log.snapshots[0].trigger
    assert (trigger.type, trigger.resource) == ("connector_failed", "orders-sink")
    assert [cause.type for cause in trigger.changes] == ["connector_failed", "schedule", "topic_changed"]
    assert published.triggers[0] == triggers[1]


def test_the_triggers_of_a_run_that_was_killed_are_repeated_with_it(world: World) -> None:
    world.run()
    with pytest.raises(Killed):
        world.run(
            ("users",), life=Life(6), triggers=(Trigger(type="schema_deleted", resource="users-value"),)
        )
    published = world.run()
    assert published.repeated is not None
    assert published.repeated.triggers == (Trigger(type="schema_deleted", resource="users-value"),)
    assert [event.trigger.type for event in world.log.snapshots] == ["manual", "schema_deleted", "manual"]


def test_a_run_says_that_it_completes_another(world: World) -> None:
    said: list[str] = []
    world.run()
    world.killed_run(7, ("users",))
    world.run(progress=said.append)
    assert said[-1] == "warehouse: run run-2 ended before snapshot 2 was complete; publishing it again first"


def test_brokers_that_are_down_leave_the_record_to_the_next_run_which_does_not_wait(world: World) -> None:
    world.run(("orders",))
    world.log.down = True
    with pytest.raises(PublishError, match="down"):
        world.run(("users",))
    latest = world.store.latest(CLUSTER_ID)
    assert latest is not None
    assert latest[0].sequence == 1
    world.log.down = False
    published = world.run(("users",))
    assert (published.document.sequence, world.clock.slept) == (3, 0)
    check_at_rest(world)


def test_a_snapshot_refused_as_too_large_leaves_nothing_and_blocks_no_smaller_one(
    world: World,
) -> None:
    world.run(("orders",))
    world.log.largest_bytes = 1_000
    with pytest.raises(RefusedEventError):
        world.run(("orders", "users", "ratings", "shoes"))
    check_at_rest(world)
    assert world.run(("users",)).document.sequence == 2
    check_at_rest(world)


def test_a_snapshot_that_is_too_large_claims_its_document_where_others_can_read_it() -> None:
    world = World(shared_store=True)
    world.log.largest_bytes = 0
    published = world.run(("orders",))
    event = world.log.snapshots[0]
    assert event.document is not None
    assert event.document.uri == f"memory:///{published.pointer.document.key}"
    assert (event.document.sha256, event.document.bytes) == (
        published.pointer.document.sha256,
        published.pointer.document.bytes,
    )
    assert (event.cluster_state.topics, event.summary.total_topics, published.event.claim_check) == (
        None,
        1,
        True,
    )


def test_a_leftover_record_refused_before_anything_is_out_is_dropped_and_nothing_is_lost(
    world: World,
) -> None:
    world.run(("orders",))
    world.killed_run(6, ("orders", "users", "ratings", "shoes"))
    world.log.largest_bytes = 1_000

    published = world.run(("users",))

    assert (published.document.sequence, [change.resource for change in published.changes]) == (
        2,
        ["orders", "users"],
    )
    assert published.notes == (
        "snapshot 2, which run run-2 left behind, is dropped (none of it was published): too large",
    )
    check_at_rest(world)


def test_a_leftover_record_with_a_damaged_document_is_dropped_if_nothing_is_out(world: World) -> None:
    world.run(("orders",))
    world.killed_run(6, ("orders", "users"))
    pending = world.store.pending(CLUSTER_ID)
    assert pending is not None
    assert pending[0].record is not None
    world.objects.data[pending[0].record.document.key] = b"{"

    published = world.run(("orders", "ratings"))

    assert (published.document.sequence, [change.resource for change in published.changes]) == (
        2,
        ["ratings"],
    )
    assert "is not what was written there" in published.notes[0]
    assert [key for key in world.objects.data if key.startswith("quarantine/")] != []
    check_at_rest(world)


def test_a_change_that_kafka_refuses_for_good_is_noted_for_the_repair(world: World) -> None:
    world.run(("orders",))
    world.log.refused_change = "users"
    for _ in range(2):
        with pytest.raises(PublishError, match="the change of users is too large"):
            world.run(("orders", "users"))
        check_always(world)
    pending = world.store.pending(CLUSTER_ID)
    assert pending is not None
    assert pending[0].refused == "the change of users is too large"


def test_a_failed_assembly_leaves_nothing_and_releases_the_lock(world: World) -> None:
    world.run()

    def fail(_previous: Document | None, _sequence: int) -> Document:
        raise StoreError("no")

    with pytest.raises(StoreError, match="no"):
        publish_snapshot(
            store=world.store,
            cluster=CLUSTER,
            cluster_id=CLUSTER_ID,
            run_id="run-2",
            assemble=fail,
            triggers=(Trigger(type="manual"),),
            publisher=LogPublisher(world.log, Life(), world.clock),
            clock=world.clock,
        )
    check_at_rest(world)


def test_an_assembly_that_takes_longer_than_the_lease_publishes_nothing(world: World) -> None:
    def slow(_previous: Document | None, sequence: int) -> Document:
        world.clock.sleep(LEASE_SECONDS)
        world.run(("users",))
        return a_document(sequence=sequence)

    with pytest.raises(ConflictError, match="another run took over the lock"):
        publish_snapshot(
            store=world.store,
            cluster=CLUSTER,
            cluster_id=CLUSTER_ID,
            run_id="slow",
            assemble=slow,
            triggers=(Trigger(type="manual"),),
            publisher=LogPublisher(world.log, Life(), world.clock),
            lease_seconds=LEASE_SECONDS,
            clock=world.clock,
        )
    assert [event.run_id for event in world.log.snapshots] == ["run-1"]
    check_at_rest(world)


def test_a_missing_latest_document_stops_the_run_and_publishes_nothing(world: World) -> None:
    published = world.run()
    del world.objects.data[published.pointer.document.key]
    with pytest.raises(StoreError, match="is missing though the store refers to it"):
        world.run(("users",))
    assert len(world.log.entries) == 1
    assert world.store.pending(CLUSTER_ID) is None


def test_a_lost_pointer_is_restored_from_the_record(world: World) -> None:
    world.run(("orders",))
    world.killed_run(6, ("users",))
    del world.objects.data[f"inventories/{CLUSTER_ID}/latest.json"]
    assert world.run(("ratings",)).document.sequence == 3
    check_at_rest(world)


def test_the_schema_ids_of_the_last_run_are_available_to_the_next(world: World) -> None:
    first = LogPublisher(world.log, Life(), world.clock)
    first.prepare(None)
    published = world.run()
    publisher = LogPublisher(world.log, Life(), MovedClock())
    publish_snapshot(
        store=world.store,
        cluster=CLUSTER,
        cluster_id=CLUSTER_ID,
        run_id="run-2",
        assemble=lambda _, sequence: a_document(sequence=sequence),
        triggers=(Trigger(type="manual"),),
        publisher=publisher,
    )
    assert publisher.cached == published.pointer.schema_ids is not None


def test_two_clusters_in_one_store_do_not_affect_each_other(world: World) -> None:
    world.run()
    world.killed_run(7)
    published = publish_snapshot(
        store=world.store,
        cluster="lake",
        cluster_id="lkc-2",
        run_id="run-3",
        assemble=lambda _, sequence: a_document(
            sequence=sequence, cluster=a_document().cluster.__class__(id="lkc-2", name="lake")
        ),
        triggers=(Trigger(type="manual"),),
        publisher=LogPublisher(world.log, Life(), world.clock),
        clock=world.clock,
    )
    assert (published.document.sequence, published.repeated, world.clock.slept) == (1, None, 0)
