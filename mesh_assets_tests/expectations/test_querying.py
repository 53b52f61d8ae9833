"""SQL over a sample: what it answers, what it may not do, and that it ends."""

import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mesh_assets.expectations.measuring import NotMeasuredError
from mesh_assets.expectations.querying import ask
from mesh_assets_tests.expectations.frames import frame, result

SAMPLE = frame(id=[1, 2, 3, None], address__city=["Bonn", "Bern", "Bonn", None], mixed=["x", 1, 2.5, None])


def test_a_number_is_compared() -> None:
    query = "SELECT count(*) FROM {object} WHERE {property} = 'Bonn'"
    assert result(SAMPLE, query=query, property="address.city", mustBe=2).status == "passed"
    failed = result(SAMPLE, query=query, property="address.city", mustBe=1)
    assert failed.status == "failed"
    assert failed.sentence == "orders: the query about address.city is 2; expected exactly 1"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT max(id) FROM {object}",
        "SELECT max(id) + count(*) * 0 FROM {object}",
        "SELECT n FROM (SELECT max(id) AS n, count(*) AS c FROM {object})",
        "SELECT (SELECT max(id) FROM {object})",
        "SELECT sum(CASE WHEN id = 3 THEN id ELSE 0 END) FROM {object}",
        "SELECT count(*) - 4 FROM {object} WHERE id IS NULL UNION ALL SELECT max(id) FROM {object} LIMIT 1 OFFSET 1",
        "SELECT coalesce(max(id), 0) FROM {object}",
        "SELECT id FROM {object} WHERE id = 3",
        "SELECT count(*) FROM range((SELECT max(id) FROM {object}))",
        "SELECT count(*) FROM (SELECT unnest(range(max(id))) FROM {object})",
        "SELECT count(*) FROM (SELECT id FROM {object} LIMIT (SELECT max(id) FROM {object}))",
        "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < (SELECT max(id) FROM {object}))"
        "SELECT count(*) FROM up",
    ],
)
def test_a_number_that_may_be_a_value_is_compared_and_not_kept(query: str) -> None:
    kept, broken = (result(SAMPLE, query=query, mustBe=expected) for expected in (3, 77))
    assert [(one.status, one.measured, one.measured_most) for one in (kept, broken)] == [
        ("passed", None, None),
        ("failed", None, None),
    ]
    assert broken.sentence == (
        "orders: the query returns another number, which may be a value from a record and is withheld; expected exactly 77"
    )


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT count(DISTINCT id) AS n FROM {object} WHERE id > 1", 2),
        ("SELECT count(*) FILTER (WHERE id > 2) FROM {object}", 1),
        ("SELECT sum(CASE WHEN id > 1 THEN 1 ELSE 0 END) FROM {object}", 2),
        ("SELECT 100.0 * count(*) / (SELECT count(*) FROM {object}) FROM {object} WHERE id IS NULL", 25),
        ("SELECT round(count(id) / nullif(count(*), 0), 2) FROM {object}", 0.75),
        ("SELECT count_if(id = 1) FROM {object}", 1),
        ("WITH few AS (SELECT max(id) AS n FROM {object}) SELECT count(*) FROM few", 1),
    ],
)
def test_a_count_or_a_share_is_kept(query: str, answer: float) -> None:
    found = result(SAMPLE, query=query, mustBe=answer)
    assert (found.status, found.measured) == ("passed", answer)


def test_true_is_compared_with_true() -> None:
    assert result(SAMPLE, query="SELECT max(id) < 4 FROM {object}", mustBe=True).status == "passed"
    failed = result(SAMPLE, query="SELECT max(id) > 4 FROM {object}", mustBe=True)
    assert failed.sentence == "orders: the query is false; expected exactly true"
    assert "compare with mustBe: true" in result(SAMPLE, query="SELECT true", mustBe=1).sentence


def test_records_named_by_a_query_are_counted_and_reported() -> None:
    query = "SELECT __partition, __offset FROM {object} WHERE id >= 2"
    found = result(SAMPLE, query=query, mustBe=0)
    assert (found.status, found.measured, found.failing) == ("failed", 2, 2)
    assert [(one.partition, one.offsets) for one in found.places] == [(0, (101,)), (1, (100,))]


def test_a_record_named_twice_counts_once() -> None:
    query = "SELECT __partition, __offset, __partition FROM {object} WHERE id = 1 UNION ALL SELECT 0, 100, 0"
    found = result(SAMPLE, query=query, mustBe=0)
    assert (found.failing, [(one.partition, one.offsets) for one in found.places]) == (1, [(0, (100,))])


@pytest.mark.parametrize(
    "columns",
    [
        "id AS __partition, id AS __offset FROM sample WHERE id = 3",
        '"address.city" AS __partition, 1 AS __offset FROM sample',
        "__partition, __offset::DOUBLE AS __offset FROM sample",
        "__partition, [id] AS __offset FROM sample",
        "__partition = 0 AS __partition, __offset FROM sample",
        "NULL AS __partition, 1 AS __offset",
    ],
)
def test_values_disguised_as_partitions_and_offsets_are_not_shown(columns: str) -> None:
    found = result(SAMPLE, query=f"SELECT {columns}", mustBe=0)
    assert (found.status, found.places, found.measured) == ("unknown", (), None)
    assert found.sentence == (
        "orders: the query could not be determined: the query names records that are not in the sample; select its __partition and "
        "__offset as they are; expected exactly 0"
    )


