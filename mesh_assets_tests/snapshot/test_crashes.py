"""A run can die between any two of its effects, or stall for any time: the topics and the store stay consistent.

Tests with thousands of runs use a store in memory, the others a folder and S3 as well, which `store/test_objects.py` shows to
be equivalent.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh_assets.errors import ConflictError, MeshError
from mesh_assets.store.objects import ObjectStore
from mesh_assets_tests.snapshot.invariants import check_always, check_at_rest
from mesh_assets_tests.snapshot.world import CLUSTER_ID, LEASE_SECONDS, Killed, Life, World
from mesh_assets_tests.store.stores import KINDS, new_objects

pytestmark = pytest.mark.usefixtures("patient")

BEFORE, WHILE, AFTER, LAST = (
    ("orders", "users"),
    ("orders", "pageviews", "ratings"),
    ("users",),
    ("orders", "users"),
)
# More effects than a run has that publishes another's record before its own.
MOST_EFFECTS = 24


NewWorld = Callable[[bool], World]


@pytest.fixture(params=["memory", *KINDS])
def new_world(request: pytest.FixtureRequest, tmp_path: Path) -> NewWorld:
    """Makes a world whose store is of that kind; True: with a snapshot in it."""
    if request.param == "memory":
        return lambda with_history: _world(with_history=with_history)
    objects = new_objects(request, request.param, tmp_path)
    return lambda with_history: _world(with_history=with_history, store=objects())


def _world(*, with_history: bool, store: ObjectStore | None = None) -> World:
    world = World(store=store)
    if with_history:
        world.run(BEFORE)
    return world


def _effects(*, with_history: bool) -> range:
    """The numbers of all effects of a run on such a world: with history, it also publishes changes."""
    effects = _world(with_history=with_history).effects_of_a_run(WHILE)
    assert effects == (11 if with_history else 9)
    return range(1, effects + 1)


@pytest.mark.parametrize("with_history", [False, True])
def test_a_run_killed_at_any_point_is_completed_or_dropped_by_the_next(
    new_world: NewWorld, with_history: bool
) -> None:
    for effect in _effects(with_history=with_history):
        world = new_world(with_history)
        assert world.killed_run(effect, WHILE)
        check_always(world)
        slept = world.clock.slept
        world.run(AFTER)
        check_at_rest(world)
        assert world.clock.slept - slept <= LEASE_SECONDS + 1


@pytest.mark.slow
@pytest.mark.parametrize("with_history", [False, True])
def test_the_run_that_completes_another_can_be_killed_at_any_point_too(with_history: bool) -> None:
    points = 0
    for first in _effects(with_history=with_history):
        for second in range(1, MOST_EFFECTS):
            world = _world(with_history=with_history)
            assert world.killed_run(first, WHILE)
            if not world.killed_run(second, AFTER):
                break
            check_always(world)
            world.run(LAST)
            check_at_rest(world)
            points += 1
    assert points == (150 if with_history else 106)


def test_a_killed_run_whose_snapshot_may_be_out_is_repeated_with_the_same_sequence_and_ids() -> None:
    repeats = set()
    for effect in _effects(with_history=True):
        world = _world(with_history=True)
        assert world.killed_run(effect, WHILE)
        published = world.run(AFTER)
        if published.repeated is not None:
            repeats.add(effect)
            assert (
                published.repeated.run_id,
                published.repeated.sequence,
                published.document.sequence,
            ) == ("run-2", 2, 3)
            assert [event.sequence for event in world.log.snapshots[-2:]] == [2, 3]
        else:
            assert published.document.sequence == 2
    # Lock, draft and document leave nothing to repeat; that begins with the record (5) and ends with the removed lock.
    assert repeats == set(range(6, 12))


def test_what_is_published_and_moved_is_not_published_again() -> None:
    for effect in _effects(with_history=True)[5:]:
        world = _world(with_history=True)
        assert world.killed_run(effect, WHILE)
        latest = world.store.latest(CLUSTER_ID)
        assert latest is not None
        before = list(world.log.entries)
        world.run(AFTER)
        again = [entry for entry in world.log.entries[len(before) :] if entry.sequence == 2]
        assert bool(again) == (latest[0].sequence == 1)


def test_the_same_run_tried_again_continues_at_once() -> None:
    for effect in _effects(with_history=True)[1:]:
        world = _world(with_history=True)
        assert world.killed_run(effect, WHILE)
        world.run(AFTER, run_id="run-2")
        assert world.clock.slept == 0
        check_at_rest(world)


def _stand_still(world: World) -> None:
    """For as long as the lease, while another run begins and ends."""
    world.clock.sleep(LEASE_SECONDS)
    world.run(AFTER)


@pytest.mark.parametrize("with_history", [False, True])
def test_a_run_that_stalls_past_its_lease_disturbs_nothing_when_it_wakes(
    new_world: NewWorld, with_history: bool
) -> None:
    woken = 0
    for effect in range(1, MOST_EFFECTS):
        world = new_world(with_history)
        life = Life(effect, partial(_stand_still, world))
        try:
            world.run(WHILE, life=life)
        except MeshError:
            woken += 1
        check_always(world)
        world.run(LAST)
        check_at_rest(world)
        if life.effects < effect:
            break
    assert woken == (8 if with_history else 5)


def test_of_two_runs_that_find_the_same_expired_lock_only_one_takes_it(new_world: NewWorld) -> None:
    world = new_world(True)
    assert world.killed_run(7, WHILE)

    def another_is_faster() -> None:
        with pytest.raises(Killed):
            world.run(
                AFTER, life=Life(4)
            )  # it holds the lock, then dies: the lock has most of its lease left

    with pytest.raises(ConflictError, match=r"being discovered by run run-4 "):
        world.run(LAST, life=Life(1, another_is_faster), wait_seconds=LEASE_SECONDS)
    check_always(world)
    world.run(LAST)
    check_at_rest(world)


@settings(max_examples=5 * settings().max_examples)
@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from(["orders", "users", "ratings", "shoes"])),
            st.none() | st.integers(1, MOST_EFFECTS),
            st.integers(0, 200),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_whatever_runs_die_when_the_topics_tell_one_story(
    runs: list[tuple[set[str], int | None, int, bool]],
) -> None:
    world = World()
    for topics, dies_at, pause_seconds, brokers_are_down in runs:
        world.clock.sleep(pause_seconds)
        world.log.down = brokers_are_down
        before = world.clock.slept
        with suppress(MeshError, Killed):
            world.run(tuple(topics), life=Life(dies_at))
        assert world.clock.slept - before <= LEASE_SECONDS + 1
        check_always(world)
    world.log.down = False
    world.run(LAST)
    check_at_rest(world)


def test_the_document_of_a_run_killed_before_it_owed_anything_is_removed() -> None:
    world = _world(with_history=True)
    assert world.killed_run(5, WHILE)
    assert len(world.store.list_documents(CLUSTER_ID)) == 2
    published = world.run(AFTER)
    keys = [entry.key for entry in world.store.list_documents(CLUSTER_ID)]
    assert keys[1:] == [published.pointer.document.key]
