"""SQL over a sample, by DuckDB: in memory, cut off from files, network, extensions and Python, bounded in time and memory.

Policies are written by people of the estate, records by anybody: what DuckDB says of values stays here.
"""

import math
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

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
"""Of records that a query may name; a sample has fewer."""
_TABLE = "sample"
# Their messages are about the text of the query. Others (a cast that fails) quote values.
_ABOUT_THE_QUERY = ("BinderException", "CatalogException", "ParserException", "SyntaxException")


def ask(
    frame: "pd.DataFrame", query: str, path: str | None, *, seconds: float = SECONDS
) -> "float | bool | pd.DataFrame":
    """What the query answers over `frame`: a number, true or false, or the records that it names, as rows of `__partition`
    and `__offset`. Raises NotMeasuredError, which quotes no value."""
    with importing:
        import duckdb

    text = query.replace("{object}", _TABLE)
    if path is not None:
        text = text.replace("{property}", f'"{path.replace(chr(34), chr(34) * 2)}"')
    connection = duckdb.connect(":memory:")
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    try:
        connection.register("__given", _table(frame))
        connection.execute(f"CREATE TABLE {_TABLE} AS SELECT * FROM __given")
        connection.unregister("__given")
        _lock(connection)
        timer.start()
        connection.execute(text)
        names = [column[0] for column in connection.description or ()]
        rows = connection.fetchmany(_ROWS)
    except duckdb.InterruptException as error:
        raise NotMeasuredError(f"the query took longer than {seconds:g} s and was stopped") from error
    except duckdb.OutOfMemoryException as error:
        raise NotMeasuredError(f"the query needs more than {_MEMORY} of memory") from error
    except duckdb.PermissionException as error:
        raise NotMeasuredError(
            "the query reaches for files, the network, extensions or settings; it may read the sample alone"
        ) from error
    except duckdb.Error as error:
        raise NotMeasuredError(f"DuckDB cannot answer the query: {_why(error, text)}") from None
    finally:
        timer.cancel()
        connection.close()
    return _answer(names, rows)


def _lock(connection: "duckdb.DuckDBPyConnection") -> None:
    """Nothing of it can be undone by a query: the configuration is locked last."""
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


def _why(error: Exception, query: str) -> str:
    """PIVOT makes columns of values, so that even what is said of names may quote records then."""
    kind = type(error).__name__
    if kind in _ABOUT_THE_QUERY and "pivot" not in query.casefold():
        return str(error).splitlines()[0].rstrip(".")
    return f"{kind}, whose message is not shown, since it may quote records"


def _table(frame: "pd.DataFrame") -> "pa.Table":
    """The frame as Arrow has it. A column of several types (numbers and text) becomes one of text, as SQL has one type."""
    with importing:
        import pyarrow as pa

    columns = {}
    for name in frame.columns:
        series = frame[name]
        try:
            column = pa.Array.from_pandas(series)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            null = series.isna()
            texts = [None if gone else str(value) for value, gone in zip(series, null, strict=True)]
            column = pa.array(texts, type=pa.string())
        columns[str(name)] = column.cast(pa.string()) if pa.types.is_null(column.type) else column
    return pa.table(columns)


def _answer(names: list[str], rows: list[tuple[Any, ...]]) -> "float | bool | pd.DataFrame":
    with importing:
        import pandas as pd

    if {PARTITION, OFFSET} <= set(names):
        found = pd.DataFrame(rows, columns=names)[[PARTITION, OFFSET]]
        if found.isna().to_numpy().any():
            raise NotMeasuredError("the query names records without __partition or __offset")
        return found.drop_duplicates(ignore_index=True)
    if len(rows) != 1 or len(names) != 1:
        raise NotMeasuredError(
            f"the query answers with {len(rows):,} rows of {len(names)} columns; expected one number, true or false, or the "
            "columns __partition and __offset of the records that fail"
        )
    value = rows[0][0]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal) and math.isfinite(value):
        return float(value)
    kind = "null" if value is None else "something else"
    raise NotMeasuredError(f"the query answers with {kind}; expected a number, true or false")
