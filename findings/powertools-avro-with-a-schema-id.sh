#!/usr/bin/env bash
# What a Lambda function in Python makes of an Avro record that Confluent's serializer wrote, if the event source mapping has no
# schema registry: a record of empty values. One would expect the error that JSON and Protobuf give, or the record.
#
# Seen with Powertools for AWS Lambda 3.37.0 (its kafka_consumer), avro 1.12.2 and protobuf 6.33.6, on the bytes 0, schema id, record:
#
#                                        what the function gets
#   Avro, ids 1, 7, 100                  {'id': '', 'amount': 0, 'paid': False, 'note': None}
#   Avro, id 100001                      KafkaConsumerDeserializationError
#   Avro, value_schema_wire_format       {'id': 'order-1', 'amount': 1999, 'paid': True, 'note': None}
#   Protobuf, JSON                       KafkaConsumerDeserializationError
#
# A mapping hands the value over as it is unless it has a schema registry configured. To Avro, the zeros before a small id
# are an empty text, the number 0, false and the first branch of a union, and what is left over at the end is nobody's business:
# fastavro says the same. So every order is for nothing, no record fails, and no batch is retried; a registry that hands out
# larger ids behaves otherwise, so a test may not show it.
#
# Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  aws-lambda-powertools==3.37.0 avro==1.12.2 fastavro==1.13.1 protobuf==6.33.6
"$folder/venv/bin/python" - <<'PYTHON'
import base64
import io
import json
from importlib.metadata import version

import fastavro
from aws_lambda_powertools.utilities.kafka import SchemaConfig, kafka_consumer
from aws_lambda_powertools.utilities.kafka.exceptions import KafkaConsumerDeserializationError
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELDS = {"id": "string", "amount": "long", "paid": "boolean", "note": ["null", "string"]}
SCHEMA = {"type": "record", "name": "Order", "fields": [{"name": name, "type": kind} for name, kind in FIELDS.items()]}
ORDER = {"id": "order-1", "amount": 1999, "paid": True, "note": None}
NOTHING = {"id": "", "amount": 0, "paid": False, "note": None}


def in_avro():
    data = io.BytesIO()
    fastavro.schemaless_writer(data, fastavro.parse_schema(SCHEMA), ORDER)
    return data.getvalue()


def a_message():
    file = descriptor_pb2.FileDescriptorProto(name="order.proto", package="shop", syntax="proto3")
    order, kinds = file.message_type.add(name="Order"), descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate((("id", kinds.TYPE_STRING), ("amount", kinds.TYPE_INT64)), start=1):
        order.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


def framed(number, data):
    return b"\0" + number.to_bytes(4, "big") + data


def handled(data, **config):
    """What a handler gets of an event with one record, as Lambda hands it over for a topic of MSK."""
    record = {
        "topic": "orders", "partition": 0, "offset": 15, "timestamp": 1795996800000, "timestampType": "CREATE_TIME",
        "value": base64.b64encode(data).decode(), "headers": [],
    }

    @kafka_consumer(schema_config=SchemaConfig(**config))
    def handler(event, _):
        return [one.value for one in event.records]

    try:
        (value,) = handler({"eventSource": "aws:kafka", "records": {"orders-0": [record]}}, None)
    except KafkaConsumerDeserializationError:
        return "KafkaConsumerDeserializationError"
    return value


print("aws-lambda-powertools", version("aws-lambda-powertools"), "avro", version("avro"), "protobuf", version("protobuf"))
avro = {"value_schema_type": "AVRO", "value_schema": json.dumps(SCHEMA)}
data, message = in_avro(), a_message()
in_protobuf = message(id="order-1", amount=1999).SerializeToString()
FOUND = {
    "without an id": (handled(data, **avro), ORDER),
    **{f"id {number}": (handled(framed(number, data), **avro), NOTHING) for number in (1, 7, 100)},
    "id 100001": (handled(framed(100_001, data), **avro), "KafkaConsumerDeserializationError"),
    "id 7, told of it": (handled(framed(7, data), **avro, value_schema_wire_format="CONFLUENT"), ORDER),
    "JSON, id 7": (handled(framed(7, b'{"id": "order-1"}'), value_schema_type="JSON"), "KafkaConsumerDeserializationError"),
    "Protobuf, id 7": (
        handled(framed(7, b"\0" + in_protobuf), value_schema_type="PROTOBUF", value_schema=message),
        "KafkaConsumerDeserializationError",
    ),
    "fastavro, id 7": (fastavro.schemaless_reader(io.BytesIO(framed(7, data)), SCHEMA, None), NOTHING),
}
for name, (found, expected) in FOUND.items():
    print(f"{name:18} {found}")
    assert found == expected, (name, found, expected)
PYTHON
