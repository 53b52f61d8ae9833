"""The fields of a subject, including those that it takes from other subjects by reference, each at the
referenced version."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mesh_assets.analysis.field_walk import MOST_FIELDS, SchemaField
from mesh_assets.analysis.schema_fields import schema_fields, why_unreadable
from mesh_assets.inventory.definitions import UnreadableDefinitionError, parse_json, parse_protobuf
from mesh_assets.inventory.records import Record, Schema, SchemaReference

_DEEPEST_REFERENCE = 8
_TYPE_NAMES = re.compile(r"[\w.$#-]+")

Pinned = Mapping[tuple[str, int], Schema]
"""Versions that are not the latest of their subject, by subject and version."""


_Target = tuple[Schema, str, tuple[str, ...]]
"""A schema that a type comes from, and which of its fields are meant: those below a prefix, but not below
certain others."""


class FieldPlace(Record, frozen=True, kw_only=True):
    """`first`: it is its schema's first field."""

    path: str
    type: str
    first: bool


class FieldReader:
    """Reads the fields of one cluster's subjects. `gaps`: what could not be read, by subject."""

    def __init__(self, schemas: Iterable[Schema], pinned: Pinned) -> None:
        self._schemas = {(schema.subject, schema.version): schema for schema in schemas} | dict(pinned)
        self._latest = {schema.subject: schema.version for schema in schemas}
        self.gaps: dict[str, str] = {}

    def fields(self, schema: Schema) -> list[FieldPlace]:
        """At most 2,000; a recursive schema ends where it would repeat."""
        self._reading = schema.subject
        found: list[FieldPlace] = []
        for field in self._fields(schema, frozenset()):
            found.append(FieldPlace(path=field.path, type=field.type, first=not found))
            if len(found) == MOST_FIELDS:
                self._gap(f"only the first {MOST_FIELDS:,} fields")
                break
        return found

    def _fields(self, schema: Schema, around: frozenset[tuple[str, int]]) -> Iterator[SchemaField]:
        read = schema_fields(schema.schema_type, schema.definition)
        if read is None:
            if not schema.references or not any(self._at_the_top(schema)):
                self._gap(
                    f"{schema.subject} cannot be read: {why_unreadable(schema.schema_type, schema.definition)}"
                )
        elif read.note is not None:
            self._gap(f"{schema.subject}: {read.note}")
        here = around | {(schema.subject, schema.version)}
        taken = self._taken(schema, here) if schema.references else {}
        for field in read.fields if read is not None else ():
            yield field
            for name in dict.fromkeys(_TYPE_NAMES.findall(field.type)) if taken else ():
                for inner in self._within(taken.get(name.removeprefix(".")), here):
                    yield SchemaField(
                        path=f"{field.path}{_suffix(field.type)}.{inner.path}",
                        type=inner.type,
                        optional=inner.optional,
                    )
        for name in self._at_the_top(schema) if schema.references else ():
            yield from self._within(taken.get(name), here)

    def _within(self, target: _Target | None, around: frozenset[tuple[str, int]]) -> Iterator[SchemaField]:
        if target is None:
            return
        schema, prefix, others = target
        for field in self._fields(schema, around):
            if field.path.startswith(prefix) and not field.path.startswith(others):
                yield SchemaField(
                    path=field.path.removeprefix(prefix), type=field.type, optional=field.optional
                )

    def _taken(self, schema: Schema, around: frozenset[tuple[str, int]]) -> dict[str, _Target]:
        """The schemas referred to by the names that types may use."""
        found: dict[str, _Target] = {}
        for reference in schema.references:
            target = self._schemas.get((reference.subject, reference.version))
            if target is None:
                self._gap(self._missing(reference))
            elif (target.subject, target.version) not in around and len(around) <= _DEEPEST_REFERENCE:
                for name, prefix, others in _names(reference, target):
                    found.setdefault(name, (target, prefix, others))
        return found

    def _missing(self, reference: SchemaReference) -> str:
        latest = self._latest.get(reference.subject)
        why = (
            "the inventory has no such subject" if latest is None else f"the inventory holds version {latest}"
        )
        return f"version {reference.version} of {reference.subject}, which it refers to, is not known: {why}"

    def _at_the_top(self, schema: Schema) -> Iterator[str]:
        """The names of schemas that this one refers to at its top level: as a whole, or combined."""
        if schema.schema_type == "PROTOBUF":
            return
        try:
            whole = parse_json(schema.definition)
        except UnreadableDefinitionError:
            return
        if schema.schema_type == "JSON":
            parts: list[Any] = [whole]
            if isinstance(whole, dict):
                for keyword in ("allOf", "anyOf", "oneOf"):
                    parts += whole[keyword] if isinstance(whole.get(keyword), list) else []
            for part in parts:
                if isinstance(part, dict) and isinstance(part.get("$ref"), str):
                    yield part["$ref"].rpartition("/")[2]
        else:
            yield from (
                name for name in (whole if isinstance(whole, list) else [whole]) if isinstance(name, str)
            )

    def _gap(self, reason: str) -> None:
        self.gaps.setdefault(self._reading, reason)


def _names(reference: SchemaReference, target: Schema) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The possible names of a type that a reference brings in: an Avro name with or without its namespace, a
    JSON Schema's file, the messages of a Protobuf file."""
    if target.schema_type != "PROTOBUF":
        yield reference.name, "", ()
        yield reference.name.rpartition("/" if target.schema_type == "JSON" else ".")[2], "", ()
        return
    try:
        file = parse_protobuf(target.definition)
    except UnreadableDefinitionError:
        return  # noted when its fields are read
    first = file.messages[0].path[0] if file.messages else ""
    beside = tuple(f"{message.path[0]}." for message in file.messages if message.path[0] != first)
    for number, message in enumerate(file.messages):
        name = ".".join(message.path)
        inside = message.path[1:] if message.path[0] == first else message.path
        prefix = "".join(f"{part}." for part in inside) if number else ""
        others = () if number else beside
        yield name, prefix, others
        if file.package:
            yield f"{file.package}.{name}", prefix, others


def _suffix(type_text: str) -> str:
    return "[]" if type_text.startswith("array<") else "{}" if type_text.startswith("map<") else ""
