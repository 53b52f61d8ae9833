"""The estate of `bench.report` behind systems that answer for it, so that a discovery can read it: Kafka from
memory, registry and Connect over HTTP. As a process, one whole `mesh-assets discover` of it: `python -m
bench.described DOCUMENT`."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from bench.from_memory import CONFIGS, MemoryKafka, discover

if TYPE_CHECKING:
    from mesh_assets.inventory.document import Document
    from mesh_assets.inventory.records import Connector

_ABSENT = {"config": 40408, "mode": 40409}


class DescribedKafka(MemoryKafka):
    """Three brokers with the topics and groups of a document."""

    def __init__(self, document: "Document") -> None:
        from mesh_assets.platforms.kafka.values import (
            CommittedPartition,
            ConsumerGroup,
            PartitionMetadata,
            PartitionOffsets,
            TopicConfigs,
            TopicMetadata,
        )

        super().__init__(topics=0, partitions=0, groups=0)
        self._metadata = self._metadata_of(
            tuple(
                TopicMetadata(
                    name=topic.name,
                    id=topic.id,
                    internal=False,
                    partitions=tuple(
                        PartitionMetadata(
                            partition=one.partition, leader=one.leader, replicas=one.replicas, isr=one.isr
                        )
                        for one in topic.partitions
                    ),
                )
                for topic in document.topics
            )
        )
        self._configs = {
            topic.name: TopicConfigs(
                topic=topic.name, values=CONFIGS | (topic.config or {}), overridden=topic.config_overrides
            )
            for topic in document.topics
        }
        self._ends = {
            topic.name: tuple(
                PartitionOffsets(partition=one.partition, earliest=one.earliest, latest=one.latest)
                for one in topic.partitions
            )
            for topic in document.topics
        }
        self._groups = tuple(
            ConsumerGroup(
                group_id=group.group_id,
                type="classic",
                protocol_type="consumer",
                state="Empty",
                coordinator=1,
                members=(),
                offsets=tuple(
                    CommittedPartition(topic=one.topic, partition=one.partition, committed=one.committed)
                    for one in group.offsets or ()
                ),
            )
            for group in document.consumer_groups
        )

    def _offsets_of(self, topic: str) -> Any:
        return self._ends[topic]


@contextmanager
def registry_and_connect(document: "Document") -> Iterator[str]:
    """Their address while they run in threads of this process: a registry with Confluent's bulk list, whose
    subjects have no levels of their own, and a Connect worker."""
    schemas = [
        {
            "subject": one.subject,
            "version": one.version,
            "id": one.id,
            "schemaType": one.schema_type,
            "schema": one.definition,
        }
        for one in sorted(document.schemas, key=lambda one: one.subject)
    ]
    connectors = {one.name: _as_listed(one) for one in document.connectors}

    def answer(path: list[str], asked: Mapping[str, list[str]]) -> tuple[int, Any]:
        match path:
            case ["schemas"]:
                first = int(asked["offset"][0])
                return 200, schemas[first : first + min(int(asked["limit"][0]), 1_000)]
            case ["contexts"]:
                return 200, ["."]
            case ["config"]:
                return 200, {"compatibilityLevel": "BACKWARD"}
            case ["mode"]:
                return 200, {"mode": "READWRITE"}
            case [("config" | "mode") as what, subject]:
                return 404, {"error_code": _ABSENT[what], "message": f"{subject} has none of its own"}
            case ["connectors"]:
                return 200, connectors
            case ["connectors", name, "topics"] if name in connectors:
                return 200, {name: {"topics": []}}
            case ["connector-plugins", _, "config"]:
                return 200, []
        return 404, {"error_code": 404, "message": f"no {'/'.join(path)} here"}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, value = answer(
                [unquote(part) for part in url.path.strip("/").split("/")], parse_qs(url.query)
            )
            body = json.dumps(value).encode()
            self.log_request = lambda *_: None  # type: ignore[method-assign]
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self._headers_buffer.append(b"\r\n" + body)  # type: ignore[attr-defined]  # in one packet
            self.flush_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _as_listed(connector: "Connector") -> dict[str, Any]:
    """As Connect answers with `expand=info&expand=status`. A sink's config names the topics that it reads."""
    config = dict(connector.config)
    if connector.type == "sink":
        config["topics"] = ",".join(topic.name for topic in connector.topics)
    name, kind = connector.name, connector.type
    trace = {} if connector.trace is None else {"trace": connector.trace}
    return {
        "info": {
            "name": name,
            "type": kind,
            "config": config,
            "tasks": [{"connector": name, "task": task.id} for task in connector.tasks],
        },
        "status": {
            "name": name,
            "type": kind,
            "connector": {"state": connector.status, "worker_id": connector.worker_id, **trace},
            "tasks": [
                {"id": task.id, "state": task.state, "worker_id": task.worker_id} for task in connector.tasks
            ],
        },
    }


def _kafka(path: Path) -> MemoryKafka:
    from mesh_assets.inventory.document import decode_document

    return DescribedKafka(decode_document(path.read_bytes(), source=str(path)))


if __name__ == "__main__":
    discover(lambda: _kafka(Path(sys.argv[1])), profiled="profile" in sys.argv[2:])
