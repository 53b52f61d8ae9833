"""Values are decoded by the schemas they name; undecodable ones are counted with the reason and never shown."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

from mesh_assets.errors import UnreachableError
from mesh_assets.platforms.schema_registry.records import RegisteredSchema, SchemaReference, SchemaText
from mesh_assets.profiling.records import TopicProfile
from mesh_assets_tests.events.avro import framed, written
from mesh_assets_tests.profiling.logs import InMemory, Log, a_record, numbered, profile, profile_values

MARKER = "very-private-words"


def text(schema_id: int, kind: str, definition: Any, *references: SchemaReference) -> SchemaText:
    written = definition if isinstance(definition, str) else json.dumps(definition)
    return SchemaText(id=schema_id, schema_type=kind, definition=written, references=references)


def reasons(found: TopicProfile) -> dict[str, int]:
    return {one.reason: one.records for one in found.undecodable if one.part == "value"}


USER = {
    "type": "record",
    "name": "User",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "name", "type": ["null", "string"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "labels", "type": {"type": "map", "values": "string"}},
        {
            "name": "items",
            "type": {
                "type": "array",
                "items": {"type": "record", "name": "Item", "fields": [{"name": "sku", "type": "string"}]},
            },
        },
    ],
}


def a_user(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": None if number % 2 else "Ada",
        "at": datetime(2026, 11, 29, 12, number, tzinfo=UTC),
        "labels": {f"{MARKER}-{number}": "v"},
        "items": [{"sku": "a"}, {"sku": "b"}],
    }


def test_avro_is_read_with_its_types_maps_and_arrays() -> None:
    values = [framed(7, written(USER, a_user(number))) for number in range(20)]
    found = profile_values(*values, schemas={7: text(7, "AVRO", USER)})
    assert (found.format, found.decoded_share, found.inferred) == ("avro", 1.0, False)
    fields = {one.path: one for one in found.fields}
    assert set(fields) == {"id", "name", "at", "labels", "labels{}", "items", "items[].sku"}
    assert (fields["name"].completeness, fields["name"].optional) == (0.5, True)
    assert (fields["at"].figures_of, fields["at"].types[0].type) == ("time", "timestamp")
    assert fields["at"].minimum == datetime(2026, 11, 29, 12, 0, tzinfo=UTC).timestamp()
    assert (fields["items[].sku"].records, fields["items[].sku"].completeness) == (40, None)


def test_several_schemas_of_one_topic_are_read_and_fields_that_one_lacks_are_optional() -> None:
    older = {**USER, "fields": USER["fields"][:1]}
    values = [framed(6, written(older, {"id": 1}))] + [framed(7, written(USER, a_user(n))) for n in range(3)]
    found = profile_values(*values, schemas={6: text(6, "AVRO", older), 7: text(7, "AVRO", USER)})
    assert [(one.id, one.records, one.latest) for one in found.schemas] == [(6, 1, None), (7, 3, None)]
    at = found.field("at")
    assert at is not None
    assert (at.completeness, at.optional) == (0.75, True)


def test_avro_takes_referenced_types_from_their_subjects() -> None:
    street = {
        "type": "record",
        "name": "Street",
        "namespace": "of",
        "fields": [{"name": "town", "type": "string"}],
    }
    user = {"type": "record", "name": "Person", "fields": [{"name": "home", "type": "of.Street"}]}
    reference = SchemaReference(name="of.Street", subject="street", version=1)
    registered = RegisteredSchema(
        subject="street", version=1, id=1, schema_type="AVRO", definition=json.dumps(street)
    )
    whole = {**user, "fields": [{"name": "home", "type": street}]}
    value = framed(2, written(whole, {"home": {"town": "Ulm"}}))
    schemas = {2: text(2, "AVRO", user, reference)}
    found = profile_values(value, schemas=schemas, versions={("street", 1): registered})
    assert [one.path for one in found.fields] == ["home.town"]
    assert found.fields[0].declared == "string"
    missing = profile_values(value, schemas=schemas)
    assert reasons(missing) == {
        "the registry does not have version 1 of street, which its schema refers to": 1
    }


def test_a_recursive_schema_ends_no_process() -> None:
    tree = {"type": "record", "name": "Tree", "fields": [{"name": "below", "type": ["null", "Tree"]}]}
    found = profile_values(framed(1, b"\x02" * 200_000), schemas={1: text(1, "AVRO", tree)})
    assert (found.decoded_share, sum(reasons(found).values())) == (0.0, 1)


def test_json_with_a_schema_shows_which_values_have_another_type() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "m": {"type": "number"}},
        "required": ["n"],
    }
    values = [framed(3, json.dumps({"n": "x" if n == 0 else n, "m": n}).encode()) for n in range(40)]
    found = profile_values(*values, schemas={3: text(3, "JSON", schema)})
    n, m = found.field("n"), found.field("m")
    assert n is not None
    assert m is not None
    assert (n.type_conformance, n.optional, n.declared) == (39 / 40, False, "integer")
    assert (m.type_conformance, m.optional) == (1.0, True)
    assert [(one.kind, one.path) for one in found.faults] == [("wrong_type", "n")]


PROTO = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
message Order {
  enum State { OPEN = 0; PAID = 1; }
  message Line { string sku = 1; int32 count = 2; }
  string id = 1;
  double amount = 2;
  optional string note = 3;
  State state = 4;
  repeated Line lines = 5;
  map<string, int64> stock = 6;
  google.protobuf.Timestamp at = 7;
}
message Other { bool done = 1; }
"""


