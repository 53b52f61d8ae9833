import json

import pytest

from mesh_assets.inventory.records import Schema, SchemaReference
from mesh_assets.relationships.fields import FieldReader
from mesh_assets_tests.relationships.estates import a_registered, avro


def paths(schema: Schema, *others: Schema, pinned: tuple[Schema, ...] = ()) -> list[str]:
    return [field.path for field in reader(schema, *others, pinned=pinned).fields(schema)]


def reader(*schemas: Schema, pinned: tuple[Schema, ...] = ()) -> FieldReader:
    return FieldReader(schemas, {(one.subject, one.version): one for one in pinned})


def refers(name: str, subject: str, version: int = 1) -> tuple[SchemaReference, ...]:
    return (SchemaReference(name=name, subject=subject, version=version),)


ADDRESS = avro("address", ("street", "string"), ("country_id", "string"), record="shop.Address")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("shop.Address", "address.country_id"),
        (["null", "shop.Address"], "address.country_id"),
        ({"type": "array", "items": "shop.Address"}, "address[].country_id"),
        ({"type": "map", "values": "shop.Address"}, "address{}.country_id"),
    ],
)
def test_an_avro_schema_has_the_fields_of_its_referenced_type(kind: object, expected: str) -> None:
    order = avro(
        "orders-value",
        ("order_id", "string"),
        ("address", kind),
        references=refers("shop.Address", "address"),
    )
    found = paths(order, ADDRESS)
    assert found[0] == "order_id"
    assert expected in found


def test_a_union_of_other_schemas_at_the_top_has_the_fields_of_all_of_them() -> None:
    placed = avro("placed", ("order_id", "string"), record="shop.Placed")
    paid = avro("paid", ("payment_id", "string"), record="shop.Paid")
    union = a_registered(
        "orders-value",
        "AVRO",
        json.dumps(["shop.Placed", "shop.Paid"]),
        references=(*refers("shop.Placed", "placed"), *refers("shop.Paid", "paid")),
    )
    found = reader(union, placed, paid)
    assert [field.path for field in found.fields(union)] == ["order_id", "payment_id"]
    assert found.gaps == {}


def test_a_json_schema_has_the_fields_of_its_referenced_file_even_as_a_whole() -> None:
    money = a_registered(
        "money", "JSON", json.dumps({"type": "object", "properties": {"currency_id": {"type": "string"}}})
    )
    order = a_registered(
        "orders-value",
        "JSON",
        json.dumps({"type": "object", "properties": {"total": {"$ref": "types/money.json"}}}),
        references=refers("types/money.json", "money"),
    )
    assert paths(order, money) == ["total", "total.currency_id"]
    extended = a_registered(
        "paid-value",
        "JSON",
        json.dumps({"allOf": [{"$ref": "types/money.json"}], "properties": {"paid": {"type": "boolean"}}}),
        references=refers("types/money.json", "money"),
    )
    assert sorted(paths(extended, money)) == ["currency_id", "paid"]


def test_a_protobuf_message_has_the_fields_of_its_imported_message() -> None:
    common = a_registered(
        "common",
        "PROTOBUF",
        'syntax = "proto3"; package shop; message Money { string currency_id = 1; } message Place { string zone_id = 1; }',
    )
    order = a_registered(
        "orders-value",
        "PROTOBUF",
        'syntax = "proto3"; package shop; import "common.proto"; '
        "message Order { string order_id = 1; shop.Money total = 2; repeated Place stops = 3; }",
        references=refers("common.proto", "common"),
    )
    assert paths(order, common) == ["order_id", "total", "total.currency_id", "stops", "stops[].zone_id"]


def test_a_reference_is_followed_at_its_own_version_and_not_at_the_latest() -> None:
    newer = avro("address", ("zone_id", "string"), record="shop.Address", version=2)
    order = avro("orders-value", ("address", "shop.Address"), references=refers("shop.Address", "address", 1))
    known = reader(order, newer, pinned=(ADDRESS,))
    assert [field.path for field in known.fields(order)] == [
        "address",
        "address.street",
        "address.country_id",
    ]
    unknown = reader(order, newer)
    assert [field.path for field in unknown.fields(order)] == ["address"]
    assert unknown.gaps == {
        "orders-value": "version 1 of address, which it refers to, is not known: the inventory holds version 2"
    }


def test_mutually_recursive_schemas_end() -> None:
    one = avro(
        "a", ("a_id", "string"), ("other", "shop.B"), record="shop.A", references=refers("shop.B", "b")
    )
    other = avro(
        "b", ("b_id", "string"), ("other", "shop.A"), record="shop.B", references=refers("shop.A", "a")
    )
    assert paths(one, one, other) == ["a_id", "other", "other.b_id", "other.other"]


def test_an_unreadable_schema_is_a_gap_with_the_reason() -> None:
    broken = a_registered("broken-value", "AVRO", "{")
    found = reader(broken)
    assert found.fields(broken) == []
    assert found.gaps["broken-value"].startswith("broken-value cannot be read: ")
