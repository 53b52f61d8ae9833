"""The fields of a plain JSON Schema: objects, arrays and values, without references or combined parts. Most schemas in a
registry are plain. Reading one costs a tenth of what the general reader takes, which finds the same fields."""

from collections.abc import Mapping
from typing import Any

from mesh_assets.analysis.field_walk import DEEPEST, MOST_FIELDS, SchemaField, SchemaFields

_LONGEST = 20_000
"""Characters of the text: a longer schema may be cut, by rules that are not applied here."""
_LEVELS_OF_A_TYPE = 4
# Apart from these, an object, an array or a value is fully described by its type.
_NOT_PLAIN = frozenset(
    {
        *("$ref", "$dynamicRef", "$recursiveRef"),
        *("allOf", "anyOf", "oneOf", "then", "else", "dependentSchemas", "dependencies"),
        *("prefixItems", "additionalItems", "unevaluatedItems", "contains"),
        *("unevaluatedProperties", "patternProperties"),
    }
)


class _NotPlainError(Exception):
    """The general reader must read this schema."""


def plain_json_schema_fields(schema: Any, *, length: int) -> SchemaFields | None:
    """Like `json_schema_fields`; None: the schema, whose text has that many characters, is not plain."""
    if length > _LONGEST:
        return None
    found: list[SchemaField] = []
    try:
        _add_fields(schema, "", 0, 0, found)
    except _NotPlainError:
        return None
    return SchemaFields(fields=tuple(found)) if len(found) <= MOST_FIELDS else None


def _add_fields(schema: Any, path: str, depth: int, nested: int, found: list[SchemaField]) -> None:
    """The fields below a place, each before those below it: the order of the text. `nested`: how many arrays and maps the
    place is nested in."""
    schema = _plain(schema)
    if nested > DEEPEST:
        raise _NotPlainError
    if "properties" in schema:
        properties, required = schema["properties"], schema.get("required")
        if not isinstance(properties, dict) or depth == DEEPEST:
            raise _NotPlainError
        names = set(filter(_is_text, required)) if isinstance(required, list) else set()
        for name, below in properties.items():
            here = f"{path}.{name}" if path else name
            kind = _plain(below).get("type")
            found.append(
                SchemaField(
                    path=here,
                    type=_type_text(below, _LEVELS_OF_A_TYPE),
                    optional=name not in names
                    or kind == "null"
                    or (isinstance(kind, list) and "null" in kind),
                    doc=_doc(below),
                )
            )
            if not below.keys().isdisjoint(_LEADING_ON):
                _add_fields(below, here, depth + 1, 0, found)
    if "items" in schema:
        _add_fields(schema["items"], f"{path}[]", depth, nested + 1, found)
    if isinstance(schema.get("additionalProperties"), dict):
        _add_fields(schema["additionalProperties"], f"{path}{{}}", depth, nested + 1, found)


_LEADING_ON = frozenset({"properties", "items", "additionalProperties"})


def _plain(schema: Any) -> Mapping[str, Any]:
    if not isinstance(schema, dict) or not _NOT_PLAIN.isdisjoint(schema):
        raise _NotPlainError
    return schema


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _doc(schema: Mapping[str, Any]) -> str | None:
    doc = schema.get("description")
    return doc if isinstance(doc, str) and doc else None


def _type_text(schema: Any, depth: int) -> str:
    if depth == 0:
        return "…"
    kind = _plain(schema).get("type")
    if isinstance(kind, str):
        if kind == "array":
            return f"array<{_type_text(schema['items'], depth - 1)}>" if schema.get("items") else "array"
        if kind == "object":
            values = schema.get("additionalProperties")
            if "properties" in schema or not isinstance(values, dict):
                return "object"
            return f"map<{_type_text(values, depth - 1)}>"
        format_ = schema.get("format")
        return f"{kind} ({format_})" if isinstance(format_, str) else kind
    if isinstance(kind, list):
        return " | ".join(map(str, kind))
    if kind is not None:
        raise _NotPlainError
    if "enum" in schema or "const" in schema:
        return "enum"
    return "object" if "properties" in schema else "any"
