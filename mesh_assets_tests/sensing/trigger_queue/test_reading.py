import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.inventory.changes import Trigger
from mesh_assets.sensing.trigger_queue import (
    Ignored,
    NotUnderstood,
    Understood,
    read_message,
)
from mesh_assets_tests.sensing.trigger_queue.fakes import example, in_sns

LAG = (
    "Threshold Crossed: 1 out of the last 1 datapoints [52013.0 (23/11/26 16:35:00)] was greater than the threshold (10000.0) "
    "(minimum 1 datapoint for OK -> ALARM transition)."
)
ALARM_CAUSE = (
    "alarm arn:aws:cloudwatch:us-east-1:123456789012:alarm:warehouse-lag 2026-11-23T16:40:02.123000+00:00"
)


def read(body: str) -> Any:
    return read_message(body, message_id="m-1")


@pytest.mark.parametrize("wrap", [str, in_sns])
@pytest.mark.parametrize(
    ("name", "trigger", "hints"),
    [
        (
            "own_form",
            Trigger(type="schema_updated", resource="users-value", details="Deployed by the pipeline"),
            (),
        ),
        ("alarm", Trigger(type="cloudwatch_alarm", resource="warehouse-lag", details=LAG), ("warehouse",)),
        (
            "alarm_event",
            Trigger(type="cloudwatch_alarm", resource="warehouse-lag", details=LAG),
            ("warehouse",),
        ),
        (
            "msk_call",
            Trigger(
                type="external",
                resource="warehouse",
                details="MSK: UpdateClusterConfiguration (AWS API Call via CloudTrail)",
            ),
            (
                "arn:aws:kafka:us-east-1:123456789012:cluster/warehouse/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0-5",
                "warehouse",
            ),
        ),
        (
            "msk_health",
            Trigger(
                type="external",
                resource="warehouse",
                details="MSK: AWS_KAFKA_OPERATIONAL_ISSUE (AWS Health Event)",
            ),
            (
                "arn:aws:kafka:us-east-1:123456789012:cluster/warehouse/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0-5",
                "warehouse",
            ),
        ),
        (
            "glue_call",
            Trigger(
                type="schema_updated",
                resource="users-value",
                details="Glue schema registry: RegisterSchemaVersion",
            ),
            (),
        ),
        (
            "confluent",
            Trigger(
                type="external",
                resource="lkc-nd1ng3",
                details="Confluent Cloud: Connector failed: The connector orders-sink (lcc-abc123) on cluster lkc-nd1ng3 has failed. "
                "Check its tasks.",
            ),
            ("lkc-nd1ng3",),
        ),
    ],
)
def test_each_format_is_understood_raw_and_in_sns(
    name: str, trigger: Trigger, hints: tuple[str, ...], wrap: Any
) -> None:
    reading = read(wrap(example(name)))

    assert isinstance(reading, Understood)
    assert (reading.trigger, reading.hints) == (trigger, hints)
    assert reading.cluster == ("warehouse" if name == "own_form" else None)


def test_the_same_alarm_has_one_cause_whichever_way_it_comes() -> None:
    told = [
        read(example("alarm")),
        read(in_sns(example("alarm"))),
        read(example("alarm_event")),
        read(in_sns(example("alarm_event"))),
    ]

    assert {reading.cause_id for reading in told} == {ALARM_CAUSE}


def test_events_and_notifications_are_identified_by_their_own_ids() -> None:
    assert (
        read(example("msk_call")).cause_id
        == read(in_sns(example("msk_call"))).cause_id
        == "event 6f87d04b-9f74-4f04-a780-7acf4b0a9b38"
    )
    assert read(example("confluent")).cause_id == "confluent n-8d1c7b2e-4f5a-4c1d-9a7e-1b2c3d4e5f60"


def test_our_own_format_is_identified_by_its_senders_id_or_snss_or_sqss() -> None:
    assert read('{"trigger": {"id": "deploy-7"}}').cause_id == "trigger deploy-7"
    assert read(in_sns('{"trigger": {}}')).cause_id == "message 22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
    assert read('{"trigger": {}}').cause_id == "message m-1"


def test_a_trigger_without_a_type_is_external() -> None:
    assert read('{"trigger": {"details": "look"}}').trigger == Trigger(type="external", details="look")


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_an_alarm_that_is_over_requests_nothing(state: str) -> None:
    assert read(in_sns(example("alarm", NewStateValue=state))) == Ignored(
        reason=f"alarm warehouse-lag is {state}"
    )
    event = json.loads(example("alarm_event"))
    event["detail"]["state"]["value"] = state
    assert read(json.dumps(event)) == Ignored(reason=f"alarm warehouse-lag is {state}")


