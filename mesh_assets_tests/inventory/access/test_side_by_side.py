import threading
from functools import partial

import pytest

from mesh_assets.inventory.access.side_by_side import side_by_side


def test_results_come_in_the_order_of_the_work() -> None:
    work = [partial(int, number) for number in range(100)]
    assert side_by_side(work, workers=4, within_seconds=10) == list(range(100))


def test_no_work_is_no_result() -> None:
    assert side_by_side([], workers=4, within_seconds=10) == []


def test_pieces_are_under_way_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)
    assert sorted(side_by_side([both.wait, both.wait], workers=2, within_seconds=10)) == [0, 1]  # type: ignore[type-var]


def test_what_hangs_is_none_and_holds_up_neither_the_rest_nor_the_caller() -> None:
    forever = threading.Event()
    try:
        assert side_by_side(
            [forever.wait, lambda: True, forever.wait, lambda: True], workers=2, within_seconds=0.2
        ) == [
            None,
            True,
            None,
            None,
        ]
    finally:
        forever.set()


def test_an_exception_is_raised_to_the_caller() -> None:
    def fail() -> int:
        raise ValueError("oops")

    with pytest.raises(ValueError, match="oops"):
        side_by_side([fail, lambda: 1], workers=2, within_seconds=10)
