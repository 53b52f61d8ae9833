#!/usr/bin/env bash
# What deltalake (delta-rs) does with values of another type than the table's column when they are appended: it casts them, and what
# does not fit is cut. One would expect the SchemaMismatchError that it raises for decimals of another scale.
#
# Seen with deltalake 1.6.6 and pyarrow 26.0.1, write_deltalake(…, mode="append"), schema_mode as it is or "merge":
#
#   the table's column   appended                       in the table
#   int32                float64 1.7, -1.7              1, -1
#   int32                decimal 1.99                   1
#   int32                string "12"                    12
#   boolean              int64 2; string "yes", "no"    true; true, false
#   decimal(9, 2)        float64 1.995                  2.00
#   decimal(9, 2)        decimal(9, 4) 1.2345           SchemaMismatchError
#   int32                int64 4294967296, string "x"   an error
#
# So a field whose producer turns amounts from whole numbers into decimals loses its cents in the lake from that day on, the
# job succeeds, and the schema stays what it was; whoever tests with a text that is no number sees an error and feels safe.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import itertools
from decimal import Decimal
from importlib.metadata import version

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

NUMBER = itertools.count()
MONEY = pa.decimal128(9, 2)
CAST = [  # the column's type, what is appended, what the table then holds
    (pa.int32(), pa.array([1.7, -1.7]), [1, -1]),
    (pa.int32(), pa.array([Decimal("1.99")]), [1]),
    (pa.int32(), pa.array(["12"]), [12]),
    (pa.bool_(), pa.array([2, 0]), [True, False]),
    (pa.bool_(), pa.array(["yes", "no"]), [True, False]),
    (MONEY, pa.array([1.995]), [Decimal("2.00")]),
]
REFUSED = [
    (MONEY, pa.array([Decimal("1.2345")], pa.decimal128(9, 4)), "SchemaMismatchError"),
    (pa.int32(), pa.array([2**32]), "Exception"),
    (pa.int32(), pa.array(["x"]), "Exception"),
]


def appended(kind, values, **how):
    table = f"table-{next(NUMBER)}"
    write_deltalake(table, pa.table({"value": pa.array([], kind)}))
    write_deltalake(table, pa.table({"value": values}), mode="append", **how)
    found = DeltaTable(table).to_pyarrow_table()["value"]
    assert found.type == kind, found.type
    return found.to_pylist()


print("deltalake", version("deltalake"), "pyarrow", version("pyarrow"))
for kind, values, expected in CAST:
    found = appended(kind, values)
    print(f"{kind!s:18} {values.type!s:18} {list(map(str, values.to_pylist()))} -> {list(map(str, found))}")
    assert found == expected, (kind, values, found)
    assert appended(kind, values, schema_mode="merge") == expected
for kind, values, expected in REFUSED:
    try:
        found = appended(kind, values)
    except Exception as error:
        print(f"{kind!s:18} {values.type!s:18} {type(error).__name__}: {str(error).splitlines()[0]}")
        assert type(error).__name__ == expected, error
    else:
        raise SystemExit(f"this has changed: {values} passes as {found}")
PYTHON
