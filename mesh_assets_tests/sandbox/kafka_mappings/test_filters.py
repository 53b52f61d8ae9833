"""Lambda's filter patterns, as far as the stand-in has them."""

import json
from typing import Any

import pytest

from mesh_assets.sandbox.kafka_mappings.batches import passes

RECORD: dict[str, Any] = {
    "topic": "orders",
    "key": "k",
    "value": {"kind": "Paid", "total": 12.5, "items": ["a", "b"], "to": {"zip": "10115"}},
}

PASSES: list[tuple[Any, bool]] = [
    ({"value": {"kind": ["Paid"]}}, True),
    ({"value": {"kind": ["Open"]}}, False),
    ({"value": {"kind": [{"prefix": "Pa"}]}}, True),
    ({"value": {"kind": [{"suffix": "en"}]}}, False),
    ({"value": {"kind": [{"equals-ignore-case": "paid"}]}}, True),
    ({"value": {"kind": [{"anything-but": ["Paid"]}]}}, False),
    ({"value": {"kind": [{"anything-but": {"prefix": "X"}}]}}, True),
    ({"value": {"total": [{"numeric": [">", 12, "<=", 12.5]}]}}, True),
    ({"value": {"total": [{"numeric": ["=", 12]}]}}, False),
    ({"value": {"items": ["b"]}}, True),
    ({"value": {"to": {"zip": ["10115"]}}}, True),
    ({"value": {"gone": [{"exists": False}]}}, True),
    ({"value": {"kind": [{"exists": False}]}}, False),
    ({"value": {"$or": [{"kind": ["Open"]}, {"total": [12.5]}]}}, True),
    ({"value": {"kind": ["Paid"], "total": [1]}}, False),
    ({"key": ["k"]}, True),
]


@pytest.mark.parametrize(("pattern", "expected"), PASSES, ids=[json.dumps(case[0]) for case in PASSES])
def test_a_pattern_lets_through_what_it_says(pattern: Any, expected: bool) -> None:
    assert passes([{"Pattern": json.dumps(pattern)}], RECORD) is expected


def test_any_of_several_suffices_and_none_lets_everything_through() -> None:
    assert passes([{"Pattern": '{"key": ["x"]}'}, {"Pattern": '{"key": ["k"]}'}], RECORD)
    assert passes([], RECORD)


def test_fields_are_not_found_in_what_is_no_json() -> None:
    assert not passes([{"Pattern": '{"value": {"kind": ["Paid"]}}'}], {"value": "plain"})
    assert passes([{"Pattern": '{"value": ["plain"]}'}], {"value": "plain"})


def test_a_word_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="unrecognized match type likes"):
        passes([{"Pattern": '{"key": [{"likes": 1}]}'}], RECORD)
