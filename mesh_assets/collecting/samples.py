"""Samples of a topic: keys and values as JSON values, through the registry if they name a schema, otherwise as JSON
or text. A record that cannot be read never affects the rest."""

import io
import json
import math
import struct
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from mesh_assets.errors import MeshError
from mesh_assets.importing import importing
from mesh_assets.inventory.records import Record
from mesh_assets.platforms.schema_registry.avro_arrays import has_unbounded_array
from mesh_assets.platforms.schema_registry.records import SchemaReference, SchemaText

_HEAD = struct.Struct(">bI")
_DEEPEST = 60
_LOGICAL = ("logicalType", "scale", "precision")


class Decoded(Record, frozen=True, kw_only=True):
    """`format`: what it was read as. `schema_id`: the one it names. `note`: why it could not be decoded
    further."""

    value: Any
    format: str
    schema_id: int | None = None
    note: str | None = None


class AvroSchema(NamedTuple):
    """`parsed` by fastavro, with every type that it names or refers to."""

    parsed: Any
    named: dict[str, Any]


class UndecodableError(Exception):
    """The message says why, and never quotes the record."""


class UnreadSchemaError(UndecodableError):
    """A part of its schema could not be read just now: nothing is known of the record."""


class RecordDecoder:
    """Asks for each schema once. `schema_by_id` and `version` are a registry's; None: there is none."""

    def __init__(
        self,
        schema_by_id: Callable[[int], SchemaText | None] | None,
        version: Callable[[str, int], Any] | None = None,
    ) -> None:
        self._schema_by_id = schema_by_id
        self._version = version
        self._schemas: dict[int, SchemaText | MeshError | None] = {}
        self._avro: dict[tuple[int, bool], AvroSchema] = {}

    def decode(self, data: bytes | None) -> Decoded:
        """A key or value, decoded; if it cannot be decoded, its size, with a note that says why."""
        if data is None:
            return Decoded(value=None, format="null")
        schema_id = named_schema(data)
        if schema_id is not None and self._schema_by_id is not None:
            schema = self.schema(schema_id)
            if isinstance(schema, MeshError):
                note = f"its schema could not be read: {schema}"
                return Decoded(value=_size(data), format="bytes", schema_id=schema_id, note=note)
            if schema is not None:
                return self._by_schema(schema, data[5:])
        return _without_schema(data)

    def schema(self, schema_id: int) -> SchemaText | MeshError | None:
        """The schema, or why it could not be read; None: the registry has none with that id, or there is no registry."""
        if schema_id not in self._schemas:
            try:
                self._schemas[schema_id] = (
                    None if self._schema_by_id is None else self._schema_by_id(schema_id)
                )
            except MeshError as error:
                self._schemas[schema_id] = error
        return self._schemas[schema_id]

    def referred(
        self, references: tuple[SchemaReference, ...], seen: set[tuple[str, int]] | None = None
    ) -> Iterator[tuple[SchemaReference, Any]]:
        """What the references name, each once and before whatever needs it. Raises UndecodableError."""
        seen = set() if seen is None else seen
        for reference in references:
            if (reference.subject, reference.version) in seen:
                continue
            seen.add((reference.subject, reference.version))
            try:
                found = None if self._version is None else self._version(reference.subject, reference.version)
            except MeshError as error:
                raise UnreadSchemaError(
                    f"{reference.subject}, which its schema refers to, could not be read: {error}"
                ) from error
            if found is None:
                raise UndecodableError(
                    f"the registry does not have version {reference.version} of {reference.subject}, which its schema refers to"
                )
            yield from self.referred(found.references, seen)
            yield reference, found

    def _by_schema(self, schema: SchemaText, data: bytes) -> Decoded:
        kind = schema.schema_type
        note = None
        try:
            if kind == "AVRO":
                value, note = self._read_avro(schema, data)
            elif kind == "JSON":
                value = _json(data)
            else:
                raise UndecodableError(
                    f"{kind.title()} cannot be read field by field here, so only its size is shown"
                )
        except ValueError as error:
            value, note = _size(data), f"does not fit its schema ({type(error).__name__})"
        except UndecodableError as error:
            value, note = _size(data), str(error)
        return Decoded(value=value, format=kind.lower(), schema_id=schema.id, note=note)

    def _read_avro(self, schema: SchemaText, data: bytes) -> tuple[Any, str | None]:
        """The value, and a note if logical types were ignored.

        fastavro refuses logical types that Avro says to ignore, and breaks on values that Python cannot hold, such as
        a date beyond the year 9999 (Debezium's infinity).
        """
        raised: Exception | None = None
        for logical in (True, False):
            try:
                value = self._avro_value(schema, data, logical=logical)
            except UndecodableError:
                raise
            except Exception as error:  # fastavro raises anything: OverflowError, AttributeError, its own
                raised = raised or error
            else:
                left_out = f"dates, times and decimals are shown as they are stored ({type(raised).__name__})"
                return value, None if raised is None else left_out
        raise UndecodableError(f"does not fit its schema ({type(raised).__name__})")

    def _avro_value(self, schema: SchemaText, data: bytes, *, logical: bool) -> Any:
        # fastavro's Python reader: the compiled one has no depth limit, so that a record with a recursive schema ends the
        # process (1.13.1: a segmentation fault).
        with importing:
            from fastavro._read_py import schemaless_reader

        parsed = self.avro(schema, logical=logical).parsed
        return _plain(schemaless_reader(io.BytesIO(data), parsed, None))

    def avro(self, schema: SchemaText, *, logical: bool) -> AvroSchema:
        """The Avro schema with what it refers to; `logical`: with logical types. Raises UndecodableError, and what fastavro
        raises for text that is not a schema."""
        with importing:
            import fastavro

        if (schema.id, logical) not in self._avro:
            named: dict[str, Any] = {}
            for _, found in self.referred(schema.references):
                fastavro.parse_schema(_definition(found.definition, logical=logical), named_schemas=named)
            parsed = fastavro.parse_schema(
                _definition(schema.definition, logical=logical), named_schemas=named
            )
            if has_unbounded_array(parsed, named):
                raise UndecodableError("its schema has an array whose items take no bytes")
            self._avro[schema.id, logical] = AvroSchema(parsed, named)
        return self._avro[schema.id, logical]


