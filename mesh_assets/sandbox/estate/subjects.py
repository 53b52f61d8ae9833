"""The subjects of both clusters, derived from the same fields as the records.

Those of `warehouse` are JSON Schema; those of `data-mesh-cluster` have the format of the connector that writes the
topic.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mesh_assets.sandbox.estate.clusters import DATAGENS, Datagen
from mesh_assets.sandbox.estate.topic import Field, Topic
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.estate.vocabulary import SHARED_TYPES

_DRAFT = "http://json-schema.org/draft-07/schema#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A subject with its versions in order. `references`: subject → the name by which the schemas refer to it."""

    name: str
    versions: tuple[str, ...]
    references: Mapping[str, str]
    compatibility: str | None = None
    schema_type: str = "JSON"


def all_subjects() -> tuple[Subject, ...]:
    """The subjects of `warehouse`, those that others refer to first, as a registry requires."""
    shared = tuple(
        Subject(name=kind.subject, versions=(_text(kind.title, kind.fields, version=1),), references={})
        for kind in SHARED_TYPES
    )
    return shared + tuple(_subject(topic) for topic in TOPICS)


def json_schema(topic: Topic, *, version: int) -> dict[str, Any]:
    """That version of the schema of a topic's records."""
    schema: dict[str, Any] = json.loads(_text(_title(topic), topic.fields, version=version))
    return schema


def _subject(topic: Topic) -> Subject:
    files = {kind.subject: kind.file for kind in SHARED_TYPES}
    used = {f.shared: files[f.shared] for f in topic.fields.values() if f.shared}
    versions = tuple(
        _text(_title(topic), topic.fields, version=v) for v in range(1, topic.schema_versions + 1)
    )
    return Subject(name=topic.subject, versions=versions, references=used, compatibility=topic.compatibility)


def _title(topic: Topic) -> str:
    return "".join(part.capitalize() for part in topic.name.split("_"))


def _text(title: str, fields: Mapping[str, Field], *, version: int) -> str:
    known = {name: f for name, f in fields.items() if f.since <= version}
    schema = {
        "$schema": _DRAFT,
        "title": title,
        "type": "object",
        "properties": {name: dict(f.schema) for name, f in known.items()},
        "required": [name for name, f in known.items() if not f.optional],
        # Closed: adding a property to an open model is an incompatible change, since old records might hold anything
        # under its name.
        "additionalProperties": False,
    }
    return json.dumps(schema)


PACKAGE = "datamesh"

_AVRO = {"string": "string", "integer": "long", "number": "double", "boolean": "boolean"}
PROTOBUF_TYPES = {"string": "string", "integer": "int64", "number": "double", "boolean": "bool"}
_SHARED = {kind.subject: kind for kind in SHARED_TYPES}
_REGISTRY_TYPES: Mapping[str, str] = {"AVRO": "AVRO", "JSON_SR": "JSON", "PROTOBUF": "PROTOBUF"}


def cloud_subjects() -> tuple[Subject, ...]:
    """The subjects of `data-mesh-cluster`, one per topic; none refers to another."""
    return tuple(_cloud_subject(datagen) for datagen in DATAGENS)


def _cloud_subject(datagen: Datagen) -> Subject:
    topic = datagen.topic
    versions = tuple(schema_text(datagen, version=version) for version in range(1, topic.schema_versions + 1))
    return Subject(
        name=topic.subject,
        versions=versions,
        references={},
        compatibility=topic.compatibility,
        schema_type=_REGISTRY_TYPES[datagen.format],
    )


def schema_text(datagen: Datagen, *, version: int) -> str:
    """The schema's text, as registered."""
    if datagen.format == "AVRO":
        return json.dumps(avro_schema(datagen, version=version))
    if datagen.format == "JSON_SR":
        return json.dumps(json_schema(datagen.topic, version=version))
    return protobuf_text(datagen, version=version)


def avro_schema(datagen: Datagen, *, version: int) -> dict[str, Any]:
    return _record(record_name(datagen), datagen.topic.fields, version=version, namespace=PACKAGE)


def record_name(datagen: Datagen) -> str:
    return "".join(part.capitalize() for part in datagen.topic.name.split("_"))


def _record(
    name: str, fields: Mapping[str, Field], *, version: int, namespace: str | None = None
) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "record", "name": name}
    if namespace is not None:
        schema["namespace"] = namespace
    schema["fields"] = [
        _avro_field(field_name, field) for field_name, field in fields.items() if field.since <= version
    ]
    return schema


def _avro_field(name: str, field: Field) -> dict[str, Any]:
    kind = _avro_type(field)
    return (
        {"name": name, "type": ["null", kind], "default": None}
        if field.optional
        else {"name": name, "type": kind}
    )


def _avro_type(field: Field) -> Any:
    if field.shared is not None:
        shared = _SHARED[field.shared]
        return _record(shared.title, shared.fields, version=1)
    if field.schema["type"] == "array":
        return {"type": "array", "items": _AVRO[field.schema["items"]["type"]]}
    return _AVRO[field.schema["type"]]


def protobuf_text(datagen: Datagen, *, version: int) -> str:
    """The message's declaration. Topics in Protobuf have plain fields only, numbered by position."""
    lines = [f'syntax = "proto3";\npackage {PACKAGE};\n\nmessage {record_name(datagen)} {{']
    for number, (name, field) in enumerate(datagen.topic.fields.items(), start=1):
        if field.since <= version:
            lines.append(
                f"  {'optional ' if field.optional else ''}{PROTOBUF_TYPES[field.schema['type']]} {name} = {number};"
            )
    return "\n".join([*lines, "}", ""])
