"""Lambda's filter patterns, as far as the stand-in has them."""

import json
from typing import Any

import pytest

from mesh_assets.sandbox.kafka_mappings.batches import checked, passes

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
def test_a_pattern_passes_what_it_describes(pattern: Any, expected: bool) -> None:
    assert passes([{"Pattern": json.dumps(pattern)}], RECORD) is expected


def test_any_of_several_suffices_and_none_passes_everything() -> None:
    assert passes([{"Pattern": '{"key": ["x"]}'}, {"Pattern": '{"key": ["k"]}'}], RECORD)
    assert passes([], RECORD)


def test_fields_are_not_found_in_text_that_is_not_json() -> None:
    assert not passes([{"Pattern": '{"value": {"kind": ["Paid"]}}'}], {"value": "plain"})
    assert passes([{"Pattern": '{"value": ["plain"]}'}], {"value": "plain"})


MALFORMED = [
    "[1]",
    "{}",
    '{"value": {}}',
    '{"value": {"kind": "Paid"}}',
    '{"value": {"kind": []}}',
    '{"value": {"kind": [["Paid"]]}}',
    '{"value": {"kind": [{}]}}',
    '{"value": {"kind": [{"likes": 1}]}}',
    '{"value": {"kind": [{"prefix": "a", "suffix": "b"}]}}',
    '{"value": {"kind": [{"prefix": 1}]}}',
    '{"value": {"kind": [{"exists": "true"}]}}',
    '{"value": {"kind": [{"anything-but": []}]}}',
    '{"value": {"kind": [{"anything-but": ["a", 1]}]}}',
    '{"value": {"kind": [{"anything-but": {"exists": true}}]}}',
    '{"value": {"total": [{"numeric": 5}]}}',
    '{"value": {"total": [{"numeric": [">"]}]}}',
    '{"value": {"total": [{"numeric": ["=", "5"]}]}}',
    '{"value": {"total": [{"numeric": [">", 5, "<", 1]}]}}',
    '{"value": {"total": [{"numeric": ["<", 5, ">", 1]}]}}',
    '{"$or": [{"value": ["a"]}]}',
    '{"$or": [1, 2]}',
    "[" * 4_000,
]


@pytest.mark.parametrize("pattern", MALFORMED)
def test_an_invalid_pattern_is_refused_in_lambdas_words(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^Invalid filter pattern definition\.$"):
        checked([{"Pattern": pattern}])


def test_a_valid_pattern_is_accepted() -> None:
    for pattern, _ in PASSES:
        checked([{"Pattern": json.dumps(pattern)}])


def test_an_account_has_at_most_ten_filters() -> None:
    one = {"Pattern": '{"value": ["a"]}'}
    checked([one] * 10)
    with pytest.raises(ValueError, match="exceeds the limit of 10"):
        checked([one] * 11)
