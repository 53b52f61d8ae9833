"""What a sample says about a rule: passed, failed, or unknown."""

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.expectations.judging import Rule, judge
from mesh_assets.expectations.records import FailingRecords
from mesh_assets_tests.expectations.frames import NOW, frame, result, rule

NULLS = {"metric": "nullValues", "property": "id"}


def test_a_failing_rule_names_partitions_and_offsets() -> None:
    found = result(frame(id=[1, None, 3, None, None]), **NULLS, mustBe=0)
    assert (found.status, found.measured, found.failing, found.sampled) == ("failed", 3, 3, 5)
    assert found.places == (
        FailingRecords(partition=0, records=1, offsets=(102,)),
        FailingRecords(partition=1, records=2, offsets=(100, 101)),
    )
    assert found.sentence == (
        "orders: nullValues of id are 3 rows; expected exactly 0 rows. In partition 0 at offset 102; partition 1 at offsets "
        "100, 101"
    )


def test_of_many_failing_records_the_first_ten_offsets_of_each_partition_are_named() -> None:
    found = result(frame(partitions=60, id=[None] * 6_000), **NULLS, mustBe=0)
    assert len(found.places) == 50
    assert all(one.records == 100 and len(one.offsets) == 10 for one in found.places)
    assert found.failing == 6_000


def test_a_passing_rule_names_no_records() -> None:
    found = result(frame(id=[1, None, 3]), **NULLS, unit="percent", mustBeLessThan=50)
    assert (found.status, found.places) == ("passed", ())
    assert found.measured == pytest.approx(100 / 3)


@pytest.mark.parametrize(
    ("operator", "status"),
    [
        ({"mustBe": 1}, "unknown"),
        ({"mustBe": 3}, "failed"),
        ({"mustNotBe": 3}, "passed"),
        ({"mustBeLessThan": 3}, "passed"),
        ({"mustBeLessThan": 2}, "unknown"),
        ({"mustBeLessThan": 1}, "failed"),
        ({"mustBeLessOrEqualTo": 1}, "unknown"),
        ({"mustBeGreaterThan": 0}, "passed"),
        ({"mustBeGreaterOrEqualTo": 3}, "failed"),
        ({"mustBeBetween": [1, 2]}, "passed"),
        ({"mustNotBeBetween": [0, 5]}, "failed"),
    ],
)
def test_undecodable_records_count_both_ways(operator: dict[str, Any], status: str) -> None:
    """One certain null, and one record that may have another."""
    found = result(frame(undecodable=(2,), id=[1, None, None, 4]), **NULLS, **operator)
    assert (found.measured, found.measured_most, found.undecodable) == (1, 2, 1)
    assert found.status == status
    if status == "unknown":
        assert "1 record could not be decoded" in found.sentence


def test_nothing_is_known_from_an_empty_or_wholly_undecodable_sample() -> None:
    for sample, why in (
        (frame(id=[1]).head(0), "no record was sampled"),
        (frame(undecodable=(0, 1), id=[None, None]), "none of the sampled records could be decoded"),
        (frame(id=[None]).assign(__tombstone=True), "all are tombstones"),
    ):
        found = result(sample, **NULLS, mustBe=0)
        assert (found.status, found.measured) == ("unknown", None)
        assert why in found.sentence


def test_a_field_missing_from_every_record_is_unknown_and_not_passed() -> None:
    sample = frame(id=[1], address__city=["x"])
    for path, why in (
        ("idd", "no sampled record has a field idd"),
        ("address", "address is a record; name a field of it, such as address.city"),
        ("items[].sku", "within an array"),
        ("__partition", "no sampled record has a field"),
    ):
        found = result(sample, metric="nullValues", property=path, mustBe=0)
        assert found.status == "unknown"
        assert why in found.sentence


def test_missing_values_include_null_only_where_it_is_listed() -> None:
    sample = frame(id=["", "N/A", None, "x"])
    listed = {"metric": "missingValues", "property": "id"}
    assert result(sample, **listed, arguments={"missingValues": ["", "N/A"]}, mustBe=2).status == "passed"
    assert result(sample, **listed, arguments={"missingValues": [None, ""]}, mustBe=2).status == "passed"


