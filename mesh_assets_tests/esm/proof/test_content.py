"""What test messages contain: JSON, or what a mapping with a registry can deserialize; otherwise the reason."""

import io
import json
import struct
import uuid
from decimal import Decimal
from typing import Any

import fastavro
import jsonschema  # type: ignore[import-untyped] # it comes without types
import pytest
from google.protobuf import struct_pb2

from mesh_assets.esm.proof.schema_values import avro_encoder, confluent_frame, json_encoder
from mesh_assets.sandbox.estate.subjects import all_subjects
from mesh_assets_tests.esm.proof.contents import GLUE_VERSION, ORDER, contents

MONEY = {
    "type": "record",
    "name": "Money",
    "namespace": "shop",
    "fields": [
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}
    ],
}


def decoded(value: bytes, *schemas: Any) -> tuple[int, Any]:
    zero, number = struct.unpack(">bI", value[:5])
    assert zero == 0
    named: dict[str, Any] = {}
    parsed = [fastavro.parse_schema(schema, named_schemas=named) for schema in schemas][-1]
    rest = io.BytesIO(value[5:])
    found = fastavro.schemaless_reader(rest, parsed, None)
    assert rest.read() == b""
    return number, found


def test_records_follow_the_latest_schema_with_its_references(registry: Any) -> None:
    registry.add("money", MONEY)
    registry.add("orders-value", {"type": "string"})
    registry.add("orders-value", ORDER, references=[{"name": "shop.Money", "subject": "money", "version": 1}])
    content = contents(registry)
    assert content.format == "AVRO, by version 2 of orders-value (schema 202)"

    number, record = decoded(content.encode("test", 3, 10), MONEY, ORDER)

    assert number == 202
    assert (record["id"], record["state"], record["count"], record["tags"]) == ("test-3", "OPEN", 3, [])
    assert record["before"]["before"] is not None, "it ends somewhere, but not at once"


def test_a_registry_whose_address_holds_the_login_is_used_with_it(registry: Any) -> None:
    registry.add("orders-value", '"string"')
    with_login = registry.url.replace("http://", "http://me:hunter2@")

    assert contents(registry, SchemaRegistryURI=with_login).format.startswith("AVRO")
    assert registry.asked_with == ["Basic bWU6aHVudGVyMg=="]


@pytest.mark.parametrize("schema", ["string", "long", {"type": "array", "items": "int"}, ["null", "string"]])
def test_a_schema_need_not_be_a_record(schema: Any) -> None:
    assert decoded(avro_encoder([json.dumps(schema)], frame=confluent_frame(7))("test", 1, 2), schema)[0] == 7


def test_a_tree_of_many_children_has_a_value_of_bounded_size() -> None:
    children = [{"name": f"child_{number}", "type": ["null", "Node"]} for number in range(6)]
    schema = {"type": "record", "name": "Node", "fields": [{"name": "label", "type": "string"}, *children]}

    encoded = avro_encoder([json.dumps(schema)], frame=confluent_frame(7))("test", 1, 2)

    assert 100 < len(encoded) < 100_000
    assert decoded(encoded, schema)[1]["label"] == "test-1"


def json_decoded(value: bytes) -> Any:
    assert value[:5] == struct.pack(">bI", 0, 7)
    return json.loads(value[5:])


