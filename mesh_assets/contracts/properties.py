"""Fields of schemas as ODCS properties, and back: nested there, by path here."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mesh_assets.analysis.field_walk import SchemaField
from mesh_assets.contracts.records import ContractField

_LOGICAL = {
    "string": "string",
    "uuid": "string",
    "bool": "boolean",
    "boolean": "boolean",
    **dict.fromkeys(("int", "long", "integer", "int32", "int64", "uint32", "uint64"), "integer"),
    **dict.fromkeys(("sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64"), "integer"),
    **dict.fromkeys(("float", "double", "number", "decimal"), "number"),
    **dict.fromkeys(("date", "google.type.Date"), "date"),
    **dict.fromkeys(("time", "time-millis", "time-micros", "google.type.TimeOfDay"), "time"),
    **dict.fromkeys(("timestamp", "timestamp-millis", "timestamp-micros", "timestamp-nanos"), "timestamp"),
    **dict.fromkeys(("local-timestamp-millis", "local-timestamp-micros", "date-time"), "timestamp"),
    "google.protobuf.Timestamp": "timestamp",
    "object": "object",
    "array": "array",
}
"""Names of types in Avro, JSON Schema, Protobuf and profiles → logical types of ODCS. It has none for bytes and maps."""
_OF_LOGICAL_TYPES = re.compile(r"^(?P<type>[\w.]+) \((?P<logical>[\w-]+)\)$")
_STEP = re.compile(r"^(?P<name>.*?)(?P<suffix>(?:\[\d*\]|\{\})*)$")


def logical_type(text: str) -> str | None:
    """`long (timestamp-millis)` → timestamp, `array<string>` → array. None: a union, bytes, a map or a type that ODCS
    lacks."""
    if " | " in text:
        return None
    if text.startswith("array"):
        return "array"
    if text.startswith("record "):
        return "object"
    if text.startswith("enum("):
        return "string"
    both = _OF_LOGICAL_TYPES.match(text)
    if both is not None:
        return _LOGICAL.get(both["logical"]) or _LOGICAL.get(both["type"])
    return _LOGICAL.get(text)


def properties_of(
    fields: Sequence[SchemaField],
    personal: Iterable[str],
    more: Mapping[str, Mapping[str, Any]],
    *,
    schema_type: str | None,
) -> list[dict[str, Any]]:
    """As ODCS nests them, in the order of the schema. `more`: by path, what else a property says (`quality`). A type that
    is not known to be a record (another subject's type, a Protobuf enum, `any`) has no logical type."""
    marked = set(personal)
    holders = {_split(field.path)[0] for field in fields}
    messages = holders if schema_type == "PROTOBUF" else set[str]()
    top: list[dict[str, Any]] = []
    places: dict[str, list[dict[str, Any]]] = {"": top}
    for field in fields:
        holder, _, last = _split(field.path)
        below = places.get(holder)
        step = _STEP.match(last)
        name = last if step is None else step["name"]
        if below is None or not name or any(one["name"] == name for one in below):
            continue  # within a map or a tuple, for which ODCS 3.1 has no place; or a second branch of a union
        logical = logical_type(field.type)
        known_object = field.path in holders or field.type in messages
        if logical is None and known_object and " | " not in field.type:
            logical = "object"
        made: dict[str, Any] = {"name": name}
        if logical is not None:
            made["logicalType"] = logical
        made["physicalType"] = field.type
        made["required"] = not field.optional
        if field.doc:
            made["description"] = field.doc
        if field.path in marked:
            made["tags"] = ["personal"]
        made |= more.get(field.path, {})
        below.append(made)
        _open(made, field, logical, messages, places)
    return top


def _open(
    made: dict[str, Any],
    field: SchemaField,
    logical: str | None,
    messages: Collection[str],
    places: dict[str, list[dict[str, Any]]],
) -> None:
    """Makes room for fields below this one. `without_empty` removes what stays empty."""
    if logical == "object":
        places[field.path] = made.setdefault("properties", [])
    elif logical == "array":
        inner = field.type.removeprefix("array<").removesuffix(">") if field.type != "array" else ""
        kind = logical_type(inner) or ("object" if inner in messages else None)
        if kind is None or kind == "array":
            return
        # datacontract-cli reads every value of an unknown type (`array<string>`) as null.
        made["physicalType"] = "array"
        made["items"] = {"logicalType": kind, "physicalType": inner}
        if kind == "object":
            places[f"{field.path}[]"] = made["items"].setdefault("properties", [])


def without_empty(properties: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for one in properties:
        for holder in (one, one.get("items")):
            if holder is not None and "properties" in holder and not without_empty(holder["properties"]):
                del holder["properties"]
    return properties


def _split(path: str) -> tuple[str, str, str]:
    return path.rpartition(".")


def contract_fields(properties: Any, above: str = "") -> Iterator[tuple[str, ContractField]]:
    """By path, from properties as they were read. Unnamed ones are left out: the file is not ours alone."""
    for one in properties if isinstance(properties, list) else ():
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
            continue
        name = one.get("physicalName") if isinstance(one.get("physicalName"), str) else one["name"]
        path = f"{above}{name}"
        yield (
            path,
            ContractField(
                logical=_text(one.get("logicalType")),
                physical=physical_type(one),
                required=one.get("required") is True,
            ),
        )
        yield from contract_fields(one.get("properties"), f"{path}.")
        items = one.get("items")
        if isinstance(items, Mapping):
            yield from contract_fields(items.get("properties"), f"{path}[].")


def physical_type(property_: Mapping[str, Any]) -> str | None:
    """As the schema has it: for an array whose items have a type, `array<string>`, however the contract splits it."""
    said, items = _text(property_.get("physicalType")), property_.get("items")
    inner = _text(items.get("physicalType")) if isinstance(items, Mapping) else None
    return said if said != "array" or inner is None else f"array<{inner}>"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
