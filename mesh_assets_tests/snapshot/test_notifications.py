import json
import logging
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.changes import Change, Severity
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.platforms.http.webhook import Webhook
from mesh_assets.snapshot.notifications import notify
from mesh_assets.snapshot.report import OUTSIDE
from mesh_assets_tests.discovering.a_report import REPORT
from mesh_assets_tests.platforms.http.fakes import FakeTime, Script

URL = "https://hooks.slack.test/services/T000/B000/s3cr3tPath"
CLUSTERS = """
clusters:
  data-mesh-cluster: {kafka: {bootstrap_servers: "127.0.0.1:1"}}
"""


@pytest.fixture(autouse=True)
def _the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", URL)


def an_estate(**notifications: Any) -> Estate:
    return parse_estate(f"{CLUSTERS}notifications: {json.dumps(notifications)}\n", source="estate")


def a_change(
    resource: str = "orders-sink", *, severity: Severity = "critical", sentence: str | None = None
) -> Change:
    return Change(
        kind="updated",
        resource_type="connector",
        resource=resource,
        field="state",
        before="RUNNING",
        after="FAILED",
        severity=severity,
        sentence=sentence or f"Connector {resource}: RUNNING → FAILED",
    )


class Channel:
    """Webhooks with scripted answers; `texts` is what arrived."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.script = Script(answers or (httpx.Response(200),))

    def open(self, url: str) -> Webhook:
        assert url == URL
        return Webhook(url, transport=httpx.MockTransport(self.script), clock=FakeTime().clock)

    @property
    def texts(self) -> list[str]:
        return [json.loads(request.content)["text"] for request in self.script.requests]


def told(estate: Estate, *changes: Change) -> list[str]:
    channel = Channel()
    assert notify(estate, REPORT, changes, webhook=channel.open) == ()
    return channel.texts


def test_notifications_are_off_by_default() -> None:
    assert told(parse_estate(CLUSTERS, source="estate"), a_change()) == []


def test_a_severe_change_is_sent_with_cluster_sentence_and_link() -> None:
    estate = an_estate(webhook_url="${SLACK_WEBHOOK}", link="https://dagster.test/runs/{run_id}")

    assert told(estate, a_change(), a_change("other", severity="warning")) == [
        "data-mesh-cluster: 1 severe change\n- Connector orders-sink: RUNNING → FAILED\nhttps://dagster.test/runs/run-1"
    ]


def test_no_link_leads_to_a_run_that_dagster_does_not_have() -> None:
    by_hand = replace(REPORT, run_id=f"{OUTSIDE}1")
    for link, said in (
        ("https://dagster.test/runs/{run_id}", ""),
        ("https://d.test/{cluster}", "https://d.test/data-mesh-cluster"),
    ):
        estate, channel = an_estate(webhook_url="${SLACK_WEBHOOK}", template="{link}", link=link), Channel()
        notify(estate, by_hand, [a_change()], webhook=channel.open)
        assert channel.texts == [said]


def test_the_estate_says_what_is_severe_and_the_most_severe_come_first() -> None:
    estate = an_estate(
        webhook_url="${SLACK_WEBHOOK}", severity="warning", template="{count} {changes}: {sentences}"
    )
    changes = [a_change("a", severity="info"), a_change("b", severity="warning"), a_change("c")]

    assert told(estate, *changes) == [
        "2 changes: - Connector c: RUNNING → FAILED\n- Connector b: RUNNING → FAILED"
    ]
    assert told(estate, changes[0]) == []


def test_many_and_long_sentences_stay_a_short_message() -> None:
    estate = an_estate(webhook_url="${SLACK_WEBHOOK}", sentences=3)
    [text] = told(estate, *[a_change(f"c{n}", sentence="x\n" * 1_000) for n in range(100)])

    assert text.count("\n") == 4
    assert text.endswith("- and 97 more")
    assert len(text) < 1_100
    assert (
        len(
            told(
                an_estate(webhook_url="${SLACK_WEBHOOK}", sentences=50), *[a_change(sentence="x" * 900)] * 50
            )[0]
        )
        == 3_500
    )


def test_a_trace_cannot_command_slack() -> None:
    [text] = told(
        an_estate(webhook_url="${SLACK_WEBHOOK}"),
        a_change(sentence="Failed: <!channel> & {link} {cluster.__class__}"),
    )

    assert "- Failed: &lt;!channel&gt; &amp; {link} {cluster.__class__}" in text


def test_a_failing_channel_is_a_warning_without_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    estate = an_estate(webhook_url="${SLACK_WEBHOOK}")

    warnings = notify(
        estate, REPORT, [a_change()], webhook=Channel(httpx.ConnectError("connection refused")).open
    )

    assert warnings == (
        "data-mesh-cluster: 1 severe change not sent to the webhook: "
        "the webhook at https://hooks.slack.test cannot be reached (connection refused; 5 tries in 7.5 s); "
        "is it running, and is the url right?",
    )
    assert warnings[0] in caplog.text
    assert "s3cr3t" not in caplog.text


def test_one_failing_channel_does_not_prevent_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    topic = {"topic_arn": "arn:aws:sns:us-east-1:123456789012:alerts", "endpoint_url": "http://127.0.0.1:1"}
    channel = Channel()

    [warning] = notify(
        an_estate(webhook_url="${SLACK_WEBHOOK}", sns=topic), REPORT, [a_change()], webhook=channel.open
    )

    assert "not sent to SNS: sns:Publish on topic alerts: no answer" in warning
    assert len(channel.texts) == 1


def test_a_missing_secret_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_WEBHOOK")

    [warning] = notify(an_estate(webhook_url="${SLACK_WEBHOOK}"), REPORT, [a_change()])

    assert "the environment variable SLACK_WEBHOOK is not set" in warning


def test_a_new_cluster_sends_nothing() -> None:
    channel = Channel()

    assert (
        notify(
            an_estate(webhook_url="${SLACK_WEBHOOK}"),
            replace(REPORT, total_changes=None),
            (),
            webhook=channel.open,
        )
        == ()
    )
    assert channel.texts == []


@pytest.mark.sandbox
def test_a_severe_change_reaches_an_sns_topic(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    account = "210987654321"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    session = new_session()
    sqs, sns = (
        session.create_client(name, endpoint_url=aws_url, region_name="us-east-1") for name in ("sqs", "sns")
    )
    queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    sqs.purge_queue(QueueUrl=queue)
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    assert notify(an_estate(sns={"topic_arn": topic, "endpoint_url": aws_url}), REPORT, [a_change()]) == ()

    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    told = json.loads(message["Body"])
    assert told["Subject"] == "data-mesh-cluster: 1 severe change"
    assert told["Message"] == "data-mesh-cluster: 1 severe change\n- Connector orders-sink: RUNNING → FAILED"
