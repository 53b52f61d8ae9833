#!/usr/bin/env bash
# What Avro's own Python library writes of an amount that has fewer digits after the point than its schema: a tenth or a hundredth of it.
# One would expect the amount, as Java and fastavro write it.
#
# Seen with Avro 1.12.2 for Python and fastavro 1.13.1, into decimal(6, 2), read again by either:
#
#   Decimal      written by avro      written by fastavro
#   "12.34"      12.34                12.34
#   "12.3"       1.23                 12.30
#   "100"        1.00                 100.00
#   "1E+3"       0.01                 1000.00
#   "1234"       12.34                1234.00
#   "12.345"     an error             ValueError
#
# avro writes the digits as they are and leaves out where the point is. Decimals come without zeros from `normalize()`, from whole numbers
# in JSON or a database, from a division. So an order of 100 is one of 1.00 on the topic, without an error, and the same code is
# right as long as amounts have two digits after the point, as they do in a test. `quantize` before writing avoids it.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check avro==1.12.2 fastavro==1.13.1
"$folder/venv/bin/python" - <<'PYTHON'
import io
import json
from decimal import Decimal
from importlib.metadata import version

import avro.errors
import avro.io
import avro.schema
import fastavro

AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}
SCHEMA = {"type": "record", "name": "Order", "fields": [{"name": "amount", "type": AMOUNT}]}
of_avro, of_fastavro = avro.schema.parse(json.dumps(SCHEMA)), fastavro.parse_schema(json.loads(json.dumps(SCHEMA)))


def by_avro(order):
    data = io.BytesIO()
    avro.io.DatumWriter(of_avro).write(order, avro.io.BinaryEncoder(data))
    return data.getvalue()


def by_fastavro(order):
    data = io.BytesIO()
    fastavro.schemaless_writer(data, of_fastavro, order)
    return data.getvalue()


def read(write, amount):
    """What both libraries read of the amount that one of them wrote."""
    try:
        data = write({"amount": Decimal(amount)})
    except (avro.errors.AvroOutOfScaleException, ValueError) as error:
        return type(error).__name__
    apache = avro.io.DatumReader(of_avro).read(avro.io.BinaryDecoder(io.BytesIO(data)))["amount"]
    fast = fastavro.schemaless_reader(io.BytesIO(data), of_fastavro, None)["amount"]
    assert apache == fast, (apache, fast)
    return str(fast)


print("avro", version("avro"), "fastavro", version("fastavro"))
for amount, *expected in (
    ("12.34", "12.34", "12.34"), ("12.3", "1.23", "12.30"), ("100", "1.00", "100.00"), ("1E+3", "0.01", "1000.00"),
    ("1234", "12.34", "1234.00"), ("12.345", "AvroOutOfScaleException", "ValueError"),
):
    found = [read(write, amount) for write in (by_avro, by_fastavro)]
    print(f"{amount:8} avro {found[0]:24} fastavro {found[1]}")
    assert found == expected, (amount, found)
PYTHON
