"""Avro for tests: the records within a schema, and values written with one, as registries frame them."""

import io
import struct
from typing import Any

import fastavro


def records_of(kind: Any) -> list[Any]:
    """Every record type in a schema, outermost first."""
    if isinstance(kind, list):
        return [record for branch in kind for record in records_of(branch)]
    if not isinstance(kind, dict):
        return []
    if kind["type"] == "record":
        return [kind, *(record for field in kind["fields"] for record in records_of(field["type"]))]
    return records_of(kind.get("items") or kind.get("values"))


def written(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def framed(schema_id: int, data: bytes) -> bytes:
    """In Confluent's wire format."""
    return struct.pack(">bI", 0, schema_id) + data
