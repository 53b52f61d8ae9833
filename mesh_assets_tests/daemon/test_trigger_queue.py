"""A message on the SNS topic, and an alarm, become snapshots that say so, through ministack and a running daemon."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.daemon.conftest import _daemon, wait_for_skipped_ticks
from mesh_assets_tests.daemon.events import Events
from mesh_assets_tests.discovery.conftest import PROJECT, Workplace
from mesh_assets_tests.estates import estate_of

pytestmark = pytest.mark.sandbox

# A daemon of its own starts with the first message; loading the definitions takes it some seconds.
IN_TIME = 150

NAME = "triggers"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> str:
    """An account of this test's own, and the credentials for it, which the daemon inherits."""
    digits = f"{uuid.uuid4().int % 10**12:012d}"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", digits)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return digits


@pytest.fixture
def workplace(endpoints: Endpoints, account: str, aws_url: str, tmp_path: Path) -> Workplace:
    """The sandbox's cluster, with a trigger queue in that account."""
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    clusters = estate_of(endpoints, tmp_path, "warehouse").read_text().partition("\ntriggers:")[0]
    queue = {"queue_url": f"{aws_url}/{account}/{NAME}", "region": "us-east-1", "endpoint_url": aws_url}
    (tmp_path / "estate.yaml").write_text(f"{clusters}\ntriggers: {json.dumps(queue)}\n")
    return Workplace(tmp_path, tmp_path / "estate.yaml")


@pytest.fixture
def events(workplace: Workplace, endpoints: Endpoints, topic: str) -> Iterator[Events]:  # noqa: ARG001 - the queue must be there first
    workplace.discover()
    with Events(endpoints) as events, _daemon(workplace):
        yield events


def client(service: str, url: str) -> Any:
    return boto3.session.Session().client(service, endpoint_url=url, region_name="us-east-1")


@pytest.fixture
def topic(account: str, aws_url: str) -> str:  # noqa: ARG001 - its credentials
    return make_topic(aws_url)


def make_topic(aws_url: str) -> str:
    """The topic with its queue, as after each start of the stand-in, which begins empty."""
    sqs, sns = client("sqs", aws_url), client("sns", aws_url)
    queue = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    made = sns.create_topic(Name="discovery-agent-triggers")["TopicArn"]
    sns.subscribe(TopicArn=made, Protocol="sqs", Endpoint=arn)
    return str(made)


def test_a_message_an_alarm_and_a_queue_that_is_away_for_several_ticks(
    events: Events, topic: str, aws_url: str, workplace: Workplace, sandbox: Sandbox
) -> None:
    trigger = {"type": "external", "resource": "deployment-4711", "details": "Deployed by the pipeline", "cluster": "warehouse"}
    client("sns", aws_url).publish(TopicArn=topic, Message=json.dumps({"trigger": trigger}))
    _, cause = events.snapshot_made_for("external", "deployment-4711", within_seconds=IN_TIME)
    assert cause.details == "Deployed by the pipeline"

    cloudwatch = client("cloudwatch", aws_url)
    cloudwatch.put_metric_alarm(
        AlarmName="far-behind",
        Namespace="AWS/Kafka",
        MetricName="MaxOffsetLag",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1000,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    cloudwatch.set_alarm_state(AlarmName="far-behind", StateValue="ALARM", StateReason="52013 records behind")
    _, cause = events.snapshot_made_for("cloudwatch_alarm", "far-behind", within_seconds=IN_TIME)
    assert cause.details == "52013 records behind"

    before = len(events.snapshots)
    sandbox.stop(["aws"])
    wait_for_skipped_ticks(workplace.folder, "trigger_queue", "no answer", count=3, within_seconds=IN_TIME)
    assert sandbox.start(["aws"]).aws_url == aws_url
    assert make_topic(aws_url) == topic
    client("sns", aws_url).publish(TopicArn=topic, Message=json.dumps({"trigger": {**trigger, "resource": "deployment-4712"}}))
    events.snapshot_made_for("external", "deployment-4712", within_seconds=IN_TIME)
    causes = {(cause.type, cause.resource) for snapshot in events.snapshots[before:] for cause in snapshot.trigger.changes}
    assert causes == {("external", "deployment-4712")}
