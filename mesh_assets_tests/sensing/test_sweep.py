import threading
import time
from collections.abc import Callable

import pytest

from mesh_assets.errors import UnreachableError
from mesh_assets.sensing.sweep import SweepLimits, sweep

LIMITS = SweepLimits(at_once=4, cluster_seconds=0.2, tick_seconds=0.6)


def test_an_exception_of_one_cluster_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def visit(name: str) -> str:
        if name == "b":
            raise UnreachableError("nobody answers")
        if name == "c":
            raise KeyError("a mistake")
        return name.upper()

    swept = sweep(["a", "b", "c", "d"], visit, limits=LIMITS)

    assert swept.seen == {"a": "A", "d": "D"}
    assert swept.failed == {"b": "nobody answers", "c": "KeyError: 'a mistake'"}
    assert [record.message for record in caplog.records] == ["c: visiting the cluster failed"]


def test_clusters_that_hang_give_way_to_others(hangs: Callable[[], None]) -> None:
    names = [f"hangs-{number}" for number in range(4)] + ["healthy"]

    swept = sweep(names, lambda name: hangs() if name.startswith("hangs") else None, limits=LIMITS)

    assert list(swept.seen) == ["healthy"]
    assert sorted(swept.hung) == names[:4]
    assert swept.unreached == []


def test_those_known_to_be_slow_take_no_place_from_others_and_do_not_wait_for_them() -> None:
    order: list[str] = []
    together = threading.Barrier(2 * LIMITS.at_once)

    def visit(name: str) -> None:
        order.append(name)
        together.wait(5)  # breaks unless as many of each kind are under way at once

    slow = [f"slow-{number}" for number in range(4)]
    healthy = [f"healthy-{number}" for number in range(4)]
    limits = SweepLimits(at_once=4, cluster_seconds=10.0, tick_seconds=20.0)

    swept = sweep([*healthy, *slow], visit, limits=limits, slow=slow)

    assert swept.seen.keys() == {*healthy, *slow}
    assert (swept.failed, swept.hung, swept.unreached) == ({}, [], [])
    assert sorted(order) == sorted([*healthy, *slow])


def test_no_more_of_the_slow_ones_are_visited_at_once_than_of_the_others() -> None:
    under_way, most = 0, 0
    lock = threading.Lock()

    def visit(_: str) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.01)
        with lock:
            under_way -= 1

    names = [f"slow-{number:02}" for number in range(20)]

    swept = sweep(names, visit, limits=SweepLimits(at_once=4), slow=names)

    assert (len(swept.seen), most) == (20, 4)


def test_a_tick_ends_in_time_and_names_what_it_did_not_reach(hangs: Callable[[], None]) -> None:
    names = [f"hangs-{number:02}" for number in range(20)]
    start = time.monotonic()

    swept = sweep(names, lambda _: hangs(), limits=LIMITS)

    assert time.monotonic() - start < 0.8
    assert sorted(swept.hung + swept.unreached) == names
    assert swept.unreached[-1] == "hangs-19"


def test_a_slow_cluster_is_named_whether_it_answered_failed_or_was_cut_short() -> None:
    limits = SweepLimits(at_once=4, cluster_seconds=2.0, tick_seconds=0.4, slow_seconds=0.1)

    def visit(name: str) -> str:
        time.sleep(0.0 if name == "quick" else 0.2 if name == "slow" else 0.6)
        if name == "quick":
            raise UnreachableError("nobody answers")
        return name

    swept = sweep(["slow", "quick", "cut short"], visit, limits=limits)

    assert (list(swept.seen), list(swept.failed)) == (["slow"], ["quick"])
    assert (swept.unreached, swept.slow) == (["cut short"], ["slow", "cut short"])
