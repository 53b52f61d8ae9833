import json

from mesh_assets.analysis.schema_fields import SchemaField, schema_fields, schema_properties

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


def paths(schema_type: str, definition: str) -> dict[str, str]:
    return {field.path: field.type for field in schema_fields(schema_type, definition) or ()}


def test_fields_of_avro_with_their_paths() -> None:
    assert schema_fields("AVRO", AVRO) == (
        SchemaField(path="id", type="string", doc="the key"),
        SchemaField(path="note", type="string", optional=True),
        SchemaField(path="at", type="long (timestamp-millis)"),
        SchemaField(path="lines", type="array<record Line>"),
        SchemaField(path="lines[].sku", type="string"),
    )
    assert schema_properties("AVRO", AVRO) == {"owner": "team-shop"}


def test_fields_of_json_schema_follow_references_inside_it() -> None:
    assert schema_fields("JSON", JSON) == (
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


def test_what_is_no_schema_has_no_fields_that_are_known() -> None:
    assert schema_fields("AVRO", "{") is None
    assert schema_fields("AVRO", '{"type": "record", "name": "x"}') is None
    assert schema_fields("AVRO", '"string"') == ()


def test_a_schema_that_holds_itself_ends() -> None:
    definition = json.dumps({"type": "object", "properties": {"next": {"$ref": "#"}}})
    assert len(schema_fields("JSON", definition) or ()) < 50
