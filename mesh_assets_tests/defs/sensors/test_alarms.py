"""CloudWatch's alarms within a tick of `metrics_anomalies`: real ones in the stand-in, and what happens when it is
unreachable."""

from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.defs.sensors.metrics_anomalies import Watching, tick
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import CloudWatchAlarms
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.sensing.cursor import SensorCursor
from mesh_assets_tests.sensing.estate import Estate, FakeCluster, Kafka

A_READING = 4_500


@pytest.fixture
def world(tmp_path: Path) -> Estate:
    kafkas = {
        name: Kafka(topics={"orders": [10]}, cluster_id=f"lkc-{name}", growth=A_READING)
        for name in ("warehouse", "payments")
    }
    world = Estate(tmp_path, *(FakeCluster(name=name, kafka=kafka) for name, kafka in kafkas.items()))
    for name in kafkas:
        world.discover(name)
    return world


def _tick(world: Estate, instance: dg.DagsterInstance, **alarms: str) -> tuple[dg.SensorResult, list[str]]:
    """A tick in which `payments` has alarms of that kind."""
    settings = CloudWatchAlarms.model_validate(alarms)
    clusters: dict[str, Cluster] = {
        name: cluster.model_copy(update={"alarms": settings}) if name == "payments" else cluster
        for name, cluster in world.clusters.items()
    }
    for fake in world.fakes.values():
        fake.kafka.read_at[:] = [world.now]
    watching = Watching(interval_seconds=300, clients=world.open_clients, now=lambda: world.now)
    result = tick(instance, clusters, watching, store=world.store, cursor=SensorCursor())
    world.pass_by(minutes=5)
    return result


def _said(result: dg.SensorResult) -> str:
    assert result.skip_reason is not None
    return result.skip_reason.skip_message or ""


@pytest.mark.sandbox
def test_an_alarm_in_alarm_requests_one_run_of_its_cluster_until_it_ends(
    world: Estate,
    instance: dg.DagsterInstance,
    aws_account: str,  # noqa: ARG001 - its credentials
) -> None:
    client = new_session().create_client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="payments-lag",
        Namespace="AWS/Kafka",
        MetricName="SumOffsetLag",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1000,
        ComparisonOperator="GreaterThanThreshold",
    )
    quiet, _ = _tick(world, instance, name_prefix="payments")
    client.set_alarm_state(AlarmName="payments-lag", StateValue="ALARM", StateReason="Lag of 5,000 records")
    alarmed, log = _tick(world, instance, name_prefix="payments")
    made_for = world.discover("payments")
    again, _ = _tick(world, instance, name_prefix="payments")
    client.set_alarm_state(AlarmName="payments-lag", StateValue="OK", StateReason="Caught up")
    over, over_log = _tick(world, instance, name_prefix="payments")
    client.close()

    assert _said(quiet) == "2 of 2 clusters read, nothing unusual began"
    [request] = alarmed.run_requests or ()
    assert (request.partition_key, request.tags["mesh/trigger"], request.tags["mesh/trigger_resource"]) == (
        "payments",
        "cloudwatch_alarm",
        "payments-lag",
    )
    assert log == ["payments: alarm payments-lag: Lag of 5,000 records"]
    assert [(trigger.type, trigger.details) for trigger in made_for] == [
        ("cloudwatch_alarm", "Lag of 5,000 records")
    ]
    assert _said(again) == "2 of 2 clusters read, nothing unusual began"
    assert _said(over) == "2 of 2 clusters read, nothing unusual began"
    assert over_log == ["payments: alarm payments-lag is over"]


def test_unreachable_cloudwatch_is_reported_and_every_reading_is_taken(
    world: Estate, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(name, value)

    result, log = _tick(world, instance, region="eu-west-1", endpoint_url="http://127.0.0.1:1")

    assert _said(result) == (
        "2 of 2 clusters read, nothing unusual began; payments: its alarms could not be read: cloudwatch:DescribeAlarms on alarms: no "
        "answer (EndpointConnectionError); check the network and endpoint_url"
    )
    assert log == []