@pytest.mark.parametrize(
    ("arguments", "values", "invalid"),
    [
        ({"validValues": ["kg", "lb"]}, ["kg", "lb", "KG", None], 1),
        ({"validValues": [1, 2]}, [1, 2.0, 3, True, "1"], 3),
        ({"validValues": [True]}, [True, False, 1], 2),
        ({"minimum": 0, "maximum": 10}, [0, 10, 10.5, -1, None], 2),
        ({"minimum": 0}, [Decimal("-0.01"), Decimal(3), "three", True], 3),
        ({"pattern": "^[A-Z]{2}$"}, ["DE", "de", "DEU", None], 2),
        ({"pattern": "b"}, ["abc", b"abc", ["b"], "x"], 3),
        ({"pattern": "^1", "maximum": 15}, [1, 12, 17, 2], 2),
    ],
)
def test_invalid_values_are_those_not_listed_out_of_range_or_unlike_the_pattern(
    arguments: dict[str, Any], values: list[Any], invalid: int
) -> None:
    found = result(frame(x=values), metric="invalidValues", property="x", arguments=arguments, mustBe=0)
    assert found.measured == invalid


def test_values_in_more_than_one_record_are_duplicates_and_all_are_named() -> None:
    found = result(
        frame(partitions=1, id=[1, 1, 1, 2, 2, None, None]), metric="duplicateValues", property="id", mustBe=0
    )
    assert found.measured == 2
    assert found.places == (FailingRecords(partition=0, records=5, offsets=(100, 101, 102, 103, 104)),)


def test_several_properties_are_unique_together() -> None:
    sample = frame(tenant=["a", "a", "b", None], id=[1, 2, 1, 1])
    together = {"metric": "duplicateValues", "arguments": {"properties": ["tenant", "id"]}}
    assert result(sample, **together, mustBe=0).status == "passed"
    assert result(sample, metric="duplicateValues", property="id", mustBe=0).status == "failed"


def test_unhashable_values_are_compared_all_the_same() -> None:
    found = result(frame(x=[[1], [1], {"a": 1}, True, 1]), metric="duplicateValues", property="x", mustBe=0)
    assert found.measured == 1


def test_a_sample_gives_a_lower_bound_for_the_topic() -> None:
    sample = frame(id=[1, 2, 3])
    assert result(sample, metric="rowCount", mustBeGreaterThan=2).status == "passed"
    assert result(sample, metric="rowCount", mustBeGreaterThan=3).status == "unknown"
    assert result(sample, metric="rowCount", mustBeLessThan=3).status == "failed"
    assert result(sample, metric="rowCount", mustBeLessThan=10).status == "unknown"
    assert result(sample, metric="rowCount", mustBeLessThan=10, held=7).status == "passed"
    assert result(sample.head(0), metric="rowCount", mustBeGreaterThan=0, held=0).status == "failed"


def test_freshness_is_the_age_of_the_newest_record() -> None:
    sample = frame(id=[1, 2])
    fresh = {"metric": "freshness", "unit": "min"}
    assert result(sample, **fresh, mustBeLessThan=6).status == "passed"
    stale = result(sample, **fresh, mustBeLessThan=5)
    assert (stale.status, stale.measured) == ("failed", 5)
    assert stale.sentence == "orders: freshness is 5 min; expected less than 5 min"
    assert result(sample, **fresh, mustBeLessThan=5, has_newest=False).status == "unknown"
    without = sample.assign(__timestamp=pd.Series([pd.NaT] * 2))
    assert "no sampled record has a timestamp" in result(without, **fresh, mustBeLessThan=6).sentence


def test_results_name_their_rules_in_order() -> None:
    rules = [
        Rule("z", rule(**NULLS, mustBe=0), "warning", "policy"),
        Rule("a", rule(metric="rowCount", mustBeGreaterThan=0), "error", "orders-contract"),
    ]
    found = judge("orders", frame(id=[1]), rules, cluster="a", now=NOW)
    assert [(one.rule, one.level, one.origin, one.status) for one in found] == [
        ("z", "warning", "policy", "passed"),
        ("a", "error", "orders-contract", "passed"),
    ]


@given(
    st.lists(
        st.one_of(
            st.none(), st.text(max_size=3), st.integers(), st.floats(), st.booleans(), st.binary(max_size=3)
        )
    )
)
def test_no_value_of_a_record_is_in_a_result(values: list[Any]) -> None:
    marked = [f"marker-{one}" if isinstance(one, str) else one for one in [*values, "x"]]
    sample = frame(x=marked)
    for fields in (
        {"metric": "nullValues"},
        {"metric": "invalidValues", "arguments": {"pattern": "^a", "minimum": 1}},
        {"metric": "invalidValues", "arguments": {"validValues": ["b"]}},
        {"metric": "duplicateValues"},
        {"metric": "missingValues", "arguments": {"missingValues": [""]}},
    ):
        found = result(sample, property="x", mustBe=0, **fields)
        assert "marker-" not in repr(found)
        assert found.failing is not None
        assert 0 <= found.failing <= len(marked)
        assert sum(one.records for one in found.places) in (0, found.failing)
