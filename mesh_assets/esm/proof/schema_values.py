"""Generates values that a schema allows, behind a registry's frame: for Avro, for Protobuf (every field at its
default), and for as much of JSON Schema as is known here for certain."""

import json
import re
import struct
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import count
from typing import Any
from urllib.parse import urljoin

from mesh_assets.errors import EstateError
from mesh_assets.importing import importing

# Deeper, and with more parts, than any non-recursive schema: from there on, anything that may be null is null. A tree whose
# nodes have several children would otherwise double its value at each level.
_DEEP, _MANY = 12, 1_000
# Down to here, optional parts are also included.
_SHALLOW = 3

Encode = Callable[[str, int, int], bytes]
"""The value of one message: the test's id, the message's number, how many there are."""


def confluent_frame(schema_id: int) -> bytes:
    """The prefix of a value in Confluent's format: a zero, and the schema's id."""
    return struct.pack(">bI", 0, schema_id)


def glue_frame(version_id: str) -> bytes:
    """The prefix of a value in the format of Glue's serializers: their version 3, no compression, and the id of the
    schema's version."""
    return b"\x03\x00" + uuid.UUID(version_id).bytes


def avro_encoder(definitions: list[str], *, frame: bytes) -> Encode:
    """Records of the last definition, with generated values; the others are those it refers to.

    Raises EstateError for a definition that is not an Avro schema.
    """
    with importing:
        import fastavro
        from fastavro.schema import SchemaParseException, UnknownType

    named: dict[str, Any] = {}
    parsed: Any = None
    try:
        for text in definitions:
            parsed = fastavro.parse_schema(json.loads(text), named_schemas=named)
    except (SchemaParseException, UnknownType, ValueError, KeyError) as error:
        raise EstateError(f"the registry's schema is not a valid Avro schema: {error}") from error

    def encode(test_id: str, sequence: int, of: int) -> bytes:  # noqa: ARG001 - as every encoder
        out = BytesIO()
        out.write(frame)
        fastavro.schemaless_writer(out, parsed, _generated(parsed, named, test_id, sequence, 0, count(1)))
        return out.getvalue()

    return encode


def _generated(
    schema: Any, named: Mapping[str, Any], test_id: str, sequence: int, depth: int, parts: "count[int]"
) -> Any:
    """A value of the schema, as fastavro has parsed it; texts name the test and the message. `parts` counts."""

    def inner(part: Any) -> Any:
        return _generated(part, named, test_id, sequence, depth + 1, parts)

    too_large = next(parts) > _MANY or depth > _DEEP
    if isinstance(schema, list):
        some = [part for part in schema if part != "null"]
        return None if not some or (too_large and "null" in schema) else inner(some[0])
    if isinstance(schema, str):
        return _primitive(schema, test_id, sequence) if schema not in named else inner(named[schema])
    logical, kind = schema.get("logicalType"), schema["type"]
    if logical in _LOGICAL:
        return _LOGICAL[logical]()
    match kind:
        case "record" | "error":
            return {field["name"]: inner(field["type"]) for field in schema["fields"]}
        case "enum":
            return schema["symbols"][0]
        case "fixed":
            return bytes(schema["size"])
        case "array":
            return []
        case "map":
            return {}
        case "bytes":
            return b"\0"
        case _:
            return inner(kind)


def _primitive(kind: str, test_id: str, sequence: int) -> Any:
    match kind:
        case "string":
            return f"{test_id}-{sequence}"
        case "int" | "long":
            return sequence
        case "float" | "double":
            return float(sequence)
        case "boolean":
            return False
        case "bytes":
            return f"{test_id}-{sequence}".encode()
        case _:
            return None


def _now() -> datetime:
    return datetime.now(UTC)


_LOGICAL: Mapping[str, Callable[[], Any]] = {
    "uuid": lambda: str(uuid.uuid4()),
    "date": date.today,
    "timestamp-millis": _now,
    "timestamp-micros": _now,
    "local-timestamp-millis": lambda: _now().replace(tzinfo=None),
    "local-timestamp-micros": lambda: _now().replace(tzinfo=None),
    "time-millis": lambda: 0,
    "time-micros": lambda: 0,
}


class UnknownConstraintError(Exception):
    """A JSON schema asks for something that no value is generated for; names its keyword."""


# They do not matter for a value that has only properties which the schema names, and no more of them than
# required.
_HARMLESS = frozenset(
    {
        "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples",
        "readOnly", "writeOnly", "deprecated", "maxItems", "maxProperties", "contentMediaType", "contentEncoding",
    }
)  # fmt: skip
_HEEDED = frozenset(
    {
        "$ref", "const", "enum", "anyOf", "oneOf", "type", "properties", "required", "additionalProperties", "items",
        "minItems", "uniqueItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength",
        "maxLength", "format",
    }
)  # fmt: skip
_TEXTS: Mapping[str, Callable[[], str]] = {
    "date-time": lambda: _now().isoformat(),
    "date": lambda: f"{_now():%Y-%m-%d}",
    "time": lambda: f"{_now():%H:%M:%SZ}",
    "uuid": lambda: str(uuid.uuid4()),
    "email": lambda: "test@example.com",
    "uri": lambda: "https://example.com/",
    "ipv4": lambda: "192.0.2.1",
    "hostname": lambda: "example.com",
}


_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_MESSAGE = re.compile(r"(?:^|[;{}])\s*message\s+\w+\s*\{")
_REQUIRED = re.compile(r"\brequired\s|\bLEGACY_REQUIRED\b")


