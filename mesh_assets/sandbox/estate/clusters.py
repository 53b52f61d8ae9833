"""The estate's clusters and consumer groups, and the first cluster's 40 connectors: one file source per
topic, three file sinks."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mesh_assets.sandbox.estate.topic import Topic
from mesh_assets.sandbox.estate.topics import TOPICS


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveGroup:
    """A group with members. `lag_records`: how far its commits stay behind what it reads.

    `protocol`: Kafka's older or newer rebalance protocol.
    """

    name: str
    topics: tuple[str, ...]
    members: int
    lag_records: int
    protocol: Literal["classic", "consumer"] = "classic"


LIVE_GROUPS = (
    LiveGroup(name="order-fulfilment", topics=("orders", "product"), members=2, lag_records=60),
    LiveGroup(
        name="clickstream-sessions",
        topics=("clickstream", "clickstream_users", "pageviews"),
        members=3,
        lag_records=150,
        protocol="consumer",
    ),
    LiveGroup(name="fraud-detection", topics=("transactions", "credit_cards"), members=1, lag_records=90),
)

EMPTY_GROUP = "nightly-report"
EMPTY_GROUP_TOPICS = ("purchases", "ratings")


CLUSTER = "data-mesh-cluster"
CLUSTER_ID = "lkc-nd1ng3"
ENVIRONMENT = "agentic-data-mesh"
ENVIRONMENT_ID = "env-7zpqx1"
ORGANIZATION_ID = "9bb441c4-edef-46ac-8a41-c49e44a3fd9a"
REGISTRY_ID = "lsrc-7d1k2m"

SchemaFormat = Literal["AVRO", "JSON_SR", "PROTOBUF"]

# All others: AVRO.
_FORMATS: dict[str, SchemaFormat] = {
    "pageviews": "JSON_SR",
    "syslog_logs": "JSON_SR",
    "fleet_mgmt_sensors": "PROTOBUF",
    "stock_trades": "PROTOBUF",
}

CLOUD_GROUPS = (
    LiveGroup(name="order-enrichment", topics=("orders", "users"), members=1, lag_records=80),
    LiveGroup(
        name="clickstream-analytics",
        topics=("clickstream", "pageviews"),
        members=2,
        lag_records=200,
        protocol="consumer",
    ),
    LiveGroup(name="fleet-alerting", topics=("fleet_mgmt_sensors",), members=1, lag_records=40),
)


@dataclass(frozen=True, slots=True)
class Datagen:
    """A Datagen connector: the topic it fills and the format it writes."""

    topic: Topic

    @property
    def name(self) -> str:
        return f"DatagenSourceConnector_{self.topic.name}"

    @property
    def id(self) -> str:
        """`lcc-` and six characters, derived from the name."""
        return f"lcc-{_base36(zlib.crc32(self.name.encode()), 6)}"

    @property
    def format(self) -> SchemaFormat:
        return _FORMATS.get(self.topic.name, "AVRO")


DATAGENS = tuple(Datagen(topic) for topic in TOPICS)


def _base36(number: int, length: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    for _ in range(length):
        number, digit = divmod(number, 36)
        text += digits[digit]
    return text


PLANTED_PASSWORD = "s3cr3t-planted-hunter2"
"""In plain text in connector configs. Anything that shows it has failed to mask it."""

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
    # The file source ignores settings it does not know, so its config can carry what real-world configs do.
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


SINKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "orders-sink": ("orders.txt", ("orders",)),
    "pizza-orders-sink": ("pizza-orders.txt", ("pizza_orders", "pizza_orders_completed")),
    "siem-logs-sink": ("siem-logs.txt", ("siem_logs",)),
}
"""The file that each writes, and the topics that it reads."""


def _sinks(sinks: Path) -> dict[str, dict[str, str]]:
    # This sink parses what it reads: a record that is not JSON fails its task, as in real life.
    parsing = {
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
    return {
        name: {
            "connector.class": _SINK,
            "tasks.max": "1",
            "file": str(sinks / file),
            "topics": ",".join(topics),
            "value.converter": _STRING,
            **(parsing if name == "siem-logs-sink" else {}),
        }
        for name, (file, topics) in SINKS.items()
    }
