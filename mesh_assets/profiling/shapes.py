"""What a schema declares about its fields, by path: types, what may be missing, and which fields are maps."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mesh_assets.analysis.avro_fields import avro_fields
from mesh_assets.analysis.schema_fields import schema_fields
from mesh_assets.collecting.samples import AvroSchema
from mesh_assets.inventory.definitions import UnreadableDefinitionError
from mesh_assets.profiling.protobuf import MessageReader, message_places


@dataclass(frozen=True, slots=True)
class Declared:
    """`type`: as in the schema. `optional`: it, or something that contains it, may be null or missing."""

    type: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """`maps`: paths whose keys are data, not field names."""

    fields: dict[str, Declared] = field(default_factory=dict)
    maps: frozenset[str] = frozenset()


def shape_of(places: Iterable[tuple[str, str, bool]]) -> Shape:
    """From paths as describe_schema shows them, each with its type and whether it is optional itself."""
    found: dict[str, Declared] = {}
    maps = set()
    for path, kind, optional in places:
        around = found.get(path.rpartition(".")[0])
        found[path] = Declared(kind, optional or (around is not None and around.optional))
        if kind.startswith("map<"):
            maps.add(path)
    return Shape(found, frozenset(maps))


def json_shape(definition: str) -> Shape:
    """From a JSON Schema; empty if it cannot be read."""
    read = schema_fields("JSON", definition)
    return Shape() if read is None else shape_of((one.path, one.type, one.optional) for one in read.fields)


def avro_shape(schema: AvroSchema) -> Shape:
    """From an Avro schema and what it refers to; empty if it cannot be read."""
    try:
        read = avro_fields(_whole(schema))
    except UnreadableDefinitionError:
        return Shape()
    return shape_of((one.path, one.type, one.optional) for one in read.fields)


def protobuf_shape(reader: MessageReader) -> Shape:
    """From the message that a text declares first."""
    first = reader.first()
    if first is None:
        return Shape()
    return shape_of((one.path, one.type, one.optional) for one in message_places(reader.main, first))


def json_types(declared: str) -> frozenset[str] | None:
    """The types of values that a JSON Schema's type allows; None: any."""
    allowed: set[str] = set()
    for one in declared.split(" | "):
        name = one.partition(" ")[0].partition("<")[0]
        if name in ("string", "integer", "boolean", "array"):
            allowed.add(name)
        elif name == "number":
            allowed |= {"number", "integer"}
        elif name in ("object", "map"):
            allowed.add("object")
        elif name != "null":
            return None
    return frozenset(allowed) or None


def is_recursive(schema: AvroSchema) -> bool:
    """Whether a type of the schema contains itself, so that its values may be nested without end."""
    holds: dict[str, set[str]] = {}
    for name, definition in schema.named.items():
        holds[name] = _names_in(definition, schema.named)
    for name in holds:
        seen: set[str] = set()
        waiting = list(holds[name])
        while waiting:
            other = waiting.pop()
            if other == name:
                return True
            if other not in seen:
                seen.add(other)
                waiting.extend(holds.get(other, ()))
    return False


def _names_in(definition: Any, named: Any) -> set[str]:
    found: set[str] = set()
    waiting = [part.get("type") for part in definition.get("fields", ())]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if part in named:
                found.add(part)
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            if part.get("name") in named:
                found.add(part["name"])
            else:
                waiting.extend(part[key] for key in ("type", "items", "values") if key in part)
    return found


def _whole(schema: AvroSchema) -> Any:
    """The schema as a single text: each type where it is first used."""
    written: set[str] = set()

    def put(part: Any) -> Any:
        if isinstance(part, list):
            return [put(one) for one in part]
        if isinstance(part, str):
            return put(schema.named[part]) if part in schema.named and part not in written else part
        if not isinstance(part, dict):
            return part
        name = part.get("name")
        if name in schema.named and "type" in part:
            if name in written:
                return name
            written.add(name)
        made = {key: value for key, value in part.items() if not key.startswith("__")}
        if "fields" in made:
            made["fields"] = [{**one, "type": put(one["type"])} for one in made["fields"]]
        for key in ("items", "values"):
            if key in made:
                made[key] = put(made[key])
        if isinstance(made.get("type"), dict | list):
            made["type"] = put(made["type"])
        return made

    return put(schema.parsed)
