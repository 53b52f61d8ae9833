#!/usr/bin/env bash
# How long a consumer of librdkafka takes to begin with a topic that it has not read before: a second, however near the broker
# and whatever is set for latency. One would expect a round trip, since `assign` needs no more than the partition's leader.
#
# Seen with confluent-kafka 2.16.1 (librdkafka 2.16.0) on the library's own cluster in memory: `assign` of one partition after the
# other, each of another topic with one message, until the message is there:
#
#   fetch.wait.max.ms=5                                              1.0 s a topic
#   the same and topic.metadata.refresh.fast.interval.ms=1,
#   retry.backoff.ms=1, topic.metadata.propagation.max.ms=0          1.0 s a topic
#   the first and topic.metadata.refresh.interval.ms=10              0.01 s a topic, and metadata is asked for every 10 ms
#   list_topics(topic) before each assign                            0.01 s a topic
#   one list_topics() of all topics before                           0.01 s a topic
#   … and fetch.wait.max.ms as it is (500)                           0.5 s a topic: the fetch of the topic before is still waiting
#
# Leaders that are not known are looked for by a timer that fires once a second. A tool that samples many topics by one
# consumer, or looks into one after the other, waits for it at each: 48 topics took 47 seconds.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check confluent-kafka==2.16.1
"$folder/venv/bin/python" - <<'PYTHON'
import statistics
import time

from confluent_kafka import Consumer, Producer, TopicPartition, libversion, version

TOPICS = [f"topic-{number}" for number in range(7)]
SHORT = {"fetch.wait.max.ms": 5}
ALWAYS = {"topic.metadata.refresh.interval.ms": 10}
HASTY = {
    "topic.metadata.refresh.fast.interval.ms": 1, "retry.backoff.ms": 1, "topic.metadata.propagation.max.ms": 0
}


def seconds_a_topic(settings, asks):
    """The median over all topics but the first, by which the consumer learns of the cluster."""
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "in memory", "log_level": 0})
    (broker,) = producer.list_topics(timeout=30).brokers.values()
    for topic in TOPICS:
        producer.produce(topic, b"message", partition=0)
    assert producer.flush(30) == 0
    consumer = Consumer({
        "bootstrap.servers": f"{broker.host}:{broker.port}", "group.id": "finding", "enable.auto.commit": False,
        "log_level": 0, **settings,
    })
    if asks == "for all":
        consumer.list_topics(timeout=30)
    taken = []
    for topic in TOPICS:
        begun = time.perf_counter()
        if asks == "for each":
            consumer.list_topics(topic, timeout=30)
        consumer.assign([TopicPartition(topic, 0, 0)])
        while (message := consumer.poll(30)) is None or message.error():
            pass
        assert message.topic() == topic
        taken.append(time.perf_counter() - begun)
    consumer.close()
    return statistics.median(taken[1:])


print("confluent-kafka", version(), "librdkafka", libversion()[0])
found = {}
for name, settings, asks in (
    ("short waits", SHORT, ""),
    ("short waits, hasty metadata", SHORT | HASTY, ""),
    ("short waits, metadata all the time", SHORT | ALWAYS, ""),
    ("short waits, list_topics of each", SHORT, "for each"),
    ("short waits, list_topics of all", SHORT, "for all"),
    ("list_topics of all", {}, "for all"),
):
    found[name] = seconds_a_topic(settings, asks)
    print(f"{name:34} {found[name]:.2f} s a topic")
for name in ("short waits", "short waits, hasty metadata"):
    assert found[name] > 0.8, found
for name in ("short waits, metadata all the time", "short waits, list_topics of each", "short waits, list_topics of all"):
    assert found[name] < 0.4, found
assert found["list_topics of all"] > 0.3, found
PYTHON
