#!/usr/bin/env bash
# Which of pyarrow's ways to make an array import all of pandas, without being given anything of pandas.
#
# Seen with pyarrow 26.0.1 and pandas 3.1.1 in one environment: pa.array([1]), with a type or without, from a list, a generator,
# an array.array or a NumPy array, empty too, and with from_pandas=False; pa.scalar(1); pa.table of a dict; Table.from_pylist;
# pa.chunked_array. Each makes `'pandas' in sys.modules` true. It takes about half a second of CPU in a process that uses
# nothing of pandas, once, at the first value: profiles of a short command show it inside `pa.array`.
# What does not: pa.nulls, Array.from_buffers, a table or record batch of finished arrays, to_pylist, reading JSON, writing
# Parquet. So a command that writes Parquet from its own buffers never pays for pandas. (The slow first array is
# apache/arrow issue 34994; nothing there says that pandas is the reason, nor what avoids it.)
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version

IMPORTS = {
    "a list": "pa.array([1])",
    "a list and a type": "pa.array([1], type=pa.int64(), from_pandas=False)",
    "an empty list": "pa.array([], type=pa.int64())",
    "a generator": "pa.array((number for number in (1,)), type=pa.int64())",
    "array.array": "pa.array(array.array('q', [1]))",
    "a NumPy array": "pa.array(numpy.array([1]))",
    "a scalar": "pa.scalar(1)",
    "a dict of lists": "pa.table({'a': [1]})",
    "rows": "pa.Table.from_pylist([{'a': 1}])",
    "chunks": "pa.chunked_array([[1]])",
}
SPARES = {
    "pa.nulls": "pa.nulls(1, pa.int64())",
    "from_buffers": "pa.Array.from_buffers(pa.int64(), 1, [None, pa.py_buffer(bytes(8))])",
    "a table of arrays": "pa.table([pa.nulls(1, pa.int64())], names=['a'])",
    "a batch of arrays": "pa.record_batch([pa.nulls(1, pa.int64())], names=['a'])",
    "to_pylist": "pa.nulls(1, pa.int64()).to_pylist()",
    "reading JSON": "pyarrow.json.read_json(io.BytesIO(b'{\"a\": 1}'))",
    "writing Parquet": "pyarrow.parquet.write_table(pa.table([pa.nulls(1, pa.int64())], names=['a']), 'a.parquet')",
}
START = "import array, io, sys, numpy, pyarrow as pa, pyarrow.json, pyarrow.parquet\nassert 'pandas' not in sys.modules\n"

print("pyarrow", version("pyarrow"), "pandas", version("pandas"))
for expected, cases in ((True, IMPORTS), (False, SPARES)):
    for name, code in cases.items():
        done = subprocess.run(
            [sys.executable, "-c", f"{START}{code}\nprint('pandas' in sys.modules)"],
            check=True, capture_output=True, text=True,
        )
        print(f"{name:20} imports pandas: {done.stdout.strip()}")
        assert done.stdout.strip() == str(expected), name
PYTHON
