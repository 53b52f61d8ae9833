"""Valid input of every kind, to be made odd or huge."""

import json
from pathlib import Path
from typing import Any

from mesh_assets.metrics.confluent_cloud import WANTED

TESTS = Path(__file__).parent.parent

# --- files of the inbox, messages of the queue

WAITING = {
    "id": "x",
    "trigger": {"type": "schema_updated", "resource": "users-value", "details": "Schema version 1 → 2"},
    "source": "schema_changes",
    "received_at": "2026-11-23T16:40:02Z",
    "stands_for": 1,
}
FOLDED = {"ids": ["a", "b"], "uncounted": False, "received_at": "2026-11-23T16:40:02Z"}
FILES = {"a.json": WAITING, "b.txt": WAITING, "folded-external.json": FOLDED, "folded-manual.json": FOLDED}
MESSAGES = [
    json.loads(file.read_text()) for file in sorted((TESTS / "sensing/trigger_queue/messages").glob("*.json"))
]

# --- answers, by the pattern of their path

REGISTRY: dict[str, Any] = {
    "/schemas": [
        {
            "subject": "orders-value",
            "version": 2,
            "id": 7,
            "schema": '{"type":"record","name":"O","fields":[]}',
        },
        {"subject": ":.eu:users-key", "version": 1, "id": 8, "schemaType": "JSON", "schema": "{}"},
        {
            "subject": "pay-value",
            "version": 1,
            "id": 9,
            "schemaType": "PROTOBUF",
            "schema": 'syntax = "proto3"; message P { string id = 1; }',
            "references": [{"name": "c.proto", "subject": "common", "version": 1}],
        },
    ],
    "/contexts": [".", ":.eu:"],
    "(/contexts/[^/]+)?/subjects": ["orders-value", ":.eu:users-key", "common"],
    "/subjects/[^/]+/versions/latest": {
        "subject": "orders-value",
        "version": 2,
        "id": 7,
        "schema": '"string"',
    },
    "/config.*": {"compatibilityLevel": "FULL", "alias": None},
    "/mode.*": {"mode": "READWRITE"},
}
_RUNNING = {"state": "RUNNING", "worker_id": "10.0.0.1:8083"}
_CONFIG = {
    "connector.class": "com.x.JdbcSink",
    "topics": "orders, users",
    "tasks.max": "1",
    "password": "s3cr3t-s3cr3t",
    "transforms": "route",
    "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.route.regex": "(.*)-v(\\d+)",
    "transforms.route.replacement": "$1",
    "http.headers": "A: b",
    "connection.url": "jdbc:postgresql://u:p4ssw0rd@db/x?a=b",
    "errors.deadletterqueue.topic.name": "dlq",
}
_INFO = {"name": "sink", "config": _CONFIG, "tasks": [{"connector": "sink", "task": 0}], "type": "sink"}
_FAILED = {
    "id": 0,
    "state": "FAILED",
    "worker_id": "w",
    "trace": "java.lang.E: password=s3cr3t-s3cr3t\n\tat x",
}
_STATUS = {"name": "sink", "connector": _RUNNING, "tasks": [_FAILED], "type": "sink"}
_SOURCE = {"connector.class": "com.x.Source", "topics.regex": "a.*|b(?=c)", "topic.prefix": "p-"}
CONNECT: dict[str, Any] = {
    "/connectors": {
        "sink": {"info": _INFO, "status": _STATUS},
        "a/b %": {"info": {**_INFO, "config": _SOURCE, "type": "source"}, "status": None},
    },
    "/connectors/[^/]+": _INFO,
    "/connectors/[^/]+/status": _STATUS,
    "/connectors/[^/]+/topics": {"a/b %": {"topics": ["p-1", "p-2"]}},
    "/connector-plugins/[^/]+/config": [{"name": "password", "type": "PASSWORD"}],
}
CLOUD: dict[str, Any] = {
    ".*/connectors": json.loads((TESTS / "platforms/confluent_cloud/published/connectors.json").read_text())
}
HISTORY: dict[str, Any] = {
    "/v2/metrics/cloud/query": {
        "data": [
            {"metric.topic": "orders", "points": [{"timestamp": "2026-11-23T16:40:00Z", "value": 12.0}]}
        ],
        "meta": {"pagination": {"page_size": 1000}},
    }
}
EXPORT = (TESTS / "platforms/confluent_cloud/published/metrics_export.txt").read_text() + "".join(
    f'# TYPE {name} gauge\n{name}{{kafka_id="lkc-1",topic="orders",connector_id="lcc-1"}} 3.0 1609459200000\n'
    for name in sorted(WANTED)
).replace("#EOF", "")
OPENMETRICS, PROMETHEUS = "application/openmetrics-text;version=1.0.0", "text/plain;version=0.0.4"

# --- the texts of schemas, and a record

_FIELD = {
    "name": "id",
    "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}],
    "default": None,
}
_NESTED = {
    "type": "array",
    "items": {"type": "record", "name": "B", "fields": [{"name": "b", "type": "com.x.A"}]},
}
AVRO = {
    "type": "record",
    "name": "A",
    "namespace": "com.x",
    "doc": "An order",
    "owner": "shop",
    "fields": [_FIELD, {"name": "bs", "type": _NESTED}, {"name": "e", "type": {"type": "enum", "name": "E"}}],
}
JSON_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$id": "https://x.example/a",
    "title": "Order",
    "type": "object",
    "required": ["id"],
    "definitions": {"a": {"$id": "#a", "properties": {"x": True}}},
    "properties": {
        "id": {"type": ["integer", "null"]},
        "a": {"$ref": "#/definitions/a"},
        "b": {"$ref": "#a"},
        "c": {"allOf": [{"$ref": "#"}], "anyOf": [{"type": "null"}, {"items": [{"const": 1}]}]},
        "d": {
            "patternProperties": {"^x": {"additionalProperties": {"type": "string"}}},
            "if": {},
            "then": {},
        },
    },
}
PROTOBUF = (
    'syntax = "proto3";\npackage com.x;\nimport "a.proto";\n// why\nmessage Order {\n  option (x) = {a: [1]};\n'
    '  string id = 1 [(f) = "a/b"];\n  map<string, Line> lines = 2;\n  oneof w { int32 a = 3; }\n  message Line {\n'
    "    repeated int64 n = 1;\n  }\n  reserved 4 to 6;\n  enum E { X = 0; }\n}\n"
)
RECORD = b"\x02\x00\x04\x02\x00\x00\x06abc"
