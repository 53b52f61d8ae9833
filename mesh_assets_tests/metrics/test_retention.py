"""How close a group is to losing unread records, by offsets and by age."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup
from mesh_assets.inventory.lag import lag_is, lag_records
from mesh_assets.inventory.records import GroupTopicRate, Topic
from mesh_assets.metrics.retention import group_topics
from mesh_assets.metrics.time_lag import TimeLag
from mesh_assets_tests.documents import a_topic
from mesh_assets_tests.metrics.groups import a_group


def at(*places: tuple[int, int, int]) -> ConsumerGroup:
    """Committed, start and end of the partitions of `orders`."""
    return replace(
        a_group(),
        offsets=tuple(
            CommittedOffset(
                topic="orders",
                partition=number,
                committed=committed,
                start=start,
                end=end,
                lag_records=lag_records(committed=committed, start=start, end=end),
                lag_is=lag_is(committed=committed, start=start, end=end),
            )
            for number, (committed, start, end) in enumerate(places)
        ),
    )


def a_deleted_topic(
    name: str = "orders", *, policy: str | None = "delete", retention_ms: str = "3600000"
) -> Topic:
    topic = a_topic(name)
    return replace(
        topic,
        details=replace(topic.details, cleanup_policy=policy),
        config={"retention.ms": retention_ms},
    )


def rows(
    group: ConsumerGroup,
    topic: Topic | None = None,
    time_lags: Mapping[tuple[str, str], TimeLag] | None = None,
) -> tuple[GroupTopicRate, ...]:
    return group_topics([group], [topic or a_deleted_topic()], time_lags=time_lags or {})


@pytest.mark.parametrize(
    ("places", "lag", "lost", "used"),
    [
        ([(150, 100, 200)], 50, 0, 50.0),
        ([(100, 100, 200)], 100, 0, 100.0),  # the next one to be removed is the next one to be read
        ([(40, 100, 200)], 100, 60, 100.0),
        ([(199, 100, 200), (120, 100, 200)], 81, 0, 80.0),  # on the partition that is nearest
        ([(40, 200, 200)], 0, 160, 100.0),  # none of its unread records is left
        ([(0, 0, 200)], 200, 0, None),  # retention has removed nothing yet
    ],
)
def test_lag_is_compared_with_what_the_log_still_holds(
    places: list[tuple[int, int, int]], lag: int, lost: int, used: float | None
) -> None:
    (row,) = rows(at(*places))

    assert (row.lag_records, row.lost_records, row.retention_used_percent) == (lag, lost, used)


def test_without_lag_or_loss_there_is_no_row() -> None:
    assert rows(at((200, 100, 200))) == ()


@pytest.mark.parametrize("policy", ["compact", None])
def test_a_compacted_topic_or_one_with_unknown_configs_has_no_share(
    policy: str | None,
) -> None:
    lags = {("g", "orders"): TimeLag(seconds=60.0, at_least_seconds=None)}

    (row,) = rows(at((150, 100, 200)), a_deleted_topic(policy=policy), lags)

    assert (row.lag_records, row.retention_used_percent, row.retention_left_seconds) == (50, None, None)


@pytest.mark.parametrize(
    ("retention_ms", "seconds", "left"),
    [("3600000", 600.0, 3000.0), ("3600000", 7200.0, 0.0), ("-1", 600.0, None), ("3600000", None, None)],
)
def test_the_next_record_is_kept_for_the_rest_of_the_retention(
    retention_ms: str, seconds: float | None, left: float | None
) -> None:
    lags = {("g", "orders"): TimeLag(seconds=seconds, at_least_seconds=60.0)}

    (row,) = rows(at((150, 100, 200)), a_deleted_topic(retention_ms=retention_ms), lags)

    assert (row.lag_seconds, row.retention_left_seconds) == (seconds, left)


def test_a_topic_excluded_by_the_estate_has_its_lag_and_no_share() -> None:
    (row,) = group_topics([at((150, 100, 200))], [], time_lags={})

    assert (row.lag_records, row.retention_used_percent) == (50, None)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_share_stays_between_zero_and_one_hundred_percent(committed: int, start: int, held: int) -> None:
    for row in rows(at((committed, start, start + held))):
        assert row.retention_used_percent is None or 0 <= row.retention_used_percent <= 100
        assert row.lag_records >= 0
