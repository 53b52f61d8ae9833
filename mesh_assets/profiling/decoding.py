"""Decodes the values of a sample: with the schemas that they name, else as JSON, text or bytes, whichever
most of them are.

Unlike the samples that a person is shown (`collecting/samples.py`), these values keep their types and are
never shown.
"""

import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from mesh_assets.collecting.samples import RecordDecoder, UndecodableError, UnreadSchemaError, named_schema
from mesh_assets.errors import MeshError
from mesh_assets.importing import importing
from mesh_assets.inventory.records import UNDECODABLE
from mesh_assets.platforms.schema_registry.records import SchemaText
from mesh_assets.profiling.protobuf import MessageReader
from mesh_assets.profiling.shapes import Shape, avro_shape, is_recursive, json_shape, protobuf_shape

Kind = Literal["schema", "json", "text", "bytes"]

MOST_UNKNOWN_IDS = 20
"""How many unknown ids we look up for one topic: bytes that merely begin like Confluent's frame can name any
number."""
MOST_FAILURES = 5
"""After so many schemas in a row that the registry did not return, no other is asked for: each costs a timeout and retries."""
_NOT_ASKED = "names a schema that was not looked up, after too many that the registry does not have"
_GIVEN_UP = "its schema was not looked up, after several in a row that the registry did not return"
_NOT_THERE = "names a schema that the registry does not have"
_NO_REGISTRY = "names a schema, but the estate configures no registry for the cluster"
_UNFIT = {
    "schema": {
        "json": "names no schema, unlike most of the topic (it is JSON)",
        "text": "names no schema, unlike most of the topic (it is text)",
        "bytes": "names no schema, unlike most of the topic",
    },
    "json": {
        "text": "is not JSON, unlike most of the topic",
        "bytes": "is not JSON, unlike most of the topic",
    },
    "text": {"bytes": "is not UTF-8 text, unlike most of the topic"},
}


@dataclass(slots=True)
class DecodedValues:
    """`values`: those of the records, in their order; None for a null and for a value that could not be
    decoded. `reasons`: why not, by place. `unread`: the places of those whose schema could not be read, so that
    nothing is known of the value. `schemas`: the ids named, by place. `formats`: how many were read in each
    format. `kind`: what most are; None: there are none. `shapes`: of the schemas, by id. `json_ids`: those of
    JSON Schema, whose values may differ from what they declare."""

    values: list[Any]
    reasons: dict[int, str] = field(default_factory=dict)
    unread: set[int] = field(default_factory=set)
    schemas: dict[int, int] = field(default_factory=dict)
    formats: Counter[str] = field(default_factory=Counter)
    kind: Kind | None = None
    shapes: dict[int, Shape] = field(default_factory=dict)
    json_ids: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the values of one schema, after the frame."""

    read: Callable[[bytes], Any]
    shape: Shape
    format: str


@dataclass(frozen=True, slots=True)
class _NoReader:
    """Why values of one schema cannot be decoded. `unread`: it is the schema that could not be read, which tells nothing of them."""

    reason: str
    unread: bool = False


class ValueDecoder:
    """Decodes the topics of one cluster; each schema is read once. `schemas`: reads them; None if the estate
    has no registry."""

    def __init__(self, schemas: RecordDecoder | None) -> None:
        self._schemas = schemas
        self._readers: dict[int, _Reader | _NoReader] = {}
        self._failures = 0

    def decode(self, values: Sequence[bytes | None]) -> DecodedValues:
        """All values of one part (keys or values) of a topic's sample."""
        found = DecodedValues(values=[None] * len(values))
        kinds: dict[int, Kind] = {}
        unknown = 0
        for place, data in enumerate(values):
            if data is None:
                continue
            schema_id = named_schema(data)
            if schema_id is None:
                kinds[place] = self._plain(found, place, data)
                continue
            kinds[place] = "schema"
            if schema_id not in self._readers and unknown >= MOST_UNKNOWN_IDS:
                found.reasons[place] = _NOT_ASKED
                if found.unread:
                    found.unread.add(place)
                continue
            asked = schema_id in self._readers
            reader = self._reader(schema_id)
            if not isinstance(reader, _Reader):
                unknown += not asked
                found.reasons[place] = reader.reason
                if reader.unread:
                    found.unread.add(place)
                continue
            found.schemas[place] = schema_id
            if schema_id not in found.shapes:
                found.shapes[schema_id] = reader.shape
                if reader.format == "json schema":
                    found.json_ids.add(schema_id)
            try:
                found.values[place] = reader.read(data[5:])
                found.formats[reader.format] += 1
            except UndecodableError as error:
                found.reasons[place] = str(error)
        _settle(found, kinds, values)
        return found

    def _plain(self, found: DecodedValues, place: int, data: bytes) -> Kind:
        try:
            value = msgspec.json.decode(data)
        except UNDECODABLE:
            try:
                found.values[place] = data.decode("utf-8")
            except UnicodeDecodeError:
                found.values[place] = data
                found.formats["bytes"] += 1
                return "bytes"
            found.formats["text"] += 1
            return "text"
        if isinstance(value, dict | list):
            found.values[place] = value
            found.formats["json"] += 1
            return "json"
        # A bare number or word may just as well be a text that looks like JSON; read as text, it is decoded
        # either way.
        found.values[place] = data.decode("utf-8")
        found.formats["text"] += 1
        return "text"

    def _reader(self, schema_id: int) -> _Reader | _NoReader:
        """The reader, or why values of that schema cannot be read."""
        if self._schemas is None:
            return _NoReader(_NO_REGISTRY, unread=True)
        if schema_id not in self._readers:
            if self._failures >= MOST_FAILURES:
                return _NoReader(_GIVEN_UP, unread=True)
            schema = self._schemas.schema(schema_id)
            made: _Reader | _NoReader
            if isinstance(schema, MeshError):
                made = _NoReader(f"its schema could not be read: {schema}", unread=True)
            elif schema is None:
                made = _NoReader(_NOT_THERE)
            else:
                made = self._made(self._schemas, schema)
            failed = isinstance(made, _NoReader) and made.unread
            self._failures = self._failures + 1 if failed else 0
            self._readers[schema_id] = made
        return self._readers[schema_id]

    def _made(self, schemas: RecordDecoder, schema: SchemaText) -> _Reader | _NoReader:
        try:
            if schema.schema_type == "AVRO":
                return _avro_reader(schemas, schema)
            if schema.schema_type == "JSON":
                return _Reader(_read_json, json_shape(schema.definition), "json schema")
            if schema.schema_type == "PROTOBUF":
                return _protobuf_reader(schemas, schema)
        except UndecodableError as error:
            return _NoReader(str(error), unread=isinstance(error, UnreadSchemaError))
        return _NoReader(f"its schema is of the type {schema.schema_type}, which is not read here")


