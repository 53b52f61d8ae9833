import io
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.tables.columns import booleans, column, parquet

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_INT32 = st.integers(-(2**31), 2**31 - 1)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int32(), st.none() | _INT32),
        (pa.int64(), st.none() | st.integers(-(2**63), 2**63 - 1)),
        (pa.float64(), st.none() | st.floats(allow_nan=False) | st.integers(-5, 5)),
        (pa.string(), st.none() | _TEXTS),
        (pa.bool_(), st.booleans()),
        (pa.list_(pa.string()), st.none() | st.lists(_TEXTS, max_size=3)),
        (pa.list_(pa.int32()), st.lists(_INT32, max_size=3)),
        (pa.map_(pa.string(), pa.string()), st.none() | st.lists(st.tuples(_TEXTS, _TEXTS), max_size=3)),
        (
            pa.map_(pa.string(), pa.list_(pa.string())),
            st.lists(st.tuples(_TEXTS, st.lists(_TEXTS, max_size=2)), max_size=3),
        ),
    ],
    ids=str,
)
def test_a_column_holds_what_arrow_makes_of_the_same_values(
    kind: pa.DataType, values: st.SearchStrategy[Any]
) -> None:
    @given(st.lists(values, max_size=20))
    def holds(some: list[Any]) -> None:
        made = booleans(some) if kind == pa.bool_() else column(some, kind)
        made.validate(full=True)
        assert made.to_pylist() == pa.array(some, type=kind).to_pylist()

    holds()


def test_a_file_has_the_schemas_types_and_its_stamp_in_each_row() -> None:
    moment = datetime(2026, 11, 29, 12, 0, 0, 123456, tzinfo=UTC)
    schema = pa.schema(
        [
            ("sequence", pa.int64()),
            ("at", pa.timestamp("us", tz="UTC")),
            ("cluster", pa.string()),
            ("name", pa.string()),
            ("replicas", pa.list_(pa.int32())),
        ]
    )
    columns = {
        "name": column(["a", None], pa.string()),
        "replicas": column([(1, 2), ()], pa.list_(pa.int32())),
    }
    table = pq.read_table(
        io.BytesIO(parquet(schema, columns, stamp={"sequence": 7, "at": moment, "cluster": "c"}))
    )
    assert table.schema.equals(schema)
    stamp = {"sequence": 7, "at": moment, "cluster": "c"}
    assert table.to_pylist() == [
        {**stamp, "name": "a", "replicas": [1, 2]},
        {**stamp, "name": None, "replicas": []},
    ]


def test_a_number_too_large_for_the_column_is_refused() -> None:
    with pytest.raises(OverflowError):
        column([2**31], pa.int32())


def test_writing_tables_imports_no_pandas() -> None:
    program = (
        "import sys, pyarrow as pa; from mesh_assets.tables.columns import *\n"
        "schema = pa.schema([('n', pa.int64()), ('t', pa.string()), ('b', pa.bool_()), ('l', pa.list_(pa.string()))])\n"
        "parquet(schema, {'t': texts(['a', None]), 'b': booleans([True, False]), 'l': column([['x'], []], pa.list_(pa.string()))},"
        " stamp={'n': 1})\n"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
