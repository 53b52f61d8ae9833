import json
import time
from typing import Any

import pytest

from mesh_assets.analysis.field_walk import SchemaField
from mesh_assets.analysis.schema_fields import schema_fields, schema_properties
from mesh_assets.inventory import definitions
from mesh_assets.inventory.links import record_name

AVRO = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "owner": "team-shop",
        "fields": [
            {"name": "id", "type": "string", "doc": "the key"},
            {"name": "note", "type": ["null", "string"]},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {
                "name": "lines",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "Line",
                        "fields": [{"name": "sku", "type": "string"}],
                    },
                },
            },
        ],
    }
)
JSON = json.dumps(
    {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}, "to": {"$ref": "#/definitions/address"}},
        "definitions": {
            "address": {"type": "object", "properties": {"city": {"type": "string", "description": "where"}}}
        },
    }
)
PROTOBUF = """
syntax = "proto3"; // package x;
message Order {
  string id = 1;
  repeated Line lines = 2 [deprecated = true];
  map<string, int32> counts = 3;
  message Line { optional string sku = 1; }
  oneof payment { string card = 4; }
}
message Other { int64 number = 1; }
"""


def listed(schema_type: str, definition: str) -> tuple[SchemaField, ...]:
    found = schema_fields(schema_type, definition)
    assert found is not None
    return found.fields


def paths(schema_type: str, definition: Any) -> dict[str, str]:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return {field.path: field.type for field in listed(schema_type, text)}