def messages() -> Any:
    """The same two messages as protoc would compile them, for writing values."""
    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="orders.proto", package="shop", syntax="proto3", dependency=["google/protobuf/timestamp.proto"]
    )
    order = file.message_type.add(name="Order")
    order.enum_type.add(name="State").value.extend(
        [
            descriptor_pb2.EnumValueDescriptorProto(name="OPEN", number=0),
            descriptor_pb2.EnumValueDescriptorProto(name="PAID", number=1),
        ]
    )
    line = order.nested_type.add(name="Line")
    line.field.add(name="sku", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    line.field.add(name="count", number=2, type=kind.TYPE_INT32, label=kind.LABEL_OPTIONAL)
    entry = order.nested_type.add(name="StockEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    entry.field.add(name="value", number=2, type=kind.TYPE_INT64, label=kind.LABEL_OPTIONAL)
    order.field.add(name="id", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    order.field.add(name="amount", number=2, type=kind.TYPE_DOUBLE, label=kind.LABEL_OPTIONAL)
    order.field.add(
        name="note",
        number=3,
        type=kind.TYPE_STRING,
        label=kind.LABEL_OPTIONAL,
        proto3_optional=True,
        oneof_index=0,
    )
    order.oneof_decl.add(name="_note")
    order.field.add(
        name="state", number=4, type=kind.TYPE_ENUM, type_name=".shop.Order.State", label=kind.LABEL_OPTIONAL
    )
    order.field.add(
        name="lines",
        number=5,
        type=kind.TYPE_MESSAGE,
        type_name=".shop.Order.Line",
        label=kind.LABEL_REPEATED,
    )
    order.field.add(
        name="stock",
        number=6,
        type=kind.TYPE_MESSAGE,
        type_name=".shop.Order.StockEntry",
        label=kind.LABEL_REPEATED,
    )
    order.field.add(
        name="at",
        number=7,
        type=kind.TYPE_MESSAGE,
        type_name=".google.protobuf.Timestamp",
        label=kind.LABEL_OPTIONAL,
    )
    file.message_type.add(name="Other").field.add(
        name="done", number=1, type=kind.TYPE_BOOL, label=kind.LABEL_OPTIONAL
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"shop.{name}"))


def test_protobuf_is_read_by_the_registrys_text() -> None:
    order = messages()("Order")
    values = []
    for number in range(20):
        made = order(id=f"o{number}", amount=number / 2, state=number % 2)
        made.lines.add(sku="a", count=number)
        made.stock["x"] = 5
        made.at.FromJsonString("2026-11-29T12:00:00Z")
        if number < 5:
            made.note = "n"
        values.append(framed(9, b"\0" + made.SerializeToString()))
    values.append(framed(9, b"\x02\x02" + messages()("Other")(done=True).SerializeToString()))
    found = profile_values(*values, schemas={9: text(9, "PROTOBUF", PROTO)})
    assert (found.format, found.decoded_share, reasons(found)) == ("protobuf", 1.0, {})
    fields = {one.path: one for one in found.fields}
    assert {
        "id",
        "amount",
        "note",
        "state",
        "lines",
        "lines[].sku",
        "lines[].count",
        "stock",
        "stock{}",
        "at",
        "done",
    } == set(fields)
    assert (fields["note"].records, fields["note"].optional) == (5, True)
    # proto3 does not send zeros, but they are values all the same.
    assert (fields["amount"].records, fields["amount"].minimum, fields["state"].distinct) == (20, 0.0, 2)
    assert fields["at"].types[0].type == "timestamp"


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (
            "message A { Unknown x = 1; }",
            "its schema uses Unknown, which neither it nor what it refers to defines",
        ),
        ("message A {", "its schema cannot be read: the text ends within a statement"),
    ],
)
def test_an_unusable_protobuf_text_is_reported(definition: str, reason: str) -> None:
    found = profile_values(framed(1, b"\0"), schemas={1: text(1, "PROTOBUF", definition)})
    assert reasons(found) == {reason: 1}


