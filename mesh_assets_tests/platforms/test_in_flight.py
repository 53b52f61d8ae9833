"""Many at once: in order, bounded, and all or nothing."""

import threading
import time

import pytest

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.in_flight import in_flight


def test_results_come_in_the_order_of_the_items() -> None:
    assert in_flight(lambda n: n * n, range(100), workers=8, within_seconds=10, what="squares") == [
        n * n for n in range(100)
    ]


def test_no_items_give_no_results() -> None:
    assert in_flight(str, [], workers=8, within_seconds=10, what="nothing") == []


def test_at_most_the_allowed_number_run_at_once() -> None:
    lock = threading.Lock()
    together = threading.Barrier(4)
    running = peak = 0

    def work(_: int) -> None:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        together.wait(timeout=10)  # passes only when four are under way at the same time
        with lock:
            running -= 1

    in_flight(work, range(40), workers=4, within_seconds=10, what="work")
    assert peak == 4


@pytest.mark.slow
def test_the_first_failure_is_raised_and_the_rest_never_starts() -> None:
    begun: list[int] = []

    def work(n: int) -> None:
        begun.append(n)
        if n == 1:
            raise UnexpectedAnswerError("broken")
        time.sleep(0.01)

    with pytest.raises(UnexpectedAnswerError, match="broken"):
        in_flight(work, range(1_000), workers=1, within_seconds=30, what="work")
    assert len(begun) < 1_000


def test_work_that_takes_too_long_says_how_far_it_got() -> None:
    release = threading.Event()

    def work(n: int) -> None:
        if n == 1:
            release.wait(timeout=0.2)

    with pytest.raises(UnreachableError, match=r"reading subjects took longer than 0\.02 s \(1 of 3 read\)"):
        in_flight(work, range(3), workers=1, within_seconds=0.02, what="reading subjects")