def _settle(found: DecodedValues, kinds: dict[int, Kind], values: Sequence[bytes | None]) -> None:
    """What most values are; values of a poorer kind then count as undecodable, so that one broken record does
    not turn a topic of records into one of bytes. Naming a schema never counts against a value: it may be
    newer."""
    counts = Counter(kinds.values())
    found.kind = counts.most_common(1)[0][0] if counts else None
    if found.kind is None or 2 * counts[found.kind] <= len(kinds):
        return
    if (
        found.kind == "bytes"
    ):  # of many bytes, some are text by chance, and some begin as if they named a schema
        for place, kind in kinds.items():
            if kind == "text" or (
                place not in found.unread and found.reasons.get(place) in (_NOT_THERE, _NOT_ASKED)
            ):
                found.values[place] = values[place]
                found.reasons.pop(place, None)
                found.formats["text"] -= kind == "text"
                found.formats["bytes"] += 1
    poorer = _UNFIT.get(found.kind, {})
    for place, kind in kinds.items():
        if kind in poorer:
            found.formats["json" if kind == "json" else kind] -= 1
            found.values[place] = None
            found.reasons[place] = poorer[kind]


def _read_json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except UNDECODABLE as error:
        raise UndecodableError(f"does not fit its schema ({type(error).__name__})") from None


def _avro_reader(schemas: RecordDecoder, schema: SchemaText) -> _Reader:
    with importing:
        import fastavro
        from fastavro._read_py import schemaless_reader as patient

    try:
        parsed = schemas.avro(schema, logical=True)
        logical = True
    except UndecodableError:
        raise
    except Exception:  # fastavro refuses logical types that Avro says to ignore, with errors of any class
        logical = False
        try:
            parsed = schemas.avro(schema, logical=False)
        except UndecodableError:
            raise
        except Exception as error:
            raise UndecodableError(f"its schema cannot be read ({type(error).__name__})") from None
    # The compiled reader is ten times faster but does not limit its depth: a record of a recursive schema
    # ends the process (1.13.1: a segmentation fault).
    fast = patient if is_recursive(parsed) else fastavro.schemaless_reader

    def read(data: bytes) -> Any:
        stream = io.BytesIO(data)
        try:
            value = fast(stream, parsed.parsed, None)
        except Exception as error:  # of any class, e.g. for values that Python cannot hold
            if logical:
                value = _without_logical(schemas, schema, patient, stream)
            else:
                raise UndecodableError(f"does not fit its schema ({type(error).__name__})") from None
        if stream.tell() != len(data):
            raise UndecodableError("does not fit its schema (bytes are left over)")
        return value

    return _Reader(read, avro_shape(parsed), "avro")


def _without_logical(schemas: RecordDecoder, schema: SchemaText, read: Any, stream: io.BytesIO) -> Any:
    """Dates, times and decimals as stored, where Python cannot hold one of them, such as the year 10000."""
    stream.seek(0)
    try:
        return read(stream, schemas.avro(schema, logical=False).parsed, None)
    except Exception as error:
        raise UndecodableError(f"does not fit its schema ({type(error).__name__})") from None


def _protobuf_reader(schemas: RecordDecoder, schema: SchemaText) -> _Reader:
    texts = {reference.name: found.definition for reference, found in schemas.referred(schema.references)}
    reader = MessageReader({**texts, "": schema.definition})
    return _Reader(reader.read, protobuf_shape(reader), "protobuf")
