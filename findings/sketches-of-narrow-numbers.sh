#!/usr/bin/env bash
# How many distinct values Apache DataSketches counts in a column of 32-bit floats or of decimals: as many as there are different
# whole numbers before the point. One would expect an error, or the number of values.
#
# Seen with datasketches 5.2.0 and numpy 2.4.6, a thousand different values between 0 and 1 (decimals: between 0 and 10):
#
#                          HLL     CPC     theta
#   float, numpy float64   about 1,000
#   numpy float32          1       1       1
#   numpy float16          1       1       1
#   decimal.Decimal        10      10      10
#   the empty string       0       0       0
#
# `update` takes an int, a float or a string. What is none of the three, but can be turned into an int, becomes one: 0.25 is the
# same as 0. Python's float and numpy's float64, which is a subclass of it, are taken as they are. So a profile of a column that
# is `float` in Avro, Parquet or Arrow, or of money in decimals, says that it has next to no distinct values, and sketches of both
# kinds of column do not overlap where they should. `float(value)`, or str for decimals, avoids it.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasketches==5.2.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from decimal import Decimal
from importlib.metadata import version

import datasketches
import numpy

SKETCHES = {
    "HLL": lambda: datasketches.hll_sketch(12),
    "CPC": lambda: datasketches.cpc_sketch(12),
    "theta": lambda: datasketches.update_theta_sketch(),
}


def counted(values):
    counts = []
    for make in SKETCHES.values():
        sketch = make()
        for value in values:
            sketch.update(value)
        counts.append(round(sketch.get_estimate()))
    return counts


print("datasketches", version("datasketches"), "numpy", version("numpy"), *SKETCHES)
numbers = [number / 1024 for number in range(1000)]  # all of them exact in every kind of float
right = {
    "float": numbers,
    "numpy float64": numpy.array(numbers, dtype=numpy.float64),
    "text of Decimal": [str(Decimal(number) / 100) for number in range(1000)],
}
wrong = {
    "numpy float32": (numpy.array(numbers, dtype=numpy.float32), 1),
    "numpy float16": (numpy.array(numbers, dtype=numpy.float16), 1),
    "Decimal": ([Decimal(number) / 100 for number in range(1000)], 10),
    "the empty string": ([""], 0),
}
for name, values in right.items():
    counts = counted(values)
    print(f"{name:18}", *counts)
    assert all(950 < count < 1050 for count in counts), counts
for name, (values, expected) in wrong.items():
    assert len(set(values)) == len(values)
    counts = counted(values)
    print(f"{name:18}", *counts, f"of {len(values)}")
    assert counts == [expected] * len(SKETCHES), counts
PYTHON
