"""Consumer groups: what they lost, what they are about to lose, and which are no longer needed."""

from typing import Any

from msgspec.structs import replace

from mesh_assets.estate.findings import FindingThresholds
from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup, LagIs
from mesh_assets.inventory.lag import lag_is as known_lag_is
from mesh_assets.inventory.lag import lag_records
from mesh_assets.inventory.records import GroupTopicRate
from mesh_assets_tests.documents import STALE, a_group, a_metrics
from mesh_assets_tests.findings.cases import a_log, found, now, then

SINCE = "2026-11-23 16:40 UTC"


def standing(
    start: int, committed: int | None, end: int, *, lag_is: LagIs | None = None, **fields: Any
) -> ConsumerGroup:
    offset = CommittedOffset(
        topic="orders",
        partition=0,
        start=start,
        committed=committed,
        end=end,
        lag_records=(lag := lag_records(committed=committed, start=start, end=end)),
        lag_is=lag_is or known_lag_is(committed=committed, start=start, end=end),
    )
    return a_group("billing", offsets=(offset,), total_lag_records=lag, **fields)


def test_records_that_retention_removed_unread_are_lost() -> None:
    assert found(now(consumer_groups=(standing(500, 100, 900),)), "records_lost") == [
        "billing: 400 records of orders[0] removed by retention before the group read them"
    ]
    assert found(now(consumer_groups=(standing(500, 500, 900),)), "records_lost") == []
    assert found(now(consumer_groups=(standing(500, None, 900),)), "records_lost") == []


def near(*rates: GroupTopicRate, **thresholds: Any) -> list[str]:
    document = now(metrics=replace(a_metrics(), group_topics=rates))
    return found(document, "near_retention", thresholds=FindingThresholds(**thresholds))


def a_rate(**fields: Any) -> GroupTopicRate:
    return GroupTopicRate(**{"group_id": "billing", "topic": "orders", "lag_records": 900, **fields})


def test_a_group_with_most_of_the_log_left_to_read_is_near_retention() -> None:
    assert near(a_rate(retention_used_percent=90.0)) == [
        "billing: close to losing records to retention: 90% of what a partition of orders still holds waits for it"
    ]
    assert near(a_rate(retention_used_percent=79.9)) == []
    assert near(a_rate(retention_used_percent=90.0), retention_share=0.95) == []
    assert near(a_rate(retention_used_percent=90.0), retention_records=901) == []
    assert near(a_rate(retention_used_percent=None)) == []


def test_a_lag_nearly_as_old_as_the_retention_is_near_it() -> None:
    assert near(a_rate(lag_seconds=80_000.0, retention_left_seconds=6_400.0)) == [
        "billing: close to losing records to retention: its lag on orders is 22 h old, and retention leaves it 2 h"
    ]
    assert near(a_rate(lag_seconds=3_600.0, retention_left_seconds=82_800.0)) == []
    assert near(a_rate(lag_seconds=90_000.0, retention_left_seconds=-3_600.0)) == [
        "billing: close to losing records to retention: its lag on orders is 25 h old, and retention leaves it 0 s"
    ]


def test_a_group_is_near_retention_once_by_its_nearest_topic() -> None:
    [sentence] = near(
        a_rate(topic="users", retention_used_percent=85.0), a_rate(retention_used_percent=99.0), a_rate()
    )
    assert "99% of what a partition of orders" in sentence


def test_a_position_on_an_earlier_topic_of_that_name_is_useless() -> None:
    group = standing(0, 5, 10, lag_is="topic_recreated")
    assert found(now(consumer_groups=(group,)), "group_beyond_end") == [
        "billing: committed on an earlier topic of the same name: orders[0]"
    ]


def test_a_group_without_members_or_progress_but_with_lag_for_a_week_is_abandoned() -> None:
    idle = standing(0, 10, 10, state="Empty")
    document, week_ago = now(consumer_groups=(idle,)), then(consumer_groups=(idle,))
    kept = {"topics": (a_log("orders", (0, 10)),)}
    document, week_ago = replace(document, **kept), replace(week_ago, **kept)
    assert found(document, "abandoned_group", a_week_ago=week_ago) == [
        f"billing: no members and no progress since at least {SINCE}"
    ]
    moved = replace(week_ago, consumer_groups=(standing(0, 9, 10, state="Empty"),))
    assert found(document, "abandoned_group", a_week_ago=moved) == []
    running = replace(week_ago, consumer_groups=(standing(0, 10, 10),))
    assert found(document, "abandoned_group", a_week_ago=running) == []
    assert found(document, "abandoned_group") == []
    workers = replace(document, consumer_groups=(replace(idle, protocol_type="connect"),))
    assert found(workers, "abandoned_group", a_week_ago=week_ago) == []


def test_a_group_is_orphaned_when_all_its_topics_are_gone() -> None:
    group = a_group("billing", topics=("orders", "users"))
    assert found(now(consumer_groups=(group,)), "orphaned_group") == [
        "billing: orders, users, which it read, are gone"
    ]
    assert found(now(consumer_groups=(group,), topics=(a_log("users", (0, 1)),)), "orphaned_group") == []
    assert found(now(consumer_groups=(group,), sections={"topics": STALE}), "orphaned_group") == []
    hidden = a_group("billing", topics=("__hidden",))
    assert found(now(consumer_groups=(hidden,)), "orphaned_group") == []