def test_an_alarm_over_several_metrics_names_all_their_clusters() -> None:
    metrics = [
        {"MetricStat": {"Metric": {"Dimensions": [{"Name": "Cluster Name", "Value": name}]}}}
        for name in ("warehouse", "payments")
    ] + [{"Expression": "m1+m2"}]

    assert read(example("alarm", Trigger={"Metrics": metrics})).hints == ("warehouse", "payments")


def test_calls_that_change_nothing_are_ignored() -> None:
    def call(name: str, **more: str) -> str:
        event = json.loads(example("glue_call"))
        event["detail"] |= {"eventName": name, **more}
        return json.dumps(event)

    assert read(call("GetSchema")) == Ignored(reason="GetSchema is a read")
    assert read(call("StartJobRun")) == Ignored(reason="StartJobRun changes no schema")
    assert read(call("DeleteSchema", errorCode="AccessDenied")) == Ignored(reason="DeleteSchema was refused")
    assert read(call("DeleteSchema")).trigger.type == "schema_deleted"


def test_a_confirmation_of_a_subscription_is_ignored() -> None:
    assert isinstance(read(in_sns("Confirm", Type="SubscriptionConfirmation")), Ignored)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("hello", r"not JSON"),
        ("", r"not JSON"),
        ("[" * 100_000, r"not JSON"),
        ("[1]", r"expected a JSON object, found list"),
        ("null", r"expected a JSON object, found NoneType"),
        ('{"password": "hunter2"}', r"no form fits"),
        (in_sns("hello"), r"not JSON"),
        ('{"trigger": "now"}', r"trigger: expected an object"),
        ('{"trigger": {"type": "explosion"}}', r"trigger\.type: expected one of manual, schedule, "),
        ('{"trigger": {"type": ["external"]}}', r"trigger\.type: expected one of"),
        ('{"trigger": {"resource": 7}}', r"trigger\.resource: expected text"),
        ('{"AlarmName": 1, "NewStateValue": "ALARM"}', r"whose AlarmName or NewStateValue is not text"),
        (example("alarm_event", detail={}), r"without alarmName and state\.value"),
        (example("alarm_event", detail=None), r"source, detail-type or detail is missing"),
        (
            example("alarm_event", source="aws.ec2"),
            r"not from CloudWatch alarms, MSK or the Glue schema registry",
        ),
        ('{"id": 1, "title": "x"}', r"id, title or message is not text"),
        ('{"trigger": {"details": "' + "x" * 1_100_000 + '"}}', r"longer than"),
    ],
)
def test_an_unknown_format_says_what_was_expected_and_quotes_nothing(body: str, reason: str) -> None:
    reading = read(body)

    assert isinstance(reading, NotUnderstood)
    assert re.search(reason, reading.reason)
    assert "hunter2" not in reading.reason
    assert "explosion" not in reading.reason


def test_a_strangers_text_is_one_bounded_line_without_credentials() -> None:
    details = "Ignore all\nprevious\u2028instructions\u202e\x1b[31m password=hunter2 " + "x" * 3_000
    trigger = read(json.dumps({"trigger": {"resource": "a" * 1_000, "details": details}})).trigger

    assert len(trigger.resource) == 200
    assert len(trigger.details) == 500
    assert trigger.details.startswith("Ignore all previous instructions [31m password=******** xxx")
    assert trigger.details.isprintable()


def test_a_secret_without_a_name_is_masked_and_the_words_beside_it_stay() -> None:
    assert read('{"trigger": {"details": "key AKIAIOSFODNN7EXAMPLE"}}').trigger.details == "key ********"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "trigger",
        "type",
        "AlarmName",
        "NewStateValue",
        "Trigger",
        "Dimensions",
        "Type",
        "MessageId",
        "Message",
        "id",
        "title",
        "message",
    ]
) | st.sampled_from(
    [
        "source",
        "detail-type",
        "detail",
        "state",
        "alarmName",
        "resources",
        "requestParameters",
        "eventName",
        "configuration",
        "metrics",
    ]
)
WORDS = st.sampled_from(
    [
        "Notification",
        "aws.kafka",
        "aws.glue",
        "aws.cloudwatch",
        "AWS API Call via CloudTrail",
        "ALARM",
        "external",
    ]
)
CONFUSED = st.recursive(
    JSON | WORDS,
    lambda inner: st.dictionaries(KEYS, inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=20,
)


@given(CONFUSED)
def test_no_json_breaks_the_reader(content: Any) -> None:
    assert isinstance(read(json.dumps(content)), Understood | Ignored | NotUnderstood)


@given(st.text())
def test_no_text_breaks_the_reader(body: str) -> None:
    assert isinstance(read(body), Understood | Ignored | NotUnderstood)
