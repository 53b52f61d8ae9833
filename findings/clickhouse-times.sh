#!/usr/bin/env bash
# Which moment ClickHouse stores for a time that its column counts in another unit: some year between 1970 and 9999. One would expect
# the moment, since Avro's schema names the unit, or an error, as for a decimal of another scale.
#
# Seen with ClickHouse 26.9.2.1 (in chdb 4.4.0), formats Avro and JSONEachRow, which its Kafka engine has, for 2026-11-30T00:00Z:
#
#   in the record                          DateTime                  DateTime64(3)             DateTime64(6)
#   Avro, timestamp-millis                 1992-03-13 07:04:32       2026-11-30 00:00:00       1970-01-21 18:53:16.8
#   Avro, timestamp-micros                 1982-05-18 20:45:52       9999-12-31 23:59:59       2026-11-30 00:00:00
#   JSON, 1795996800000 (milliseconds)     2106-02-07 06:28:15       9999-12-31 23:59:59       9999-12-31 23:59:59
#   JSON, 1795996800 (seconds)             2026-11-30 00:00:00       2026-11-30 00:00:00       2026-11-30 00:00:00
#   Avro, decimal(9, 4)                    an error in a column of Decimal(6, 2)
#
# Avro's number is taken as it is, in the column's unit, and for DateTime its lower 32 bits; a number in JSON counts seconds in all of
# them, whatever the column's precision. So the usual column, DateTime, has a time of 1992 for a schema that says milliseconds,
# nothing is logged, and what is partitioned or expires by that column is put away or deleted at once. Text in ISO 8601 is
# read as it should be.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check chdb==4.4.0 fastavro==1.13.1
TZ=UTC venv/bin/python - <<'PYTHON'
import datetime
import json
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import chdb
import fastavro

MOMENT = datetime.datetime(2026, 11, 30, tzinfo=datetime.timezone.utc)
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 4}
COLUMNS = ("DateTime(''UTC'')", "DateTime64(3, ''UTC'')", "DateTime64(6, ''UTC'')")


def selected(format, column):
    try:
        found = chdb.query(f"SELECT at FROM file('orders.{format}', {format}, 'at {column}')", "CSV")
    except RuntimeError:
        return "an error"
    return str(found).strip().strip('"')


def by_avro(type, value, column):
    schema = fastavro.parse_schema({"type": "record", "name": "Order", "fields": [{"name": "at", "type": type}]})
    with open("orders.Avro", "wb") as file:
        fastavro.writer(file, schema, [{"at": value}])
    return selected("Avro", column)


def by_json(value, column):
    Path("orders.JSONEachRow").write_text(json.dumps({"at": value}))
    return selected("JSONEachRow", column)


def of(unit):
    return {"type": "long", "logicalType": f"timestamp-{unit}"}


print("chdb", version("chdb"), "ClickHouse", str(chdb.query("SELECT version()", "CSV")).strip())
ZEROS = "2026-11-30 00:00:00"
RIGHT = [ZEROS, f"{ZEROS}.000", f"{ZEROS}.000000"]
FOUND = {
    "Avro, timestamp-millis": (
        [by_avro(of("millis"), MOMENT, column) for column in COLUMNS],
        ["1992-03-13 07:04:32", f"{ZEROS}.000", "1970-01-21 18:53:16.800000"],
    ),
    "Avro, timestamp-micros": (
        [by_avro(of("micros"), MOMENT, column) for column in COLUMNS],
        ["1982-05-18 20:45:52", "9999-12-31 23:59:59.000", f"{ZEROS}.000000"],
    ),
    "JSON, milliseconds": (
        [by_json(1795996800000, column) for column in COLUMNS],
        ["2106-02-07 06:28:15", "9999-12-31 23:59:59.000", "9999-12-31 23:59:59.000000"],
    ),
    "JSON, seconds": ([by_json(1795996800, column) for column in COLUMNS], RIGHT),
    "JSON, ISO 8601": ([by_json("2026-11-30T01:00:00+01:00", column) for column in COLUMNS], RIGHT),
    "Avro, decimal(9, 4) in Decimal(6, 2)": ([by_avro(DECIMAL, Decimal("12.3456"), "Decimal(6, 2)")], ["an error"]),
}
for name, (found, expected) in FOUND.items():
    print(f"{name:38}", *(f"{one:26}" for one in found))
    assert found == expected, (name, found)
PYTHON
