"""Samples of a topic: keys and values as JSON values, through the registry if they name a schema, otherwise as
JSON or text."""

import io
import json
import struct
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from mesh_assets.importing import importing
from mesh_assets.inventory.records import Record
from mesh_assets.platforms.schema_registry.records import SchemaReference, SchemaText

_HEAD = struct.Struct(">bI")


class Decoded(Record, frozen=True, kw_only=True):
    """`format`: what it was read as. `schema_id`: the one it names. `note`: why it could not be decoded
    further."""

    value: Any
    format: str
    schema_id: int | None = None
    note: str | None = None


class RecordDecoder:
    """Asks for each schema once. `schema_by_id` and `version` are those of a registry; None: there is none."""

    def __init__(
        self,
        schema_by_id: Callable[[int], SchemaText | None] | None,
        version: Callable[[str, int], Any] | None = None,
    ) -> None:
        self._schema_by_id = schema_by_id
        self._version = version
        self._schemas: dict[int, SchemaText | None] = {}
        self._avro: dict[int, Any] = {}

    def decode(self, data: bytes | None) -> Decoded:
        """A key or value, decoded; data that does not fit its schema gets a note. Raises PlatformError if the
        registry cannot be read."""
        if data is None:
            return Decoded(value=None, format="null")
        if len(data) >= 5 and data[0] == 0 and self._schema_by_id is not None:
            _, schema_id = _HEAD.unpack_from(data)
            if schema_id not in self._schemas:
                self._schemas[schema_id] = self._schema_by_id(schema_id)
            schema = self._schemas[schema_id]
            if schema is not None:
                return self._by_schema(schema, data[5:])
        return _without_schema(data)

    def _by_schema(self, schema: SchemaText, data: bytes) -> Decoded:
        kind = schema.schema_type
        try:
            if kind == "AVRO":
                value = _plain(self._read_avro(schema, data))
            elif kind == "JSON":
                value = json.loads(data)
            else:
                note = f"{kind.title()} cannot be read field by field here, so only its size is shown"
                return Decoded(value=_size(data), format=kind.lower(), schema_id=schema.id, note=note)
        except (ValueError, EOFError, IndexError, KeyError, TypeError, struct.error) as error:
            note = f"does not fit its schema ({type(error).__name__})"
            return Decoded(value=_size(data), format=kind.lower(), schema_id=schema.id, note=note)
        return Decoded(value=value, format=kind.lower(), schema_id=schema.id)

    def _read_avro(self, schema: SchemaText, data: bytes) -> Any:
        with importing:
            import fastavro

        if schema.id not in self._avro:
            named: dict[str, Any] = {}
            self._parse_references(schema.references, named)
            self._avro[schema.id] = fastavro.parse_schema(json.loads(schema.definition), named_schemas=named)
        return fastavro.schemaless_reader(io.BytesIO(data), self._avro[schema.id], None)

    def _parse_references(self, references: tuple[SchemaReference, ...], named: dict[str, Any]) -> None:
        with importing:
            import fastavro

        for reference in references:
            found = None if self._version is None else self._version(reference.subject, reference.version)
            if found is None:
                raise KeyError(reference.subject)
            self._parse_references(found.references, named)
            fastavro.parse_schema(json.loads(found.definition), named_schemas=named)


def _without_schema(data: bytes) -> Decoded:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Decoded(
            value=_size(data), format="bytes", note="no schema and no text, so only its size is shown"
        )
    try:
        return Decoded(value=json.loads(text), format="json")
    except ValueError:
        return Decoded(value=text, format="text")


def _size(data: bytes) -> str:
    """Bytes are shown as their number: what cannot be read field by field cannot be masked either."""
    return f"({len(data):,} bytes)"


def _plain(value: Any) -> Any:
    """Avro's values as JSON values."""
    match value:
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bytes():
            return _size(value)
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)
