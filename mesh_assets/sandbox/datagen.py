"""What the feed writes: records as Datagen would, and lines for the file connectors."""

import json
import logging
import struct
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import httpx
from confluent_kafka import KafkaError, Message, Producer
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from mesh_assets.sandbox.estate.clusters import CLUSTER_ID, DATAGENS, Datagen
from mesh_assets.sandbox.estate.subjects import PACKAGE, avro_schema, record_name
from mesh_assets.sandbox.estate.topic import Topic, backlog, line, record
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.folder import Folder, locked, read_json, write_atomically
from mesh_assets.sandbox.kafka_admin import Login, quiet_settings

# The Datagen connectors' work: while a connector runs, its topic fills at a steady pace, in the connector's
# format.
#
# Confluent Cloud would run the connectors. Here the feed writes for those that the stand-in shows as running,
# and counts what was really delivered for each; the stand-in reports these counts as their metrics.

_MAGIC = 0
# The first message in its file: Confluent encodes that path, a list of one zero, as a single zero.
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
    """A function that encodes records in the connector's format by the topic's newest schema, behind Confluent's frame."""
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
    """The class for the message that `protobuf_text` declares."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{datagen.topic.name}.proto", package=PACKAGE, syntax="proto3"
    )
    message = file.message_type.add(name=record_name(datagen))
    for number, (name, field) in enumerate(datagen.topic.fields.items(), start=1):
        declared = message.field.add(
            name=name, number=number, type=_PROTOBUF_TYPES[field.schema["type"]], label=_Type.LABEL_OPTIONAL
        )
        if field.optional:
            # In proto3, a oneof of its own records whether an optional field was set.
            declared.proto3_optional = True
            declared.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{record_name(datagen)}"))


_log = logging.getLogger(__name__)

# After a pause (a laptop asleep), nothing is caught up on.
_LONGEST_STEP_SECONDS = 5.0
# While the registry is down, the rest of the feed would wait for it every second.
_REGISTRY_SECONDS = 5.0


@dataclass(slots=True)
class _Progress:
    """`next`: the number of the next record. `records`, `bytes`: delivered since the sandbox was made."""

    next: int = 0
    records: int = 0
    bytes: int = 0
    credit: float = 0.0


class DatagenWriter:
    """Writes for the connectors that run. Call `step` about once a second.

    `ready`: every running connector has written its topic's first records, and all are delivered.
    """

    def __init__(self, folder: Folder, bootstrap_servers: str, login: Login, registry_url: str) -> None:
        self._folder = folder
        self._producer = Producer(
            {
                **quiet_settings(bootstrap_servers, login),
                "enable.idempotence": True,
                "linger.ms": 50,
                "compression.type": "lz4",
            }
        )
        self._registry = httpx.Client(
            base_url=registry_url,
            timeout=_REGISTRY_SECONDS,
            trust_env=False,
            headers={"X-Registry-GroupId": CLUSTER_ID},
        )
        self.ready = False
        self._encoders: dict[str, Encode] = {}
        known = read_json(folder.datagen_report) or {}
        self._progress = {
            datagen.name: _Progress(
                **{
                    key: known.get("connectors", {}).get(datagen.name, {}).get(key, 0)
                    for key in ("next", "records", "bytes")
                }
            )
            for datagen in DATAGENS
        }

    def step(self, seconds: float) -> None:
        """Write the records due after that time."""
        # First, since a delivered record counts as in flight until its report is fetched.
        self._producer.poll(0)
        stopped = self._stopped()
        begun = all(self._progress[d.name].next >= d.topic.backlog for d in DATAGENS if d.name not in stopped)
        self.ready = self.ready or (begun and len(self._producer) == 0)
        for datagen in DATAGENS:
            if datagen.name not in stopped and not self._write(datagen, min(seconds, _LONGEST_STEP_SECONDS)):
                break
        self._report()

    def settle(self, *, seconds: float) -> None:
        """Wait until everything written is delivered, at most that long."""
        self._producer.flush(seconds)
        self._report()

    def close(self) -> None:
        self.settle(seconds=5.0)
        self._registry.close()

    def _stopped(self) -> set[str]:
        """The connectors that do not run, from the stand-in's file; without the file, all run."""
        states = (read_json(self._folder.connector_states) or {}).get("connectors", {})
        return {name for name, one in states.items() if one.get("state") != "RUNNING"}

    def _write(self, datagen: Datagen, seconds: float) -> bool:
        """Write for one connector. False when the registry is down, so the others cannot write either."""
        progress = self._progress[datagen.name]
        progress.credit += datagen.topic.per_minute / 60 * seconds
        due = (
            int(progress.credit)
            if progress.next >= datagen.topic.backlog
            else datagen.topic.backlog - progress.next
        )
        if not due:
            return True
        encode = self._encoder(datagen)
        if encode is None:
            return False
        progress.credit = max(0.0, progress.credit - due) % 1
        for number in range(progress.next, progress.next + due):
            content = record(datagen.topic, number)
            # In every topic, a record's first field identifies the thing it is about.
            key = str(next(iter(content.values()))).encode()
            try:
                self._producer.produce(
                    datagen.topic.name, key=key, value=encode(content), on_delivery=self._delivered(datagen)
                )
            except BufferError:
                # The broker is down and the queue is full: a later step writes this record.
                break
            progress.next = number + 1
        return True

    def _encoder(self, datagen: Datagen) -> Encode | None:
        if datagen.name not in self._encoders:
            try:
                answer = self._registry.get(
                    f"/subjects/{datagen.topic.subject}/versions/{datagen.topic.schema_versions}"
                )
            except httpx.HTTPError as error:
                _log.warning("the registry does not answer (%s): nothing is generated", type(error).__name__)
                return None
            if answer.status_code != 200:
                _log.warning(
                    "the registry has no schema for %s (%d)", datagen.topic.subject, answer.status_code
                )
                return None
            self._encoders[datagen.name] = encoder(datagen, schema_id=int(answer.json()["id"]))
        return self._encoders[datagen.name]

    def _delivered(self, datagen: Datagen) -> Callable[[KafkaError | None, Message], None]:
        progress = self._progress[datagen.name]

        def count(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                _log.warning("a record for %s was lost: %s", datagen.topic.name, error.str())
                return
            progress.records += 1
            progress.bytes += len(message)

        return count

    def _report(self) -> None:
        connectors = {
            name: {"next": p.next, "records": p.records, "bytes": p.bytes}
            for name, p in self._progress.items()
        }
        write_atomically(
            self._folder.datagen_report, json.dumps({"at": time.time(), "connectors": connectors}) + "\n"
        )


# The feed files that Connect's sources read: their first records, then more at a steady pace.

_LOCK_SECONDS = 60.0


def write_first_records(feeds: Path) -> None:
    """Make the missing feed files, with the records that every sandbox starts with.

    Connect and the feed both need them and may start at the same time: whichever comes first writes them.
    """
    with locked(feeds.with_suffix(".lock"), timeout_seconds=_LOCK_SECONDS, what=f"the feed files in {feeds}"):
        for topic in TOPICS:
            path = feeds / f"{topic.name}.jsonl"
            if not path.exists():
                write_atomically(path, "".join(f"{line}\n" for line in backlog(topic)))


# The file source cannot follow a file that is truncated or replaced, so the files only grow: by about 300 MB a day at full
# pace. Once they have this size altogether, the pace drops to a twentieth.
FULL_PACE_BYTES = 200_000_000
_SLOW = 0.05


class Appender:
    """Continues each topic's file where it ends."""

    def __init__(self, folder: Path, topics: tuple[Topic, ...]) -> None:
        self._files = {topic.name: folder / f"{topic.name}.jsonl" for topic in topics}
        self._topics = topics
        # Staggered, so that the slow topics do not all move in the same second.
        self._credit = {topic.name: zlib.crc32(topic.name.encode()) % 100 / 100 for topic in topics}
        self._next: dict[str, int] = {}
        self._bytes = 0
        self.appended = 0
        for topic in topics:
            self._resume(topic)

    def _resume(self, topic: Topic) -> None:
        """Find the next record's number, and complete a line cut off by a crash: its content is known."""
        path = self._files[topic.name]
        content = path.read_bytes() if path.exists() else b""
        number = content.count(b"\n")
        tail = content[content.rfind(b"\n") + 1 :]
        if tail:
            whole = line(topic, number).encode()
            with path.open("ab") as file:
                file.write((whole[len(tail) :] if whole.startswith(tail) else b"") + b"\n")
            number += 1
        self._next[topic.name] = number
        self._bytes += path.stat().st_size if path.exists() else 0

    def step(self, seconds: float) -> None:
        """Append the records due after that time."""
        pace = 1.0 if self._bytes < FULL_PACE_BYTES else _SLOW
        for topic in self._topics:
            credit = (
                self._credit[topic.name] + topic.per_minute / 60 * min(seconds, _LONGEST_STEP_SECONDS) * pace
            )
            due = int(credit)
            self._credit[topic.name] = credit - due
            if due:
                self._append(topic, due)

    def _append(self, topic: Topic, count: int) -> None:
        first = self._next[topic.name]
        text = "".join(f"{line(topic, number)}\n" for number in range(first, first + count)).encode()
        # One write: the source never sees half a line for longer than the kernel takes.
        with self._files[topic.name].open("ab", buffering=0) as file:
            file.write(text)
        self._next[topic.name] = first + count
        self._bytes += len(text)
        self.appended += count
