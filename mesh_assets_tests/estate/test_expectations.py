"""Expectations are checked when the file is read: one sentence, with the line."""

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.estate.expectations import Expectation
from mesh_assets.estate.file import parse_estate

BEGIN = """\
clusters:
  a:
    kafka: {bootstrap_servers: "localhost:9092"}
policy:
  expectations:
"""


def read(*entries: str) -> tuple[Expectation, ...]:
    text = BEGIN + "".join(
        f"    - {{name: {name}, {entry}}}\n" for name, entry in zip("xyz", entries, strict=False)
    )
    return parse_estate(text, source="estate.yaml").policy.expectations


def test_every_metric_and_a_query_can_be_written() -> None:
    texts = (
        "metric: nullValues, property: id, mustBe: 0",
        "metric: missingValues, property: id, arguments: {missingValues: [null, '', 0]}, mustBeLessThan: 5, unit: percent",
        "metric: invalidValues, property: a.b, arguments: {validValues: [EUR]}, mustBe: 0",
        "metric: invalidValues, property: a.b, arguments: {pattern: '^[A-Z]+$', minimum: 1, maximum: 1.5}, mustBe: 0",
        "metric: duplicateValues, property: id, mustBe: 0",
        "metric: duplicateValues, arguments: {properties: [a, b]}, mustBe: 0",
        "metric: rowCount, mustBeBetween: [1, 100]",
        "metric: freshness, unit: h, mustBeLessOrEqualTo: 1",
        "query: 'SELECT count({property}) FROM {object}', property: id, mustBeGreaterThan: 1",
        "type: sql, query: 'WITH a AS (SELECT 1) SELECT true FROM a', mustBe: true",
    )
    operators = [read(text)[0].operator for text in texts]
    assert operators[1] == ("must_be_less_than", 5)
    assert operators[6] == ("must_be_between", (1, 100))
    assert operators[9] == ("must_be", True)
    assert read(texts[8])[0].type == "sql"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("metric: nullValues, mustBe: 0", "metric nullValues needs a property"),
        ("metric: nullValues, property: id", "found none"),
        ("metric: nullValues, property: id, mustBe: 0, mustNotBe: 1", "found mustBe and mustNotBe"),
        ("metric: nullValues, property: id, mustbe: 0", "mustbe: is not a field here"),
        ("metric: nulls, property: id, mustBe: 0", "metric: Input should be 'nullValues'"),
        ("metric: nullValues, property: id, mustBe: true", "only queries return true or false"),
        ("metric: nullValues, property: id, mustBe: '0'", "mustBe"),
        ("metric: nullValues, property: id, mustBe: .nan", "mustBe"),
        ("metric: nullValues, property: id, mustBe: 0, unit: h", "unit h does not apply to nullValues"),
        ("metric: rowCount, mustBe: 0, unit: percent", "unit percent does not apply to rowCount"),
        ("metric: rowCount, property: id, mustBe: 0", "leave property out"),
        ("metric: rowCount, mustBeBetween: [2, 1]", "2 is above 1"),
        ("metric: freshness, mustBe: 0", "needs a unit: s, min, h or d"),
        ("metric: duplicateValues, mustBe: 0", "needs a property, or arguments.properties"),
        ("metric: missingValues, property: id, mustBe: 0", "needs arguments.missingValues"),
        ("metric: invalidValues, property: id, mustBe: 0", "needs arguments: validValues, pattern"),
        (
            "metric: invalidValues, property: id, mustBe: 0, arguments: {pattern: '('}",
            "not a regular expression",
        ),
        (
            "metric: invalidValues, property: id, mustBe: 0, arguments: {pattern: '(?!a)b'}",
            "which RE2 does not support",
        ),
        (
            "metric: invalidValues, property: id, mustBe: 0, arguments: {pattern: '(a)\\1'}",
            "which RE2 does not support",
        ),
        (
            "metric: invalidValues, property: id, mustBe: 0, arguments: {minimum: 2, maximum: 1}",
            "minimum 2 is above",
        ),
        ("mustBe: 0", "expected a metric, or type: sql with a query"),
        ("metric: rowCount, query: SELECT 1, mustBe: 0", "expected a metric, or type: sql"),
        ("type: sql, mustBe: 0", "has a query and no metric"),
        ("query: 'SELECT 1; SELECT 2', mustBe: 0", "query holds 2 statements"),
        ("query: 'SELECT FROM WHERE (', mustBe: 0", "query cannot be parsed at line 1, column 17"),
        ("query: 'COPY x TO y', mustBe: 0", "expected one SELECT"),
        ("query: 'SELECT {property}', mustBe: 0", "the rule names no property"),
        ("query: 'SELECT 1', mustBe: 0, unit: percent", "unit percent does not apply to a query"),
    ],
)
def test_a_fault_is_one_line_with_its_place(entry: str, problem: str) -> None:
    with pytest.raises(EstateError) as told:
        read(entry)
    [line] = str(told.value).splitlines()[:1]
    assert line.startswith("estate.yaml:6: policy.expectations.0")
    assert problem in line


def test_a_digit_after_an_escaped_backslash_is_not_a_reference() -> None:
    assert read(r"metric: invalidValues, property: id, mustBe: 0, arguments: {pattern: '\\1'}")


def test_two_expectations_with_one_name_are_refused() -> None:
    entry = "metric: rowCount, mustBe: 0"
    text = BEGIN + f"    - {{name: x, {entry}}}\n    - {{name: x, {entry}}}\n"
    with pytest.raises(EstateError, match="has two expectations called 'x'"):
        parse_estate(text, source="estate.yaml")


def test_an_expectation_applies_to_the_topics_and_clusters_it_selects() -> None:
    [one] = read(
        "metric: rowCount, mustBe: 0, topics: {include: ['orders*'], exclude: [orders-tmp]}, clusters: {include: [a]}"
    )
    assert one.selects("a", "orders-v2")
    assert not one.selects("a", "orders-tmp")
    assert not one.selects("b", "orders")
