"""Rounds: each cluster within its interval, whatever a tick has time for and whichever clusters hang."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.sensing.cursor import SensorCursor, decode_cursor, encode_cursor
from mesh_assets.sensing.rounds import moved_on, rests_until, tick_seconds, turn_of
from mesh_assets.sensing.sweep import SWEEP_LIMITS, Swept

INTERVAL = 300
LIMITS = SWEEP_LIMITS


def visits(
    takes: Mapping[str, float], *, ticks: int, interval: int = INTERVAL, late: float = 2.0
) -> tuple[dict[str, list[float]], list[float]]:
    """When each visit to a cluster ended or was abandoned, by its own clock, and how long each tick took. `takes`: the seconds
    of a visit; `late`: how late Dagster's daemon begins a tick."""
    ended: dict[str, list[float]] = defaultdict(list)
    took = []
    cursor, now = SensorCursor(), 1_000_000.0
    for _ in range(ticks):
        began = now
        if rests_until(cursor, now=now, interval_seconds=interval) is None:
            round_began, turn = turn_of(cursor, list(takes), now=now, interval_seconds=interval)
            swept, now = swept_in(takes, turn, now, ended, slow=cursor.hung)
            cursor = decode_cursor(encode_cursor(moved_on(cursor, swept, takes, began=round_began)))
        took.append(now - began)
        now = max(now, began + tick_seconds(interval)) + late
    return ended, took


def swept_in(
    takes: Mapping[str, float],
    turn: list[str],
    now: float,
    ended: dict[str, list[float]],
    *,
    slow: Collection[str],
) -> tuple[Swept[str], float]:
    """Like `sweep`, without threads."""
    at_once, cluster_seconds, seconds = LIMITS.at_once, LIMITS.cluster_seconds, LIMITS.tick_seconds
    swept: Swept[str] = Swept()
    lanes, end = {True: [now] * at_once, False: [now] * at_once}, now
    for name in turn:
        free = lanes[name in slow]
        free.sort()
        begins, lasts = free[0], min(takes[name], cluster_seconds)
        if begins + lasts >= now + seconds:
            swept.unreached.append(name)
            end = now + seconds
            if begins < now + seconds:
                free[0] = now + seconds
                if now + seconds - begins > 5:
                    swept.slow.append(name)
            continue
        free[0] = begins + lasts
        end = max(end, free[0])
        ended[name].append(free[0])
        if takes[name] >= cluster_seconds:
            swept.hung.append(name)
        else:
            swept.seen[name] = name
            if takes[name] > 5:
                swept.slow.append(name)
    return swept, end


def gaps(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(moments)]


def a_fleet(*, hanging: int, slow: int = 0, clusters: int = 300) -> dict[str, float]:
    """Clusters that hang or whose clients time out are mixed among the healthy ones."""
    names = [f"cluster-{number:03}" for number in range(clusters)]
    odd = [name for number, name in enumerate(names) if number % 3 == 0]
    return {
        name: 600.0 if name in odd[:hanging] else 16.0 if name in odd[hanging : hanging + slow] else 0.4
        for name in names
    }


@pytest.mark.parametrize(("hanging", "slow"), [(0, 0), (20, 20), (60, 20)])
def test_of_300_clusters_each_is_visited_in_its_interval_and_no_tick_takes_longer_than_it_may(
    hanging: int, slow: int
) -> None:
    fleet = a_fleet(hanging=hanging, slow=slow)

    ended, took = visits(fleet, ticks=60)

    healthy = {name for name, seconds in fleet.items() if seconds < 1}
    assert ended.keys() == fleet.keys()
    # The first round shows which hang; from then on no healthy cluster waits for them.
    assert max(gap for name in healthy for gap in gaps(ended[name])[1:]) <= INTERVAL + 10
    assert max(gap for name in fleet for gap in gaps(ended[name])[1:]) <= INTERVAL * 1.3
    assert max(took) <= LIMITS.tick_seconds


def test_what_one_tick_has_no_time_for_the_next_one_visits_at_once() -> None:
    fleet = dict.fromkeys((f"cluster-{number:03}" for number in range(300)), 4.0)

    ended, _ = visits(fleet, ticks=4)

    first = [moments[0] for moments in ended.values()]
    assert ended.keys() == fleet.keys()
    assert max(first) - min(first) <= 3 * (LIMITS.tick_seconds + 2)


