"""What the Datagen connectors write: every topic's records in its declared format, readable by the schema
that is registered."""

import json
import struct
from io import BytesIO
from typing import Any

import fastavro
import pytest
from google.protobuf import descriptor_pb2

from mesh_assets.sandbox.estate.cloud import CLOUD_GROUPS, DATAGENS, Datagen
from mesh_assets.sandbox.estate.cloud_schemas import avro_schema, cloud_subjects, protobuf_text
from mesh_assets.sandbox.estate.records import record
from mesh_assets.sandbox.feeding.encoding import encoder, message_class

BY_FORMAT = {
    form: [datagen for datagen in DATAGENS if datagen.format == form]
    for form in ("AVRO", "JSON_SR", "PROTOBUF")
}


def the(topic: str) -> Datagen:
    return next(datagen for datagen in DATAGENS if datagen.topic.name == topic)


def test_there_are_37_datagen_connectors_with_ids_of_their_own() -> None:
    assert len({datagen.name for datagen in DATAGENS}) == len({datagen.id for datagen in DATAGENS}) == 37
    assert the("users").name == "DatagenSourceConnector_users"
    assert all(len(datagen.id) == len("lcc-") + 6 for datagen in DATAGENS)
    assert {form: len(found) for form, found in BY_FORMAT.items()} == {
        "AVRO": 33,
        "JSON_SR": 2,
        "PROTOBUF": 2,
    }
    assert {subject.name for subject in cloud_subjects()} == {
        f"{datagen.topic.name}-value" for datagen in DATAGENS
    }
    assert {topic for group in CLOUD_GROUPS for topic in group.topics} <= {
        datagen.topic.name for datagen in DATAGENS
    }


@pytest.mark.parametrize("datagen", BY_FORMAT["AVRO"], ids=lambda datagen: datagen.topic.name)
def test_an_avro_record_is_read_back_by_the_newest_schema_and_by_the_first(datagen: Datagen) -> None:
    encode = encoder(datagen, schema_id=7)
    newest, first = (
        fastavro.parse_schema(avro_schema(datagen, version=v)) for v in (datagen.topic.schema_versions, 1)
    )
    for number in range(20):
        content = record(datagen.topic, number)
        value = encode(content)
        assert struct.unpack(">bI", value[:5]) == (0, 7)
        back: Any = fastavro.schemaless_reader(BytesIO(value[5:]), newest, None)
        assert {name: one for name, one in back.items() if one is not None} == content
        old: Any = fastavro.schemaless_reader(BytesIO(value[5:]), newest, first)
        assert old.items() <= back.items()


@pytest.mark.parametrize("datagen", BY_FORMAT["JSON_SR"], ids=lambda datagen: datagen.topic.name)
def test_a_json_record_is_itself_behind_the_frame(datagen: Datagen) -> None:
    content = record(datagen.topic, 3)
    assert json.loads(encoder(datagen, schema_id=9)(content)[5:]) == content


@pytest.mark.parametrize("datagen", BY_FORMAT["PROTOBUF"], ids=lambda datagen: datagen.topic.name)
def test_a_protobuf_record_is_read_back_behind_the_frame_and_the_messages_place(datagen: Datagen) -> None:
    encode = encoder(datagen, schema_id=8)
    for number in range(20):
        content = record(datagen.topic, number)
        value = encode(content)
        assert value[:6] == struct.pack(">bI", 0, 8) + b"\0"
        message = message_class(datagen).FromString(value[6:])
        assert {field.name: found for field, found in message.ListFields()} == {
            name: one for name, one in content.items() if one
        }


@pytest.mark.parametrize("datagen", BY_FORMAT["PROTOBUF"], ids=lambda datagen: datagen.topic.name)
def test_the_registered_text_declares_the_fields_that_are_written(datagen: Datagen) -> None:
    text = protobuf_text(datagen, version=datagen.topic.schema_versions)
    kinds = {
        descriptor_pb2.FieldDescriptorProto.TYPE_STRING: "string",
        descriptor_pb2.FieldDescriptorProto.TYPE_INT64: "int64",
        descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE: "double",
        descriptor_pb2.FieldDescriptorProto.TYPE_BOOL: "bool",
    }
    for field in message_class(datagen).DESCRIPTOR.fields:
        assert f"{kinds[field.type]} {field.name} = {field.number};" in text