def named_schema(data: bytes) -> int | None:
    """The id of the schema that the bytes name as Confluent's serializers do; None: they name none."""
    return _HEAD.unpack_from(data)[1] if len(data) >= 5 and data[0] == 0 else None


def _definition(text: str, *, logical: bool) -> Any:
    if logical:
        return json.loads(text)
    return json.loads(text, object_hook=lambda part: {k: v for k, v in part.items() if k not in _LOGICAL})


def _without_schema(data: bytes) -> Decoded:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Decoded(
            value=_size(data), format="bytes", note="no schema and no text, so only its size is shown"
        )
    try:
        return Decoded(value=_json(text), format="json")
    except ValueError:
        return Decoded(value=text, format="text")
    except UndecodableError as error:
        return Decoded(value=_size(data), format="json", note=str(error))


def _json(text: str | bytes) -> Any:
    """The value. Raises ValueError if it is not JSON, UndecodableError if it is but cannot be shown."""
    try:
        return _plain(json.loads(text, parse_int=_number))
    except RecursionError:
        raise UndecodableError(_TOO_DEEP) from None


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) < 400 else f"(a number of {len(digits):,} digits)"


_TOO_DEEP = "is nested too deeply to be shown, so only its size is"


def _size(data: bytes) -> str:
    """Bytes are shown by size only: data that cannot be read field by field cannot be masked either."""
    return f"({len(data):,} bytes)"


def _plain(value: Any, depth: int = 0) -> Any:
    """Values of Avro or JSON as values that any JSON can hold: no NaN, no half of a surrogate pair. Raises
    UndecodableError for data nested so deeply that masking and writing it would overflow the stack."""
    if depth > _DEEPEST:
        raise UndecodableError(_TOO_DEEP)
    match value:
        case dict():
            return {_text(str(key)): _plain(inner, depth + 1) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner, depth + 1) for inner in value]
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return _size(value)
        case str():
            return _text(value)
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float():
            return value
        case Decimal():
            return str(value)
        case _:
            return _text(str(value))


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode("utf-8")
