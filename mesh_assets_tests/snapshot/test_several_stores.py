"""One topic, several stores, hosts with adjustable clocks, and processes that sleep: sequences only grow, no change id is used
twice, and the last state in the topic is the newest reading's."""

import pytest

from mesh_assets.errors import ConflictError
from mesh_assets.events.model import ClaimedDocument, claim_check
from mesh_assets_tests.snapshot.model import adopted, another_store, check_log
from mesh_assets_tests.snapshot.world import CLUSTER_ID, World


def test_an_empty_store_does_not_take_over_what_another_one_publishes() -> None:
    world = World()
    world.run(("orders", "users"))
    other, writer = another_store(world), world.log.writer

    for _ in range(2):
        with pytest.raises(ConflictError) as refused:
            other.run(("orders",))

    assert str(refused.value) == (
        f"warehouse: another store publishes it: snapshot 1 of run run-1 in the topic came from store {world.store.store_id()}, and this "
        f"store ({other.store.store_id()}) knows nothing of it; discover it from one store alone, or hand it over to this one: "
        "mesh-assets snapshot adopt --cluster warehouse"
    )
    assert [event.run_id for event in world.log.snapshots] == ["run-1"]
    assert [key for key in other.objects.data if key != "store.json"] == []
    assert world.log.writer is writer, "it has shut nobody out"
    assert world.run(("orders",)).document.sequence == 2


def test_a_store_that_was_handed_the_cluster_continues_from_the_topic() -> None:
    world = World()
    world.run(("orders", "users"))
    world.run(("orders", "users", "ratings"))
    other = adopted(world)

    published = other.run(("orders",))

    assert published.document.sequence == 3
    assert not published.baseline
    assert {(change.kind, change.resource) for change in published.changes} == {
        ("deleted", "ratings"),
        ("deleted", "users"),
    }
    assert published.notes == (
        "continues from snapshot 2, which another store published; that store may no longer publish it",
    )
    assert [event.store_id for event in world.log.snapshots] == [world.store.store_id()] * 2 + [
        other.store.store_id()
    ]
    check_log(world.log)


def test_a_handover_is_from_that_store_alone_and_serves_once() -> None:
    world = World()
    world.run(("orders",))
    second, third = adopted(world), adopted(world)
    second.run(("orders", "users"))

    with pytest.raises(ConflictError, match=f"came from store {second.store.store_id()}"):
        third.run(("orders",))
    assert second.store.adoption(CLUSTER_ID) is None
    assert third.store.adoption(CLUSTER_ID) is not None


def test_a_cluster_given_up_by_a_tombstone_belongs_to_its_next_publisher() -> None:
    world = World()
    world.run(("orders",))
    world.log.retired = True

    published = another_store(world).run(("users",))

    assert (published.document.sequence, published.baseline) == (2, True)
    assert published.notes == ("continues after the tombstone of snapshot 1, which another store published",)


def test_a_tombstone_gives_a_cluster_up_even_to_a_store_that_knows_an_older_snapshot() -> None:
    world = World()
    world.run(("orders",))
    other = adopted(world)
    other.run(("orders", "users"))
    world.log.retired = True

    published = world.run(("ratings",))

    assert (published.document.sequence, published.baseline) == (3, True)
    assert world.run(("ratings",)).document.sequence == 4
    check_log(world.log)


def test_a_backup_with_a_record_of_a_run_that_published_since_does_not_go_back() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(6, ("orders", "users"))
    backup = dict(world.objects.data)
    for _ in range(2):
        world.run(("orders", "users"), run_id="run-2")
    world.objects.data = backup

    published = world.run(("orders", "users"))

    assert published.document.sequence == 4 + 1
    check_log(world.log)


def test_an_emptied_store_continues_where_it_was() -> None:
    world = World()
    world.run(("orders",))
    world.run(("orders", "users"))
    store_id = world.store.store_id()
    for key in [key for key in world.objects.data if key != "store.json"]:
        world.objects.delete(key)

    published = world.run(("orders",))

    assert (published.document.sequence, world.store.store_id()) == (3, store_id)
    assert published.notes == (
        "continues from snapshot 2, which this store published; this store has lost it, or a copy of this store published it",
    )
    check_log(world.log)


def test_a_store_restored_from_an_older_backup_continues_from_the_topic() -> None:
    world = World()
    world.run(("orders",))
    backup = dict(world.objects.data)
    world.run(("orders", "users"))
    world.objects.data = backup

    published = world.run(("orders", "users"))

    assert (published.document.sequence, published.changes) == (3, ())
    check_log(world.log)


def test_the_former_publisher_is_refused_until_the_cluster_is_handed_back() -> None:
    world = World()
    world.run(("orders",))
    other = adopted(world)
    other.run(("orders", "users"))
    writer = world.log.writer

    with pytest.raises(ConflictError) as refused:
        world.run(("orders",))

    assert world.log.writer is writer, "the rightful store goes on undisturbed"

    assert str(refused.value) == (
        f"warehouse: another store publishes it: snapshot 2 of run other-1 in the topic came from store {other.store.store_id()}, and this "
        f"store ({world.store.store_id()}) knows only snapshot 1; discover it from one store alone, or hand it over to this one: "
        "mesh-assets snapshot adopt --cluster warehouse"
    )
    assert world.store.pending(CLUSTER_ID) is None
    latest = world.store.latest(CLUSTER_ID)
    assert latest is not None
    world.store.adopt(CLUSTER_ID, other.store.store_id(), latest[1], sequence=len(world.log.snapshots))
    assert world.run(("orders",)).document.sequence == 3
    with pytest.raises(ConflictError, match="another store publishes it"):
        other.run(("orders",))
    check_log(world.log)


def test_leftovers_of_a_killed_run_are_dropped_when_another_store_continued_meanwhile() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(6, ("orders", "users"))
    other = adopted(world)
    other.run(("orders", "ratings"))

    writer = world.log.writer
    with pytest.raises(ConflictError, match="another store publishes it"):
        world.run(("orders",))

    assert world.log.writer is writer, "the rightful store goes on undisturbed"
    pending = world.store.pending(CLUSTER_ID)
    assert pending is None or pending[0].record is None
    check_log(world.log)


def test_another_stores_claim_check_is_followed_without_a_comparison() -> None:
    world = World()
    published = world.run(("orders",))
    [event] = world.log.snapshots
    stored = published.pointer.document
    claimed = ClaimedDocument(uri="s3://theirs/1.json", sha256=stored.sha256, bytes=stored.bytes)
    world.log.entries[:] = [claim_check(event, claimed)]

    after = adopted(world).run(("users",))

    assert (after.document.sequence, after.baseline, after.changes) == (2, True, ())
    assert "its state is at s3://theirs/1.json and was not compared" in after.notes[0]


def test_a_topic_that_lost_its_snapshots_changes_nothing_for_the_store() -> None:
    world = World()
    world.run(("orders",))
    world.log.entries.clear()

    published = world.run(("orders", "users"))

    assert published.document.sequence == 2
    assert [change.resource for change in published.changes] == ["users"]
