"""CloudWatch over HTTP: what is put comes back in this project's vocabulary. ministack is no AWS, but speaks
its protocol."""

from datetime import UTC, datetime

import boto3
import pytest

from mesh_assets.inventory.metrics.cloudwatch import NAMESPACE, CloudWatchMetricsReader, last_period
from mesh_assets.inventory.metrics.measuring import Asked
from mesh_assets.platforms.aws.cloudwatch import CloudWatchClient

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
    putter = boto3.session.Session().client("cloudwatch", endpoint_url=aws_url)
    putter.put_metric_data(Namespace=NAMESPACE, MetricData=data)
    putter.close()

    client = CloudWatchClient(NAMESPACE, resource="metrics of payments", endpoint_url=aws_url)
    reader = CloudWatchMetricsReader(client, cluster_name="payments", now=lambda: now)
    found = reader.measure(Asked(cluster_id="x", topics=("orders",), brokers=(1,)))

    assert [rate.bytes_in_per_second for rate in found.topics] == [150.0]
    assert [broker.cpu_percent for broker in found.brokers] == [12.5]
    assert found.cluster is not None
    assert found.cluster.partitions == 222
