"""The 40 connectors: a file source for each topic and three file sinks."""

from pathlib import Path

from mesh_assets.sandbox.estate.topics import TOPICS

PLANTED_PASSWORD = "s3cr3t-planted-hunter2"
"""In plain text in connector configs. Whatever shows it has failed to mask it."""

REFERENCED_PASSWORD = "s3cr3t-referenced-correct-horse"
"""In a file that a connector config refers to by `${file:…}`. Only Connect's worker should ever read it."""

_SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
_SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
_STRING = "org.apache.kafka.connect.storage.StringConverter"

# A compacted topic refuses records without a key, and the file source sets none. No transform parses JSON, so the key is
# the whole line: a thing described again in the same words has the same key, and the older record compacts away.
_KEYED = {
    "transforms": "hoist,key,extractKey,extractValue",
    "transforms.hoist.type": "org.apache.kafka.connect.transforms.HoistField$Value",
    "transforms.hoist.field": "line",
    "transforms.key.type": "org.apache.kafka.connect.transforms.ValueToKey",
    "transforms.key.fields": "line",
    "transforms.extractKey.type": "org.apache.kafka.connect.transforms.ExtractField$Key",
    "transforms.extractKey.field": "line",
    "transforms.extractValue.type": "org.apache.kafka.connect.transforms.ExtractField$Value",
    "transforms.extractValue.field": "line",
}

_STAMPED = {
    "transforms": "origin",
    "transforms.origin.type": "org.apache.kafka.connect.transforms.InsertHeader",
    "transforms.origin.header": "origin",
    "transforms.origin.value.literal": "web-frontend",
}


def source_name(topic: str) -> str:
    return f"{topic.replace('_', '-')}-source"


def all_connectors(*, feeds: Path, sinks: Path, secrets: Path) -> dict[str, dict[str, str]]:
    """Name → config. `secrets`: the properties file that one of them refers to."""
    return {**_sources(feeds, secrets), **_sinks(sinks)}


def _sources(feeds: Path, secrets: Path) -> dict[str, dict[str, str]]:
    # The file source ignores settings it does not know, so its config can carry what configs in the field do.
    extra = {
        "clickstream": _STAMPED,
        "transactions": {"database.user": "ledger", "database.password": PLANTED_PASSWORD},
        "siem_logs": {
            "upstream.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'username="siem" password="{PLANTED_PASSWORD}";'
        },
        "payroll_employee": {
            "database.user": "payroll",
            "database.password": f"${{file:{secrets}:payroll.password}}",
        },
    }
    return {
        source_name(topic.name): {
            "connector.class": _SOURCE,
            "tasks.max": "1",
            "file": str(feeds / f"{topic.name}.jsonl"),
            "topic": topic.name,
            "key.converter": _STRING,
            "value.converter": _STRING,
            **(_KEYED if topic.compacted else {}),
            **extra.get(topic.name, {}),
        }
        for topic in TOPICS
    }


def _sinks(sinks: Path) -> dict[str, dict[str, str]]:
    def sink(file: str, topics: str) -> dict[str, str]:
        return {
            "connector.class": _SINK,
            "tasks.max": "1",
            "file": str(sinks / file),
            "topics": topics,
            "value.converter": _STRING,
        }

    # This sink parses what it reads: a record that is not JSON fails its task, as in real life.
    parsing = {
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
    return {
        "orders-sink": sink("orders.txt", "orders"),
        "pizza-orders-sink": sink("pizza-orders.txt", "pizza_orders,pizza_orders_completed"),
        "siem-logs-sink": {**sink("siem-logs.txt", "siem_logs"), **parsing},
    }
