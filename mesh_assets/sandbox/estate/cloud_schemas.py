"""The schemas of `data-mesh-cluster`, from the same fields as the records: Avro, JSON Schema or Protobuf, as
each connector writes."""

import json
from collections.abc import Mapping
from typing import Any

from mesh_assets.sandbox.estate.cloud import DATAGENS, Datagen
from mesh_assets.sandbox.estate.fields import Field
from mesh_assets.sandbox.estate.shared_types import SHARED_TYPES
from mesh_assets.sandbox.estate.subjects import Subject, json_schema

PACKAGE = "datamesh"

_AVRO = {"string": "string", "integer": "long", "number": "double", "boolean": "boolean"}
PROTOBUF_TYPES = {"string": "string", "integer": "int64", "number": "double", "boolean": "bool"}
_SHARED = {kind.subject: kind for kind in SHARED_TYPES}
_REGISTRY_TYPES: Mapping[str, str] = {"AVRO": "AVRO", "JSON_SR": "JSON", "PROTOBUF": "PROTOBUF"}


def cloud_subjects() -> tuple[Subject, ...]:
    """One a topic; none refers to another."""
    return tuple(_subject(datagen) for datagen in DATAGENS)


def _subject(datagen: Datagen) -> Subject:
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
    """The schema as it is registered."""
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
    """The message as text. The topics that are written so have plain fields only, whose numbers are their
    places."""
    lines = [f'syntax = "proto3";\npackage {PACKAGE};\n\nmessage {record_name(datagen)} {{']
    for number, (name, field) in enumerate(datagen.topic.fields.items(), start=1):
        if field.since <= version:
            lines.append(
                f"  {'optional ' if field.optional else ''}{PROTOBUF_TYPES[field.schema['type']]} {name} = {number};"
            )
    return "\n".join([*lines, "}", ""])
