"""The fields that a schema declares, with their paths: from Avro, JSON Schema and Protobuf."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from mesh_assets.inventory.records import Record

_MOST_FIELDS = 2_000
_DEEPEST = 12
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_PROTOBUF_TOKEN = re.compile(
    r"(?P<open>\b(?:message|oneof|enum|extend|service)\s+(?P<name>[\w.]+)\s*\{)|(?P<close>\})"
    r"|(?:(?P<label>repeated|optional|required)\s+)?(?P<type>map\s*<[^>]*>|[\w.]+)\s+(?P<field>\w+)\s*=\s*\d+\s*(?:\[[^\]]*\])?\s*;"
)


class SchemaField(Record, frozen=True, kw_only=True):
    """One field. `path`: dots into records, `[]` into arrays, `{}` into maps. `optional`: null is allowed, or
    the field may be missing.
    """

    path: str
    type: str
    optional: bool = False
    doc: str | None = None


@lru_cache(maxsize=16_384)
def schema_fields(schema_type: str, definition: str) -> tuple[SchemaField, ...] | None:
    """The first 2,000 fields in the schema's order; None when the definition is not of its declared type.

    What a schema takes from another by reference appears as a type only.
    """
    if schema_type == "PROTOBUF":
        return _first(_protobuf(_COMMENT.sub("", definition)))
    try:
        parsed: Any = msgspec.json.decode(definition)
    except msgspec.DecodeError:
        return None
    try:
        return (
            _first(_json_schema(parsed, parsed, "", 0))
            if schema_type == "JSON"
            else _first(_avro(parsed, {}, "", 0))
        )
    except (KeyError, TypeError, AttributeError):  # valid JSON that is not a schema
        return None


def schema_properties(schema_type: str, definition: str) -> dict[str, str]:
    """Text properties at the top of an Avro or JSON schema that are not part of the schema language (`owner`,
    `domain`, …), and `doc`.
    """
    if schema_type == "PROTOBUF":
        return {}
    try:
        parsed: Any = msgspec.json.decode(definition)
    except msgspec.DecodeError:
        return {}
    if not isinstance(parsed, dict):
        return {}
    language = {"type", "name", "namespace", "title", "$schema", "$id", "$ref"}
    return {key: value for key, value in parsed.items() if isinstance(value, str) and key not in language}


def _first(fields: Iterator[SchemaField]) -> tuple[SchemaField, ...]:
    return tuple(field for _, field in zip(range(_MOST_FIELDS), fields, strict=False))


# --- Avro


def _avro(schema: Any, named: dict[str, Any], prefix: str, depth: int) -> Iterator[SchemaField]:
    if depth > _DEEPEST:
        return
    if isinstance(schema, list):
        for branch in schema:
            yield from _avro(branch, named, prefix, depth)
        return
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if isinstance(kind, dict | list):
        yield from _avro(kind, named, prefix, depth)
    elif kind == "array":
        yield from _avro(schema["items"], named, f"{prefix}[]", depth)
    elif kind == "map":
        yield from _avro(schema["values"], named, f"{prefix}{{}}", depth)
    elif kind == "record":
        for field in schema["fields"]:
            path = f"{prefix}.{field['name']}" if prefix else field["name"]
            optional = isinstance(field["type"], list) and "null" in field["type"]
            yield SchemaField(
                path=path, type=_avro_type(field["type"]), optional=optional, doc=_text(field.get("doc"))
            )
            yield from _avro(field["type"], named, path, depth + 1)


def _avro_type(schema: Any) -> str:
    if isinstance(schema, str):
        return schema
    if isinstance(schema, list):
        return " | ".join(_avro_type(branch) for branch in schema if branch != "null") or "null"
    kind = schema.get("type")
    if isinstance(kind, dict | list):
        return _avro_type(kind)
    if kind == "array":
        return f"array<{_avro_type(schema['items'])}>"
    if kind == "map":
        return f"map<{_avro_type(schema['values'])}>"
    if kind == "enum":
        symbols = schema.get("symbols", [])
        return f"enum({', '.join(symbols[:12])}{', …' if len(symbols) > 12 else ''})"
    if kind == "record":
        return f"record {schema.get('name', '')}".strip()
    logical = schema.get("logicalType")
    return f"{kind} ({logical})" if logical else str(kind)


# --- JSON Schema


def _json_schema(schema: Any, root: Any, prefix: str, depth: int) -> Iterator[SchemaField]:
    if depth > _DEEPEST or not isinstance(schema, dict):
        return
    schema = _resolved(schema, root)
    for part in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(part) or ():
            yield from _json_schema(branch, root, prefix, depth + 1)
    if isinstance(schema.get("items"), dict):
        yield from _json_schema(schema["items"], root, f"{prefix}[]", depth + 1)
    required = set(schema.get("required") or ())
    for name, field in (schema.get("properties") or {}).items():
        path = f"{prefix}.{name}" if prefix else name
        inner = _resolved(field, root) if isinstance(field, dict) else {}
        yield SchemaField(
            path=path,
            type=_json_type(inner),
            optional=name not in required,
            doc=_text(inner.get("description")),
        )
        yield from _json_schema(inner, root, path, depth + 1)


def _resolved(schema: dict[str, Any], root: Any) -> dict[str, Any]:
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    found = root
    for part in reference[2:].split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else schema


def _json_type(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(str(one) for one in kind)
    if kind is None:
        return "enum" if "enum" in schema else "any"
    return f"{kind} ({schema['format']})" if isinstance(schema.get("format"), str) else str(kind)


# --- Protobuf


def _protobuf(text: str) -> Iterator[SchemaField]:
    """Fields by their message; those of the first message, which is the record that is sent, without its
    name.
    """
    inside: list[tuple[str, str]] = []
    first: str | None = None
    for token in _PROTOBUF_TOKEN.finditer(text):
        if token["open"]:
            kind = token["open"].split()[0]
            if kind == "message" and first is None:
                first = token["name"]
            inside.append((kind, token["name"]))
        elif token["close"]:
            if inside:
                inside.pop()
        elif inside and inside[-1][0] in ("message", "oneof"):
            messages = [name for kind, name in inside if kind == "message"]
            path = ".".join(
                [*(messages[1:] if messages and messages[0] == first else messages), token["field"]]
            )
            kind = " ".join(token["type"].split())
            repeated = token["label"] == "repeated"
            yield SchemaField(
                path=path, type=f"array<{kind}>" if repeated else kind, optional=token["label"] == "optional"
            )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
