"""Confluent's Metrics API in this project's vocabulary: counts per minute as rates per second."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from mesh_assets.inventory.records import ClusterLoad, ConnectorRate, MetricsSource, TopicRate
from mesh_assets.inventory.wording import listed
from mesh_assets.metrics.measurements import (
    Asked,
    Measurement,
    RecordCounts,
    figures,
    whole,
)
from mesh_assets.platforms.confluent_cloud.metrics_api import MOST_POINTS, MetricsApiClient, Sample

_SERVER, _CONNECT = "confluent_kafka_server_", "confluent_kafka_connect_"
_MINUTE = timedelta(minutes=1)

# Figure → its metric: counts per minute, and levels.
_TOPIC_COUNTS = {
    "records_out_per_second": f"{_SERVER}sent_records",
    "bytes_in_per_second": f"{_SERVER}received_bytes",
    "bytes_out_per_second": f"{_SERVER}sent_bytes",
}
_RETAINED = f"{_SERVER}retained_bytes"
_RECEIVED_RECORDS, _REQUESTS = f"{_SERVER}received_records", f"{_SERVER}request_count"
_CONNECTIONS, _PARTITIONS = f"{_SERVER}active_connection_count", f"{_SERVER}partition_count"
_LOAD = f"{_SERVER}cluster_load_percent"
_CONNECTOR_COUNTS = {
    "records_in_per_second": f"{_CONNECT}received_records",
    "records_out_per_second": f"{_CONNECT}sent_records",
    "bytes_in_per_second": f"{_CONNECT}received_bytes",
    "bytes_out_per_second": f"{_CONNECT}sent_bytes",
}
_DEAD_LETTERS = f"{_CONNECT}dead_letter_queue_records"

WANTED = frozenset(
    {
        *_TOPIC_COUNTS.values(),
        *_CONNECTOR_COUNTS.values(),
        *(_RETAINED, _RECEIVED_RECORDS, _REQUESTS, _CONNECTIONS, _PARTITIONS, _LOAD, _DEAD_LETTERS),
    }
)

NOT_AVAILABLE = (
    "a topic or connector without a value: Confluent leaves out anything without traffic in that minute, so it is unknown, not zero",
    "load of individual brokers: Confluent Cloud does not show it",
)
_CLUSTER_FIGURES = (
    *_TOPIC_COUNTS,
    "records_in_per_second",
    "requests_per_second",
    "retained_bytes",
    "connections",
    "partitions",
)
_NO_LOAD = "cluster load: reported for dedicated clusters only"


class ConfluentCloudMetricsReader:
    """The metrics of one cluster, and of its registry if the estate gives its `schema_registry_id`."""

    def __init__(self, client: MetricsApiClient, *, schema_registry_id: str | None = None) -> None:
        self._client = client
        self._schema_registry_id = schema_registry_id

    @property
    def requests(self) -> int:
        return self._client.requests

    @property
    def stand_in(self) -> str | None:
        return self._client.stand_in

    def measure(self, asked: Asked) -> Measurement:
        """The newest minute. Raises PlatformError."""
        by_id = {
            connector.id: connector
            for connector in asked.connectors
            if connector.id is not None and connector.id.startswith("lcc-")
        }
        export = self._client.export(
            asked.cluster_id,
            connector_ids=sorted(by_id),
            schema_registry_id=self._schema_registry_id,
            wanted=WANTED,
        )
        values = _by_metric(export.samples)
        topics = tuple(_topic(name, values) for name in asked.topics)
        connectors = tuple(
            _connector(by_id[one].name, by_id[one].connect, one, values) for one in sorted(by_id)
        )
        cluster = _cluster(values)
        hidden = [by_id[one].name for one in export.inaccessible if one in by_id]
        cut = sorted({name for name, some in values.items() if len(some) >= MOST_POINTS})
        begin = max((sample.at for sample in export.samples if sample.at is not None), default=None)
        return Measurement(
            source=MetricsSource(
                name="confluent_cloud",
                window_start=begin,
                window_end=None if begin is None else begin + _MINUTE,
                window_seconds=None if begin is None else _MINUTE.total_seconds(),
                figures=figures({"topics": topics, "connectors": connectors, "cluster": [cluster]}),
                error=_incomplete(hidden, cut, export.unreadable),
            ),
            topics=topics,
            connectors=connectors,
            cluster=cluster,
            not_available=(*NOT_AVAILABLE, *_unknown_figures(cluster)),
        )

    def record_counts(
        self, asked: Asked, *, begin: datetime, end: datetime, step_seconds: int
    ) -> RecordCounts:
        """Records that came into each topic, in steps of five minutes. Raises PlatformError, and ValueError
        for steps of another length."""
        if step_seconds != 300:
            raise ValueError(f"the history is read in steps of 300 s, not {step_seconds}")
        step = timedelta(seconds=step_seconds)
        found = self._client.query(
            "io.confluent.kafka.server/received_records",
            kafka_id=asked.cluster_id,
            group_by="metric.topic",
            begin=begin,
            end=end,
            granularity="PT5M",
        )
        begins = [begin + step * n for n in range(int((end - begin) / step))]
        topics = {
            topic: _counts(points, begins)
            for topic in asked.topics
            if (points := found.get(topic)) is not None
        }
        return RecordCounts(ends_at=tuple((moment + step).timestamp() for moment in begins), topics=topics)


def _counts(points: Mapping[datetime, float], begins: Sequence[datetime]) -> tuple[int | None, ...]:
    """A step without a value is unknown, even between a topic's first and last value."""
    return tuple(whole(points.get(moment)) for moment in begins)


