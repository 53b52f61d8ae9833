import io
import json
from typing import Any

import fastavro
import pytest

from mesh_assets.collecting.samples import Decoded, RecordDecoder
from mesh_assets.errors import UnreachableError
from mesh_assets.platforms.schema_registry.records import RegisteredSchema, SchemaReference, SchemaText
from mesh_assets_tests.events.avro import framed, written

MONEY = {"type": "record", "name": "Money", "fields": [{"name": "amount", "type": "int"}]}
ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "id", "type": "string"}, {"name": "total", "type": "Money"}],
}
SCHEMAS = {
    1: SchemaText(
        id=1,
        schema_type="AVRO",
        definition=json.dumps(ORDER),
        references=(SchemaReference(name="Money", subject="money", version=1),),
    ),
    2: SchemaText(id=2, schema_type="JSON", definition="{}"),
    3: SchemaText(id=3, schema_type="PROTOBUF", definition="message A {}"),
}


def version(subject: str, number: int) -> RegisteredSchema:
    return RegisteredSchema(
        subject=subject, version=number, id=9, schema_type="AVRO", definition=json.dumps(MONEY)
    )


@pytest.fixture
def decoder() -> RecordDecoder:
    return RecordDecoder(SCHEMAS.get, version)


def avro(value: Any) -> bytes:
    named: dict[str, Any] = {}
    fastavro.parse_schema(MONEY, named_schemas=named)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(ORDER, named_schemas=named), value)
    return out.getvalue()


def test_avro_is_read_with_the_schemas_it_refers_to(decoder: RecordDecoder) -> None:
    value = {"id": "o-1", "total": {"amount": 3}}
    assert decoder.decode(framed(1, avro(value))) == Decoded(value=value, format="avro", schema_id=1)


def test_json_with_and_without_a_schema(decoder: RecordDecoder) -> None:
    assert decoder.decode(framed(2, b'{"a": 1}')) == Decoded(value={"a": 1}, format="json", schema_id=2)
    assert decoder.decode(b'{"a": 1}') == Decoded(value={"a": 1}, format="json")
    assert decoder.decode(b"plain") == Decoded(value="plain", format="text")
    assert decoder.decode(None) == Decoded(value=None, format="null")


@pytest.mark.parametrize(
    "data", [framed(3, b"ada@example.com"), framed(1, b"\xff\xff\xff"), framed(77, b"\xff"), b"\xfe\xff"]
)
def test_undecodable_records_are_described_by_their_size_alone(decoder: RecordDecoder, data: bytes) -> None:
    decoded = decoder.decode(data)
    assert str(decoded.value).endswith("bytes)")
    assert decoded.note is not None


def of_schema(schema: Any, data: bytes) -> Decoded:
    text = SchemaText(id=9, schema_type="AVRO", definition=json.dumps(schema))
    return RecordDecoder({9: text}.get).decode(framed(9, data))


def test_a_date_that_python_cannot_hold_is_shown_as_it_is_stored() -> None:
    stored = {
        "type": "record",
        "name": "E",
        "fields": [{"name": "until", "type": "long"}, {"name": "id", "type": "string"}],
    }
    read = {
        "type": "record",
        "name": "E",
        "fields": [
            {"name": "until", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "id", "type": "string"},
        ],
    }
    infinity = {"until": 9223372036825200000, "id": "e-1"}  # Debezium's
    assert of_schema(read, written(stored, infinity)) == Decoded(
        value=infinity,
        format="avro",
        schema_id=9,
        note="dates, times and decimals are shown as they are stored (OverflowError)",
    )


@pytest.mark.parametrize(
    "type_",
    [
        {"type": "bytes", "logicalType": "decimal", "precision": 0},
        {"type": "string", "logicalType": "decimal", "precision": 4, "scale": 9},
        {"type": "long", "logicalType": "uuid"},
    ],
)
def test_a_logical_type_that_the_library_refuses_is_left_out(type_: dict[str, Any]) -> None:
    wrong = {"type": "record", "name": "E", "fields": [{"name": "a", "type": type_}]}
    plain = {"type": "record", "name": "E", "fields": [{"name": "a", "type": type_["type"]}]}
    value = {"bytes": b"ab", "string": "ab", "long": 7}[type_["type"]]
    shown = "(2 bytes)" if isinstance(value, bytes) else value
    assert of_schema(wrong, written(plain, {"a": value})).value == {"a": shown}


def test_an_invalid_schema_gives_a_note() -> None:
    decoded = of_schema({"type": "record", "name": "E", "fields": [{"name": "a", "type": "nothing"}]}, b"abc")
    assert (decoded.value, decoded.note) == ("(3 bytes)", "does not fit its schema (UnknownType)")


def test_a_registry_that_does_not_answer_affects_no_other_record() -> None:
    asked: list[int] = []

    def refuse(schema_id: int) -> SchemaText | None:
        asked.append(schema_id)
        raise UnreachableError("the registry does not answer")

    decoder = RecordDecoder(refuse)
    for _ in range(2):
        assert decoder.decode(framed(4, b"abc")) == Decoded(
            value="(8 bytes)",
            format="bytes",
            schema_id=4,
            note="its schema could not be read: the registry does not answer",
        )
    assert asked == [4]
    assert decoder.decode(b"plain").value == "plain"


@pytest.mark.parametrize("depth", [100, 990, 100_000])
def test_json_nested_too_deeply_is_described_by_its_size(decoder: RecordDecoder, depth: int) -> None:
    data = b"[" * depth + b"]" * depth
    note = "is nested too deeply to be shown, so only its size is"
    assert decoder.decode(data) == Decoded(value=f"({2 * depth:,} bytes)", format="json", note=note)


def test_values_without_a_json_form_are_made_readable(decoder: RecordDecoder) -> None:
    data = b'{"half": "\\ud800", "nan": NaN, "long": ' + b"9" * 5_000 + b', "email": "ada"}'
    assert decoder.decode(data).value == {
        "half": "?",
        "nan": "nan",
        "long": "(a number of 5,000 digits)",
        "email": "ada",
    }


@pytest.mark.parametrize("next_", ["Node", ["null", "Node"]])
def test_a_record_nested_too_deeply_stops_nothing(next_: Any) -> None:
    node = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": next_}]}
    decoded = of_schema(node, b"\x02" * 1_000_000)
    assert (decoded.value, decoded.note) == (
        "(1,000,000 bytes)",
        "does not fit its schema (RecursionError)",
    )


@pytest.mark.parametrize(
    "items",
    [
        "null",
        {"type": "record", "name": "Empty", "fields": [{"name": "nothing", "type": "null"}]},
        {"type": "fixed", "name": "Nothing", "size": 0},
    ],
)
def test_an_array_of_zero_byte_items_is_not_counted_out(items: Any) -> None:
    schema = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "a", "type": {"type": "array", "items": items}}],
    }
    decoded = of_schema(schema, b"\xfe" + b"\xff" * 7 + b"\x7f\x00")
    assert (decoded.value, decoded.note) == (
        "(10 bytes)",
        "its schema has an array whose items take no bytes",
    )