def test_undecodable_records_are_counted_by_reason_and_never_quoted() -> None:
    good = [framed(7, written(USER, a_user(number))) for number in range(30)]
    bad = [
        framed(7, MARKER.encode()),
        framed(8, MARKER.encode()),
        framed(99, MARKER.encode()),
        json.dumps({MARKER: MARKER}).encode(),
        MARKER.encode(),
        b"\xff" + MARKER.encode(),
        None,
    ]
    schemas = {7: text(7, "AVRO", USER), 8: UnreachableError("the registry did not answer")}
    found = profile_values(*good, *bad, schemas=schemas)
    assert (found.decoded_share, found.tombstone_share) == (30 / 35, 1 / 37)
    assert len(reasons(found)) == 6
    assert reasons(found)["its schema could not be read: the registry did not answer"] == 1
    assert reasons(found)["names a schema that the registry does not have"] == 1
    assert MARKER not in repr(found)


def test_values_whose_schema_the_registry_withholds_are_unknown_and_not_faulty() -> None:
    down = UnreachableError("the registry answered 500")
    values = [framed(7, written(USER, a_user(number))) for number in range(30)]
    found = profile_values(*values, schemas={7: down})
    assert (
        found.error
        == "none of its values could be decoded: its schema could not be read: the registry answered 500"
    )
    assert (found.decoded_share, found.fields, found.inferred, found.faults) == (None, (), None, ())
    assert (found.sampled_records, found.null_key_share) == (30, 0.0)  # which needs no schema
    assert reasons(found) == {"its schema could not be read: the registry answered 500": 30}


def test_a_failing_registry_is_not_asked_for_each_of_a_thousand_schemas() -> None:
    asked: list[int] = []

    class Registry(dict[int, Any]):
        def get(self, schema_id: int, _: Any = None) -> Any:
            asked.append(schema_id)
            return UnreachableError("the registry answered 500")

    logs = {
        f"topic-{number:02}": Log(numbered([a_record(framed(number, b"x")) for _ in range(30)]))
        for number in range(40)
    }
    found = profile(InMemory(logs, schemas=Registry())).profiles
    assert len(asked) == 5
    assert all(one.error is not None and one.faults == () for one in found)


def test_only_what_a_registry_returned_before_it_failed_is_judged() -> None:
    values = [framed(7, written(USER, a_user(number))) for number in range(30)]
    others = [framed(8, written(USER, a_user(number))) for number in range(30)]
    down = UnreachableError("the registry answered 500")
    found = profile_values(*values, *others, schemas={7: text(7, "AVRO", USER), 8: down})
    assert (found.error, found.decoded_share, found.faults) == (None, 1.0, ())
    assert [(one.records, one.unread) for one in found.undecodable] == [(30, True)]
    identifier = found.field("id")
    assert identifier is not None
    assert (identifier.records, identifier.completeness) == (30, 1.0)


def test_an_unreadable_referenced_version_leaves_its_values_unknown() -> None:
    reference = SchemaReference(name="of.Street", subject="street", version=1)
    user = {"type": "record", "name": "Person", "fields": [{"name": "home", "type": "of.Street"}]}
    down = UnreachableError("the registry answered 500")
    found = profile_values(
        *(framed(2, b"\0") for _ in range(30)),
        schemas={2: text(2, "AVRO", user, reference)},
        versions={("street", 1): down},
    )
    assert found.error == (
        "none of its values could be decoded: street, which its schema refers to, could not be read: the registry answered 500"
    )
    assert found.faults == ()


def test_bytes_that_only_begin_like_a_frame_do_not_ask_the_registry_endlessly() -> None:
    asked: list[int] = []

    class Registry(dict[int, Any]):
        def get(self, schema_id: int, default: Any = None) -> Any:
            asked.append(schema_id)
            return default

    found = profile_values(*(framed(number, b"x") for number in range(1_000, 1_400)), schemas=Registry())
    assert len(asked) == 20
    assert found.decoded_share == 0.0


def test_a_registry_missing_from_the_estate_is_reported() -> None:
    found = profile_values(framed(7, b"x"), has_registry=False)
    assert found.error == (
        "none of its values could be decoded: names a schema, but the estate configures no registry for the cluster"
    )
    assert reasons(found) == {"names a schema, but the estate configures no registry for the cluster": 1}


def test_text_that_looks_like_numbers_is_text_and_bytes_are_bytes() -> None:
    words = profile_values(*(b"%d" % n for n in range(10)), b"abc")
    assert (words.format, words.inferred, [one.path for one in words.fields]) == ("text", True, ["value"])
    raw = profile_values(b"\xff\xfe", b"\xfe\xff")
    assert (raw.format, raw.decoded_share, raw.fields[0].types[0].type) == ("bytes", 1.0, "bytes")
    by_chance = profile_values(*(b"\xff%d" % n for n in range(30)), b"abc", framed(3, b"\xff"))
    assert ([one.type for one in by_chance.fields[0].types], by_chance.faults) == (["bytes"], ())
    mixed = profile_values(*(b'{"a": 1}' for _ in range(9)), b"\xff")
    assert (mixed.format, mixed.decoded_share) == ("json", 0.9)