def _by_metric(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Metric → what it belongs to (a topic, a connector; empty for the cluster itself) → value, summed over
    other labels."""
    values: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for sample in samples:
        values[sample.name][sample.labels.get("topic") or sample.labels.get("connector_id") or ""] += (
            sample.value
        )
    return {name: dict(some) for name, some in values.items()}


def _topic(name: str, values: Mapping[str, Mapping[str, float]]) -> TopicRate:
    retained = values.get(_RETAINED, {}).get(name)
    return TopicRate(
        topic=name,
        records_in_per_second=None,
        message_count=None,
        retained_bytes=whole(retained),
        **{figure: _per_second(values.get(metric, {}).get(name)) for figure, metric in _TOPIC_COUNTS.items()},
    )


def _connector(
    name: str, connect: str, connector_id: str, values: Mapping[str, Mapping[str, float]]
) -> ConnectorRate:
    dead = values.get(_DEAD_LETTERS, {}).get(connector_id)
    return ConnectorRate(
        connector=name,
        connect=connect,
        dead_letter_records=whole(dead),
        **{
            figure: _per_second(values.get(metric, {}).get(connector_id))
            for figure, metric in _CONNECTOR_COUNTS.items()
        },
    )


def _cluster(values: Mapping[str, Mapping[str, float]]) -> ClusterLoad:
    sums = {name: sum(some.values()) for name, some in values.items()}
    # "The value is between 0.0 and 1.0" (the metric's description), despite its name.
    load = sums.get(_LOAD)
    return ClusterLoad(
        load_percent=None if load is None else round(100 * load, 3),
        connections=whole(sums.get(_CONNECTIONS), bits=32),
        requests_per_second=_per_second(sums.get(_REQUESTS)),
        records_in_per_second=_per_second(sums.get(_RECEIVED_RECORDS)),
        retained_bytes=whole(sums.get(_RETAINED)),
        partitions=whole(sums.get(_PARTITIONS), bits=32),
        **{figure: _per_second(sums.get(metric)) for figure, metric in _TOPIC_COUNTS.items()},  # type: ignore[arg-type]  # all are floats
    )


def _unknown_figures(cluster: ClusterLoad) -> list[str]:
    """The figures of the cluster that Confluent can give but this export did not."""
    names = [name for name in _CLUSTER_FIGURES if getattr(cluster, name) is None]
    without = [f"cluster {', '.join(names)}: the export had no value"] if names else []
    return without if cluster.load_percent is not None else [*without, _NO_LOAD]


def _per_second(count: float | None) -> float | None:
    return None if count is None else round(count / _MINUTE.total_seconds(), 3)


def _incomplete(hidden: Sequence[str], cut: Sequence[str], unreadable: Sequence[str]) -> str | None:
    parts = []
    if hidden:
        names = ", ".join(hidden[:5]) + (f" and {len(hidden) - 5} more" if len(hidden) > 5 else "")
        parts.append(
            f"the metrics of {names} are not shown to this Cloud key; its owner needs the role MetricsViewer"
        )
    if cut:
        parts.append(f"{', '.join(cut)} came cut off at {MOST_POINTS:,} points, so its sums are too low")
    if unreadable:
        parts.append(f"values of {listed(unreadable)} are not numbers, or have no time, and are left out")
    return "; ".join(parts) or None
