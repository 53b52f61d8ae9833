"""The Metrics API: the export in its published form, in few requests, whole or an error; history in pages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from mesh_assets.errors import RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.platforms.confluent_cloud.metrics_api import MetricsApiClient, Sample
from mesh_assets_tests.platforms.http.fakes import FakeTime, Script

PUBLISHED = (Path(__file__).parent / "published" / "metrics_export.txt").read_text()
OPENMETRICS = {"content-type": "application/openmetrics-text;version=1.0.0;charset=utf-8"}
PROMETHEUS = {"content-type": "text/plain;version=0.0.4"}
RECEIVED, SENT = "confluent_kafka_server_received_bytes", "confluent_kafka_server_sent_bytes"
AT = datetime(2021, 1, 1, tzinfo=UTC)
BEGIN = datetime(2019, 10, 17, 20, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET", "s3cr3t-of-the-cloud-key")


def client_of(*answers: httpx.Response, time: FakeTime | None = None) -> tuple[MetricsApiClient, Script]:
    script = Script(answers)
    connection = ConfluentCloudMetrics(
        kind="confluent_cloud", username="CLOUDKEY", password="${CLOUD_SECRET}"
    )
    return MetricsApiClient(
        connection, transport=httpx.MockTransport(script), clock=(time or FakeTime()).clock
    ), script


def an_export(text: str = PUBLISHED, headers: dict[str, str] = OPENMETRICS) -> httpx.Response:
    return httpx.Response(200, text=text, headers=headers)


def sample(name: str, cluster: str, topic: str, value: float, at: datetime | None = AT) -> Sample:
    return Sample(name=name, labels={"kafka_id": cluster, "topic": topic}, value=value, at=at)


def test_the_published_export_is_read_in_one_request() -> None:
    client, script = client_of(an_export())
    export = client.export(
        "lkc-1",
        connector_ids=["lcc-1", "lcc-2"],
        schema_registry_id="lsrc-1",
        wanted=frozenset({RECEIVED, SENT}),
    )
    assert export.samples == (
        sample(RECEIVED, "lkc-1", "topicA", 30.0),
        sample(RECEIVED, "lkc-1", "topicB", 70.0),
        sample(RECEIVED, "lkc-2", "topicA", 230.0),
        sample(RECEIVED, "lkc-2", "topicB", 270.0),
        sample(SENT, "lkc-1", "topicA", 34.0),
        sample(SENT, "lkc-1", "topicB", 74.0),
    )
    assert export.inaccessible == ()
    (request,) = script.requests
    assert str(request.url) == (
        "https://api.telemetry.confluent.cloud/v2/metrics/cloud/export?resource.kafka.id=lkc-1"
        "&resource.schema_registry.id=lsrc-1&resource.connector.id=lcc-1&resource.connector.id=lcc-2"
    )
    assert request.headers["accept"].startswith("application/openmetrics-text")


def test_unwanted_metrics_are_skipped_unread() -> None:
    broken = PUBLISHED.replace("sent_bytes{kafka_id", "sent_bytes{{{{")
    client, _ = client_of(an_export(broken))
    assert {one.name for one in client.export("lkc-1", wanted=frozenset({RECEIVED})).samples} == {RECEIVED}


@pytest.mark.parametrize("stamp", ["1609459200", "1609459200.000", "1609459200000"])
def test_times_in_seconds_and_in_milliseconds_are_distinguished(stamp: str) -> None:
    text = f'# TYPE {RECEIVED} gauge\n{RECEIVED}{{kafka_id="lkc-1",topic="a"}} 1.0 {stamp}\n# EOF\n'
    client, _ = client_of(an_export(text))
    assert client.export("lkc-1", wanted=frozenset({RECEIVED})).samples == (
        sample(RECEIVED, "lkc-1", "a", 1.0),
    )


def test_the_older_format_of_prometheus_is_read_too() -> None:
    text = f'# TYPE {RECEIVED} gauge\n{RECEIVED}{{kafka_id="lkc-1",topic="a",}} 1.0 1609459200000\n'
    client, _ = client_of(an_export(text, PROMETHEUS))
    assert client.export("lkc-1", wanted=frozenset({RECEIVED})).samples == (
        sample(RECEIVED, "lkc-1", "a", 1.0),
    )


def test_a_thousand_connectors_take_five_requests_of_less_than_eight_kilobytes() -> None:
    client, script = client_of(an_export("# EOF\n"))
    client.export("lkc-1", connector_ids=[f"lcc-{n:06}" for n in range(1000)], wanted=frozenset({RECEIVED}))
    assert len(script.requests) == client.requests == 5
    assert max(len(str(request.url)) for request in script.requests) < 8_000
    asked = [
        one for request in script.requests for one in request.url.params.get_list("resource.connector.id")
    ]
    assert asked == [f"lcc-{n:06}" for n in range(1000)]
    assert [request.url.params.get("resource.kafka.id") for request in script.requests] == [
        "lkc-1",
        None,
        None,
        None,
        None,
    ]


def access(resource: str, value: float) -> str:
    name = "confluent_scrape_resource_access_error"
    return f'# TYPE {name} gauge\n{name}{{resource_id="{resource}",resource_type="resource.x.id"}} {value}\n# EOF\n'


def test_resources_that_the_key_may_not_see_are_listed_by_id() -> None:
    client, _ = client_of(an_export(access("lcc-7", 1.0)))
    assert client.export("lkc-1", connector_ids=["lcc-7"], wanted=frozenset({RECEIVED})).inaccessible == (
        "lcc-7",
    )


def test_a_cluster_the_key_may_not_see_is_an_error_that_names_key_and_role() -> None:
    client, _ = client_of(an_export(access("lkc-1", 1.0)))
    with pytest.raises(
        RefusedError, match=r"no metrics of lkc-1; the owner of this Cloud key needs the role MetricsViewer"
    ):
        client.export("lkc-1", wanted=frozenset({RECEIVED}))


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "expected a Cloud key, not one of a Kafka cluster"), (403, "needs the role MetricsViewer")],
)
def test_a_refusal_names_the_kind_of_key_the_endpoint_and_the_role(status: int, says: str) -> None:
    client, _ = client_of(httpx.Response(status, json={"errors": [{"status": str(status), "detail": "no"}]}))
    with pytest.raises(RefusedError) as caught:
        client.export("lkc-1", wanted=frozenset({RECEIVED}))
    assert says in str(caught.value)
    assert "https://api.telemetry.confluent.cloud" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_truncated_text_is_an_error_and_not_a_smaller_cluster() -> None:
    client, _ = client_of(an_export(PUBLISHED[: PUBLISHED.index("# TYPE confluent_kafka_server_sent")]))
    with pytest.raises(UnexpectedAnswerError, match="cut off before its end"):
        client.export("lkc-1", wanted=frozenset({RECEIVED}))


def test_text_that_is_not_metrics_is_an_error() -> None:
    client, _ = client_of(an_export(f"{RECEIVED}{{oops 1\n# EOF\n"))
    with pytest.raises(UnexpectedAnswerError, match="something other than metrics"):
        client.export("lkc-1", wanted=frozenset({RECEIVED}))


def throttled(*, reset: str, remaining: str, body: Any) -> httpx.Response:
    return httpx.Response(429, json=body, headers=[("rateLimit-reset", one) for one in reset.split()] + [
        ("rateLimit-remaining", one) for one in remaining.split()
    ])  # fmt: skip


def test_a_throttled_export_waits_for_the_reported_limit(published: Callable[[str], Any]) -> None:
    time = FakeTime()
    client, _ = client_of(
        throttled(reset="3000 7", remaining="12 0", body=published("metrics_429")), an_export(), time=time
    )
    assert len(client.export("lkc-1", wanted=frozenset({SENT})).samples) == 2
    assert 7 <= sum(time.sleeps) < 9


def test_an_hourly_limit_is_not_waited_for(published: Callable[[str], Any]) -> None:
    client, script = client_of(throttled(reset="3000 7", remaining="0 200", body=published("metrics_429")))
    with pytest.raises(UnreachableError, match=r"kafka\.id:lkc-12345.*asks for a wait of 3000 s"):
        client.export("lkc-1", wanted=frozenset({SENT}))
    assert len(script.requests) == 1


def test_the_published_answer_to_a_query_is_read(published: Callable[[str], Any]) -> None:
    client, script = client_of(httpx.Response(200, json=published("metrics_query")))
    found = query(client)
    first, second = (datetime(2019, 10, 17, 20, minute, tzinfo=UTC) for minute in (17, 18))
    assert found == {"foo": {first: 9741.0, second: 9246.0}, "bar": {first: 844.1, second: 821.1}}
    assert msgspec.json.decode(script.requests[0].content) == {
        "aggregations": [{"metric": "io.confluent.kafka.server/received_records"}],
        "filter": {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1"},
        "group_by": ["metric.topic"],
        "granularity": "PT5M",
        "intervals": ["2019-10-17T20:15:00Z/2019-10-17T20:30:00Z"],
        "limit": 1000,
        "format": "GROUPED",
    }


def query(
    client: MetricsApiClient, *, length: timedelta = timedelta(minutes=15)
) -> dict[str, dict[datetime, float]]:
    return client.query(
        "io.confluent.kafka.server/received_records",
        kafka_id="lkc-1",
        group_by="metric.topic",
        begin=BEGIN,
        end=BEGIN + length,
        granularity="PT5M",
    )


def a_page(topic: str, token: str | None) -> httpx.Response:
    pagination = {"page_size": 1, **({} if token is None else {"next_page_token": token})}
    points = [{"timestamp": "2019-10-17T20:15:00Z", "value": 1}]
    return httpx.Response(
        200, json={"data": [{"metric.topic": topic, "points": points}], "meta": {"pagination": pagination}}
    )


def test_pages_are_followed_to_the_last_with_an_identical_body() -> None:
    client, script = client_of(a_page("a", "t1"), a_page("b", "t2"), a_page("c", None))
    assert sorted(query(client)) == ["a", "b", "c"]
    assert [request.url.params.get("page_token") for request in script.requests] == [None, "t1", "t2"]
    assert len({request.content for request in script.requests}) == 1


def test_a_repeated_token_is_an_error() -> None:
    client, _ = client_of(a_page("a", "t1"), a_page("b", "t1"))
    with pytest.raises(UnexpectedAnswerError, match="the same page token twice"):
        query(client)


@pytest.mark.parametrize(
    "value", [{"data": [{"points": []}]}, {}, [], {"data": [{"metric.topic": "a", "points": [{"value": 1}]}]}]
)
def test_an_answer_of_another_shape_is_an_error(value: Any) -> None:
    client, _ = client_of(httpx.Response(200, json=value))
    with pytest.raises(UnexpectedAnswerError, match="other than a list of groups with points"):
        query(client)


def test_an_interval_longer_than_the_granularity_allows_is_not_requested() -> None:
    client, script = client_of(a_page("a", None))
    with pytest.raises(ValueError, match="an interval of PT5M may be 1 day"):
        query(client, length=timedelta(days=2))
    assert script.requests == []


def test_a_sample_without_a_time_is_named_and_left_out() -> None:
    lines = "".join(
        f'{RECEIVED}{{kafka_id="lkc-1",topic="{topic}"}} 1.0 {at}\n'
        for topic, at in (("a", "1609459200000"), ("b", "99999999999999999999"))
    )
    client, _ = client_of(an_export(f"# TYPE {RECEIVED} gauge\n{lines}", PROMETHEUS))
    export = client.export("lkc-1", wanted=frozenset({RECEIVED}))
    assert [one.labels["topic"] for one in export.samples] == ["a"]
    assert export.unreadable == (RECEIVED,)


@pytest.mark.parametrize(
    "point",
    [
        {"timestamp": "2019-10-17T20:17:00Z", "value": "NaN"},
        {"timestamp": "2019-10-17T20:17:00Z", "value": "Infinity"},
        {"timestamp": "2019-13-17T20:17:00Z", "value": 1},
    ],
)
def test_a_history_with_invalid_numbers_or_times_is_an_unexpected_answer(point: dict[str, Any]) -> None:
    page = {"data": [{"metric.topic": "a", "points": [point]}], "meta": {}}
    client, _ = client_of(httpx.Response(200, json=page))
    with pytest.raises(UnexpectedAnswerError, match="something other than a list of groups with points"):
        client.query(
            "m",
            kafka_id="lkc-1",
            group_by="metric.topic",
            begin=BEGIN,
            end=BEGIN + timedelta(hours=1),
            granularity="PT5M",
        )
