"""CloudWatch: pages to their end, 500 queries a request, and errors that name the action."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.platforms.aws.cloudwatch import CloudWatchClient, MetricQuery, alarms_in_alarm
from mesh_assets.platforms.aws.records import AlarmInAlarm
from mesh_assets_tests.platforms.aws.fake_cloudwatch import FakeCloudWatch, Series

BEGIN = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
CLUSTER = ("Cluster Name", "payments")
MANY: dict[Series, float] = {("BytesInPerSec", (CLUSTER, ("Topic", f"t{n}"))): float(n) for n in range(1200)}


def client_of(fake: FakeCloudWatch) -> CloudWatchClient:
    return CloudWatchClient("AWS/Kafka", resource="metrics of payments", client=fake)


def values(
    fake: FakeCloudWatch, queries: list[MetricQuery], *, minutes: int = 5
) -> list[dict[datetime, float]]:
    return client_of(fake).values(
        queries, begin=BEGIN, end=BEGIN + timedelta(minutes=minutes), period_seconds=300
    )


def test_every_page_of_the_list_is_read() -> None:
    fake = FakeCloudWatch(MANY)
    client = client_of(fake)
    found = client.dimensions(["BytesInPerSec", "Nothing"], having={"Cluster Name": "payments"})
    assert [one["Topic"] for one in found["BytesInPerSec"]] == [f"t{n}" for n in range(1200)]
    assert found["Nothing"] == []
    assert client.requests == 4


def test_values_are_requested_500_at_a_time_and_come_in_the_order_of_the_queries() -> None:
    fake = FakeCloudWatch(MANY, page=200)
    queries = [MetricQuery(name=name, dimensions=dimensions) for name, dimensions in MANY]
    assert values(fake, queries) == [{BEGIN: float(n)} for n in range(1200)]
    assert sorted(set(fake.queries)) == [200, 500]


def test_a_long_history_is_split_to_fit_the_points_of_an_answer() -> None:
    fake = FakeCloudWatch(MANY)
    queries = [MetricQuery(name=name, dimensions=dimensions) for name, dimensions in MANY]
    found = values(fake, queries[:400], minutes=1440)
    assert len(found[1]) == 288
    assert sorted(fake.queries) == [50, 350]


def test_a_series_without_a_value_is_empty_and_not_zero() -> None:
    assert values(FakeCloudWatch({}), [MetricQuery(name="CpuUser", dimensions=(CLUSTER,))]) == [{}]


@pytest.mark.parametrize(
    ("status", "error"),
    [("Forbidden", RefusedError), ("InternalError", UnreachableError), ("PartialData", UnreachableError)],
)
def test_a_failed_result_is_an_error(status: str, error: type[PlatformError]) -> None:
    with pytest.raises(error, match="cloudwatch:GetMetricData on metrics of payments"):
        values(
            FakeCloudWatch(MANY, status=status),
            [MetricQuery(name="BytesInPerSec", dimensions=(CLUSTER, ("Topic", "t1")))],
        )


class Refusing(FakeCloudWatch):
    def list_metrics(self, **_: object) -> dict[str, object]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListMetrics")


class Endless(FakeCloudWatch):
    def list_metrics(self, **_: object) -> dict[str, object]:
        return {"Metrics": [], "NextToken": "again"}


def test_a_missing_right_names_the_action() -> None:
    with pytest.raises(
        RefusedError,
        match="cloudwatch:ListMetrics on metrics of payments: access denied; allow cloudwatch:ListMetrics",
    ):
        client_of(Refusing({})).dimensions(["CpuUser"], having={})


def test_pages_that_never_end_are_an_error() -> None:
    with pytest.raises(UnexpectedAnswerError, match="the same page twice"):
        client_of(Endless({})).dimensions(["CpuUser"], having={})


# CloudWatch's alarms, against AWS's own model and the stand-in.

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
    client = new_session().create_client(
        "cloudwatch", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        yield stubber
    client.close()


def test_alarms_of_both_kinds_and_all_pages_come_with_their_start(stub: Stubber) -> None:
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
    with pytest.raises(UnexpectedAnswerError, match="the same page twice"):
        alarms_in_alarm(name_prefix="", region=None, client=stub.client)


def test_a_refusal_names_the_right(stub: Stubber) -> None:
    stub.add_client_error("describe_alarms", "AccessDenied", "no")
    with pytest.raises(
        RefusedError,
        match=r"cloudwatch:DescribeAlarms on alarms lag\*: access denied; allow cloudwatch:DescribeAlarms",
    ):
        alarms_in_alarm(name_prefix="lag", region=None, client=stub.client)


@pytest.mark.sandbox
def test_an_alarm_that_is_on_is_found_and_one_at_rest_is_not(aws_account: str) -> None:
    client = new_session().create_client("cloudwatch")
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
