import io
import json
import struct
from typing import Any

import fastavro
import pytest

from mesh_assets.collecting.samples import Decoded, RecordDecoder
from mesh_assets.platforms.schema_registry.records import RegisteredSchema, SchemaReference, SchemaText

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


def framed(schema_id: int, data: bytes) -> bytes:
    return struct.pack(">bI", 0, schema_id) + data


@pytest.fixture
def decoder() -> RecordDecoder:
    return RecordDecoder(SCHEMAS.get, version)


def avro(value: Any) -> bytes:
    named: dict[str, Any] = {}
    fastavro.parse_schema(MONEY, named_schemas=named)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(ORDER, named_schemas=named), value)
    return out.getvalue()


def test_avro_is_read_with_what_its_schema_refers_to(decoder: RecordDecoder) -> None:
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
def test_what_cannot_be_read_field_by_field_is_told_by_its_size_alone(
    decoder: RecordDecoder, data: bytes
) -> None:
    decoded = decoder.decode(data)
    assert str(decoded.value).endswith("bytes)")
    assert decoded.note is not None
