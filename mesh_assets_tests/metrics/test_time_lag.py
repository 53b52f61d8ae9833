import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.errors import StoreError
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.metrics.time_lag import EndReading, TimeLag, time_lags
from mesh_assets.readings.ends import KeptEnds
from mesh_assets.readings.reading import Reading, place_name, series_name
from mesh_assets_tests.metrics.groups import a_group
from mesh_assets_tests.snapshot.world import MemoryObjects

NOW = datetime(2026, 11, 23, 16, 40, tzinfo=UTC)
IDS = {"orders": "id-1", "users": "id-2"}


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def kept(*readings: tuple[datetime, dict[str, int]], objects: MemoryObjects | None = None) -> KeptEnds:
    """The ends of partition 0 of topics, stored reading by reading."""
    objects = objects or MemoryObjects()
    for read_at, ends in readings:
        reading = Reading(
            read_at=read_at,
            ends={},
            commits={},
            lags={},
            topics=frozenset(),
            groups=frozenset(),
            places={place_name(series_name(topic, IDS[topic]), 0): end for topic, end in ends.items()},
        )
        for write in KeptEnds(objects, "lkc-1").additions(reading):
            write()
    return KeptEnds(objects, "lkc-1")


def lag(
    group: ConsumerGroup,
    *,
    history: KeptEnds | None = None,
    earlier: EndReading | None = None,
    ids: dict[str, str] | None = None,
) -> TimeLag | None:
    return time_lags([group], read_at=NOW, topic_ids=ids or IDS, kept=history, earlier=earlier).groups.get(
        "g"
    )


class CountedObjects(MemoryObjects):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def get(self, key: str) -> tuple[bytes, str] | None:
        self.reads.append(key)
        return super().get(key)


EVERY_FIVE_MINUTES = tuple((ago(minutes=5 * n), {"orders": 1000 - 100 * n}) for n in range(9, 0, -1))
"""A log that grew by 100 every five minutes and stands at 1000 now; the first reading is 45 minutes old, at
100."""


def test_a_group_that_has_read_everything_has_no_time_lag() -> None:
    assert lag(a_group(("orders", 0, 1000, 1000))) == TimeLag(seconds=0.0, at_least_seconds=None)


def test_the_time_is_taken_between_the_two_readings_that_bracket_the_position() -> None:
    history = kept(*EVERY_FIVE_MINUTES)
    assert lag(a_group(("orders", 0, 800, 1000)), history=history) == TimeLag(
        seconds=600.0, at_least_seconds=None
    )
    assert lag(a_group(("orders", 0, 750, 1000)), history=history) == TimeLag(
        seconds=750.0, at_least_seconds=None
    )
    assert lag(a_group(("orders", 0, 975, 1000)), history=history) == TimeLag(
        seconds=75.0, at_least_seconds=None
    )


def test_while_a_log_stands_still_the_time_counts_from_its_next_record() -> None:
    history = kept(
        (ago(minutes=20), {"orders": 500}),
        (ago(minutes=15), {"orders": 500}),
        (ago(minutes=10), {"orders": 500}),
    )
    # The first unread record came between ten minutes ago and now, not twenty minutes ago.
    assert lag(a_group(("orders", 0, 500, 501)), history=history) == TimeLag(
        seconds=600.0, at_least_seconds=None
    )


def test_where_history_does_not_reach_there_is_only_a_lower_bound() -> None:
    assert lag(a_group(("orders", 0, 50, 1000)), history=kept(*EVERY_FIVE_MINUTES)) == TimeLag(
        seconds=None, at_least_seconds=2700.0
    )


def test_without_any_history_nothing_is_known() -> None:
    assert lag(a_group(("orders", 0, 50, 1000))) == TimeLag(seconds=None, at_least_seconds=None)
    assert lag(a_group(("orders", 0, 50, 1000)), history=kept()) == TimeLag(
        seconds=None, at_least_seconds=None
    )


def test_two_readings_too_far_apart_give_a_lower_bound_and_no_guess() -> None:
    history = kept((ago(hours=6), {"orders": 100}), (ago(minutes=5), {"orders": 900}))
    assert lag(a_group(("orders", 0, 500, 1000)), history=history) == TimeLag(
        seconds=None, at_least_seconds=300.0
    )


def test_for_a_lag_of_days_an_hour_between_readings_is_close_enough() -> None:
    history = kept(*((ago(hours=n), {"orders": 10_000 - 100 * n}) for n in range(60, 0, -1)))
    assert lag(a_group(("orders", 0, 5_050, 10_000)), history=history) == TimeLag(
        seconds=49.5 * 3600, at_least_seconds=None
    )


def test_the_previous_document_serves_as_a_reading_too() -> None:
    earlier = EndReading(read_at=ago(minutes=10), ends={"orders": {0: 400}})
    assert lag(a_group(("orders", 0, 700, 1000)), earlier=earlier) == TimeLag(
        seconds=300.0, at_least_seconds=None
    )
    history = kept((ago(minutes=14), {"orders": 0}))
    assert lag(a_group(("orders", 0, 300, 1000)), history=history, earlier=earlier) == TimeLag(
        seconds=660.0, at_least_seconds=None
    )


