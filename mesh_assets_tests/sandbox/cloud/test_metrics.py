"""Minutes and queries, from the readings given here."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mesh_assets.sandbox.cloud import metric_names as names
from mesh_assets.sandbox.cloud.query import QueryError, answer_query
from mesh_assets.sandbox.cloud.readings import Point, Reading, points

MINUTE = 1_790_000_040  # 2026-09-21T14:14:00Z
NOW = datetime.fromtimestamp(MINUTE + 300, UTC)


def reading(at: float, orders: int, *, committed: int = 0, written: int = 0) -> Reading:
    """`orders` records in one partition, which take 50 bytes each."""
    return Reading(
        at=at,
        ends={("orders", 0): orders},
        begins={("orders", 0): 0},
        retained_bytes={"orders": orders * 50},
        committed={"shipping": {("orders", 0): committed}},
        connectors={"lcc-orders": (written, written * 60)},
        connections=3,
        schemas=37,
    )


READINGS = (
    reading(MINUTE - 5, 100, committed=80, written=100),
    reading(MINUTE + 5, 110, committed=90, written=110),
    reading(MINUTE + 45, 140, committed=100, written=130),
    reading(MINUTE + 65, 150, committed=150, written=150),
)


def values(metric: names.Metric, minute: int) -> dict[tuple[str, ...], float]:
    return {
        point.labels: point.value
        for point in points(READINGS)
        if point.metric == metric and point.minute == minute
    }


def test_a_counter_is_what_arrived_since_the_last_reading_of_the_previous_minute() -> None:
    assert values(names.RECEIVED_RECORDS, MINUTE) == {("orders",): 40}
    assert values(names.RECEIVED_BYTES, MINUTE) == {("orders",): 2000}
    assert values(names.SENT_RECORDS, MINUTE) == {("orders",): 20}
    assert values(names.CONNECTOR_SENT_RECORDS, MINUTE) == {(): 30}
    assert values(names.CONNECTOR_SENT_BYTES, MINUTE) == {(): 1800}


def test_a_level_is_the_last_of_the_minute() -> None:
    assert values(names.RETAINED_BYTES, MINUTE) == {("orders",): 7000}
    assert values(names.CONSUMER_LAG, MINUTE) == {("shipping", "orders", "0"): 40}
    assert values(names.CONSUMER_LAG, MINUTE + 60) == {("shipping", "orders", "0"): 0}
    assert values(names.SCHEMAS, MINUTE) == {(): 37}


def query(metric: names.Metric = names.RECEIVED_RECORDS, **more: Any) -> dict[str, Any]:
    return {
        "aggregations": [{"metric": metric.name}],
        "filter": {"field": f"resource.{metric.resource}.id", "op": "EQ", "value": "lkc-1"},
        "granularity": "PT1M",
        "intervals": ["now-1h/now"],
        **more,
    }


def stored(metric: names.Metric, *, topics: int = 3, minutes: int = 2) -> list[Point]:
    return [
        Point(metric, MINUTE + 60 * m, "lkc-1", (f"t{t}",), 10.0 * t + m)
        for t in range(topics)
        for m in range(minutes)
    ]


def asked(
    given: dict[str, Any],
    metric: names.Metric = names.RECEIVED_RECORDS,
    token: str | None = None,
    **more: int,
) -> dict[str, Any]:
    return answer_query(given, stored(metric, **more), now=NOW, page_token=token).body


def test_dimensions_that_are_not_grouped_are_summed_minute_by_minute() -> None:
    assert asked(query())["data"] == [
        {"timestamp": "2026-09-21T14:14:00Z", "value": 30.0},
        {"timestamp": "2026-09-21T14:15:00Z", "value": 33.0},
    ]


def test_over_time_a_counter_is_summed_and_a_level_averaged() -> None:
    one: dict[str, Any] = {"group_by": ["metric.topic"], "granularity": "ALL", "limit": 1}
    assert asked(query(**one))["data"][0]["value"] == 1.0
    assert asked(query(names.RETAINED_BYTES, **one), names.RETAINED_BYTES)["data"][0]["value"] == 0.5


def test_groups_come_in_pages_with_an_identical_query() -> None:
    given, found, token = query(group_by=["metric.topic"], limit=2), [], None
    for _ in range(3):
        body = asked(given, token=token, topics=5)
        found += [row["metric.topic"] for row in body["data"]]
        token = body["meta"]["pagination"].get("next_page_token")
    assert found == [f"t{t}" for t in range(5) for _ in range(2)]
    assert token is None


def test_grouped_answers_hold_points() -> None:
    [first, *_] = asked(query(group_by=["metric.topic"], format="GROUPED"))["data"]
    assert first["metric.topic"] == "t0"
    assert [point["value"] for point in first["points"]] == [0.0, 1.0]


def test_filters_combine_and_compare() -> None:
    both = [query()["filter"], {"field": "metric.topic", "op": "GT", "value": "t1"}]
    rows = asked(query(filter={"op": "AND", "filters": both}, group_by=["metric.topic"]))["data"]
    assert {row["metric.topic"] for row in rows} == {"t2"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"filter": None}, "a filter on a resource is required"),
        ({"aggregations": []}, "exactly one aggregation"),
        ({"aggregations": [{"metric": "io.confluent.kafka.server/nothing"}]}, "there is no metric"),
        ({"granularity": "PT7M"}, "granularity PT7M is not supported"),
        ({"intervals": ["now-7h/now"]}, "an interval may be 6:00:00 long at most"),
        ({"intervals": ["yesterday"]}, "is not an interval"),
        ({"limit": 1001}, "limit must be between 1 and 1000"),
        ({"group_by": ["metric.color"]}, "cannot be grouped by metric.color"),
    ],
)
def test_a_query_that_the_api_would_refuse_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        asked(query(**change))


@pytest.mark.parametrize(
    ("interval", "minutes"),
    [
        ("2026-09-21T14:14:00Z/PT1M", 1),
        ("PT1H/now", 2),
        ("now-6h/now-5h|h", 0),
        ("now|h/now", 2),
        ("2026-09-21T14:15:00+00:00/now", 1),
    ],
)
def test_intervals_are_accepted_in_all_published_notations(interval: str, minutes: int) -> None:
    assert len(asked(query(intervals=[interval]))["data"]) == minutes
