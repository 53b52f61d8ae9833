#!/usr/bin/env bash
# What is left of a topic's Avro schema that datacontract-cli has imported into a contract and exported again: of amounts and times the
# bytes and numbers, of bytes a list of texts. One would expect the schema, or an error, as for a union of two types.
#
# Seen with datacontract-cli 1.2.8:
#
#   a field of the schema                          after import and export
#   decimal(9, 2)                                  bytes
#   timestamp-millis, timestamp-micros             long
#   time-millis (an int)                           long
#   bytes; fixed(4)                                array of string
#   array of decimal(9, 2)                         array of array of string
#   string, default "007"                          string, default 7, which is no valid schema
#   ["null", "string"], default null               no default, so a reader fails on records without it
#   ["string", "null"], default "x"                ["null", "string"], default "x", which is none either
#   enum Status in a field called status           enum status
#   map of long                                    a map without values, nor is this
#   int, long, double, date, array of long         the same
#
# Nothing is said. So the schema that is generated from a topic's contract is another one than the topic has: some of it can read the
# records, and takes an amount for bytes and a time for a number, some cannot, and some is no schema at all.
#
# Decimals, milliseconds, the default "007" and the enum's name were kept by 0.10.41 (not tried here), for which the logical types had been
# mended (datacontract-cli, issue 687); bytes and fixed were an error in it.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'datacontract-cli[avro]==1.2.8'
venv/bin/python - <<'PYTHON'
import json
from importlib.metadata import version
from pathlib import Path

from datacontract.data_contract import DataContract

NULL, MICROS = ["null", "string"], {"type": "long", "logicalType": "timestamp-micros"}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
TEXTS = {"type": "array", "items": "string"}
# A field of the schema, and what has become of it; the same if nothing is said.
FIELDS = (
    ({"type": "int"}, {}),
    ({"type": "long"}, {}),
    ({"type": "double"}, {}),
    ({"type": {"type": "int", "logicalType": "date"}}, {}),
    ({"type": {"type": "array", "items": "long"}}, {}),
    ({"type": DECIMAL}, {"type": "bytes"}),
    ({"type": {"type": "long", "logicalType": "timestamp-millis"}}, {"type": "long"}),
    ({"type": MICROS}, {"type": "long"}),
    ({"type": {"type": "int", "logicalType": "time-millis"}}, {"type": "long"}),
    ({"type": "bytes"}, {"type": TEXTS}),
    ({"type": {"type": "fixed", "name": "Hash", "size": 4}}, {"type": TEXTS}),
    ({"type": {"type": "array", "items": DECIMAL}}, {"type": {"type": "array", "items": TEXTS}}),
    ({"type": "string", "default": "007"}, {"type": "string", "default": 7}),
    ({"type": NULL, "default": None}, {"type": NULL}),
    ({"type": ["string", "null"], "default": "x"}, {"type": NULL, "default": "x"}),
    ({"type": {"type": "map", "values": "long"}}, {"type": "map"}),
    (
        {"type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}},
        {"type": {"type": "enum", "name": "status", "symbols": ["NEW", "PAID"]}},
    ),
)


def through_a_contract(field):
    schema = {"type": "record", "name": "orders", "namespace": "shop", "fields": [field]}
    Path("orders.avsc").write_text(json.dumps(schema))
    contract = DataContract.import_from_source("avro", "orders.avsc")
    (found,) = json.loads(DataContract(data_contract_str=contract.to_yaml()).export("avro"))["fields"]
    return found


print("datacontract-cli", version("datacontract-cli"))
for written, expected in FIELDS:
    field = {"name": "status", **written}
    found = through_a_contract(field)
    print(json.dumps(written), "→", "the same" if found == field else json.dumps({**found, "name": "status"}))
    assert found == {"name": "status", **(expected or written)}, (written, found)
PYTHON
