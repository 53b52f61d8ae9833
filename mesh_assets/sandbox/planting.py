"""Writes the topics with planted faults into the warehouse, and takes them out again."""

import io
import json
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import fastavro
import httpx
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.estate.quality import (
    FAULTY_TOPICS,
    PARTITIONS,
    RECORDS,
    FaultyTopic,
    PlantedRecord,
    as_json,
    planted_records,
)
from mesh_assets.sandbox.kafka_admin import admin_client, quiet_settings

_SECONDS = 30.0
_FRAME = struct.Struct(">bI")


@contextmanager
def planted(bootstrap_servers: str, registry_url: str, *, records: int = RECORDS) -> Iterator[None]:
    """Until this ends, the topics exist, each with that many records, and so do their schemas. Raises
    SandboxError if the broker or the registry refuses them."""
    with httpx.Client(base_url=registry_url, timeout=_SECONDS, trust_env=False) as registry:
        try:
            _create(bootstrap_servers)
            ids = {topic.name: _register(registry, topic) for topic in FAULTY_TOPICS}
            _write(bootstrap_servers, ids, records)
            yield
        finally:
            _remove(bootstrap_servers, registry)


def encoded(topic: FaultyTopic, record: PlantedRecord, ids: list[int]) -> bytes:
    """The value as it is sent. `ids`: of the versions of the topic's subject."""
    if record.schema is None:
        return as_json(record.value)
    frame = _FRAME.pack(0, ids[record.schema - 1])
    if record.raw is not None:
        return frame + record.raw
    if topic.schema_type == "JSON":
        return frame + as_json(record.value)
    schema = topic.schemas[record.schema - 1]
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(dict(schema)), dict(record.value))
    return frame + out.getvalue()


def partition_of(record: PlantedRecord) -> int:
    return zlib.crc32(record.key.encode()) % PARTITIONS


def _create(bootstrap_servers: str) -> None:
    topics = [NewTopic(topic.name, PARTITIONS, 1) for topic in FAULTY_TOPICS]
    with admin_client(bootstrap_servers) as admin:
        for name, made in admin.create_topics(topics, operation_timeout=_SECONDS).items():
            try:
                made.result(_SECONDS)
            except KafkaException as error:
                raise SandboxError(f"{name} could not be created: {error.args[0].str()}") from error


def _register(registry: httpx.Client, topic: FaultyTopic) -> list[int]:
    ids = []
    for schema in topic.schemas:
        asked = {"schemaType": topic.schema_type, "schema": json.dumps(schema)}
        answer = registry.post(f"/subjects/{topic.name}-value/versions", json=asked)
        if answer.status_code != 200:
            raise SandboxError(f"the registry refused a schema of {topic.name}: {answer.status_code}")
        ids.append(int(answer.json()["id"]))
    return ids


def _write(bootstrap_servers: str, ids: dict[str, list[int]], records: int) -> None:
    failed: list[str] = []

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failed.append(f"{message.topic()}: {error.str()}")

    now, left = datetime.now(UTC), 0
    producer = Producer(
        {**quiet_settings(bootstrap_servers), "linger.ms": 20, "queue.buffering.max.messages": 200_000}
    )
    try:
        for topic in FAULTY_TOPICS:
            for record in planted_records(topic, now=now, records=records):
                producer.produce(
                    topic.name,
                    key=record.key.encode(),
                    value=encoded(topic, record, ids[topic.name]),
                    partition=partition_of(record),
                    timestamp=int(record.at.timestamp() * 1_000),
                    on_delivery=delivered,
                )
            left += producer.flush(_SECONDS)
    finally:
        producer.close()
    if left or failed:
        raise SandboxError(f"{left + len(failed)} planted records were not written: {'; '.join(failed[:3])}")


def _remove(bootstrap_servers: str, registry: httpx.Client) -> None:
    with admin_client(bootstrap_servers) as admin:
        known = admin.list_topics(timeout=_SECONDS).topics
        names = [topic.name for topic in FAULTY_TOPICS if topic.name in known]
        for gone in admin.delete_topics(names, operation_timeout=_SECONDS).values() if names else ():
            gone.result(_SECONDS)
    for topic in FAULTY_TOPICS:
        for permanent in ("", "?permanent=true") if topic.schemas else ():
            registry.delete(f"/subjects/{topic.name}-value{permanent}")
