"""CloudWatch's metrics of an MSK cluster in this project's vocabulary: means and maxima of five minutes.

Names, dimensions and monitoring levels: "Amazon MSK metrics for monitoring with CloudWatch" in AWS's
developer guide. Figures that the offsets give exactly (records in, lag in records) are not requested again,
because every metric costs money.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from mesh_assets.inventory.records import Broker, ClusterLoad, MetricsSource, TopicRate
from mesh_assets.metrics.measurements import (
    Asked,
    Measurement,
    RecordCounts,
    figures,
    whole,
)
from mesh_assets.platforms.aws.cloudwatch import CloudWatchClient, MetricQuery

NAMESPACE = "AWS/Kafka"
PERIOD_SECONDS = 300
# MSK delivers a minute's values during the minutes that follow.
_BEHIND = timedelta(minutes=2)

_CLUSTER, _BROKER, _TOPIC, _GROUP = "Cluster Name", "Broker ID", "Topic", "Consumer Group"
_TOPIC_METRICS = ("BytesInPerSec", "BytesOutPerSec")
_RECORDS_IN = "MessagesInPerSec"
_TIME_LAG = "EstimatedMaxTimeLag"
_BROKER_METRICS = {
    "CpuUser": "Average",
    "CpuSystem": "Average",
    "ConnectionCount": "Average",
    "KafkaDataLogsDiskUsed": "Maximum",
    "UnderReplicatedPartitions": "Maximum",
    **dict.fromkeys((*_TOPIC_METRICS, _RECORDS_IN), "Average"),
}
_CLUSTER_METRICS = ("GlobalPartitionCount", "OfflinePartitionsCount", "ActiveControllerCount")

NOT_AVAILABLE = (
    "records out per second, retained bytes by topic: CloudWatch does not have them for MSK",
    "cluster load and requests per second: MSK reports CPU and disk by broker instead",
    "connectors' bytes, dead letters and what sources write: not among MSK's metrics",
)
_NO_TOPICS = (
    "bytes by topic: CloudWatch has none for this cluster; set its monitoring to PER_TOPIC_PER_BROKER"
)
_NO_TIME_LAG = "Amazon's estimate of time lag: CloudWatch has none for this cluster"

Values = Mapping[MetricQuery, float]


class CloudWatchMetricsReader:
    """The metrics of one MSK cluster, which CloudWatch keeps under the cluster's name."""

    def __init__(
        self,
        client: CloudWatchClient,
        *,
        cluster_name: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._cluster_name = cluster_name
        self._now = now

    @property
    def requests(self) -> int:
        return self._client.requests

    @property
    def stand_in(self) -> str | None:
        return None

    def measure(self, asked: Asked) -> Measurement:
        """The last five full minutes. Raises PlatformError."""
        begin, end = last_period(self._now())
        listed = self._client.dimensions((*_TOPIC_METRICS, _TIME_LAG), having={_CLUSTER: self._cluster_name})
        by_topic = [query for name in _TOPIC_METRICS for query in _by_topic(name, listed[name], asked.topics)]
        by_group = [
            MetricQuery(name=_TIME_LAG, dimensions=tuple(one.items()), statistic="Maximum")
            for one in listed[_TIME_LAG]
            if one.get(_GROUP) in set(asked.groups)
        ]
        of_brokers = [
            self._query(name, statistic, (_BROKER, str(broker)))
            for broker in asked.brokers
            for name, statistic in _BROKER_METRICS.items()
        ]
        of_cluster = [self._query(name, "Maximum") for name in _CLUSTER_METRICS]
        queries = [*by_topic, *by_group, *of_brokers, *of_cluster]
        read = self._client.values(queries, begin=begin, end=end, period_seconds=PERIOD_SECONDS)
        values = {query: found[begin] for query, found in zip(queries, read, strict=True) if begin in found}
        topics = _topics(asked.topics, by_topic, values)
        brokers = tuple(self._broker(broker, values) for broker in asked.brokers)
        cluster = self._cluster(asked.brokers, values)
        missing = [text for text, some in ((_NO_TOPICS, by_topic), (_NO_TIME_LAG, by_group)) if not some]
        nothing = (
            f"CloudWatch has no metrics for {self._cluster_name}; check cluster_name and region in the estate"
        )
        return Measurement(
            source=MetricsSource(
                name="cloudwatch",
                window_start=begin,
                window_end=end,
                window_seconds=float(PERIOD_SECONDS),
                figures=figures({"topics": topics, "brokers": brokers, "cluster": [cluster]})
                + (("consumer_groups.estimated_max_lag_seconds",) if by_group else ()),
                error=None if values else nothing,
            ),
            topics=topics,
            brokers=brokers,
            cluster=cluster,
            group_estimates=_estimates(by_group, values),
            not_available=(*NOT_AVAILABLE, *missing),
        )

    def record_counts(
        self, asked: Asked, *, begin: datetime, end: datetime, step_seconds: int
    ) -> RecordCounts:
        """Records that came into each topic, from the rate of each step. Needs the level
        PER_TOPIC_PER_BROKER. Raises PlatformError."""
        listed = self._client.dimensions((_RECORDS_IN,), having={_CLUSTER: self._cluster_name})
        queries = _by_topic(_RECORDS_IN, listed[_RECORDS_IN], asked.topics)
        read = self._client.values(queries, begin=begin, end=end, period_seconds=step_seconds)
        rates: defaultdict[str, defaultdict[datetime, float]] = defaultdict(lambda: defaultdict(float))
        for query, found in zip(queries, read, strict=True):
            for moment, value in found.items():
                rates[dict(query.dimensions)[_TOPIC]][moment] += value
        step = timedelta(seconds=step_seconds)
        begins = [begin + step * n for n in range(int((end - begin) / step))]
        return RecordCounts(
            ends_at=tuple((moment + step).timestamp() for moment in begins),
            topics={
                topic: tuple(
                    whole(some[moment] * step_seconds) if moment in some else None for moment in begins
                )
                for topic, some in rates.items()
            },
        )

    def _query(self, name: str, statistic: str, *dimensions: tuple[str, str]) -> MetricQuery:
        return MetricQuery(
            name=name, dimensions=((_CLUSTER, self._cluster_name), *dimensions), statistic=statistic
        )

    def _of_broker(self, broker: int, name: str, values: Values) -> float | None:
        return values.get(self._query(name, _BROKER_METRICS[name], (_BROKER, str(broker))))

    def _broker(self, broker: int, values: Values) -> Broker:
        user, system = (self._of_broker(broker, name, values) for name in ("CpuUser", "CpuSystem"))
        connections = self._of_broker(broker, "ConnectionCount", values)
        disk = self._of_broker(broker, "KafkaDataLogsDiskUsed", values)
        return Broker(
            id=broker,
            host="",
            port=0,
            cpu_percent=None if user is None or system is None else round(user + system, 3),
            disk_used_percent=None if disk is None else round(disk, 3),
            connections=whole(connections, bits=32),
        )

    def _cluster(self, brokers: Sequence[int], values: Values) -> ClusterLoad:
        def total(name: str) -> float | None:
            """Each topic's sum over the brokers."""
            each = [self._of_broker(broker, name, values) for broker in brokers]
            known = [value for value in each if value is not None]
            return round(sum(known), 3) if known and len(known) == len(each) else None

        def of_all(name: str) -> int | None:
            return whole(values.get(self._query(name, "Maximum")), bits=32)

        return ClusterLoad(
            connections=whole(total("ConnectionCount"), bits=32),
            records_in_per_second=total(_RECORDS_IN),
            bytes_in_per_second=total("BytesInPerSec"),
            bytes_out_per_second=total("BytesOutPerSec"),
            partitions=of_all("GlobalPartitionCount"),
            under_replicated_partitions=whole(total("UnderReplicatedPartitions"), bits=32),
            offline_partitions=of_all("OfflinePartitionsCount"),
            active_controllers=of_all("ActiveControllerCount"),
        )


def last_period(now: datetime) -> tuple[datetime, datetime]:
    """Start and end of the newest five minutes whose values have arrived."""
    end = datetime.fromtimestamp((now - _BEHIND).timestamp() // PERIOD_SECONDS * PERIOD_SECONDS, UTC)
    return end - timedelta(seconds=PERIOD_SECONDS), end


def _by_topic(name: str, listed: Sequence[Mapping[str, str]], topics: Sequence[str]) -> list[MetricQuery]:
    """The metric by topic and broker; serverless clusters have it by topic alone."""
    wanted = set(topics)
    return [
        MetricQuery(name=name, dimensions=tuple(one.items())) for one in listed if one.get(_TOPIC) in wanted
    ]


def _topics(names: Sequence[str], queries: Sequence[MetricQuery], values: Values) -> tuple[TopicRate, ...]:
    """The sum over a topic's brokers."""
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for query in queries:
        if query in values:
            sums[dict(query.dimensions)[_TOPIC], query.name] += values[query]

    def rate(topic: str, metric: str) -> float | None:
        return round(sums[topic, metric], 3) if (topic, metric) in sums else None

    return tuple(
        TopicRate(
            topic=name,
            records_in_per_second=None,
            message_count=None,
            bytes_in_per_second=rate(name, "BytesInPerSec"),
            bytes_out_per_second=rate(name, "BytesOutPerSec"),
        )
        for name in names
    )


def _estimates(queries: Sequence[MetricQuery], values: Values) -> dict[str, float]:
    """By group, the longest over its topics."""
    found: dict[str, float] = {}
    for query in queries:
        if query in values:
            group = dict(query.dimensions)[_GROUP]
            found[group] = max(found.get(group, 0.0), round(values[query], 3))
    return found
