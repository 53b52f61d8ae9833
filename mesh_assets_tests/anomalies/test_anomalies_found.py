from datetime import timedelta

import pytest

from mesh_assets_tests.anomalies.noise import traffic
from mesh_assets_tests.anomalies.observed import (
    MONDAY,
    Observed,
    RateAt,
    constant,
)
from mesh_assets_tests.documents import a_connector

HOUR, DAY = 12, 288


def stopping_at(ticks: int, rate: RateAt, then: RateAt) -> RateAt:
    moment = MONDAY + timedelta(seconds=300 * ticks)
    return lambda now: rate(now) if now <= moment else then(now)


def a_busy_cluster(history: int, then: RateAt, **thresholds: object) -> Observed:
    world = Observed(**thresholds)  # type: ignore[arg-type]
    world.rates = {"orders": stopping_at(history, constant(15.0), then), "users": constant(3.0)}
    world.ticks(history)
    assert world.kinds() == []
    return world


def test_a_topic_gone_silent_is_reported_after_three_readings_in_a_sentence() -> None:
    world = a_busy_cluster(3 * HOUR, constant(0.0))

    world.ticks(2)
    assert world.kinds() == []
    world.tick()

    [trigger] = world.reported
    assert (trigger.type, trigger.resource) == ("metrics_anomaly", "orders")
    assert trigger.details == "orders: 0 records/s for 15 min, usually 15 in the 3 h before"
    [anomaly] = world.begun
    assert anomaly.kind == "topic_silent"
    assert anomaly.began_at == MONDAY + timedelta(minutes=3 * 60)


@pytest.mark.parametrize(("factor", "kind"), [(10.0, "rate_spike"), (0.1, "rate_drop")])
def test_a_rate_ten_times_off_is_reported(factor: float, kind: str) -> None:
    world = a_busy_cluster(DAY, constant(15.0 * factor))

    world.ticks(3)

    assert world.kinds() == [(kind, "orders")]
    assert (
        world.reported[0].details
        == f"orders: {'150' if factor > 1 else '1.5'} records/s for 15 min, usually 15 in the 24 h before"
    )


@pytest.mark.slow
def test_after_a_week_half_of_a_seasonal_rate_is_compared_with_the_same_hour() -> None:
    world = Observed()
    usual = traffic(world.random, 50.0, season=0.8, noise=0.05)
    world.rates["orders"] = stopping_at(8 * DAY, usual, lambda now: usual(now) * 4)

    world.ticks(8 * DAY)
    assert world.kinds() == []
    world.ticks(3)

    assert world.kinds() == [("rate_spike", "orders")]
    assert world.begun[0].sentence.endswith("at this hour")


@pytest.mark.slow
def test_a_seasonal_topic_that_falls_silent_at_its_lowest_hour_is_reported() -> None:
    world = Observed()
    usual = traffic(world.random, 5.0, season=0.9, noise=0.1)
    world.rates["orders"] = stopping_at(8 * DAY + 17 * HOUR, usual, constant(0.0))  # 02:00

    world.ticks(8 * DAY + 17 * HOUR)
    assert world.kinds() == []
    world.ticks(3)

    assert world.kinds() == [("topic_silent", "orders")]


def test_a_lag_that_grows_with_every_reading_is_reported() -> None:
    world = Observed()
    world.rates["orders"] = constant(15.0)
    world.reads["fraud"] = "orders"
    stop = MONDAY + timedelta(hours=6)
    world.consumed["fraud"] = lambda now: 0.0 if now > stop or now.minute % 15 == 0 else 1e9

    world.ticks(6 * HOUR)
    assert world.kinds() == []
    world.ticks(6)

    assert world.kinds() == [("lag_growing", "fraud")]
    assert (
        world.reported[0].details
        == "fraud: lag grew from 0 to 27,000 records in 30 min, usually at most 4,500 in the 6 h before"
    )


def test_a_running_sink_that_reads_nothing_while_records_arrive_is_reported() -> None:
    world = Observed()
    world.connectors(a_connector("orders-sink", connect="main"))
    world.running = frozenset({"main/orders-sink"})
    world.rates["orders"] = constant(15.0)
    world.reads["connect-orders-sink"] = "orders"
    stop = MONDAY + timedelta(hours=4)
    world.consumed["connect-orders-sink"] = lambda now: 0.0 if now > stop else 15.0

    world.ticks(4 * HOUR)
    assert world.kinds() == []
    world.ticks(3)

    assert world.kinds() == [("connector_without_throughput", "orders-sink")]
    assert world.reported[0].details == (
        "orders-sink: RUNNING, but nothing read for 15 min while 13,500 records arrived, usually 15 records/s in the 4 h before"
    )


def test_a_sink_whose_topic_is_quiet_is_not_blamed() -> None:
    world = Observed()
    world.connectors(a_connector("orders-sink", connect="main"))
    world.running = frozenset({"main/orders-sink"})
    world.rates["orders"] = stopping_at(4 * HOUR, constant(15.0), constant(0.0))
    world.reads["connect-orders-sink"] = "orders"
    world.consumed["connect-orders-sink"] = constant(15.0)

    world.ticks(5 * HOUR)

    assert world.kinds() == [("topic_silent", "orders")]


@pytest.mark.parametrize(
    ("running", "told"),
    [
        (frozenset({"main/orders-source"}), ["topic_silent", "connector_without_throughput"]),
        (frozenset(), ["topic_silent"]),  # failed or paused: other sensors report it
        (None, ["topic_silent"]),  # Connect does not answer: nothing is known about it
    ],
)
def test_a_source_is_reported_with_its_silent_topic_only_while_it_runs(
    running: frozenset[str] | None, told: list[str]
) -> None:
    world = Observed()
    world.connectors(a_connector("orders-source", connect="main", type="source"))
    world.running = running
    world.rates["orders"] = stopping_at(4 * HOUR, constant(15.0), constant(0.0))

    world.ticks(5 * HOUR)

    assert [anomaly.kind for anomaly in world.begun] == told
    if "connector_without_throughput" in told:
        assert world.begun[1].sentence == (
            "orders-source: RUNNING, but no record in orders for 15 min (orders: 0 records/s for 15 min, usually 15 in the 4 h before)"
        )


def test_a_threshold_of_the_cluster_decides() -> None:
    tolerant = a_busy_cluster(DAY, constant(150.0), spike_factor=5.0)
    tolerant.ticks(3)
    silent_later = a_busy_cluster(DAY, constant(0.0), silent_readings=6)
    silent_later.ticks(5)
    unwatched = a_busy_cluster(DAY, constant(0.0), lag_records=1)
    unwatched.ticks(3)

    assert (tolerant.kinds(), silent_later.kinds(), unwatched.kinds()) == (
        [],
        [],
        [("topic_silent", "orders")],
    )


def test_nothing_is_reported_before_the_minimum_history() -> None:
    world = Observed()
    world.rates["orders"] = stopping_at(20, constant(15.0), constant(0.0))

    world.ticks(DAY)

    assert world.kinds() == []


def test_a_shortened_interval_reports_after_a_minute() -> None:
    world = Observed(interval_seconds=5.0)
    stop = MONDAY + timedelta(seconds=70)
    world.rates["orders"] = lambda now: 2.0 if now <= stop else 0.0

    world.ticks(14)
    assert world.kinds() == []
    world.ticks(2)

    assert world.reported[0].details == "orders: 0 records/s for 10 s, usually 2 in the 65 s before"
