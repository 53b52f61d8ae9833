"""The consumer groups of both clusters, and the names and Datagen connectors of the one that plays Confluent Cloud."""

import zlib
from dataclasses import dataclass
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
