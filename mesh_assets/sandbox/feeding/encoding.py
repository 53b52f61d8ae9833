"""Records as a Datagen connector writes them: Avro, JSON Schema or Protobuf, each behind Confluent's frame
that names the schema."""

import json
import struct
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import fastavro
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from mesh_assets.sandbox.estate.cloud import Datagen
from mesh_assets.sandbox.estate.cloud_schemas import PACKAGE, avro_schema, record_name

_MAGIC = 0
# The message is the first of its file: Confluent writes that path of one zero as a single zero.
_FIRST_MESSAGE = b"\0"

Encode = Callable[[Mapping[str, Any]], bytes]

_Type = descriptor_pb2.FieldDescriptorProto
_PROTOBUF_TYPES = {
    "string": _Type.TYPE_STRING,
    "integer": _Type.TYPE_INT64,
    "number": _Type.TYPE_DOUBLE,
    "boolean": _Type.TYPE_BOOL,
}


def encoder(datagen: Datagen, *, schema_id: int) -> Encode:
    """What makes a record the bytes of a message, in the connector's format and the topic's newest schema."""
    frame = struct.pack(">bI", _MAGIC, schema_id)
    if datagen.format == "AVRO":
        schema = fastavro.parse_schema(avro_schema(datagen, version=datagen.topic.schema_versions))

        def avro(record: Mapping[str, Any]) -> bytes:
            out = BytesIO(frame)
            out.seek(len(frame))
            fastavro.schemaless_writer(out, schema, record)
            return out.getvalue()

        return avro
    if datagen.format == "JSON_SR":
        return lambda record: frame + json.dumps(record, separators=(",", ":")).encode()
    message = message_class(datagen)
    return lambda record: frame + _FIRST_MESSAGE + bytes(message(**record).SerializeToString())


def message_class(datagen: Datagen) -> Any:
    """The class of the message that `protobuf_text` declares."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{datagen.topic.name}.proto", package=PACKAGE, syntax="proto3"
    )
    message = file.message_type.add(name=record_name(datagen))
    for number, (name, field) in enumerate(datagen.topic.fields.items(), start=1):
        declared = message.field.add(
            name=name, number=number, type=_PROTOBUF_TYPES[field.schema["type"]], label=_Type.LABEL_OPTIONAL
        )
        if field.optional:
            # proto3 keeps whether an optional field was set in a oneof of its own.
            declared.proto3_optional = True
            declared.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{record_name(datagen)}"))
