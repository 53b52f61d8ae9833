"""A Kafka cluster of three real brokers on this machine, filled quickly, and an empty schema registry: for `bench/estate.py`."""

import asyncio
import http.server
import json
import resource
import struct
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.platforms.kafka.wire.forms import Connections, Reader, Request, Writer
from mesh_assets.platforms.kafka.wire.group_requests import Failure, find_coordinators
from mesh_assets.platforms.kafka.wire.topics import read_metadata
from mesh_assets.sandbox.java import LOG4J, JavaRuntime
from mesh_assets.sandbox.state import choose_free, random_id

Item = TypeVar("Item")

PARTITIONS = 4
TOPICS_A_GROUP = 4
RECORDS = 3
COMMITTED = 1
_NODES = (1, 2, 3)
_SECONDS = 600.0
_IDLE_SECONDS = 20.0  # rates are updated every 5
_TOPICS_A_REQUEST = 250
_PARTITIONS_A_REQUEST = 2_000

_PROPERTIES = """\
process.roles={roles}
node.id={node}
listeners={listeners}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
offsets.retention.minutes=525600
# Tens of thousands of logs with a few records each.
log.index.size.max.bytes=4096
log.cleaner.dedupe.buffer.size=8388608
"""


class Brokers:
    """Three of them; the first is also the controller."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]], bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._processes = [psutil.Process(process.pid) for process in processes]
        self.idle_cpu = 0.0
        """CPU seconds a second when nobody asks them, as last measured."""

    def measure_idle(self) -> float:
        """They keep a dozen rates of each topic, and look at each partition now and then: the more topics, the more."""
        before, began = self.cpu_seconds(), time.perf_counter()
        time.sleep(_IDLE_SECONDS)
        self.idle_cpu = (self.cpu_seconds() - before) / (time.perf_counter() - began)
        return self.idle_cpu

    def cpu_seconds(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)


@contextmanager
def three_brokers(java: JavaRuntime, folder: Path) -> Iterator[Brokers]:
    """Running in the folder, at a price: three JVMs of 1 GB, and 250 kB of disk per topic."""
    # A broker opens every log: 12,000 of them.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    log4j = folder / "log4j2.properties"
    log4j.write_text(LOG4J.format(target="SYSTEM_OUT", level="warn"))
    ports: list[int] = []
    while len(ports) < 4:
        ports.append(choose_free(ports))
    cluster_id = random_id()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for node, port in zip(_NODES, ports, strict=False):
            listeners = f"PLAINTEXT://127.0.0.1:{port}"
            first = node == _NODES[0]
            properties = folder / f"broker-{node}.properties"
            properties.write_text(
                _PROPERTIES.format(
                    roles="broker,controller" if first else "broker",
                    node=node,
                    listeners=f"{listeners},CONTROLLER://127.0.0.1:{ports[-1]}" if first else listeners,
                    controller=ports[-1],
                    data=folder / f"data-{node}",
                )
            )
            tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties))
            subprocess.run(java.kafka_command(*tool, log4j=log4j), check=True, capture_output=True)
            command = java.kafka_command("kafka.Kafka", str(properties), log4j=log4j, heap_megabytes=1_000)
            with (folder / f"broker-{node}.log").open("wb") as log:
                processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))
        servers = ",".join(f"127.0.0.1:{port}" for port in ports[:3])
        _wait_for(servers, folder)
        yield Brokers(processes, servers)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _admin(servers: str) -> AdminClient:
    """It says nothing: brokers are expected not to answer at first."""
    return AdminClient({"bootstrap.servers": servers, "log_level": 0, "error_cb": lambda _: None})


def _wait_for(servers: str, folder: Path) -> None:
    deadline = time.monotonic() + 120
    with _admin(servers) as admin:
        while len(admin.list_topics(timeout=60).brokers) < len(_NODES):
            if time.monotonic() > deadline:
                raise SystemExit(f"the three brokers are not up after 120 s; their logs are in {folder}")
            time.sleep(0.5)


def in_parts(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def topic_name(number: int) -> str:
    return f"bench-topic-{number:05}"


# --- filling


def make_topics(servers: str, numbers: range) -> None:
    """With four partitions each; a tenth of them have their own configs."""
    with _admin(servers) as admin:
        futures = [
            future
            for some in in_parts(numbers, _TOPICS_A_REQUEST)
            for future in admin.create_topics(
                [NewTopic(topic_name(one), PARTITIONS, 1, config=_configs(one)) for one in some],
                operation_timeout=_SECONDS,
                request_timeout=_SECONDS,
            ).values()
        ]
        for future in futures:
            future.result(_SECONDS)


def _configs(number: int) -> dict[str, str]:
    if number % 10:
        return {}
    return {"retention.ms": str((number // 10 % 7 + 1) * 86_400_000), "max.message.bytes": "2000000"}


async def fill(connections: Connections, topics: range, groups: range) -> None:
    """Records in each partition of the topics, and groups that have committed in the middle of them."""
    led: dict[int, list[tuple[str, int]]] = {}
    wanted = {topic_name(number) for number in topics}
    while True:
        metadata = await read_metadata(connections)
        found = [topic for topic in metadata.topics if topic.name in wanted]
        if len(found) == len(wanted) and all(p.leader is not None for one in found for p in one.partitions):
            break
        await asyncio.sleep(0.5)
    for topic in found:
        for partition in topic.partitions:
            assert partition.leader is not None
            led.setdefault(partition.leader, []).append((topic.name, partition.partition))
    await asyncio.gather(
        *(
            _until_taken(f"records for broker {broker}", partial(_produced, connections, broker, places))
            for broker, all_places in led.items()
            for places in in_parts(all_places, _PARTITIONS_A_REQUEST)
        )
    )
    names = {f"bench-group-{number:05}": number for number in groups}
    await asyncio.gather(
        *(
            _until_taken(name, partial(_committed, connections, name, number))
            for name, number in names.items()
        )
    )


async def _until_taken(what: str, send: Callable[[], Awaitable[object]]) -> None:
    deadline = time.monotonic() + _SECONDS
    while refused := await send():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: still refused after {_SECONDS:.0f} s, with Kafka's errors {refused}")
        await asyncio.sleep(0.3)


async def _produced(connections: Connections, broker: int, places: Sequence[tuple[str, int]]) -> set[int]:
    by_topic: dict[str, list[int]] = {}
    for topic, number in places:
        by_topic.setdefault(topic, []).append(number)

    def write(out: Writer, _version: int) -> None:
        out.text(None)
        out.int16(1)
        out.int32(60_000)
        out.count(len(by_topic))
        for topic, numbers in by_topic.items():
            out.text(topic)
            out.count(len(numbers))
            for number in numbers:
                out.int32(number)
                out.blob(_BATCH)
                out.tags()
            out.tags()
        out.tags()

    def read(answer: Reader, _version: int) -> set[int]:
        codes = _codes(answer, _produced_partition)
        answer.throttle()
        answer.tags()
        return codes

    return await connections.ask(Request("Produce", 0, 9, 9, 9, write, read), broker=broker)


def _produced_partition(answer: Reader) -> int:
    answer.int32()
    code = answer.int16()
    answer.take(24)
    answer.array(lambda: (answer.int32(), answer.nullable_text(), answer.tags()))
    answer.nullable_text()
    return code


async def _committed(connections: Connections, group: str, number: int) -> object:
    coordinator = (await connections.ask(find_coordinators([group])))[group]
    if isinstance(coordinator, Failure):
        return coordinator
    topics = [topic_name(number * TOPICS_A_GROUP + one) for one in range(TOPICS_A_GROUP)]

    def write(out: Writer, _version: int) -> None:
        out.text(group)
        out.int32(-1)
        out.text("")
        out.text(None)
        out.count(len(topics))
        for topic in topics:
            out.text(topic)
            out.count(PARTITIONS)
            for partition in range(PARTITIONS):
                out.int32(partition)
                out.int64(COMMITTED)
                out.int32(-1)
                out.text(None)
                out.tags()
            out.tags()
        out.tags()

    def read(answer: Reader, _version: int) -> set[int]:
        answer.throttle()
        codes = _codes(answer, lambda one: (one.int32(), one.int16())[1])
        answer.tags()
        return codes

    return await connections.ask(Request("OffsetCommit", 8, 8, 8, 8, write, read), broker=coordinator)


def _codes(answer: Reader, partition: Callable[[Reader], int]) -> set[int]:
    """Kafka's errors in an answer by topics and partitions."""
    codes: set[int] = set()
    for _ in range(answer.count()):
        answer.text()
        for _ in range(answer.count()):
            codes.add(partition(answer))
            answer.tags()
        answer.tags()
    return codes - {0}


