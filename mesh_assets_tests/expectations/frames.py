"""Frames of sampled records, as profiling makes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from mesh_assets.estate.expectations import QualityRule
from mesh_assets.expectations.judging import Rule, judge
from mesh_assets.expectations.records import ExpectationResult

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BEFORE_NOW = timedelta(minutes=5)


def frame(partitions: int = 2, undecodable: tuple[int, ...] = (), **columns: list[Any]) -> pd.DataFrame:
    """A row for each entry of the columns, alternating between partitions; the newest is five minutes old. Rows with those
    numbers could not be decoded."""
    rows = len(next(iter(columns.values())))
    return pd.DataFrame(
        {
            "__partition": [row % partitions for row in range(rows)],
            "__offset": [100 + row // partitions for row in range(rows)],
            "__timestamp": pd.to_datetime(
                [NOW - BEFORE_NOW - timedelta(seconds=row) for row in range(rows)], utc=True
            ),
            "__tombstone": [False] * rows,
            "__undecodable": ["no such schema" if row in undecodable else None for row in range(rows)],
            **{name.replace("__", "."): pd.Series(values, dtype=object) for name, values in columns.items()},
        }
    )


def rule(**fields: Any) -> QualityRule:
    return QualityRule.model_validate(fields)


def result(sample: pd.DataFrame, **fields: Any) -> ExpectationResult:
    """What one rule says about the sample of `orders`."""
    judged = Rule(
        "one",
        rule(**{name: value for name, value in fields.items() if name not in ("held", "has_newest")}),
        "error",
        "policy",
    )
    more = {name: value for name, value in fields.items() if name in ("held", "has_newest")}
    [found] = judge("orders", sample, [judged], cluster="a", now=NOW, **more)
    return found
