"""The fields of an Avro schema. fastavro's parser is not used: it refuses types of other subjects and logical types
that Avro says to ignore."""

from collections.abc import Iterator, Mapping
from typing import Any

from mesh_assets.analysis.field_walk import Branch, SchemaField, SchemaFields, walk
from mesh_assets.inventory.definitions import UnreadableDefinitionError

_PRIMITIVE = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_NAMED = frozenset({"record", "error", "enum", "fixed"})
_OF_AVRO = (*_PRIMITIVE, *_NAMED, "array", "map")
_RECORDS = frozenset({"record", "error"})
_TYPE_DEPTH = 6
_SYMBOLS = 12

_Named = Mapping[str, tuple[dict[str, Any], str]]


def avro_fields(schema: Any) -> SchemaFields:
    """The fields of the parsed schema. Raises UnreadableDefinitionError.

    A type of another subject, and a record within itself, appear as a type only.
    """
    named = _named_types(schema)
    whole = schema
    while isinstance(whole, dict) and whole["type"] not in _OF_AVRO:
        whole = whole["type"]
    if isinstance(whole, str) and whole not in _OF_AVRO:
        raise UnreadableDefinitionError(f"{whole} is a type of another schema")
    return walk([_branch(schema, "", "", frozenset(), named)])


def _named_types(schema: Any) -> _Named:
    """Every type that the schema names, by full name, with the namespace that its own parts are in. Also checks the
    schema's form, so that later code can rely on it."""
    named: dict[str, tuple[dict[str, Any], str]] = {}
    waiting: list[tuple[Any, str]] = [(schema, "")]
    while waiting:
        part, namespace = waiting.pop()
        if isinstance(part, list):
            waiting.extend((branch, namespace) for branch in part)
            continue
        if isinstance(part, str):
            continue
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(kind, str) and kind in _NAMED:
            full = _full_name(part, namespace)
            namespace = full.rpartition(".")[0]
            named[full] = part, namespace
            if kind in _RECORDS:
                types = [_field_type(field) for field in _fields(part)]
                waiting += [(one, namespace) for one in types if not _is_plain(one)]
        elif kind == "array" and "items" in part:
            waiting.append((part["items"], namespace))
        elif kind == "map" and "values" in part:
            waiting.append((part["values"], namespace))
        elif kind is None or kind in ("array", "map"):
            raise UnreadableDefinitionError(f"a part of type {kind} is not an Avro schema")
        else:
            waiting.append((kind, namespace))
    return named


def _full_name(part: Mapping[str, Any], namespace: str) -> str:
    name, own = part.get("name"), part.get("namespace", namespace)
    if not isinstance(name, str) or not (own is None or isinstance(own, str)):
        raise UnreadableDefinitionError("a type without a name")
    return name.removeprefix(".") if "." in name or not own else f"{own}.{name}"


def _fields(part: Mapping[str, Any]) -> list[Any]:
    fields = part.get("fields")
    if not isinstance(fields, list):
        raise UnreadableDefinitionError("a record without fields")
    return fields


def _field_type(field: Any) -> Any:
    if not isinstance(field, dict) or not isinstance(field.get("name"), str) or "type" not in field:
        raise UnreadableDefinitionError("a field without a name or a type")
    return field["type"]


def _is_plain(kind: Any) -> bool:
    """Whether it is a primitive type or a union of them: most fields are, and none of these defines a name. No other type
    may have the name of a primitive type (https://avro.apache.org/docs/1.12.0/specification/#names)."""
    if isinstance(kind, str):
        return kind in _PRIMITIVE
    return isinstance(kind, list) and all(isinstance(one, str) and one in _PRIMITIVE for one in kind)


def _branch(schema: Any, namespace: str, path: str, holders: frozenset[str], named: _Named) -> Branch:
    def fields() -> Iterator[tuple[SchemaField, Branch | None]]:
        for full, where in _records(schema, namespace, path, named):
            if full in holders:
                continue
            record, inside = named[full]
            for field in record["fields"]:
                kind = field["type"]
                here = f"{where}.{field['name']}" if where else field["name"]
                doc = field.get("doc")
                yield (
                    SchemaField(
                        path=here,
                        type=_type_text(kind, _TYPE_DEPTH),
                        optional=kind == "null" or (isinstance(kind, list) and "null" in kind),
                        doc=doc if isinstance(doc, str) and doc else None,
                    ),
                    None if _is_plain(kind) else _branch(kind, inside, here, holders | {full}, named),
                )

    return fields


def _records(schema: Any, namespace: str, path: str, named: _Named) -> Iterator[tuple[str, str]]:
    """The records in a type, including those in arrays, maps and unions, by full name and with the path to each."""
    waiting: list[tuple[Any, str]] = [(schema, path)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        part, where = waiting.pop()
        if isinstance(part, list):
            waiting.extend((branch, where) for branch in reversed(part))
        elif isinstance(part, str):
            full = part if "." in part or not namespace else f"{namespace}.{part}"
            full = full if full in named else part
            if full in named and named[full][0]["type"] in _RECORDS and (full, where) not in seen:
                seen.add((full, where))
                yield full, where
        elif isinstance(part["type"], dict | list):
            waiting.append((part["type"], where))
        elif part["type"] in _RECORDS:
            waiting.append((_full_name(part, namespace), where))
        elif part["type"] == "array":
            waiting.append((part["items"], f"{where}[]"))
        elif part["type"] == "map":
            waiting.append((part["values"], f"{where}{{}}"))
        elif part["type"] not in _PRIMITIVE:
            waiting.append((part["type"], where))


def _type_text(schema: Any, depth: int) -> str:
    if isinstance(schema, str):
        return schema
    if depth == 0:
        return "…"
    if isinstance(schema, list):
        return " | ".join(_type_text(branch, depth - 1) for branch in schema if branch != "null") or "null"
    kind = schema["type"]
    if isinstance(kind, dict | list):
        return _type_text(kind, depth - 1)
    if kind == "array":
        return f"array<{_type_text(schema['items'], depth - 1)}>"
    if kind == "map":
        return f"map<{_type_text(schema['values'], depth - 1)}>"
    if kind == "enum":
        listed = schema.get("symbols")
        symbols = [str(symbol) for symbol in listed] if isinstance(listed, list) else []
        return f"enum({', '.join(symbols[:_SYMBOLS])}{', …' if len(symbols) > _SYMBOLS else ''})"
    if kind in _RECORDS:
        return f"record {schema['name']}"
    logical = schema.get("logicalType")
    return f"{kind} ({logical})" if isinstance(logical, str) else str(kind)