def protobuf_encoder(definition: str, *, frame: bytes) -> Encode:
    """The first message of a Protobuf definition with every field at its default: its encoding has no bytes, whatever its
    fields are, including those from other definitions.

    Raises UnknownConstraintError for a definition without a message, or with required fields.
    """
    text = _COMMENT.sub(" ", definition)
    if _MESSAGE.search(text) is None:
        raise UnknownConstraintError("no message")
    if (required := _REQUIRED.search(text)) is not None:
        raise UnknownConstraintError(required[0].strip())

    def encode(test_id: str, sequence: int, of: int) -> bytes:  # noqa: ARG001 - as every encoder
        return frame + b"\0"  # which message of the definition: the first

    return encode


def json_encoder(definition: str, *, frame: bytes, named: Mapping[str, str] | None = None) -> Encode:
    """Values of a JSON schema; encoding raises UnknownConstraintError if it asks for more than is known here. `named`:
    the schemas that it and they refer to, by the names that they use.

    Raises EstateError for a definition that is not a JSON schema.
    """
    with importing:
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

    texts = {"": definition, **(named or {})}
    try:
        schemas = {name: json.loads(text) for name, text in texts.items()}
    except ValueError:
        schemas = {"": None}
    if not all(isinstance(schema, dict | bool) for schema in schemas.values()):
        raise EstateError("the registry's schema is not a valid JSON schema; expected an object")
    schema = schemas[""]
    resources = {
        name: Resource.from_contents(one, default_specification=DRAFT202012) for name, one in schemas.items()
    }
    base = resources[""].id() or ""
    places = [
        (place, one) for name, one in resources.items() for place in {name, urljoin(base, name), one.id()}
    ]
    registry: Any = Registry().with_resources((place or "", one) for place, one in places)
    resolver = registry.resolver(base_uri=base)

    def encode(test_id: str, sequence: int, of: int) -> bytes:  # noqa: ARG001 - as every encoder
        value = _json_value(schema, resolver, f"{test_id}-{sequence}", 0)
        return frame + json.dumps(value).encode()

    return encode


def _json_value(schema: Any, resolver: Any, text: str, depth: int) -> Any:
    if schema is True:
        return {}
    unknown = ["false"] if schema is False else sorted(set(schema) - _HARMLESS - _HEEDED)
    if unknown or depth > _DEEP:
        raise UnknownConstraintError(unknown[0] if unknown else "recursion")

    def inner(part: Any) -> Any:
        return _json_value(part, resolver, text, depth + 1)

    if "$ref" in schema:
        if set(schema) - _HARMLESS - {"$ref"}:
            raise UnknownConstraintError("$ref beside others")
        return _json_value(*_referred(str(schema["$ref"]), resolver), text, depth + 1)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            # With other constraints, or as one of several that fit, no value can be made from one part alone.
            if set(schema) - _HARMLESS - {choice} or (choice == "oneOf" and not _exclusive(schema[choice])):
                raise UnknownConstraintError(choice)
            return inner(next((one for one in schema[choice] if one != {"type": "null"}), schema[choice][0]))
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = next((one for one in kinds if one != "null"), "null") if isinstance(kinds, list) else kinds
    match kind:
        case "object":
            known = schema.get("properties", {})
            others = schema.get("additionalProperties", True)
            optional = known if depth < _SHALLOW else ()
            return {name: inner(known.get(name, others)) for name in (schema.get("required") or optional)}
        case "array":
            if schema.get("uniqueItems") and schema.get("minItems", 0) > 1:
                raise UnknownConstraintError("uniqueItems")
            return [inner(schema.get("items", True)) for _ in range(schema.get("minItems", 0))]
        case "string":
            return _json_text(schema, text)
        case "integer" | "number":
            return _json_number(schema, whole=kind == "integer")
        case "boolean":
            return False
        case "null":
            return None
    raise UnknownConstraintError(f"type: {kind}")


def _referred(reference: str, resolver: Any) -> tuple[Any, Any]:
    """The schema, and what resolves its own references."""
    with importing:
        from referencing.exceptions import Unresolvable

    try:
        found = resolver.lookup(reference)
    except Unresolvable:
        raise UnknownConstraintError(f"$ref: {reference}") from None
    return found.contents, found.resolver


def _exclusive(choices: Any) -> bool:
    """Whether a value that fits one fits no other: they are of different types."""
    kinds = [one.get("type") if isinstance(one, dict) else None for one in choices]
    return all(isinstance(kind, str) for kind in kinds) and len(set(kinds)) == len(kinds)


def _json_text(schema: Mapping[str, Any], text: str) -> str:
    wanted = schema.get("format")
    if wanted is not None and wanted not in _TEXTS:
        raise UnknownConstraintError(f"format: {wanted}")
    value = text if wanted is None else _TEXTS[wanted]()
    fewest, most = schema.get("minLength", 0), schema.get("maxLength", len(value) + 1)
    if wanted is not None and not fewest <= len(value) <= most:
        raise UnknownConstraintError("format with a length")
    return value.ljust(fewest, "x")[: max(most, fewest)]


def _json_number(schema: Mapping[str, Any], *, whole: bool) -> float:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if isinstance(above, bool) or isinstance(below, bool):  # as in draft 4
        raise UnknownConstraintError("exclusiveMinimum")
    bounds = [0.0, *(bound for bound in (lowest, highest) if bound is not None)]
    bounds += [
        bound + step for bound in (above, below) if bound is not None for step in (-1, 1, -0.001, 0.001)
    ]
    for number in bounds:
        value: float = round(number) if whole else number
        if (
            (lowest is None or value >= lowest)
            and (highest is None or value <= highest)
            and (above is None or value > above)
            and (below is None or value < below)
        ):
            return value
    raise UnknownConstraintError("minimum")
