"""One topic, several stores, hosts whose clocks are set, and processes that sleep: sequences only grow, no change id is
used twice, and the last state in the topic is that of the newest reading."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mesh_assets.errors import ConflictError, MeshError, PublishError
from mesh_assets.events.model import ClaimedDocument, claim_check, document_of
from mesh_assets_tests.snapshot.invariants import check_always, check_at_rest
from mesh_assets_tests.snapshot.model import Host, Model, another_store, check_log
from mesh_assets_tests.snapshot.world import (
    CLUSTER_ID,
    LEASE_SECONDS,
    Killed,
    Life,
    World,
)


def _adopted(world: World) -> World:
    """Another store, to which the cluster is handed over."""
    other = another_store(world)
    other.store.adopt(CLUSTER_ID, world.store.store_id(), None, sequence=len(world.log.snapshots))
    return other


def test_a_store_that_knows_nothing_does_not_take_over_what_another_one_publishes() -> None:
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


def test_a_store_to_which_the_cluster_is_handed_over_goes_on_from_the_topic() -> None:
    world = World()
    world.run(("orders", "users"))
    world.run(("orders", "users", "ratings"))
    other = _adopted(world)

    published = other.run(("orders",))

    assert published.document.sequence == 3
    assert not published.baseline
    assert {(change.kind, change.resource) for change in published.changes} == {
        ("deleted", "ratings"),
        ("deleted", "users"),
    }
    assert published.notes == (
        "goes on from snapshot 2, which another store had published; that store may publish it no more",
    )
    assert [event.store_id for event in world.log.snapshots] == [world.store.store_id()] * 2 + [
        other.store.store_id()
    ]
    check_log(world.log)


def test_a_handover_is_from_that_store_alone_and_serves_once() -> None:
    world = World()
    world.run(("orders",))
    second, third = _adopted(world), _adopted(world)
    second.run(("orders", "users"))

    with pytest.raises(ConflictError, match=f"came from store {second.store.store_id()}"):
        third.run(("orders",))
    assert second.store.adoption(CLUSTER_ID) is None
    assert third.store.adoption(CLUSTER_ID) is not None


def test_a_cluster_that_was_given_up_by_a_tombstone_belongs_to_whoever_publishes_it_next() -> None:
    world = World()
    world.run(("orders",))
    world.log.retired = True

    published = another_store(world).run(("users",))

    assert (published.document.sequence, published.baseline) == (2, True)
    assert published.notes == (
        "goes on after the tombstone of snapshot 1, which another store had published",
    )


def test_a_tombstone_gives_a_cluster_up_to_a_store_that_knows_an_older_snapshot_too() -> None:
    world = World()
    world.run(("orders",))
    other = _adopted(world)
    other.run(("orders", "users"))
    world.log.retired = True

    published = world.run(("ratings",))

    assert (published.document.sequence, published.baseline) == (3, True)
    assert world.run(("ratings",)).document.sequence == 4
    check_log(world.log)


def test_a_backup_with_a_record_of_a_run_that_published_again_since_does_not_go_back() -> None:
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


def test_an_emptied_store_goes_on_where_it_was() -> None:
    world = World()
    world.run(("orders",))
    world.run(("orders", "users"))
    store_id = world.store.store_id()
    for key in [key for key in world.objects.data if key != "store.json"]:
        world.objects.delete(key)

    published = world.run(("orders",))

    assert (published.document.sequence, world.store.store_id()) == (3, store_id)
    assert published.notes == (
        "goes on from snapshot 2, which this store had published; this store has lost it, or a copy of this store published it",
    )
    check_log(world.log)


def test_a_store_that_was_restored_from_an_older_backup_goes_on_from_the_topic() -> None:
    world = World()
    world.run(("orders",))
    backup = dict(world.objects.data)
    world.run(("orders", "users"))
    world.objects.data = backup

    published = world.run(("orders", "users"))

    assert (published.document.sequence, published.changes) == (3, ())
    check_log(world.log)


def test_the_store_that_was_taken_over_from_is_refused_until_the_cluster_is_handed_over_to_it() -> None:
    world = World()
    world.run(("orders",))
    other = _adopted(world)
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


def test_what_a_killed_run_left_is_dropped_when_another_store_went_on_meanwhile() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(6, ("orders", "users"))
    other = _adopted(world)
    other.run(("orders", "ratings"))

    writer = world.log.writer
    with pytest.raises(ConflictError, match="another store publishes it"):
        world.run(("orders",))

    assert world.log.writer is writer, "the rightful store goes on undisturbed"
    pending = world.store.pending(CLUSTER_ID)
    assert pending is None or pending[0].record is None
    check_log(world.log)


def _out(world: World) -> list[str]:
    return [change.id for change in world.log.changes]


@pytest.mark.parametrize("takes_over", ["another store", "its own, emptied"])
def test_changes_that_a_killed_run_had_not_published_are_by_whoever_goes_on_from_its_snapshot(
    takes_over: str,
) -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users"))
    assert ([event.change_count for event in world.log.snapshots], _out(world)) == ([0, 1], [])
    if takes_over == "another store":
        successor = _adopted(world)
    else:
        successor = world
        world.objects.data = {"store.json": world.objects.data["store.json"]}

    published = successor.run(("orders", "users"))

    assert (published.document.sequence, published.changes) == (3, ())
    assert _out(world) == ["lkc-1-2-0"]
    assert published.notes[0] == "published the 1 change of snapshot 2, which its run had not"
    check_log(world.log)


def test_a_run_that_is_killed_while_it_publishes_changes_of_another_leaves_that_to_the_next() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users", "ratings"))
    other = _adopted(world)

    effects = 0
    while other.killed_run(effects + 1, ("orders", "users", "ratings")):
        effects += 1
        check_log(world.log)

    assert effects > 5
    assert sorted(set(_out(world))) == ["lkc-1-2-0", "lkc-1-2-1"]


@pytest.mark.parametrize("can_be_read", [True, False])
def test_changes_that_are_out_are_published_again_only_where_their_topic_may_not_be_read(
    can_be_read: bool,
) -> None:
    world = World()
    world.run(("orders",))
    world.run(("orders", "users"))
    world.log.changes_can_be_read = can_be_read

    _adopted(world).run(("orders", "users"))

    assert _out(world) == ["lkc-1-2-0"] * (1 if can_be_read else 2)
    check_log(world.log)


def test_changes_that_cannot_be_published_by_whoever_goes_on_are_told_and_block_nothing() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users"))
    world.log.refused_change = "users"
    refused = _adopted(world).run(("orders", "users"))
    world.log.refused_change = None

    assert refused.notes[0] == (
        "not all changes of snapshot 2 (1) are in Kafka, nor will be: the change of users is too large"
    )


def test_changes_that_a_snapshot_does_not_carry_are_told() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users"))
    world.log.carried.clear()

    published = _adopted(world).run(("orders", "users"))

    assert published.notes[0] == (
        "whether all changes of snapshot 2 (1) are in Kafka is not known: it carries none"
    )


def test_a_store_that_took_the_cluster_back_drops_what_a_killed_run_had_left() -> None:
    world = World()
    world.run(("orders",))
    assert world.killed_run(7, ("orders", "users"))
    other = _adopted(world)
    other.run(("orders", "users"))
    latest = world.store.latest(CLUSTER_ID)
    assert latest is not None
    world.store.adopt(CLUSTER_ID, other.store.store_id(), latest[1], sequence=3)

    published = world.run(("orders", "users"))

    assert published.notes[0] == "what run run-2 had left of snapshot 2 is dropped: the topic is at 3"
    check_log(world.log)


def test_a_claim_check_of_another_store_is_gone_on_after_without_comparing() -> None:
    world = World()
    published = world.run(("orders",))
    [event] = world.log.snapshots
    stored = published.pointer.document
    claimed = ClaimedDocument(uri="s3://theirs/1.json", sha256=stored.sha256, bytes=stored.bytes)
    world.log.entries[:] = [claim_check(event, claimed)]

    after = _adopted(world).run(("users",))

    assert (after.document.sequence, after.baseline, after.changes) == (2, True, ())
    assert "its state is at s3://theirs/1.json and not compared with" in after.notes[0]


def test_a_topic_that_lost_its_snapshots_changes_nothing_for_the_store() -> None:
    world = World()
    world.run(("orders",))
    world.log.entries.clear()

    published = world.run(("orders", "users"))

    assert published.document.sequence == 2
    assert [change.resource for change in published.changes] == ["users"]


@pytest.mark.parametrize("effect", range(1, 12))
def test_a_run_that_slept_at_any_point_while_another_published_sends_nothing_more(effect: int) -> None:
    world = World()
    world.run(("orders", "users"))

    def sleep_on() -> None:
        world.clock.sleep(LEASE_SECONDS)  # the other one need not wait so long to see no sign of life
        world.run(("users",), wait_seconds=LEASE_SECONDS + 1)

    with suppress(MeshError):
        world.run(("orders", "pageviews"), life=Life(effect, sleep_on))
    check_always(world)
    check_log(world.log)
    world.run(("orders",))
    check_at_rest(world)


def test_a_run_that_another_store_shut_out_while_it_slept_sends_nothing_more() -> None:
    world = World()
    world.run(("orders",))
    other = _adopted(world)

    def overtake() -> None:
        other.run(("ratings",))

    with pytest.raises((ConflictError, PublishError)):
        world.run(("orders", "users"), life=Life(6, overtake))

    assert [event.run_id for event in world.log.snapshots] == ["run-1", "other-1"]
    assert document_of(world.log.snapshots[-1]).topics[0].name == "ratings"
    check_log(world.log)


_STEPS = st.tuples(
    st.integers(0, 1),  # the store
    st.integers(0, 1),  # the host
    st.sets(st.sampled_from(["orders", "users", "ratings"]), min_size=1),  # what there is by then
    st.none() | st.integers(1, 14),  # something happens just before this effect
    st.sampled_from(
        [
            "dies",
            "sleeps while the other host goes on",
            "is overtaken by the other store",
            "its store is emptied",
            "its clock is set",
            "a sensor notices something",
            "its store is handed the cluster",
            "its store is restored from a backup and goes on",
        ]
    ),
    st.integers(-5, 5),  # by how many hours clocks are set
)


_AFTER_ONE_RUN = (0, 0, {"orders"}, None, "dies", 0)


@example(
    [
        _AFTER_ONE_RUN,
        (1, 0, {"orders"}, 1, "its store is handed the cluster", 0),
        (1, 0, {"users"}, 8, "is overtaken by the other store", 0),  # leaves a record
        (1, 0, {"orders"}, 4, "its store is handed the cluster", 0),  # before it finds that
    ]
)
# Between its snapshot and its changes.
@example([_AFTER_ONE_RUN, (0, 0, {"orders", "users"}, 9, "is overtaken by the other store", 0)])
# The one that is refused: a store that knows nothing, then one that knows an older snapshot.
@example(
    [
        _AFTER_ONE_RUN,
        (1, 0, {"orders"}, None, "dies", 0),
        (1, 0, {"orders"}, 1, "its store is handed the cluster", 0),
        (0, 0, {"users"}, None, "dies", 0),
    ]
)
# Between its look and its fence.
@example([_AFTER_ONE_RUN, (0, 0, {"users"}, 4, "is overtaken by the other store", 0)])
# It began to read, then its store lost all that it could be compared with, and went on.
@example([_AFTER_ONE_RUN, _AFTER_ONE_RUN, (0, 0, {"orders"}, 2, "its store is emptied", 1)])
@example([_AFTER_ONE_RUN] * 3 + [(0, 0, {"orders"}, 2, "its store is restored from a backup and goes on", 0)])
@settings(deadline=None)
@given(st.lists(_STEPS, min_size=1, max_size=8))
def test_whatever_stores_hosts_clocks_and_runs_do_the_topic_tells_one_story(
    steps: list[tuple[int, int, set[str], int | None, str, int]],
) -> None:
    model = Model()

    def quietly(run: Callable[[], object]) -> None:
        with suppress(MeshError, Killed):
            run()

    for which, on, topics, effect, what, hours in steps:
        host, other_host = model.hosts[on], model.hosts[1 - on]
        model.topics = set(topics)

        def meanwhile(
            which: int = which,
            host: Host = host,
            other: Host = other_host,
            what: str = what,
            hours: int = hours,
        ) -> None:
            match what:
                case "sleeps while the other host goes on":
                    host.real.sleep(LEASE_SECONDS)
                    model.topics = {"users"}
                    quietly(lambda: model.discover(which, other))
                case "is overtaken by the other store":
                    model.topics = {"ratings"}
                    model.hand_over(1 - which)
                    quietly(lambda: model.discover(1 - which, other))
                case "its store is emptied":
                    model.empty(which)
                    if hours > 0:
                        quietly(lambda: model.discover(which, other))
                case "its clock is set":
                    host.ahead += timedelta(hours=hours)
                case "a sensor notices something":
                    model.notice(which, other)
                case "its store is handed the cluster":
                    model.hand_over(which)
                case "its store is restored from a backup and goes on":
                    model.restore(which)
                    model.topics = {"users"}
                    for _ in range(2):
                        quietly(lambda: model.discover(which, other))

        life = Life(effect, None if what == "dies" else meanwhile)
        quietly(partial(model.discover, which, host, life))
        model.check()


@pytest.mark.parametrize("effect", range(1, 12))
@pytest.mark.parametrize("hours", [-3, 0, 3])
def test_a_run_that_slept_anywhere_never_puts_its_older_reading_over_a_newer_one(
    effect: int, hours: int
) -> None:
    model = Model()
    model.topics = {"orders"}
    model.discover(0, model.hosts[0])
    model.hosts[1].ahead = timedelta(hours=hours)
    model.topics = {"orders", "ratings"}
    went_on: list[bool] = []

    def goes_on() -> None:
        went_on.append(True)
        model.hosts[0].real.sleep(LEASE_SECONDS)
        model.topics = {"users"}
        model.discover(0, model.hosts[1])

    with suppress(MeshError):
        model.discover(0, model.hosts[0], Life(effect, goes_on))

    model.check()
    assert went_on
    assert [topic.name for topic in document_of(model.log.snapshots[-1]).topics] == ["users"]
