"""CloudWatch's metrics of MSK in this project's vocabulary, by the level of monitoring."""

from datetime import UTC, datetime, timedelta

import pytest

from mesh_assets.inventory.records import Broker, ClusterLoad, TopicRate
from mesh_assets.metrics.cloudwatch import NAMESPACE, CloudWatchMetricsReader, last_period
from mesh_assets.metrics.measurements import Asked, Measurement
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.platforms.aws.cloudwatch import CloudWatchClient
from mesh_assets_tests.platforms.aws.fake_cloudwatch import FakeCloudWatch, Series

NOW = datetime(2026, 11, 23, 16, 41, 30, tzinfo=UTC)
ASKED = Asked(cluster_id="x", topics=("orders", "users"), groups=("audit",), brokers=(1, 2))


def series(name: str, **dimensions: str) -> Series:
    names = {"broker": "Broker ID", "topic": "Topic", "group": "Consumer Group"}
    return name, (
        ("Cluster Name", "payments"),
        *((names[short], value) for short, value in dimensions.items()),
    )


def of_brokers(**values: float) -> dict[Series, float]:
    return {series(name, broker=broker): value for name, value in values.items() for broker in ("1", "2")}


DEFAULT = {
    **of_brokers(
        CpuUser=10.0,
        CpuSystem=2.5,
        ConnectionCount=20.0,
        KafkaDataLogsDiskUsed=41.5,
        UnderReplicatedPartitions=1.0,
    ),
    **of_brokers(BytesInPerSec=500.0, BytesOutPerSec=700.0, MessagesInPerSec=5.0),
    series("GlobalPartitionCount"): 222.0,
    series("OfflinePartitionsCount"): 0.0,
    series("ActiveControllerCount"): 1.0,
}
BY_TOPIC = {
    series("BytesInPerSec", broker="1", topic="orders"): 100.0,
    series("BytesInPerSec", broker="2", topic="orders"): 50.0,
    series("BytesOutPerSec", broker="1", topic="orders"): 10.0,
    series("BytesInPerSec", broker="1", topic="left-out"): 9.0,
    series("MessagesInPerSec", broker="1", topic="orders"): 2.0,
    series("MessagesInPerSec", broker="2", topic="orders"): 1.0,
}
LAGS = {
    series("EstimatedMaxTimeLag", group="audit", topic="orders"): 12.0,
    series("EstimatedMaxTimeLag", group="audit", topic="users"): 30.0,
    series("EstimatedMaxTimeLag", group="left-out", topic="users"): 99.0,
}


def reader_of(some: dict[Series, float]) -> tuple[CloudWatchMetricsReader, FakeCloudWatch]:
    fake = FakeCloudWatch(some)
    client = CloudWatchClient("AWS/Kafka", resource="metrics of payments", client=fake)
    return CloudWatchMetricsReader(client, cluster_name="payments", now=lambda: NOW), fake


def measured(some: dict[Series, float]) -> Measurement:
    return reader_of(some)[0].measure(ASKED)


def test_topics_are_summed_over_their_brokers() -> None:
    assert measured(DEFAULT | BY_TOPIC).topics == (
        TopicRate(
            topic="orders",
            records_in_per_second=None,
            message_count=None,
            bytes_in_per_second=150.0,
            bytes_out_per_second=10.0,
        ),
        TopicRate(topic="users", records_in_per_second=None, message_count=None),
    )


def test_brokers_report_cpu_disk_and_connections_and_the_cluster_their_sum() -> None:
    found = measured(DEFAULT | BY_TOPIC)
    assert found.brokers == tuple(
        Broker(id=number, host="", port=0, cpu_percent=12.5, disk_used_percent=41.5, connections=20)
        for number in (1, 2)
    )
    assert found.cluster == ClusterLoad(
        connections=40,
        records_in_per_second=10.0,
        bytes_in_per_second=1000.0,
        bytes_out_per_second=1400.0,
        partitions=222,
        under_replicated_partitions=2,
        offline_partitions=0,
        active_controllers=1,
    )


