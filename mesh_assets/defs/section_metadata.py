"""What the UI shows, as Dagster's metadata: made from the plain records of `discovering/shown.py`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import dagster as dg

from mesh_assets.discovering.shown import (
    Cell,
    Column,
    Json,
    Markdown,
    Moment,
    Shown,
    ShownCheck,
    Table,
    table,
)

R = TypeVar("R")


def shown_metadata(metadata: Mapping[str, Shown]) -> dict[str, Any]:
    """In the form that a Dagster asset takes."""
    return {name: _value(value) for name, value in metadata.items()}


def table_schema(columns: Iterable[Column]) -> dg.TableSchema:
    return dg.TableSchema(
        [dg.TableColumn(column.name, column.type, description=column.description) for column in columns]
    )


def table_metadata(
    title: str, items: Sequence[R], row: Callable[[R], Mapping[str, Cell]]
) -> dict[str, dg.TableMetadataValue]:
    """One entry with at most 200 rows, under a name that says how many of how many; none without items."""
    return {name: _table(one) for name, one in table(title, items, row).items()}


def check_result(check: ShownCheck) -> dg.AssetCheckResult:
    """For a run; `check_evaluation` is the same without one."""
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(check.key.split("/")),
        check_name=check.name,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=check.description,
        metadata=shown_metadata(check.metadata),
    )


def check_evaluation(check: ShownCheck) -> dg.AssetCheckEvaluation:
    """Without a partition, like those of runs: the checks have none, and Dagster 1.13 keeps a runless evaluation only once
    per partition."""
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(check.key.split("/")),
        check_name=check.name,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=check.description,
        metadata={
            name: dg.MetadataValue.text(value) if isinstance(value, str) else value
            for name, value in shown_metadata(check.metadata).items()
        },
    )


def _value(shown: Shown) -> Any:
    match shown:
        case Table():
            return _table(shown)
        case Moment():
            return dg.MetadataValue.timestamp(shown.at)
        case Markdown():
            return dg.MetadataValue.md(shown.text)
        case Json():
            return dg.MetadataValue.json(shown.value)
        case _:
            return shown


def _table(shown: Table) -> dg.TableMetadataValue:
    rows = [dg.TableRecord(row) for row in shown.rows]
    schema = None if shown.columns is None else table_schema(shown.columns)
    return dg.MetadataValue.table(rows, schema=schema)
