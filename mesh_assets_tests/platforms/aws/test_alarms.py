"""CloudWatch's alarms, against AWS's own model and the stand-in."""

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber

from mesh_assets.errors import RefusedError, UnexpectedAnswerError
from mesh_assets.platforms.aws.alarms import alarms_in_alarm
from mesh_assets.platforms.aws.values import AlarmInAlarm

CAME, EVALUATED = datetime(2026, 11, 23, 16, 40, tzinfo=UTC), datetime(2026, 11, 23, 16, 50, tzinfo=UTC)
ASKED = {"StateValue": "ALARM", "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100}


def _entry(name: str, state: str = "ALARM") -> dict[str, object]:
    arn = f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}"
    times = {"StateUpdatedTimestamp": EVALUATED, "StateTransitionedTimestamp": CAME}
    return {
        "AlarmName": name,
        "AlarmArn": arn,
        "StateValue": state,
        "StateReason": "Threshold Crossed",
        **times,
    }


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = boto3.session.Session().client(
        "cloudwatch", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        yield stubber
    client.close()


def test_alarms_of_both_kinds_and_all_pages_come_with_the_time_they_began(stub: Stubber) -> None:
    stub.add_response(
        "describe_alarms",
        {"MetricAlarms": [_entry("lag-b")], "NextToken": "2"},
        {**ASKED, "AlarmNamePrefix": "lag"},
    )
    second = {"CompositeAlarms": [_entry("lag-a")], "MetricAlarms": [_entry("lag-c", "OK")]}
    stub.add_response("describe_alarms", second, {**ASKED, "AlarmNamePrefix": "lag", "NextToken": "2"})
    found = alarms_in_alarm(name_prefix="lag", region=None, client=stub.client)
    assert [alarm.name for alarm in found] == ["lag-a", "lag-b"]
    assert found[1] == AlarmInAlarm(
        name="lag-b",
        arn="arn:aws:cloudwatch:eu-west-1:123456789012:alarm:lag-b",
        reason="Threshold Crossed",
        since=CAME,
    )


def test_a_list_that_does_not_end_is_an_error(stub: Stubber) -> None:
    stub.add_response("describe_alarms", {"NextToken": "2"}, ASKED)
    stub.add_response("describe_alarms", {"NextToken": "2"}, {**ASKED, "NextToken": "2"})
    with pytest.raises(UnexpectedAnswerError, match="the same page again and again"):
        alarms_in_alarm(name_prefix="", region=None, client=stub.client)


def test_a_refusal_names_the_right(stub: Stubber) -> None:
    stub.add_client_error("describe_alarms", "AccessDenied", "no")
    with pytest.raises(
        RefusedError,
        match=r"cloudwatch:DescribeAlarms on alarms lag\*: access denied; allow cloudwatch:DescribeAlarms",
    ):
        alarms_in_alarm(name_prefix="lag", region=None, client=stub.client)


@pytest.mark.sandbox
def test_an_alarm_that_was_set_is_found_and_one_at_rest_is_not(aws_account: str) -> None:
    client = boto3.session.Session().client("cloudwatch")
    for name in ("payments-lag", "payments-load", "orders-lag"):
        client.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/Kafka",
            MetricName="SumOffsetLag",
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1000,
            ComparisonOperator="GreaterThanThreshold",
        )
    for name in ("payments-lag", "orders-lag"):
        client.set_alarm_state(
            AlarmName=name, StateValue="ALARM", StateReason="Threshold Crossed: 1 datapoint"
        )
    client.close()
    [alarm] = alarms_in_alarm(name_prefix="payments", region=None)
    assert (alarm.name, alarm.reason) == ("payments-lag", "Threshold Crossed: 1 datapoint")
    assert aws_account in alarm.arn
    again = alarms_in_alarm(name_prefix="payments", region=None)
    assert again == (alarm,), "the time it began must stay the same"