def test_an_estate_too_large_for_its_interval_is_visited_completely_in_turns() -> None:
    fleet = dict.fromkeys((f"cluster-{number:03}" for number in range(300)), 24.0)

    ended, _ = visits(fleet, ticks=60)

    assert ended.keys() == fleet.keys()
    counts = {len(moments) for moments in ended.values()}
    assert max(counts) - min(counts) <= 2  # of about four rounds: at first it is unknown that all are slow


def test_a_recovered_cluster_counts_as_healthy_again() -> None:
    cursor = moved_on(SensorCursor(), Swept(hung=["a"], seen={"b": ""}), ["a", "b"], began=0.0)
    again = moved_on(cursor, Swept(seen={"a": "", "b": ""}), ["a", "b"], began=300.0)

    assert (cursor.hung, again.hung) == (("a",), ())


def test_a_cluster_that_answers_late_counts_as_one_that_hangs() -> None:
    cursor = moved_on(SensorCursor(), Swept(failed={"a": "timed out"}, slow=["a"]), ["a", "b"], began=0.0)

    assert cursor.hung == ("a",)


def test_between_rounds_there_is_nothing_to_do_and_a_clock_that_was_set_back_delays_nothing() -> None:
    done = moved_on(SensorCursor(), Swept(seen={"a": ""}), ["a"], began=1_000.0)
    left = moved_on(SensorCursor(), Swept(unreached=["a"]), ["a"], began=1_000.0)
    asks = moved_on(SensorCursor(), Swept(seen={"a": ""}), ["a"], began=1_000.0, more=True)

    assert rests_until(done, now=1_100.0, interval_seconds=INTERVAL) == 1_270.0
    assert rests_until(done, now=1_270.0, interval_seconds=INTERVAL) is None
    assert rests_until(done, now=10.0, interval_seconds=INTERVAL) is None
    assert rests_until(left, now=1_100.0, interval_seconds=INTERVAL) is None
    assert rests_until(asks, now=1_100.0, interval_seconds=INTERVAL) is None
    assert turn_of(asks, ["a"], now=1_100.0, interval_seconds=INTERVAL) == (1_000.0, [])
    assert rests_until(SensorCursor(), now=1_100.0, interval_seconds=INTERVAL) is None


def test_new_clusters_join_the_next_round_and_those_that_leave_are_forgotten() -> None:
    cursor = moved_on(SensorCursor(), Swept(unreached=["a", "b"], hung=["c"]), ["b", "d"], began=0.0)

    assert (cursor.unreached, cursor.hung) == (("b",), ())
    assert turn_of(cursor, ["b", "d"], now=30.0, interval_seconds=INTERVAL) == (0.0, ["b"])
    assert turn_of(cursor, ["b", "d"], now=300.0, interval_seconds=INTERVAL) == (300.0, ["b", "d"])


@pytest.mark.parametrize(("interval", "tick"), [(300, 30), (180, 18), (60, 6), (30, 5), (5, 5), (1, 1)])
def test_a_sensor_ticks_about_ten_times_a_round(interval: int, tick: int) -> None:
    assert tick_seconds(interval) == tick


def test_the_cursor_of_300_clusters_that_all_hang_or_wait_stays_below_ten_kilobytes() -> None:
    names = [f"a-cluster-{number:03}" for number in range(300)]

    cursor = moved_on(SensorCursor(), Swept(unreached=names, slow=names), names, began=1_800_000_000.0)

    assert len(encode_cursor(cursor)) < 10_000


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3),
        st.sampled_from([0.1, 3.0, 7.0, 16.0, 600.0]),
        min_size=1,
        max_size=27,
    ),
    st.sampled_from([5, 30, 60, 300]),
)
def test_every_cluster_gets_as_many_visits_as_any_other_whichever_hangs(
    takes: dict[str, float], interval: int
) -> None:
    ended, _ = visits(takes, ticks=80, interval=interval)

    healthy = [len(ended[name]) for name, seconds in takes.items() if seconds < 5]
    others = [len(ended[name]) for name, seconds in takes.items() if seconds >= 5]
    if healthy:
        assert max(healthy) - min(healthy) <= 1
    if others:
        assert min(others) >= 1
