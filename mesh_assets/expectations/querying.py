"""SQL over a sample, with DuckDB: in memory, cut off from files, network, extensions and Python, bounded in time and memory.

The estate's people write policies, but anybody may write records: what DuckDB says about values stays here.
"""

import math
import threading
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from mesh_assets.expectations.measuring import OFFSET, PARTITION, NotMeasuredError
from mesh_assets.importing import importing

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

SECONDS = 10.0
"""How long one query may take."""
_MEMORY = "256MB"
_ROWS = 100_000
"""The most records that a query may name; a sample has fewer."""
_TABLE = "sample"
_NESTED = (dict, list, tuple)
_MOST_PLACES, _MOST_LEVELS = 200, 20
"""The most names or levels of records in a column before it becomes text: for five records, 240 levels took DuckDB 110 MB,
900 took 2.8 GB."""


def ask(
    frame: "pd.DataFrame", query: str, path: str | None, *, seconds: float = SECONDS
) -> "float | bool | pd.DataFrame":
    """The query's result over `frame`: a number, true or false, or the records that it names, as rows of `__partition` and
    `__offset`. Raises NotMeasuredError, which quotes no value."""
    with importing:
        import duckdb

    text = query.replace("{object}", _TABLE)
    if path is not None:
        text = text.replace("{property}", f'"{path.replace(chr(34), chr(34) * 2)}"')
    connection = duckdb.connect(":memory:")
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    wrong = None
    table = _table(frame)
    try:
        timer.start()
        connection.register("__given", table)
        connection.execute(f"CREATE TABLE {_TABLE} AS SELECT * FROM __given LIMIT 0")
        _lock(connection)
        wrong = _wrong_by_itself(connection, text)
        connection.execute(f"INSERT INTO {_TABLE} SELECT * FROM __given")
        connection.unregister("__given")
        connection.execute(text)
        names = [column[0] for column in connection.description or ()]
        rows = _fetched(connection)
    except duckdb.InterruptException as error:
        raise NotMeasuredError(f"the query took longer than {seconds:g} s and was stopped") from error
    except duckdb.OutOfMemoryException as error:
        raise NotMeasuredError(f"the query needs more than {_MEMORY} of memory") from error
    except duckdb.PermissionException as error:
        raise NotMeasuredError(
            "the query uses files, the network, extensions or settings; it may only read the sample"
        ) from error
    except duckdb.Error as error:
        unsure = f"{type(error).__name__}, whose message is not shown, since it may quote records"
        why = wrong if wrong == _first_line(error) else unsure
        raise NotMeasuredError(f"DuckDB cannot run the query: {why}") from None
    finally:
        timer.cancel()
        connection.close()
    return _answer(frame, names, rows)


def _lock(connection: "duckdb.DuckDBPyConnection") -> None:
    """No query can undo any of it: the configuration is locked last."""
    for setting in (
        "python_enable_replacements = false",
        "threads = 1",
        f"memory_limit = '{_MEMORY}'",
        "max_temp_directory_size = '0KB'",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")


def _wrong_by_itself(connection: "duckdb.DuckDBPyConnection", query: str) -> str | None:
    """What DuckDB says about the query while there is no record that it could quote; None: nothing is wrong with it."""
    with importing:
        import duckdb

    try:
        connection.execute(f"EXPLAIN {query}")
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        return _first_line(error)
    return None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "").rstrip(".")


def _fetched(connection: "duckdb.DuckDBPyConnection") -> list[tuple[Any, ...]]:
    try:
        return connection.fetchmany(_ROWS)
    except (OverflowError, ValueError):  # from its binding, for intervals and times in other millennia
        raise NotMeasuredError("the query returns something that Python cannot represent") from None


def _table(frame: "pd.DataFrame") -> "pa.Table":
    """The frame in Arrow's form. A column of several types (numbers and text) becomes text, since SQL has one type per column. So
    does, as JSON, a column of records with many names or levels: each would be part of its type, for every row."""
    with importing:
        import pyarrow as pa

    columns = {}
    for name in frame.columns:
        series = frame[name]
        column = None
        if series.dtype != object or not _has_many_places(series):
            # Arrow refuses mixed types.
            with suppress(pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
                column = pa.Array.from_pandas(series)
        if column is None:
            null = series.isna()
            texts = [None if gone else _text(value) for value, gone in zip(series, null, strict=True)]
            column = pa.array(texts, type=pa.string())
        columns[str(name)] = column.cast(pa.string()) if pa.types.is_null(column.type) else column
    return pa.table(columns)


def _has_many_places(values: "pd.Series[Any]") -> bool:
    """Whether the values have more names and levels than a type should have."""
    places: set[tuple[str, ...]] = set()
    for value in values:
        waiting: list[tuple[tuple[str, ...], Any]] = [((), value)] if isinstance(value, _NESTED) else []
        while waiting:
            place, one = waiting.pop()
            parts = one.items() if isinstance(one, dict) else (("", inner) for inner in one)
            for name, inner in parts:
                below = (*place, str(name))
                places.add(below)
                if len(places) > _MOST_PLACES or len(below) > _MOST_LEVELS:
                    return True
                if isinstance(inner, _NESTED):
                    waiting.append((below, inner))
    return False


def _text(value: Any) -> str:
    if not isinstance(value, _NESTED):
        return str(value)
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except RecursionError:
        return "nested too deeply"


def _named(frame: "pd.DataFrame", names: list[str], rows: list[tuple[Any, ...]]) -> "pd.DataFrame":
    """The records of the sample that the rows name, once each. Any other rows are refused: a query can select any field under
    these names, and partitions and offsets are reported."""
    with importing:
        import pandas as pd

    at = names.index(PARTITION), names.index(OFFSET)
    pairs = [(row[at[0]], row[at[1]]) for row in rows]
    known = set(zip(frame[PARTITION].tolist(), frame[OFFSET].tolist(), strict=True))
    if not all(type(one) is int for pair in pairs for one in pair) or not known.issuperset(pairs):
        raise NotMeasuredError(
            "the query names records that are not in the sample; select its __partition and __offset as they are"
        )
    return pd.DataFrame(list(dict.fromkeys(pairs)), columns=[PARTITION, OFFSET])


def _answer(
    frame: "pd.DataFrame", names: list[str], rows: list[tuple[Any, ...]]
) -> "float | bool | pd.DataFrame":
    if {PARTITION, OFFSET} <= set(names):
        return _named(frame, names, rows)
    if len(rows) != 1 or len(names) != 1:
        raise NotMeasuredError(
            f"the query returns {len(rows):,} rows of {len(names)} columns; expected one number, true or false, or the "
            "columns __partition and __offset of the failing records"
        )
    value = rows[0][0]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal) and math.isfinite(value):
        return float(value)
    kind = "null" if value is None else "something else"
    raise NotMeasuredError(f"the query returns {kind}; expected a number, true or false")