def _batch() -> bytes:
    """Records as Kafka keeps them (magic 2). Nothing in them depends on where they are written."""
    value = b"a record of the bench"
    records = b""
    for offset in range(RECORDS):
        body = bytes([0, 0, offset << 1, 1, len(value) << 1]) + value + b"\0"
        records += bytes([len(body) << 1]) + body
    now = int(time.time() * 1000)
    checked = struct.pack(">hiqqqhii", 0, RECORDS - 1, now, now, -1, -1, -1, RECORDS) + records
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, _crc32c(checked)) + checked


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


_BATCH = _batch()


# --- the registry


class _Registry(http.server.BaseHTTPRequestHandler):
    """What a discovery asks an empty schema registry: it registers its two schemas, and reads that there are
    no others."""

    ANSWERS: Mapping[str, object] = {
        "/schemas": [],
        "/subjects": [],
        "/contexts": ["."],
        "/config": {"compatibilityLevel": "BACKWARD"},
        "/mode": {"mode": "READWRITE"},
    }

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        known = path in self.ANSWERS
        self._answer(
            200 if known else 404, self.ANSWERS.get(path, {"error_code": 40401, "message": "unknown"})
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(200, {"id": 1 + ("changes" in self.path)})

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: it would end up among the results."""


@contextmanager
def registry() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
