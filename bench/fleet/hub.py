"""The cluster that takes the events of the whole fleet: a real Kafka broker, so that nothing about publishing
is simulated."""

import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient  # type: ignore[attr-defined]

from mesh_assets.events.avro_form import decode_change_event, decode_discovery_event, schema_text
from mesh_assets.sandbox.java import LOG4J, java_runtime
from mesh_assets.sandbox.progress import silent
from mesh_assets.sandbox.state import choose_free, random_id

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
log.cleaner.enable=false
"""
_SECONDS = 120.0


@contextmanager
def hub(folder: Path) -> Iterator[str]:
    """Its address while it runs. It compacts nothing: everything ever published can be counted."""
    java = java_runtime(silent())
    port = choose_free(())
    properties, log4j = folder / "hub.properties", folder / "log4j2.properties"
    properties.write_text(_PROPERTIES.format(port=port, controller=choose_free((port,)), data=folder / "hub"))
    log4j.write_text(LOG4J.format(target="SYSTEM_OUT", level="warn"))
    tool = ("kafka.tools.StorageTool", "format", "-t", random_id(), "-c", str(properties))
    subprocess.run(java.kafka_command(*tool, log4j=log4j), check=True, capture_output=True)
    command = java.kafka_command("kafka.Kafka", str(properties), log4j=log4j, heap_megabytes=512)
    with (
        (folder / "hub.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            _wait_for(f"127.0.0.1:{port}", folder)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


def _wait_for(servers: str, folder: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    with AdminClient({"bootstrap.servers": servers, "log_level": 0, "error_cb": lambda _: None}) as admin:
        while not admin.list_topics(timeout=_SECONDS).brokers:
            if time.monotonic() > deadline:
                raise SystemExit(f"the broker is not up after {_SECONDS:.0f} s; its log is in {folder}")
            time.sleep(0.5)


@dataclass
class Published:
    """`sequences`: of each cluster's snapshots, in order. `created`: how many changes report the creation of
    a topic, by cluster and topic. `moments`: when the first snapshot that holds it was published, by cluster
    and topic; seconds since 1970."""

    sequences: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    created: Counter[tuple[str, str]] = field(default_factory=Counter)
    moments: dict[tuple[str, str], float] = field(default_factory=dict)


def published(servers: str) -> Published:
    """Everything in both topics, as a reader of committed records gets it."""
    found = Published()
    for key, value, at in _records(servers, "discovery-events"):
        if value is not None:
            event = decode_discovery_event(value, _schema)
            found.sequences[key].append(event.sequence)
            for topic in event.cluster_state.topics or ():
                found.moments.setdefault((key, topic.name), at)
    for key, value, _ in _records(servers, "discovery-changes"):
        if value is not None:
            change = decode_change_event(value, _schema)
            if (change.kind, change.resource_type) == ("created", "topic"):
                found.created[key, change.resource] += 1
    return found


def _schema(schema_id: int) -> str:
    """As `bench.three_brokers.registry` numbers them."""
    return schema_text("discovery_event" if schema_id == 1 else "change_event")


def _records(servers: str, topic: str) -> Iterator[tuple[str, bytes | None, float]]:
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "the-bench",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        for number in partitions:
            place = TopicPartition(topic, number, 0)
            _, end = consumer.get_watermark_offsets(place, timeout=30)
            consumer.assign([place])
            while consumer.position([place])[0].offset < end:
                message = consumer.poll(10)
                if message is None:
                    break  # only markers are left in the log
                if message.error():
                    raise SystemExit(f"{topic} cannot be read: {message.error()}")
                yield (message.key() or b"").decode(), message.value(), message.timestamp()[1] / 1000
    finally:
        consumer.close()