def test_undecodable_records_leave_the_answer_of_a_query_unknown() -> None:
    sample = frame(undecodable=(1,), id=[1, None])
    found = result(sample, query="SELECT count(*) FROM {object}", mustBe=1)
    assert (found.status, found.measured_most) == ("unknown", None)
    assert "1 record could not be decoded" in found.sentence


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM read_csv('{file}')",
        "SELECT count(*) FROM '{file}'",
        "SELECT count(*) FROM read_text('/etc/passwd')",
        "SELECT count(*) FROM read_parquet('https://example.com/x.parquet')",
        "SELECT count(*) FROM glob('/*')",
        "SELECT count(*) FROM SAMPLE2",
        "SELECT getenv('HOME')",
    ],
)
def test_a_query_can_read_only_the_sample(query: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    SAMPLE2 = SAMPLE  # noqa: F841, N806 - DuckDB looks for variables of that name, unless it is told not to
    with pytest.raises(NotMeasuredError):
        ask(SAMPLE, query.replace("{file}", str(secret)), None)


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '/tmp/x.db'",
        "COPY sample TO '/tmp/q3.csv'",
    ],
)
def test_statements_other_than_select_open_nothing_either(statement: str) -> None:
    """Policies with such a statement are refused when they are read; here the lock itself is tested."""
    with pytest.raises(NotMeasuredError):
        ask(SAMPLE, statement, None)
    assert not Path("/tmp/q3.csv").exists()


def test_a_query_that_does_not_end_is_stopped() -> None:
    began = time.monotonic()
    with pytest.raises(NotMeasuredError, match="was stopped"):
        ask(
            SAMPLE,
            "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
            None,
            seconds=0.3,
        )
    assert time.monotonic() - began < 10


def test_a_query_that_needs_much_memory_is_stopped() -> None:
    with pytest.raises(NotMeasuredError, match="memory"):
        ask(SAMPLE, "SELECT len(list(range::VARCHAR || repeat('x', 1000))) FROM range(100000000)", None)


def test_duckdbs_message_about_a_value_is_not_shown() -> None:
    with pytest.raises(NotMeasuredError) as told:
        ask(SAMPLE, 'SELECT sum(CAST("address.city" AS INT)) FROM sample', None)
    assert "Bonn" not in str(told.value)
    assert "ConversionException" in str(told.value)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ('SELECT "address.city" FROM sample WHERE id = 1', "returns something else"),
        ("SELECT id FROM sample", "returns 4 rows of 1 columns"),
        ("SELECT NULL", "returns null"),
        ("SELECT 'nan'::DOUBLE", "returns something else"),
        ("SELECT idd FROM sample", 'Binder Error: Referenced column "idd" not found'),
        ("SELECT INTERVAL '99999999' YEAR", "returns something that Python cannot represent"),
    ],
)
def test_an_answer_in_another_form_says_what_was_expected(query: str, why: str) -> None:
    with pytest.raises(NotMeasuredError) as told:
        ask(SAMPLE, query, None)
    assert why in str(told.value)


def test_a_column_of_several_types_becomes_text() -> None:
    assert ask(SAMPLE, "SELECT count(*) FROM sample WHERE mixed IN ('x', '1', '2.5')", None) == 3


def test_records_with_many_levels_or_names_become_text_and_cost_little() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep}
    sample = frame(deep=[deep, {"a": 1}], few=[{"b": 1}, {"c": [2]}], many=[{f"id{n}": n} for n in range(2)])
    sample["many"] = pd.Series([{f"id{n}": n for n in range(300)}, {"id7": [None]}], dtype=object)
    began = time.process_time()
    assert ask(sample, "SELECT count(*) FROM {object} WHERE few.b = 1 OR few.c = [2]", None) == 2
    assert ask(sample, "SELECT count(*) FROM {object} WHERE deep LIKE '{\"a\":%'", None) == 2
    assert ask(sample, "SELECT count(*) FROM {object} WHERE many ->> 'id7' = '7'", None) == 1
    assert time.process_time() - began < 5


def test_a_name_with_quotes_stays_a_name() -> None:
    sample = frame(id=[1]).rename(columns={"id": 'a"b'})
    assert ask(sample, "SELECT count({property}) FROM {object}", 'a"b') == 1


def test_values_that_a_query_turns_into_names_are_not_quoted() -> None:
    query = """WITH wide AS (PIVOT {object} ON "address.city" USING list(id))
        SELECT COLUMNS('B.*').x FROM wide"""
    with pytest.raises(NotMeasuredError) as told:
        ask(SAMPLE, query, None)
    assert "Bonn" not in str(told.value)
    assert "Bern" not in str(told.value)
    assert "BinderException, whose message is not shown" in str(told.value)
