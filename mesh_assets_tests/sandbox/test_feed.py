"""The feed: it continues its files after any interruption, writes each topic's format, and its supervisor restarts it."""

import json
import struct
import sys
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from google.protobuf import descriptor_pb2

from mesh_assets.sandbox import datagen as appender_module
from mesh_assets.sandbox.datagen import Appender, encoder, message_class, write_first_records
from mesh_assets.sandbox.estate.clusters import CLOUD_GROUPS, DATAGENS, Datagen
from mesh_assets.sandbox.estate.subjects import avro_schema, cloud_subjects, protobuf_text
from mesh_assets.sandbox.estate.topic import line, record
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.supervisor import supervise

ORDERS = next(t for t in TOPICS if t.name == "orders")


def orders(folder: Path) -> list[str]:
    return (folder / "orders.jsonl").read_text().splitlines()


def appended_in_a_minute(appender: Appender) -> int:
    before = appender.appended
    for _ in range(60):
        appender.step(1.0)
    return appender.appended - before


def test_the_first_records_are_written_once(tmp_path: Path) -> None:
    write_first_records(tmp_path)
    assert len(list(tmp_path.iterdir())) == 37
    assert orders(tmp_path) == [line(ORDERS, n) for n in range(300)]
    Appender(tmp_path, (ORDERS,)).step(5)
    longer = orders(tmp_path)
    write_first_records(tmp_path)
    assert orders(tmp_path) == longer


def test_the_pace_follows_the_definitions(tmp_path: Path) -> None:
    write_first_records(tmp_path)
    assert appended_in_a_minute(Appender(tmp_path, (ORDERS,))) == pytest.approx(ORDERS.per_minute, abs=1)
    assert orders(tmp_path) == [line(ORDERS, n) for n in range(len(orders(tmp_path)))]


def test_a_line_cut_by_a_crash_is_completed(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text(line(ORDERS, 0) + "\n" + line(ORDERS, 1)[:20])
    Appender(tmp_path, (ORDERS,)).step(5)
    found = orders(tmp_path)
    assert len(found) > 2
    assert found == [line(ORDERS, n) for n in range(len(found))]


def test_a_foreign_line_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text("twelve")
    Appender(tmp_path, (ORDERS,)).step(5)
    assert orders(tmp_path)[:2] == ["twelve", line(ORDERS, 1)]


def test_after_a_long_sleep_nothing_is_made_up_for(tmp_path: Path) -> None:
    appender = Appender(tmp_path, (ORDERS,))
    appender.step(8 * 3600)
    assert appender.appended < 10


def test_large_files_grow_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appender_module, "FULL_PACE_BYTES", 10)
    (tmp_path / "orders.jsonl").write_text("something longer\n")
    assert appended_in_a_minute(Appender(tmp_path, (ORDERS,))) == pytest.approx(ORDERS.per_minute / 20, abs=1)


# What the Datagen connectors write must be readable by the registered schema.

BY_FORMAT = {
    form: [datagen for datagen in DATAGENS if datagen.format == form]
    for form in ("AVRO", "JSON_SR", "PROTOBUF")
}


def the(topic: str) -> Datagen:
    return next(datagen for datagen in DATAGENS if datagen.topic.name == topic)


def test_there_are_37_datagen_connectors_with_their_own_ids() -> None:
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
def test_a_json_record_follows_the_frame_unchanged(datagen: Datagen) -> None:
    content = record(datagen.topic, 3)
    assert json.loads(encoder(datagen, schema_id=9)(content)[5:]) == content


@pytest.mark.parametrize("datagen", BY_FORMAT["PROTOBUF"], ids=lambda datagen: datagen.topic.name)
def test_a_protobuf_record_is_read_back_after_the_frame_and_the_message_index(datagen: Datagen) -> None:
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


def count_runs(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.slow
def test_a_feed_that_ends_by_itself_is_started_again(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    code = f"import time; open({str(runs)!r}, 'a').write('x\\n'); time.sleep(60 if len(open({str(runs)!r}).readlines()) > 1 else 0)"
    asked = threading.Event()
    thread = threading.Thread(target=supervise, args=([sys.executable, "-c", code], asked))
    thread.start()
    deadline = time.monotonic() + 20
    while count_runs(runs) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    asked.set()
    thread.join(timeout=15)
    assert count_runs(runs) == 2
    assert not thread.is_alive()