def test_a_sum_without_one_of_the_brokers_is_unknown_and_not_too_small() -> None:
    found = measured({series("ConnectionCount", broker="1"): 20.0})
    assert found.cluster == ClusterLoad()
    assert [broker.connections for broker in found.brokers] == [20, None]


def test_amazons_estimate_of_time_lag_stays_an_estimate() -> None:
    found = measured(DEFAULT | LAGS)
    assert found.group_estimates == {"audit": 30.0}
    assert "consumer_groups.estimated_max_lag_seconds" in found.source.figures
    assert not any("lag_seconds" in name and "estimated" not in name for name in found.source.figures)


def test_metrics_missing_at_the_monitoring_level_are_named_with_what_to_do() -> None:
    missing = measured(DEFAULT).not_available
    assert (
        "bytes by topic: CloudWatch has none for this cluster; set its monitoring to PER_TOPIC_PER_BROKER"
        in missing
    )
    assert "Amazon's estimate of time lag: CloudWatch has none for this cluster" in missing
    assert not any("PER_TOPIC_PER_BROKER" in text for text in measured(DEFAULT | BY_TOPIC).not_available)


def test_a_cluster_unknown_to_cloudwatch_is_an_error_and_not_idle() -> None:
    source = measured({}).source
    assert (
        source.error == "CloudWatch has no metrics for payments; check cluster_name and region in the estate"
    )


def test_the_window_is_the_last_five_minutes_with_complete_values() -> None:
    begin, end = datetime(2026, 11, 23, 16, 30, tzinfo=UTC), datetime(2026, 11, 23, 16, 35, tzinfo=UTC)
    assert last_period(NOW) == (begin, end)
    assert last_period(NOW + timedelta(seconds=30)) == (
        begin + timedelta(minutes=5),
        end + timedelta(minutes=5),
    )
    source = measured(DEFAULT).source
    assert (source.window_start, source.window_end, source.window_seconds) == (begin, end, 300.0)


def test_history_is_what_arrived_in_each_step() -> None:
    begin = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    reader, _ = reader_of(BY_TOPIC)
    found = reader.record_counts(ASKED, begin=begin, end=begin + timedelta(minutes=15), step_seconds=300)
    assert found.topics == {"orders": (900, 900, 900)}
    assert found.ends_at == tuple((begin + timedelta(minutes=minutes)).timestamp() for minutes in (5, 10, 15))


# CloudWatch over HTTP: what is put comes back in this project's vocabulary. ministack is not AWS but speaks its protocol.

pytestmark = pytest.mark.sandbox


@pytest.mark.usefixtures("aws_account")
def test_values_put_by_broker_and_topic_come_back_summed(aws_url: str) -> None:
    now = datetime.now(UTC)
    begin, _ = last_period(now)
    dimensions = [{"Name": "Cluster Name", "Value": "payments"}]
    data = [
        {
            "MetricName": name,
            "Dimensions": [*dimensions, *({"Name": n, "Value": v} for n, v in more)],
            "Timestamp": begin,
            "Value": value,
        }
        for name, more, value in (
            ("BytesInPerSec", (("Broker ID", "1"), ("Topic", "orders")), 100.0),
            ("BytesInPerSec", (("Broker ID", "2"), ("Topic", "orders")), 50.0),
            ("CpuUser", (("Broker ID", "1"),), 10.0),
            ("CpuSystem", (("Broker ID", "1"),), 2.5),
            ("GlobalPartitionCount", (), 222.0),
        )
    ]
    putter = new_session().create_client("cloudwatch", endpoint_url=aws_url)
    putter.put_metric_data(Namespace=NAMESPACE, MetricData=data)
    putter.close()

    client = CloudWatchClient(NAMESPACE, resource="metrics of payments", endpoint_url=aws_url)
    reader = CloudWatchMetricsReader(client, cluster_name="payments", now=lambda: now)
    found = reader.measure(Asked(cluster_id="x", topics=("orders",), brokers=(1,)))

    assert [rate.bytes_in_per_second for rate in found.topics] == [150.0]
    assert [broker.cpu_percent for broker in found.brokers] == [12.5]
    assert found.cluster is not None
    assert found.cluster.partitions == 222
