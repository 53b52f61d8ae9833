"""What a UI shows of a discovery, as plain records: the same values whether Dagster ran it or learns of it later.

`defs/shown.py` turns them into Dagster's metadata.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from mesh_assets.inventory.records import Record

# A table goes into Dagster's event log, which is not a data store: the document has everything.
TABLE_ROWS = 200

Cell = str | int | float | bool | None
R = TypeVar("R")


class Column(Record, frozen=True):
    """A column of a table. `type`: as Dagster's UI names it, such as `string` or `int`."""

    name: str
    type: str
    description: str | None = None


class Table(Record, frozen=True, kw_only=True, tag="table"):
    """`columns` None: derived from the rows."""

    rows: tuple[dict[str, Cell], ...]
    columns: tuple[Column, ...] | None = None


class Moment(Record, frozen=True, tag="moment"):
    at: datetime


class Markdown(Record, frozen=True, tag="markdown"):
    text: str


class Json(Record, frozen=True, tag="json"):
    value: Any


Shown = Cell | Table | Moment | Markdown | Json
"""One metadata entry."""


class ShownAsset(Record, frozen=True, kw_only=True):
    """A materialization. `key`: the asset's, as in `inventory/topics`."""

    key: str
    metadata: dict[str, Shown]


class ShownCheck(Record, frozen=True, kw_only=True):
    """What a check of the asset `key` says. `description`: why it fails."""

    key: str
    name: str
    passed: bool
    description: str | None = None
    metadata: dict[str, Shown] = msgspec.field(default_factory=dict)


def table(
    title: str,
    items: Sequence[R],
    row: Callable[[R], Mapping[str, Cell]],
    *,
    columns: tuple[Column, ...] | None = None,
) -> dict[str, Table]:
    """One entry with at most 200 rows, under a name that says how many of how many; none without items."""
    if not items:
        return {}
    shown = f"first {TABLE_ROWS} of {len(items)}" if len(items) > TABLE_ROWS else "all"
    rows = tuple(dict(row(item)) for item in items[:TABLE_ROWS])
    return {f"{title} ({shown})": Table(rows=rows, columns=columns)}
