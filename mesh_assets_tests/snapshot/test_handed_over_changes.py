"""Changes that a killed run owed when another store continues from its snapshot: published once, by the store that can."""

import pytest

from mesh_assets_tests.snapshot.model import adopted, check_log
from mesh_assets_tests.snapshot.world import CLUSTER_ID, World


def _out(world: World) -> list[str]:
    return [change.id for change in world.log.changes]


@pytest.mark.parametrize("takes_over", ["another store", "its own, emptied"])
def test_changes_unpublished_by_a_killed_run_are_published_by_the_store_that_continues(
    takes_over: str,
) -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users"))
    assert ([event.change_count for event in world.log.snapshots], _out(world)) == ([0, 1], [])
    if takes_over == "another store":
        successor = adopted(world)
    else:
        successor = world
        world.objects.data = {"store.json": world.objects.data["store.json"]}

    published = successor.run(("orders", "users"))

    assert (published.document.sequence, published.changes) == (3, ())
    assert _out(world) == ["lkc-1-2-0"]
    assert published.notes[0] == "published the 1 change of snapshot 2, which its own run had not published"
    check_log(world.log)


def test_a_run_killed_while_it_publishes_anothers_changes_leaves_them_to_the_next() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users", "ratings"))
    other = adopted(world)

    effects = 0
    while other.killed_run(effects + 1, ("orders", "users", "ratings")):
        effects += 1
        check_log(world.log)

    assert effects > 5
    assert sorted(set(_out(world))) == ["lkc-1-2-0", "lkc-1-2-1"]


@pytest.mark.parametrize("can_be_read", [True, False])
def test_published_changes_are_repeated_only_where_their_topic_is_unreadable(
    can_be_read: bool,
) -> None:
    world = World()
    world.run(("orders",))
    world.run(("orders", "users"))
    world.log.changes_can_be_read = can_be_read

    adopted(world).run(("orders", "users"))

    assert _out(world) == ["lkc-1-2-0"] * (1 if can_be_read else 2)
    check_log(world.log)


def test_changes_that_the_continuing_store_cannot_publish_are_reported_and_block_nothing() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users"))
    world.log.refused_change = "users"
    refused = adopted(world).run(("orders", "users"))
    world.log.refused_change = None

    assert refused.notes[0] == (
        "not all changes of snapshot 2 (1) are in Kafka, and never will be: the change of users is too large"
    )


def test_changes_that_a_snapshot_does_not_carry_are_reported() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users"))
    world.log.carried.clear()

    published = adopted(world).run(("orders", "users"))

    assert published.notes[0] == (
        "whether all changes of snapshot 2 (1) are in Kafka is not known: it carries none"
    )


def test_a_store_that_took_the_cluster_back_drops_what_a_killed_run_left() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users"))
    other = adopted(world)
    other.run(("orders", "users"))
    latest = world.store.latest(CLUSTER_ID)
    assert latest is not None
    world.store.adopt(CLUSTER_ID, other.store.store_id(), latest[1], sequence=3)

    published = world.run(("orders", "users"))

    assert published.notes[0] == "what run run-2 left of snapshot 2 is dropped: the topic is at 3"
    check_log(world.log)
