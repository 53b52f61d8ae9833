"""Readings of the real broker, and the values by minute that the Metrics API makes from them."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import psutil
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # re-exported without saying so

from mesh_assets.sandbox.cloud import metric_names as names
from mesh_assets.sandbox.cloud.metric_names import KNOWN_IDS, Metric
from mesh_assets.sandbox.estate.clusters import CLOUD_GROUPS, DATAGENS
from mesh_assets.sandbox.folder import Folder, read_json
from mesh_assets.sandbox.kafka_admin import Login, quiet_settings
from mesh_assets.sandbox.process import load_record

# The sources of the metrics, read every few seconds: the broker's offsets, its log files, the feed's
# deliveries.

_SECONDS = 10.0
Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The cluster at one moment, `at` seconds since 1970. `retained_bytes`: the size of a topic's log files on disk.

    `committed`: group → place → offset. `connectors`: id → records and bytes delivered since the sandbox was made.
    """

    at: float
    ends: Mapping[Place, int]
    begins: Mapping[Place, int]
    retained_bytes: Mapping[str, int]
    committed: Mapping[str, Mapping[Place, int]]
    connectors: Mapping[str, tuple[int, int]]
    connections: int
    schemas: int

    def record_bytes(self, topic: str) -> float:
        """The mean size of the topic's records on disk."""
        records = sum(end - self.begins[place] for place, end in self.ends.items() if place[0] == topic)
        return self.retained_bytes.get(topic, 0) / records if records else 0.0


