"""A history backfilled from the platform: what is usual is known at the first tick."""

import logging
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from mesh_assets.anomalies.watch import Watch, Watched
from mesh_assets.errors import UnreachableError
from mesh_assets.metrics.measurements import Asked, Measurement, RecordCounts
from mesh_assets.readings.reading import series_name
from mesh_assets_tests.anomalies.observed import Observed
from mesh_assets_tests.collecting.cluster_fakes import CLUSTER_ID

A_STEP = 3000
"""Records in five minutes at ten a second."""


@dataclass
class Platform:
    """Counts for every step of the topics it knows; `holes`: missing steps, counted from the newest."""

    topics: tuple[str, ...] = ("orders",)
    holes: frozenset[int] = frozenset()
    error: Exception | None = None
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)
    requests: int = 0
    stand_in: str | None = None

    def measure(self, asked: Asked) -> Measurement:
        raise NotImplementedError

    def record_counts(
        self, asked: Asked, *, begin: datetime, end: datetime, step_seconds: int
    ) -> RecordCounts:
        self.asked.append((begin, end))
        if self.error is not None:
            raise self.error
        steps = int((end - begin).total_seconds()) // step_seconds
        counts = tuple(None if steps - 1 - n in self.holes else A_STEP for n in range(steps))
        ends = tuple(begin.timestamp() + step_seconds * (n + 1) for n in range(steps))
        return RecordCounts(
            ends_at=ends, topics={topic: counts for topic in self.topics if topic in asked.topics}
        )


def watch(world: Observed, platform: Platform) -> Watched:
    """Like `Observed.watch`, with a platform that has a history."""
    watch = Watch(world.cluster, CLUSTER_ID, world.store, interval_seconds=world.interval_seconds)
    reading = world.reading()
    watch.look_back(reading, platform)
    watched = watch.judge(reading, running=lambda: world.running)
    watched.keep()
    world.begun += watched.begun
    return watched


def a_steady_world(**settings: float) -> Observed:
    world = Observed(interval_seconds=settings.get("interval_seconds", 300.0))
    world.rates = {"orders": lambda _: 10.0}
    world.pass_by(86_400)
    return world


def test_a_topic_that_stops_right_after_the_first_tick_is_noticed_within_minutes_not_a_day() -> None:
    world, platform = a_steady_world(), Platform()
    watch(world, platform)
    world.rates["orders"] = lambda _: 0.0
    for _ in range(6):
        world.pass_by(300)
        watch(world, platform)
    assert world.kinds() == [("topic_silent", "orders")]
    assert "usually 10 in the" in world.begun[0].sentence


def test_the_same_stop_goes_unreported_without_the_platforms_history() -> None:
    world = a_steady_world()
    world.watch()
    world.rates["orders"] = lambda _: 0.0
    world.ticks(6)
    assert world.begun == []


def test_the_platform_is_asked_once_for_a_day_that_ends_before_the_first_reading() -> None:
    world, platform = a_steady_world(), Platform()
    first = world.now
    watch(world, platform)
    for _ in range(3):
        world.pass_by(300)
        watch(world, platform)
    ((begin, end),) = platform.asked
    assert 86_000 < (end - begin).total_seconds() <= 86_400
    # A gap: what came between the last step and the first reading is unknown.
    assert 780 < (first - end).total_seconds() < 1_090
    assert end.timestamp() % 300 == 0


def test_backfilled_values_are_kept_as_readings() -> None:
    world, platform = a_steady_world(), Platform(holes=frozenset({1}))
    watch(world, platform)
    chunks = world.history.load(world.history.entries())
    column = [value for chunk in chunks for value in chunk.ends[series_name("orders", "")]]
    times = [time for chunk in chunks for time in chunk.times]
    assert times == sorted(times)
    assert len(times) == 287 + 1 + 1
    end = 10 * 86_400
    # The reading itself; the last step; a missing step, which leaves a place open; the step before that.
    assert column[-5:] == [end - 2 * A_STEP, None, end - A_STEP, end, end]


@pytest.mark.parametrize("interval", [5.0, 60.0])
def test_nothing_is_requested_at_an_interval_other_than_the_platforms(interval: float) -> None:
    world, platform = a_steady_world(interval_seconds=interval), Platform()
    watch(world, platform)
    assert platform.asked == []


def test_a_failing_platform_gives_a_warning_and_is_asked_again_at_the_next_tick(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world, platform = a_steady_world(), Platform(error=UnreachableError("busy"))
    with caplog.at_level(logging.WARNING):
        watch(world, platform)
    assert "warehouse: cannot fill the history from the platform's metrics: busy" in caplog.text
    platform.error = None
    world.pass_by(300)
    watch(world, platform)
    assert len(platform.asked) == 2
    assert len(world.history.entries()) > 20


def test_a_platform_without_history_is_left_alone_once_our_own_history_suffices() -> None:
    world, platform = a_steady_world(), Platform(topics=())
    for _ in range(30):
        watch(world, platform)
        world.pass_by(300)
    assert len(platform.asked) == 24
