#!/usr/bin/env bash
# Which trace a Kafka message belongs to if a producer that OpenTelemetry traces is given the same list of headers for each: that of the
# first message the process ever sent. One would expect each message to belong to the span that sent it.
#
# Seen with opentelemetry-instrumentation-confluent-kafka 0.66b1 and confluent-kafka 2.16.1 on the library's own cluster in memory, HEADERS
# being a constant of one header, each message sent in a trace of its own:
#
#               headers=HEADERS                                        headers=list(HEADERS), or none
#   message 0   2 headers, consumer's span links to trace 0            2 headers, links to trace 0
#   message 1   3 headers, links to trace 0                            2 headers, links to trace 1
#   message 3   5 headers, links to trace 0                            2 headers, links to trace 3
#
# The instrumentation appends `traceparent` to the caller's list, and its reader takes the first one it finds. So messages grow with
# every one sent, until the broker refuses them as too large, and all traces of consumers hang on one. A tuple of headers
# stays as it is, and no trace is passed on. The instrumentations of kafka-python and aiokafka append to the caller's list likewise.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  opentelemetry-instrumentation-confluent-kafka==0.66b1 opentelemetry-sdk==1.45.1 confluent-kafka==2.16.1
"$folder/venv/bin/python" - <<'PYTHON'
import time
from importlib.metadata import version

from confluent_kafka import Consumer, Producer
from opentelemetry import trace
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

HEADERS = [("source", b"shop")]
NAMED = dict(HEADERS)
COUNT = 4
WAYS = {
    "the same list": lambda: HEADERS,
    "a list of its own": lambda: list(HEADERS[:1]),
    "the same dict": lambda: NAMED,
    "none": lambda: None,
}
EXPECTED = {  # by message: how many headers it has, and the traces that its consumer's span links to
    "the same list": [(2, [0]), (3, [0]), (4, [0]), (5, [0])],
    "a list of its own": [(2, [0]), (2, [1]), (2, [2]), (2, [3])],
    "the same dict": [(2, [0]), (2, [1]), (2, [2]), (2, [3])],
    "none": [(1, [0]), (1, [1]), (1, [2]), (1, [3])],
}

spans, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
instrumentor, tracer = ConfluentKafkaInstrumentor(), trace.get_tracer("shop")
cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "in memory", "log_level": 0})
(broker,) = cluster.list_topics(timeout=30).brokers.values()
where = {"bootstrap.servers": f"{broker.host}:{broker.port}", "log_level": 0}


def through_a_topic(topic, headers):
    producer, sent = instrumentor.instrument_producer(Producer(where)), []
    for number in range(COUNT):
        with tracer.start_as_current_span("order") as span:
            sent.append(span.get_span_context().trace_id)
            producer.produce(topic, str(number), partition=0, headers=headers())
    assert producer.flush(30) == 0
    reader = {**where, "group.id": topic, "auto.offset.reset": "earliest"}
    consumer, read = instrumentor.instrument_consumer(Consumer(reader)), []
    consumer.subscribe([topic])
    end = time.monotonic() + 60
    while len(read) < COUNT:
        assert time.monotonic() < end, read
        message = consumer.poll(1)
        if message is not None and not message.error():
            read.append(len(message.headers() or ()))
    consumer.close()
    linked = [
        [sent.index(link.context.trace_id) for link in span.links]
        for span in spans.get_finished_spans() if span.name == f"{topic} process"
    ]
    return list(zip(read, linked, strict=True))


print("opentelemetry-instrumentation-confluent-kafka", version("opentelemetry-instrumentation-confluent-kafka"))
for at, (name, headers) in enumerate(WAYS.items()):
    found = through_a_topic(f"orders-{at}", headers)
    print(f"{name:18}", *(f"{count} headers, trace {linked}" for count, linked in found))
    assert found == EXPECTED[name], (name, found)
PYTHON
