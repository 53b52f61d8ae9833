"""From readings to the Metrics API's points: one value per minute, metric and combination of labels."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mesh_assets.sandbox.cloud import metric_names as names
from mesh_assets.sandbox.cloud.metric_names import KNOWN_IDS, Metric
from mesh_assets.sandbox.cloud.readings import Reading

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
            # Before a group's first commit, what it was sent is unknown.
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
