"""CloudWatch: pages to their end, 500 queries a request, and errors that name the action."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.aws.cloudwatch import CloudWatchClient, MetricQuery
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


def test_values_are_asked_for_500_at_a_time_and_come_in_the_order_of_the_queries() -> None:
    fake = FakeCloudWatch(MANY, page=200)
    queries = [MetricQuery(name=name, dimensions=dimensions) for name, dimensions in MANY]
    assert values(fake, queries) == [{BEGIN: float(n)} for n in range(1200)]
    assert sorted(set(fake.queries)) == [200, 500]


def test_a_long_history_is_asked_for_in_smaller_requests_so_that_it_fits_the_points_of_an_answer() -> None:
    fake = FakeCloudWatch(MANY)
    queries = [MetricQuery(name=name, dimensions=dimensions) for name, dimensions in MANY]
    found = values(fake, queries[:400], minutes=1440)
    assert len(found[1]) == 288
    assert sorted(fake.queries) == [50, 350]


def test_a_series_without_a_value_is_empty_and_not_zero() -> None:
    assert values(FakeCloudWatch({}), [MetricQuery(name="CpuUser", dimensions=(CLUSTER,))]) == [{}]


@pytest.mark.parametrize(
    ("status", "error"), [("Forbidden", RefusedError), ("InternalError", UnreachableError)]
)
def test_a_result_that_failed_is_an_error(status: str, error: type[PlatformError]) -> None:
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
    with pytest.raises(UnexpectedAnswerError, match="same page came twice"):
        client_of(Endless({})).dimensions(["CpuUser"], having={})