class ClusterReader:
    """Reads one cluster. Its clients stay open: reconnecting every few seconds would be most of the work."""

    def __init__(self, folder: Folder, bootstrap_servers: str, login: Login) -> None:
        self._folder = folder
        self._port = int(bootstrap_servers.rsplit(":", 1)[1])
        settings = quiet_settings(bootstrap_servers, login)
        self._admin = AdminClient(settings)
        # A consumer asks without joining; the admin client's request for a group's offsets can crash the process
        # (librdkafka issue 5040).
        self._consumers = {
            group.name: Consumer({**settings, "group.id": group.name, "enable.auto.commit": False})
            for group in CLOUD_GROUPS
        }

    def close(self) -> None:
        for consumer in self._consumers.values():
            consumer.close()
        self._admin.__exit__(None, None, None)  # its only way to be closed

    def read(self, *, at: float, schemas: int) -> Reading:
        """The cluster now. Raises `KafkaException` or `TimeoutError` when the broker does not answer."""
        topics = self._admin.list_topics(timeout=_SECONDS).topics
        places = [
            TopicPartition(name, p)
            for name, topic in topics.items()
            if not name.startswith("__")
            for p in topic.partitions
        ]
        ends = self._offsets(places, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return Reading(
            at=at,
            ends=ends,
            begins=self._offsets(places, OffsetSpec.earliest()),  # type: ignore[no-untyped-call]
            retained_bytes=self._retained(),
            committed={group.name: self._committed(group.name, group.topics, ends) for group in CLOUD_GROUPS},
            connectors=self._connectors(),
            connections=self._connections(),
            schemas=schemas,
        )

    def _offsets(self, places: list[TopicPartition], which: OffsetSpec) -> dict[Place, int]:
        futures = self._admin.list_offsets(dict.fromkeys(places, which), request_timeout=_SECONDS)
        return {
            (tp.topic, tp.partition): future.result(timeout=_SECONDS).offset for tp, future in futures.items()
        }

    def _committed(self, group: str, topics: tuple[str, ...], ends: Mapping[Place, int]) -> dict[Place, int]:
        asked = [TopicPartition(*place) for place in ends if place[0] in topics]
        answer = self._consumers[group].committed(asked, timeout=_SECONDS)
        return {(tp.topic, tp.partition): tp.offset for tp in answer if tp.offset >= 0}

    def _retained(self) -> dict[str, int]:
        sizes: dict[str, int] = defaultdict(int)
        for log in (self._folder.data / "cloud-broker").glob("*-*/*.log"):
            try:
                sizes[log.parent.name.rpartition("-")[0]] += log.stat().st_size
            except FileNotFoundError:
                continue  # a segment deleted just now
        return sizes

    def _connectors(self) -> dict[str, tuple[int, int]]:
        report = (read_json(self._folder.datagen_report) or {}).get("connectors", {})
        return {
            d.id: (report[d.name]["records"], report[d.name]["bytes"]) for d in DATAGENS if d.name in report
        }

    def _connections(self) -> int:
        record = load_record(self._folder.record("cloud-broker"))
        process = record.process() if record else None
        if process is None:
            return 0
        try:
            found = process.net_connections("tcp")
        except psutil.Error:
            return 0
        return sum(c.status == psutil.CONN_ESTABLISHED and c.laddr.port == self._port for c in found)


@dataclass(slots=True)
class Readings:
    """The latest readings in order, enough for the longest interval by minutes. Safe to use from several threads."""

    most: int = 6 * 60 * 6
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _readings: list[Reading] = field(default_factory=list)

    def add(self, reading: Reading) -> None:
        with self._lock:
            self._readings.append(reading)
            del self._readings[: -self.most]

    def all(self) -> list[Reading]:
        with self._lock:
            return list(self._readings)


# From readings to the Metrics API's points: one value per minute, metric and combination of labels.

MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Point:
    """One value. `minute`: its start, in seconds since 1970. `resource`: the id of what was measured.

    `labels`: in the metric's order.
    """

    metric: Metric
    minute: int
    resource: str
    labels: tuple[str, ...]
    value: float


def points(readings: Sequence[Reading]) -> list[Point]:
    """A counter's value is its increase since the last reading before the minute; a level's, the minute's last reading."""
    sums: dict[tuple[Metric, int, str, tuple[str, ...]], float] = defaultdict(float)
    levels: dict[tuple[Metric, int, str, tuple[str, ...]], float] = {}
    for before, after in pairwise(readings):
        minute = _minute(after)
        for metric, resource, labels, value in _counted(before, after):
            sums[metric, minute, resource, labels] += value
    for reading in readings:
        for metric, resource, labels, value in _levels(reading):
            levels[metric, _minute(reading), resource, labels] = value
    return [Point(*key, value) for key, value in (*sums.items(), *levels.items())]


def _minute(reading: Reading) -> int:
    return int(reading.at // MINUTE_SECONDS) * MINUTE_SECONDS


Value = tuple[Metric, str, tuple[str, ...], float]


def _counted(before: Reading, after: Reading) -> Iterator[Value]:
    cluster = KNOWN_IDS["kafka"]
    received: dict[str, int] = defaultdict(int)
    for place, end in after.ends.items():
        received[place[0]] += max(0, end - before.ends.get(place, 0))
    sent: dict[str, int] = dict.fromkeys(received, 0)
    for group, offsets in after.committed.items():
        for place, offset in offsets.items():
            # Before a group's first commit, it is unknown what it was sent.
            earlier = before.committed.get(group, {}).get(place, offset)
            sent[place[0]] = sent.get(place[0], 0) + max(0, offset - earlier)
    for topic, records in received.items():
        size = after.record_bytes(topic)
        yield names.RECEIVED_RECORDS, cluster, (topic,), float(records)
        yield names.RECEIVED_BYTES, cluster, (topic,), round(records * size)
        yield names.SENT_RECORDS, cluster, (topic,), float(sent[topic])
        yield names.SENT_BYTES, cluster, (topic,), round(sent[topic] * size)
    for connector, (records, size_bytes) in after.connectors.items():
        old_records, old_bytes = before.connectors.get(connector, (0, 0))
        yield names.CONNECTOR_SENT_RECORDS, connector, (), float(max(0, records - old_records))
        yield names.CONNECTOR_SENT_BYTES, connector, (), float(max(0, size_bytes - old_bytes))


def _levels(reading: Reading) -> Iterator[Value]:
    cluster = KNOWN_IDS["kafka"]
    for topic in sorted({place[0] for place in reading.ends}):
        yield names.RETAINED_BYTES, cluster, (topic,), float(reading.retained_bytes.get(topic, 0))
    for group, offsets in reading.committed.items():
        for (topic, partition), offset in offsets.items():
            lag = max(0, reading.ends.get((topic, partition), offset) - offset)
            yield names.CONSUMER_LAG, cluster, (group, topic, str(partition)), float(lag)
    yield names.PARTITIONS, cluster, (), float(len(reading.ends))
    yield names.CONNECTIONS, cluster, (), float(reading.connections)
    yield names.SCHEMAS, KNOWN_IDS["schema_registry"], (), float(reading.schemas)
