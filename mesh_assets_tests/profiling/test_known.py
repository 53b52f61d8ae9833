"""What the newest document knows about a topic beyond its records: the schema of plain JSON, and compaction."""

import json
import subprocess
import sys
from typing import Any

import pytest

from mesh_assets.estate.expectations import ProfilingSettings
from mesh_assets.inventory.records import TopicSchema
from mesh_assets.platforms.schema_registry.records import SchemaText
from mesh_assets.profiling.cluster import Before
from mesh_assets.profiling.records import TopicProfile
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.profiling.logs import InMemory, Log, a_record, numbered, profile
from mesh_assets_tests.relationships.estates import a_registered

SCHEMA = {
    "type": "object",
    "properties": {
        "sku": {"type": "string"},
        "shelf": {"type": "string"},
        "place": {"type": "object", "properties": {"row": {"type": "integer"}}},
    },
    "required": ["sku"],
}


def profiled(
    *values: Any, schema: dict[str, Any] | None = SCHEMA, kind: str = "JSON", policy: str | None = None
) -> TopicProfile:
    """For the topic `stock`, with JSON values that name no schema. `schema`: its subject's; None: it has none."""
    registered = () if schema is None else (a_registered("stock-value", kind, json.dumps(schema)),)
    topic = a_topic(
        "stock",
        schema=TopicSchema(value_subjects=("stock-value",) if registered else ()),
        config=None if policy is None else {"cleanup.policy": policy},
    )
    records = [
        a_record(json.dumps(one).encode(), key=b"%d" % (place % 98)) for place, one in enumerate(values)
    ]
    document = a_document(topics=(topic,), schemas=registered)
    world = InMemory({"stock": Log(numbered(records))})
    (found,) = profile(world, before=Before(document=document)).profiles
    return found


def faults(found: TopicProfile) -> list[tuple[str, str | None]]:
    return [(one.kind, one.path) for one in found.faults]


def stock(number: int, **more: Any) -> dict[str, Any]:
    return {"sku": f"S{number}", **({"shelf": "A1"} if number % 10 else {}), **more}


def test_plain_json_is_held_to_the_json_schema_of_its_topic() -> None:
    optional = profiled(*map(stock, range(40)))
    assert (faults(optional), optional.inferred) == ([], False)
    assert faults(profiled(*map(stock, range(40)), schema=None)) == [("incomplete_field", "shelf")]
    nameless = [stock(number) if number % 8 else {"shelf": "A1"} for number in range(40)]
    assert faults(profiled(*nameless)) == [("incomplete_field", "sku")]
    wrong = [stock(number, place={"row": 7 if number % 2 else "7"}) for number in range(40)]
    assert faults(profiled(*wrong)) == [("wrong_type", "place.row")]
    assert faults(profiled(*wrong, schema=None)) == [("incomplete_field", "shelf")]


def test_a_schema_that_plain_json_does_not_follow_is_not_assumed_to_be_its_own() -> None:
    enveloped = profiled(*({"schema": {"type": "struct"}, "payload": stock(number)} for number in range(40)))
    assert (faults(enveloped), enveloped.inferred) == ([("incomplete_field", "payload.shelf")], True)
    avro = {"type": "record", "name": "Stock", "fields": [{"name": "sku", "type": "string"}]}
    other = profiled(*map(stock, range(40)), schema=avro, kind="AVRO")
    assert (faults(other), other.inferred) == ([("incomplete_field", "shelf")], True)
    assert profiled("a text", schema=SCHEMA).fields[0].declared is None


@pytest.mark.parametrize(
    ("named", "strategy", "found"),
    [
        ([1] * 30 + [2] * 30, "latest", False),
        ([1] * 30 + [2] * 29 + [1], "latest", True),
        ([1] * 30 + [2] * 29 + [1], "random", True),
        ([1] * 60, "latest", True),
        ([1] * 60, "random", False),  # the newest records may name it
    ],
)
def test_an_older_schema_still_in_use_is_a_fault(named: list[int], strategy: str, found: bool) -> None:
    schema = {"type": "object", "properties": {"sku": {"type": "string"}}}
    subject = a_registered("stock-value", "JSON", json.dumps(schema), id=2)
    topic = a_topic("stock", schema=TopicSchema(value_subjects=("stock-value",)))
    values = [b"\0" + number.to_bytes(4) + b'{"sku": "%d"}' % place for place, number in enumerate(named)]
    world = InMemory(
        {"stock": Log(numbered([a_record(one) for one in values]))},
        schemas={
            number: SchemaText(id=number, schema_type="JSON", definition=json.dumps(schema))
            for number in (1, 2)
        },
    )
    before = Before(document=a_document(topics=(topic,), schemas=(subject,)))
    settings = ProfilingSettings.model_validate({"strategy": strategy})
    (made,) = profile(world, before=before, settings=settings).profiles
    assert faults(made) == [("old_schema", None)] * found


@pytest.mark.parametrize(
    ("policy", "found"), [("compact", 0), ("compact,delete", 0), ("delete", 1), (None, 1)]
)
def test_repeated_states_are_not_a_fault_of_a_compacted_topic(policy: str | None, found: int) -> None:
    repeated = [{"sku": f"S{number % 98}"} for number in range(100)]
    assert faults(profiled(*repeated, policy=policy)) == [("duplicate_keys", None)] * found


def test_a_profile_without_rules_imports_neither_pandas_nor_its_dependencies() -> None:
    program = """
import sys
from mesh_assets_tests.profiling.logs import InMemory, Log, a_record, numbered, profile
samples = []
records = numbered([a_record(b'{"a": %d}' % n) for n in range(30)])
profile(InMemory({"orders": Log(records)}), on_sample=samples.append)
print(sorted({"pandas", "pyarrow", "duckdb", "boto3", "dagster"} & sys.modules.keys()))
print(len(samples[0].frame()), "pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("[]\n30 True\n", "")