def a_record(name: str, *fields: tuple[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": name, "type": type_} for name, type_ in fields],
        **more,
    }


def test_fields_of_avro_with_their_paths() -> None:
    assert listed("AVRO", AVRO) == (
        SchemaField(path="id", type="string", doc="the key"),
        SchemaField(path="note", type="string", optional=True),
        SchemaField(path="at", type="long (timestamp-millis)"),
        SchemaField(path="lines", type="array<record Line>"),
        SchemaField(path="lines[].sku", type="string"),
    )
    assert schema_properties("AVRO", AVRO) == {"owner": "team-shop"}


def test_fields_of_json_schema_follow_references_inside_it() -> None:
    assert listed("JSON", JSON) == (
        SchemaField(path="id", type="string"),
        SchemaField(path="to", type="object", optional=True),
        SchemaField(path="to.city", type="string", optional=True, doc="where"),
    )


def test_fields_of_protobuf_by_message() -> None:
    assert paths("PROTOBUF", PROTOBUF) == {
        "id": "string",
        "lines": "array<Line>",
        "counts": "map<string, int32>",
        "Line.sku": "string",
        "card": "string",
        "Other.number": "int64",
    }


def test_a_type_used_again_by_name_has_its_fields_every_time() -> None:
    address = a_record("Address", ("city", "string"))
    order = a_record(
        "Order",
        ("billing", address),
        ("shipping", ["null", "Address"]),
        ("former", {"type": "array", "items": "shop.Address"}),
        ("by_kind", {"type": "map", "values": {"type": "Address"}}),
        ("of_another_subject", "crm.Customer"),
        namespace="shop",
    )
    found = paths("AVRO", order)
    assert [path for path in found if path.endswith("city")] == [
        "billing.city",
        "shipping.city",
        "former[].city",
        "by_kind{}.city",
    ]
    assert found["of_another_subject"] == "crm.Customer"


def test_a_record_within_itself_is_listed_once() -> None:
    tree = a_record("Tree", ("left", ["null", "Tree"]), ("right", ["null", "Tree"]), ("value", "int"))
    assert paths("AVRO", tree) == {"left": "Tree", "right": "Tree", "value": "int"}
    assert paths("JSON", {"type": "object", "properties": {"next": {"$ref": "#"}}}) == {"next": "object"}


def test_protobuf_options_hide_no_field() -> None:
    definition = """syntax = "proto3"; package shop; import "x.proto";
    option java_package = "com.shop";
    option (file_option) = { rules: [ { a: "}" } ] };
    extend google.protobuf.FieldOptions { string owner = 50000; }
    message Order {
      option (kafka) = { topic: "a/b" key: ["x", "]"] };
      option deprecated = true;
      string url = 1 [(rules).pattern = "^https?://[a-z]+/*$", json_name = "a]b"];
      /* string hidden = 2; */ repeated .shop.Line lines = 3 [(doc) = "see // and [1]"];
      map < string , int32 > counts = 0x4 [packed = false];
      oneof payment { option (one) = true; string card = 5 [debug_redact = true]; }
      enum Kind { UNKNOWN = 0 [(label) = "}"]; }
      reserved 8 to max; reserved "old", 'older'; extensions 100 to 199 [declaration = { number: 1 }];
      message Line { optional group Part = 1 { required string sku = 2; } }
    }
    service Shop { rpc Get (Order) returns (stream Order) { option (http) = { get: "/v1" }; } }
    message Other { int64 number = 1; }"""
    assert paths("PROTOBUF", definition) == {
        "url": "string",
        "lines": "array<.shop.Line>",
        "counts": "map<string, int32>",
        "card": "string",
        "Line.part": "Part",
        "Line.Part.sku": "string",
        "Other.number": "int64",
    }


MONEY = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "number"}}}


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        (
            {"properties": {"rates": {"type": "object", "additionalProperties": MONEY}}},
            {"rates": "map<object>", "rates{}.amount": "number"},
        ),
        (
            {"properties": {"rates": {"type": "object", "patternProperties": {"^[A-Z]+$": MONEY}}}},
            {"rates": "object", "rates{}.amount": "number"},
        ),
        (
            {"properties": {"pair": {"type": "array", "prefixItems": [{"type": "string"}, MONEY]}}},
            {"pair": "tuple<string, object>", "pair[1].amount": "number"},
        ),
        (
            {"properties": {"pair": {"type": "array", "items": [MONEY], "additionalItems": MONEY}}},
            {"pair": "tuple<object>", "pair[0].amount": "number", "pair[].amount": "number"},
        ),
        (
            {"properties": {"a": {"$ref": "#/$defs/a~1b%25"}}, "$defs": {"a/b%": MONEY}},
            {"a": "object", "a.amount": "number"},
        ),
        (
            {"properties": {"a": {"$ref": "#money"}}, "$defs": {"m": {"$anchor": "money", **MONEY}}},
            {"a": "object", "a.amount": "number"},
        ),
        (
            {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "properties": {"a": {"$ref": "#money", "properties": {"ignored_in_draft_7": True}}},
                "definitions": {"m": {"$id": "#money", **MONEY}},
            },
            {"a": "object", "a.amount": "number"},
        ),
        (
            {
                "$id": "https://shop.example/order.json",
                "properties": {"a": {"$ref": "money.json"}, "b": {"$ref": "https://other.example/x.json"}},
                "$defs": {"m": {"$id": "money.json", **MONEY}},
            },
            {"a": "object", "a.amount": "number", "b": "x.json"},
        ),
        (
            {
                "if": {"properties": {"kind": {"const": "card"}}},
                "then": {"properties": {"card": {"type": "string"}}},
                "else": {"properties": {"iban": {"type": "string"}}},
            },
            {"card": "string", "iban": "string"},
        ),
        (
            {"properties": {"anything": True, "nothing": False, "items": {"type": "array", "items": True}}},
            {"anything": "any", "nothing": "never", "items": "array<any>"},
        ),
        (
            {"properties": {"lines": {"items": {"properties": {"price": MONEY}}}}},
            {"lines": "any", "lines[].price": "object", "lines[].price.amount": "number"},
        ),
        (True, {}),
    ],
)
def test_fields_of_every_form_of_json_schema(schema: Any, found: dict[str, str]) -> None:
    assert paths("JSON", schema) == found


def test_fields_required_by_only_one_alternative_are_optional() -> None:
    schema = {
        "oneOf": [
            {"required": ["card"], "properties": {"card": {"type": "string"}}},
            {"required": ["iban"], "properties": {"iban": {"type": "string"}}},
        ],
        "allOf": [{"required": ["id"], "properties": {"id": {"type": "string"}}}],
        "properties": {"note": {"anyOf": [{"type": "null"}, {"type": "string"}]}},
        "required": ["note"],
    }
    optional = {field.path: field.optional for field in listed("JSON", json.dumps(schema))}
    assert optional == {"card": True, "iban": True, "id": False, "note": True}


