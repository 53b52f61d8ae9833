"""Runs that slept while another published, hosts with adjustable clocks, stores that take turns: the topic tells one story."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mesh_assets.errors import ConflictError, MeshError, PublishError
from mesh_assets.events.model import document_of
from mesh_assets_tests.snapshot.invariants import check_always, check_at_rest
from mesh_assets_tests.snapshot.model import Host, Model, adopted, check_log
from mesh_assets_tests.snapshot.world import LEASE_SECONDS, Killed, Life, World


@pytest.mark.parametrize("effect", range(1, 12))
def test_a_run_that_slept_at_any_point_while_another_published_sends_nothing_more(effect: int) -> None:
    world = World()
    world.run(("orders", "users"))

    def sleep_on() -> None:
        world.clock.sleep(LEASE_SECONDS)  # the other one need not wait that long to see no sign of life
        world.run(("users",), wait_seconds=LEASE_SECONDS + 1)

    with suppress(MeshError):
        world.run(("orders", "pageviews"), life=Life(effect, sleep_on))
    check_always(world)
    check_log(world.log)
    world.run(("orders",))
    check_at_rest(world)


def test_a_run_fenced_by_another_store_while_it_slept_sends_nothing_more() -> None:
    world = World()
    world.run(("orders",))
    other = adopted(world)

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
# The refused ones: an empty store, then one that knows an older snapshot.
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
# It began to read, then its store lost everything it could be compared with, and continued.
@example([_AFTER_ONE_RUN, _AFTER_ONE_RUN, (0, 0, {"orders"}, 2, "its store is emptied", 1)])
@example([_AFTER_ONE_RUN] * 3 + [(0, 0, {"orders"}, 2, "its store is restored from a backup and goes on", 0)])
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