FITTING: list[Any] = [
    True,
    {},
    {"type": "string", "minLength": 60},
    {"type": "string", "maxLength": 3},
    {"type": "integer", "exclusiveMinimum": 3, "maximum": 4},
    {"type": "number", "minimum": 0.5, "exclusiveMaximum": 0.75},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
    {"type": ["null", "boolean"]},
    {"type": "array", "items": {"enum": ["A", "B"]}, "minItems": 2},
    {"oneOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]},
    {"anyOf": [{"const": 5}, {"type": "object"}]},
    {
        "$defs": {
            "money": {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
        },
        "type": "object",
        "properties": {"price": {"$ref": "#/$defs/money"}, "note": {"pattern": "^x"}},
        "required": ["price", "other"],
        "additionalProperties": True,
    },
]


@pytest.mark.parametrize("schema", FITTING, ids=json.dumps)
def test_values_for_a_json_schema_are_valid(schema: Any) -> None:
    value = json_decoded(json_encoder(json.dumps(schema), frame=confluent_frame(7))("t" * 32, 3, 10))
    jsonschema.Draft202012Validator(schema).validate(value)


def test_every_json_schema_of_the_sandbox_has_a_value() -> None:
    """The demo's schemas, like those in a registry in use."""
    made = 0
    for subject in all_subjects():
        if not subject.references:
            text = subject.versions[-1]
            value = json_decoded(json_encoder(text, frame=confluent_frame(7))("t" * 32, 3, 10))
            jsonschema.Draft202012Validator(json.loads(text)).validate(value)
            made += 1
    assert made > 20


BEYOND: list[tuple[Any, str]] = [
    ({"type": "string", "pattern": "^[A-Z]$"}, "pattern"),
    ({"type": "object", "allOf": [{}]}, "allOf"),
    ({"oneOf": [{"type": "string"}, {"type": "string", "minLength": 2}]}, "oneOf"),
    ({"$ref": "https://elsewhere.example/x.json"}, "$ref"),
    ({"$ref": "#"}, "recursion"),
    ({"$ref": "#/x", "type": "string"}, "$ref beside others"),
    ({"type": "array", "minItems": 2, "uniqueItems": True}, "uniqueItems"),
    ({"type": "object", "required": ["a"], "additionalProperties": False}, "false"),
    (False, "false"),
    ({"type": "integer", "minimum": 0.2, "maximum": 0.8}, "minimum"),
]


@pytest.mark.parametrize(("schema", "keyword"), BEYOND, ids=[keyword for _, keyword in BEYOND])
def test_what_a_json_schema_requires_beyond_that_is_named_and_nothing_is_written(
    registry: Any, schema: Any, keyword: str
) -> None:
    registry.add("orders-value", schema, schemaType="JSON")
    assert f"has `{keyword}" in (contents(registry).unwritable or "")


def test_records_by_a_json_schema_say_so(registry: Any) -> None:
    registry.add("orders-value", {"type": "object"}, schemaType="JSON")
    content = contents(registry)
    assert content.format == "JSON, by version 1 of orders-value (schema 101)"
    assert content.encode("test", 3, 10)[5:] == b"{}"


GLUE = {"SchemaRegistryURI": "arn:aws:glue:eu-central-1:123456789012:registry/main"}


def test_glues_records_begin_with_its_header(registry: Any) -> None:
    content = contents(registry, {"DataFormat": "AVRO", "SchemaDefinition": json.dumps(MONEY)}, **GLUE)
    assert content.format == "AVRO, by version 4 of orders in Glue"

    value = content.encode("test", 3, 10)

    assert value[:18] == bytes([3, 0]) + uuid.UUID(GLUE_VERSION).bytes
    assert fastavro.schemaless_reader(io.BytesIO(value[18:]), MONEY, None) == {"amount": Decimal(0)}
    by_json = contents(registry, {"DataFormat": "JSON", "SchemaDefinition": '{"const": 5}'}, **GLUE)
    assert by_json.encode("test", 3, 10)[18:] == b"5"


@pytest.mark.parametrize(
    ("glue", "why"),
    [
        (None, "has no schema orders"),
        (
            {"DataFormat": "PROTOBUF", "SchemaDefinition": "message A {}"},
            "is PROTOBUF; no records of that kind",
        ),
        (
            {"DataFormat": "AVRO", "SchemaDefinition": "{}", "Status": "PENDING"},
            "version 4 of schema orders in",
        ),
    ],
)
def test_records_that_glue_may_not_know_are_not_written(
    registry: Any, glue: dict[str, Any] | None, why: str
) -> None:
    assert why in (contents(registry, glue, **GLUE).unwritable or "")


PROTO = """syntax = "proto3";
// message Old { required string id = 1; }
package shop;
import "money.proto";
message Order { string id = 1; Money price = 2; repeated string tags = 3; }
"""


def test_protobuf_records_are_the_first_message_with_its_defaults(registry: Any) -> None:
    registry.add(
        "money", 'syntax = "proto3"; package shop; message Money { int64 units = 1; }', schemaType="PROTOBUF"
    )
    references = [{"name": "money.proto", "subject": "money", "version": 1}]
    registry.add("orders-value", PROTO, schemaType="PROTOBUF", references=references)
    content = contents(registry)
    assert content.format == "PROTOBUF, by version 1 of orders-value (schema 201), every field at its default"

    value = content.encode("test", 3, 10)

    assert value == struct.pack(">bI", 0, 201) + b"\0"  # the frame, and the first message, which has no bytes
    order = struct_pb2.ListValue.FromString(value[6:])  # as any message
    assert order == struct_pb2.ListValue()


@pytest.mark.parametrize(
    ("definition", "word"),
    [
        ("message Order { required string id = 1; }", "required"),
        (
            'edition = "2023"; message A { string b = 1 [features.field_presence = LEGACY_REQUIRED]; }',
            "LEGACY_REQUIRED",
        ),
        ("enum Kind { A = 0; }", "no message"),
        ("/* message Order {} */", "no message"),
    ],
)
def test_a_protobuf_message_that_cannot_be_empty_is_not_written(
    registry: Any, definition: str, word: str
) -> None:
    registry.add("orders-value", definition, schemaType="PROTOBUF")
    assert f"has `{word}`" in (contents(registry).unwritable or "")