@pytest.mark.parametrize(
    ("schema_type", "definition"),
    [
        ("AVRO", "{"),
        ("AVRO", "5"),
        ("AVRO", '{"type": "record", "name": "x"}'),
        ("AVRO", '{"type": "record", "name": "x", "fields": [{"name": "y"}]}'),
        ("AVRO", '{"type": "array"}'),
        ("AVRO", '"crm.Customer"'),
        ("JSON", "[]"),
        ("JSON", '{"properties": {"a": 5}}'),
        ("PROTOBUF", "hello"),
        ("PROTOBUF", "message A { string a = 1;"),
        ("PROTOBUF", "message A { string a }"),
        ("PROTOBUF", "message A { /* string a = 1; }"),
        ("PROTOBUF", "}"),
        *(("PROTOBUF", f"message A {{ string a = 1 [x = {quote}b]; }}") for quote in "\"'"),
    ],
)
def test_an_unreadable_schema_has_unknown_fields_not_none(schema_type: str, definition: str) -> None:
    assert schema_fields(schema_type, definition) is None


def test_a_schema_without_fields_has_an_empty_list() -> None:
    assert listed("AVRO", '"string"') == listed("JSON", "{}") == listed("PROTOBUF", "enum A { B = 0; }") == ()


def test_a_wide_record_does_not_crowd_out_its_neighbours() -> None:
    wide = a_record("Wide", *((f"f{number}", "int") for number in range(3_000)))
    narrow = a_record("Narrow", ("a", "int"), ("b", "int"))
    found = schema_fields("AVRO", json.dumps(a_record("Both", ("wide", wide), ("narrow", narrow))))
    assert found is not None
    assert [field.path for field in found.fields[-3:]] == ["narrow", "narrow.a", "narrow.b"]
    assert (len(found.fields), found.note) == (2_000, "only the first 2,000 fields, outer ones first")


def test_a_deep_schema_is_cut_with_a_note() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for number in range(20):
        schema = {"properties": {f"n{number}": schema}}
    found = schema_fields("JSON", json.dumps(schema))
    assert found is not None
    assert (len(found.fields), found.note) == (12, "fields deeper than 12 levels are left out")


@pytest.mark.parametrize("opening", ['{"type":"array","items":', '{"type":"object","items":', "["])
def test_no_depth_of_nesting_stops_the_reader(opening: str) -> None:
    closing = "}" if opening.startswith("{") else "]"
    definition = opening * 990 + '"string"' + closing * 990
    assert schema_fields("AVRO", definition) is schema_fields("JSON", definition) is None
    assert schema_properties("AVRO", definition) == {}


@pytest.mark.slow
def test_exploding_references_end_with_a_note() -> None:
    large = {"properties": {f"f{number}": {"type": "string"} for number in range(2_000)}}
    schema = {
        "properties": {f"p{number}": {"allOf": [{"$ref": "#/$defs/large"}]} for number in range(500)},
        "$defs": {"large": large},
    }
    found = schema_fields("JSON", json.dumps(schema))
    assert found is not None
    assert found.note is not None
    circle = {"$ref": "#/$defs/b", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    assert paths("JSON", circle) == paths("JSON", {"items": {"$ref": "#"}, "allOf": [{"$ref": "#"}]}) == {}


def test_text_in_place_of_a_list_is_not_read_character_by_character() -> None:
    schema = {
        "properties": {"id": {"$ref": "#a"}},
        "definitions": {"a": {"$id": "#a"}},
        "anyOf": "x" * 1_000_000,
    }
    started = time.process_time()
    found = schema_fields("JSON", json.dumps(schema))
    assert time.process_time() - started < 1
    assert found is not None
    assert [field.path for field in found.fields] == ["id"]
    assert found.note == "only a part: the schema is too large"


@pytest.mark.parametrize("definition", ["message A { string a = 1; }", "message A { string a }"])
def test_text_is_parsed_once_even_if_it_cannot_be_read(
    definition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    def tokens(text: str) -> Any:
        reads.append(text)
        return of_text(text)

    of_text = definitions._tokens
    monkeypatch.setattr(definitions, "_tokens", tokens)
    schema_fields.cache_clear()
    once_more = f"{definition} // {id(reads)}"

    record_name("PROTOBUF", once_more)
    schema_fields("PROTOBUF", once_more)

    assert reads == [once_more]
