"""What a list shows no more is deleted only when it is not found by its name either."""

import threading
from collections.abc import Mapping

import pytest

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.inventory.vanished import ASKED_AT_MOST, confirm_gone, one_by_one
from mesh_assets.platforms.presence import Presence


class Source:
    """Says of each name what `answers` has; of the others that they are gone."""

    def __init__(self, answers: Mapping[str, Presence] | None = None) -> None:
        self.asked: list[str] = []
        self._answers = answers or {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> Presence:
        with self._lock:
            self.asked.append(name)
        return self._answers.get(name, "gone")


def confirm(source: Source, *names: str) -> None:
    confirm_gone(
        names, one_by_one(source), noun="connectors", source="Connect at https://x", advice="grant Operator"
    )


def test_nothing_vanished_asks_nothing() -> None:
    source = Source()
    confirm(source)
    assert source.asked == []


def test_what_is_not_found_by_its_name_is_gone() -> None:
    source = Source()
    confirm(source, "b", "a")
    assert sorted(source.asked) == ["a", "b"]


def test_one_that_is_still_there_makes_the_list_a_filtered_one() -> None:
    with pytest.raises(UnexpectedAnswerError) as caught:
        confirm(Source({"b": "here"}), "a", "b", "c")
    assert str(caught.value) == (
        "Connect at https://x lists 3 connectors no more, yet b is still there when asked for by name: the list is filtered by missing "
        "rights or not whole, so nothing is taken for deleted; grant Operator"
    )


def test_one_of_which_nothing_is_told_is_not_taken_for_deleted() -> None:
    with pytest.raises(
        UnexpectedAnswerError, match="yet refuses to say whether a, b are still there: the list is filtered"
    ):
        confirm(Source({"a": "refused", "b": "refused"}), "a", "b")


def test_of_many_a_bounded_number_is_asked_spread_over_their_names() -> None:
    source = Source()
    confirm(source, *(f"team-{team}-{number}" for team in "abcde" for number in range(100)))
    assert len(source.asked) == ASKED_AT_MOST
    assert {name[:6] for name in source.asked} == {f"team-{team}" for team in "abcde"}


def test_a_source_that_cannot_be_asked_leaves_the_question_open() -> None:
    def away(_: str) -> Presence:
        raise UnreachableError("it is away")

    with pytest.raises(UnreachableError, match="it is away"):
        confirm_gone(["a"], one_by_one(away), noun="subjects", source="s", advice="")
