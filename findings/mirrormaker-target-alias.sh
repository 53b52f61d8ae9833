#!/usr/bin/env bash
# Which topics MirrorMaker 2 never copies, while its connector and task are RUNNING and nothing is logged as an error.
#
# Seen with Kafka 4.3.1 (connect-mirror), the default replication policy, target alias `west`, and a pattern that matches all three:
#
#   separator `.` (the default)   orders, shop.east.orders   are copied
#                                 shop.west.orders           never
#   separator `__`                all three are copied
#
# A name is taken apart at every separator, and if any part but the last is the target's alias, the topic counts as one that
# was copied from there. Nobody had copied it: it is an ordinary name with dots. So whether `shop.eu.orders` is mirrored
# depends on what the other cluster is called in the connector's config; the documentation speaks of prefixes only.
# `heartbeats` is copied in both cases, though the pattern does not match it.
#
# Needs Java 17 or newer and Maven. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.3.1</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-runtime</artifactId><version>4.3.1</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-mirror</artifactId><version>4.3.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars > maven.log || { cat maven.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check confluent-kafka==2.16.1
venv/bin/python - <<'PYTHON'
import json
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

PLAIN = ("orders", "shop.east.orders", "shop.west.orders", "heartbeats")
SOURCES = {"by-dot": ("one", "."), "by-lines": ("two", "__")}
EXPECTED = {
    *("one.orders", "one.shop.east.orders", "one.heartbeats"),
    *("two__orders", "two__shop.east.orders", "two__shop.west.orders", "two__heartbeats"),
}


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def properties(name, values):
    Path(name).write_text("".join(f"{key}={value}\n" for key, value in values.items()))


def java(*arguments, log):
    return subprocess.Popen(
        ["java", "-Xmx512m", "-cp", "jars/*", *arguments], stdout=open(log, "w"), stderr=subprocess.STDOUT
    )


def until(look, seconds=240):
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, "too late"
        time.sleep(1)
    return seen


kafka, controller, rest = f"127.0.0.1:{free()}", f"127.0.0.1:{free()}", f"http://127.0.0.1:{free()}"
Path("plugins").mkdir()
once = {"replication.factor": 1, "offset-syncs.topic.replication.factor": 1}
properties("server.properties", {
    "process.roles": "broker,controller", "node.id": 1, "log.dirs": "data",
    "listeners": f"PLAINTEXT://{kafka},CONTROLLER://{controller}", "advertised.listeners": f"PLAINTEXT://{kafka}",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER", "controller.quorum.voters": f"1@{controller}",
    "offsets.topic.replication.factor": 1, "offsets.topic.num.partitions": 1,
})
properties("worker.properties", {
    "bootstrap.servers": kafka, "listeners": rest, "offset.storage.file.filename": "offsets",
    "plugin.path": "plugins", "plugin.discovery": "service_load",
    "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
})
for name, (source, separator) in SOURCES.items():
    properties(f"{name}.properties", {
        "name": name, "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "source.cluster.alias": source, "target.cluster.alias": "west", "topics": r"(shop\\.(east|west)\\.)?orders",
        "source.cluster.bootstrap.servers": kafka, "target.cluster.bootstrap.servers": kafka,
        "replication.policy.separator": separator, "sync.topic.acls.enabled": "false",
        # Far apart, so that the heartbeats of one cluster, which is both here, are not copied again and again.
        "refresh.topics.interval.seconds": 3600, **once,
    })
formatting = java(
    "kafka.tools.StorageTool", "format", "--cluster-id", "finding-0000000000001", "--config", "server.properties",
    log="format.log",
)
assert formatting.wait() == 0, Path("format.log").read_text()
running = [java("kafka.Kafka", "server.properties", log="broker.log")]
try:
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 0})

    def topics():
        try:
            return set(admin.list_topics(timeout=5).topics)
        except Exception:
            return set()

    def created():
        for future in admin.create_topics([NewTopic(name, 1, 1) for name in PLAIN]).values():
            try:
                future.result()
            except Exception:
                pass
        return topics() >= set(PLAIN)

    until(created)
    producer = Producer({"bootstrap.servers": kafka, "log_level": 0})
    for name in PLAIN:
        producer.produce(name, b"one")
    assert producer.flush(60) == 0
    running.append(java(
        "org.apache.kafka.connect.cli.ConnectStandalone", "worker.properties",
        *(f"{name}.properties" for name in SOURCES), log="connect.log",
    ))
    until(lambda: topics() >= EXPECTED)
    time.sleep(20)  # for what is late
    copies = {name for name in topics() if name.startswith(("one", "two"))}
    print("copies:", *sorted(copies))
    for name in SOURCES:
        with urllib.request.urlopen(f"{rest}/connectors/{name}/status", timeout=30) as answer:
            status = json.load(answer)
        states = [status["connector"]["state"], *(task["state"] for task in status["tasks"])]
        print(name, *states)
        assert states == ["RUNNING", "RUNNING"], status
    errors = [line for line in Path("connect.log").read_text().splitlines() if " ERROR " in line]
    print(len(errors), "errors in the log of Connect")
    assert copies == EXPECTED, copies ^ EXPECTED
    assert not errors, errors[:3]
finally:
    for process in reversed(running):
        process.kill()
        process.wait()
PYTHON
