#!/usr/bin/env bash
# What datacontract-cli makes of records in JSON before it tests them against a contract (server of type kafka, format json).
#
# Seen with datacontract-cli 1.2.8, on five records that keep the contract:
#
#   logicalType  physicalType     in the records         what the rules see
#   array        array<string>    ["a", "b"]             null: "missing_count(items) was 5, expected = 0"
#   array        array            ["a", "b"]             as it is
#   object       (any but its     {"amount": 1}          null: "missing_count(total) was 5, expected = 0"
#                own few words)
#   integer      (none)           1790000000000          -1001362432 (the same with physicalType integer)
#
# A column is typed by the physicalType if there is one. What is not among some twenty words, in lower case, counts as text,
# whatever the logicalType says; lists and objects do not fit, and what does not fit is set to null. So data is reported as
# missing that is there. An `integer` has 32 bits, and a larger number, like any time in milliseconds, is cut to its lower
# half without a word: a rule on it judges another number.
#
# The consumer is replaced by one that returns the records; a broker changes nothing. Fails when this behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'datacontract-cli[kafka]==1.2.8'
"$folder/venv/bin/python" - <<'PYTHON'
import json
import sys

from datacontract.data_contract import DataContract
from datacontract.engines.ibis.connections import kafka

BEFORE_1970 = "SELECT count(*) FROM {object} WHERE ordered_at < 0"
RECORDS = [
    {"id": number, "items": ["a", "b"], "total": {"amount": 1}, "ordered_at": 1_790_000_000_000}
    for number in range(5)
]
kafka.consume_topic = lambda *_, **__: [json.dumps(record).encode() for record in RECORDS]


def failures(array: str) -> list[str]:
    items = {"name": "items", "logicalType": "array", "physicalType": array, "items": {"logicalType": "string"}}
    properties = [
        {"name": "id", "logicalType": "integer", "required": True},
        {**items, "required": True},
        {"name": "total", "logicalType": "object", "physicalType": "money.json", "required": True},
        {
            "name": "ordered_at",
            "logicalType": "integer",
            "quality": [{"type": "sql", "query": BEFORE_1970, "mustBe": 0}],
        },
    ]
    contract = {
        **{"apiVersion": "v3.1.0", "kind": "DataContract", "id": "orders", "version": "1.0.0", "status": "active"},
        "servers": [{"server": "local", "type": "kafka", "host": "127.0.0.1:9092", "format": "json"}],
        "schema": [{"name": "orders", "logicalType": "object", "properties": properties}],
    }
    run = DataContract(data_contract_str=json.dumps(contract)).test()
    return sorted(check.reason for check in run.checks if check.result != "passed")


found = {array: failures(array) for array in ("array<string>", "array")}
print(json.dumps(found, indent=2))
items, total, cut = (
    f"Actual {what} was 5, expected = 0"
    for what in ("missing_count(items)", "missing_count(total)", "custom_sql(ordered_at)")
)
if found != {"array<string>": sorted([items, total, cut]), "array": sorted([total, cut])}:
    sys.exit("this has changed")
PYTHON