def test_a_group_is_as_late_as_on_its_slowest_partition() -> None:
    history = kept(*((read_at, {**ends, "users": ends["orders"]}) for read_at, ends in EVERY_FIVE_MINUTES))
    group = a_group(("orders", 0, 900, 1000), ("users", 0, 600, 1000), ("orders", 1, None, 10))
    assert lag(group, history=history) == TimeLag(seconds=1200.0, at_least_seconds=None)


def test_one_unknown_partition_leaves_a_lower_bound() -> None:
    history = kept(*EVERY_FIVE_MINUTES)
    assert lag(a_group(("orders", 0, 900, 1000), ("users", 0, 5, 10)), history=history) == TimeLag(
        seconds=None, at_least_seconds=300.0
    )
    assert lag(a_group(("orders", 0, 900, 1000), ("users", 0, 5, None)), history=history) == TimeLag(
        seconds=None, at_least_seconds=300.0
    )


def test_a_recreated_topic_is_not_measured_by_its_namesake() -> None:
    history = kept(*EVERY_FIVE_MINUTES)
    found = lag(a_group(("orders", 0, 800, 1000)), history=history, ids={"orders": "another"})
    assert found == TimeLag(seconds=None, at_least_seconds=None)


def test_a_truncated_log_gives_no_more_than_what_is_known_since() -> None:
    history = kept((ago(minutes=10), {"orders": 5000}), (ago(minutes=5), {"orders": 400}))
    assert lag(a_group(("orders", 0, 300, 1000)), history=history) == TimeLag(
        seconds=None, at_least_seconds=300.0
    )


def test_a_group_without_commits_has_no_time_lag_at_all() -> None:
    assert lag(a_group()) is None


def test_groups_far_behind_are_found_in_the_oldest_reading_without_reading_the_others() -> None:
    objects = CountedObjects()
    kept(*((ago(minutes=5 * n), {"orders": 1000 - n}) for n in range(100, 0, -1)), objects=objects)
    objects.reads.clear()
    found = lag(a_group(("orders", 0, 5, 1000)), history=KeptEnds(objects, "lkc-1"))
    assert found == TimeLag(seconds=None, at_least_seconds=30_000.0)
    assert len(objects.reads) == 1


def test_the_last_day_is_kept_reading_by_reading_and_the_last_two_weeks_by_the_hour() -> None:
    objects = MemoryObjects()
    kept(
        *((ago(minutes=10 * n), {"orders": 100_000 - n}) for n in range(20 * 24 * 6, 0, -1)), objects=objects
    )
    moments = [read_at for read_at, _, _ in KeptEnds(objects, "lkc-1").backwards()]
    apart = [(later - earlier).total_seconds() / 60 for later, earlier in itertools.pairwise(moments)]
    assert moments == sorted(moments, reverse=True)
    assert set(apart[: 24 * 6 - 1]) == {10.0}
    assert apart[-1] == 60.0
    assert 14 <= (NOW - moments[-1]).days <= 15


def test_damaged_readings_are_an_error_that_names_the_object() -> None:
    objects = MemoryObjects()
    history = kept(*EVERY_FIVE_MINUTES, objects=objects)
    for key in list(objects.data):
        objects.put(key, b"broken")
    with pytest.raises(StoreError, match="ends/"):
        lag(a_group(("orders", 0, 800, 1000)), history=history)


GROWTH = st.tuples(st.integers(0, 20), st.integers(0, 20))
BEHIND = st.tuples(st.integers(0, 60), st.integers(0, 60))


@given(st.lists(GROWTH, max_size=5), GROWTH, st.lists(BEHIND, min_size=1, max_size=4), st.booleans())
def test_many_groups_that_wait_are_as_late_as_each_is_alone(
    grown: list[tuple[int, int]], since: tuple[int, int], behind: list[tuple[int, int]], known_before: bool
) -> None:
    ends = {"orders": 10, "users": 10}
    readings: list[tuple[datetime, dict[str, int]]] = []
    for number, (orders, users) in enumerate(grown):
        ends = {"orders": ends["orders"] + orders, "users": ends["users"] + users}
        readings.append((ago(minutes=7 * (len(grown) - number)), ends))
    history = kept(*readings)
    now = {"orders": ends["orders"] + since[0], "users": ends["users"] + since[1]}
    earlier = EndReading(read_at=ago(hours=2), ends={"orders": {0: 5}, "users": {}}) if known_before else None
    groups = [
        a_group(
            *(
                (topic, 0, max(0, now[topic] - each), now[topic])
                for topic, each in zip(now, both, strict=True)
            ),
            group_id=f"g-{number}",
        )
        for number, both in enumerate(behind)
    ]
    together = time_lags(groups, read_at=NOW, topic_ids=IDS, kept=history, earlier=earlier)
    for group in groups:
        alone = time_lags([group], read_at=NOW, topic_ids=IDS, kept=history, earlier=earlier)
        assert together.groups[group.group_id] == alone.groups[group.group_id]
        assert {key: one for key, one in together.topics.items() if key[0] == group.group_id} == alone.topics
