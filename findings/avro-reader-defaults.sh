#!/usr/bin/env bash
# What Python's two Avro libraries put into a field that the writer's schema lacks and the reader's has with a default.
#
# The specification (1.12, "Complex Types", Records) writes the default of bytes and fixed as a string whose code points
# 0-255 are the bytes 0-255, so "\u00ff" means one byte, FF. Seen with fastavro 1.13.1 and avro 1.12.1, both reading the same record:
#
#   fastavro  raw='ÿ' (a str)       fixed of 1 byte: 'ÿ' (a str)          date, timestamp, decimal: 0, 0, '\x01'
#   avro      raw=b'\xc3\xbf'       fixed of 1 byte: 2 bytes, UTF-8       date, timestamp, decimal: 0, 0, b'\x01'
#
# Neither raises. A field that the writer does have is bytes, date, datetime and Decimal in both, so a consumer sees two
# types in one column on the day a field with a default is added. fastavro also gives every record the schema's own list or
# map: what one record's owner appends, all later records have, and the schema, too.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastavro==1.13.1 avro==1.12.1
"$folder/venv/bin/python" - <<'PYTHON'
import datetime
import decimal
import io
import json
from importlib.metadata import version

import avro.io
import avro.schema
import fastavro

ID = {"name": "id", "type": "string"}
DATE = {"type": "int", "logicalType": "date"}
MOMENT = {"type": "long", "logicalType": "timestamp-millis"}
AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
ADDED = [
    {"name": "raw", "type": "bytes", "default": "\u00ff"},
    {"name": "byte", "type": {"type": "fixed", "name": "Byte", "size": 1}, "default": "\u00ff"},
    {"name": "day", "type": DATE, "default": 0},
    {"name": "at", "type": MOMENT, "default": 0},
    {"name": "amount", "type": AMOUNT, "default": "\u0001"},
    {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
]
OLD = {"type": "record", "name": "Order", "fields": [ID]}
NEW = {"type": "record", "name": "Order", "fields": [ID, *ADDED]}


def written(schema, record):
    data = io.BytesIO()
    fastavro.schemaless_writer(data, fastavro.parse_schema(schema), record)
    return data.getvalue()


def by_fastavro(data, writer, reader):
    return fastavro.schemaless_reader(io.BytesIO(data), writer, reader)


def by_avro(data, writer, reader):
    schemas = (avro.schema.parse(json.dumps(schema)) for schema in (writer, reader))
    return avro.io.DatumReader(*schemas).read(avro.io.BinaryDecoder(io.BytesIO(data)))


print("fastavro", version("fastavro"), "avro", version("avro"))
old = written(OLD, {"id": "1"})
parsed = fastavro.parse_schema(OLD), fastavro.parse_schema(json.loads(json.dumps(NEW)))
fast, apache = by_fastavro(old, *parsed), by_avro(old, OLD, NEW)
print("fastavro", fast)
print("avro    ", apache)
assert fast == {"id": "1", "raw": "ÿ", "byte": "ÿ", "day": 0, "at": 0, "amount": "\x01", "tags": []}
assert apache == {
    "id": "1", "raw": b"\xc3\xbf", "byte": b"\xc3\xbf", "day": 0, "at": 0, "amount": b"\x01", "tags": []
}

whole = {
    "id": "2", "raw": b"\xff", "byte": b"\xff", "day": datetime.date(1970, 1, 1),
    "at": datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc), "amount": decimal.Decimal("0.01"), "tags": [],
}
new = written(NEW, whole)
assert by_fastavro(new, parsed[1], parsed[1]) == whole
assert by_avro(new, NEW, NEW) == whole
print("both, of a record that has the fields:", by_fastavro(new, parsed[1], parsed[1]))

fast["tags"].append("urgent")
apache["tags"].append("urgent")
print("tags of the next record:", by_fastavro(old, *parsed)["tags"], by_avro(old, OLD, NEW)["tags"])
assert by_fastavro(old, *parsed)["tags"] == ["urgent"]
assert by_avro(old, OLD, NEW)["tags"] == []
PYTHON
