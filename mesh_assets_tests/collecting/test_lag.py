"""Lag is what waits for a group: not what retention removed, and not a number where none is known."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from mesh_assets.collecting.group_records import group_records
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.errors import UnreachableError
from mesh_assets.findings.case import Case
from mesh_assets.findings.judge import judge
from mesh_assets.inventory.groups import CommittedOffset, LagIs
from mesh_assets.inventory.groups import ConsumerGroup as GroupRecord
from mesh_assets.inventory.lag import is_lag_unknown, lag_notes
from mesh_assets.inventory.sections import ConsumerGroupsSection
from mesh_assets.metrics.time_lag import EndReading, time_lags
from mesh_assets.platforms.kafka import GroupsReading, OffsetsReading, PartitionOffsets, ends_after
from mesh_assets_tests.collecting.cluster_fakes import FakeKafka, a_cluster, opened
from mesh_assets_tests.collecting.collected import a_kafka_group
from mesh_assets_tests.documents import a_document

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def a_record(*committed: int | None, edges: tuple[tuple[int | None, int | None], ...]) -> GroupRecord:
    offsets = OffsetsReading(
        read_at=NOW,
        topics={
            "orders": tuple(
                PartitionOffsets(partition=number, earliest=start, latest=end)
                for number, (start, end) in enumerate(edges)
            )
        },
    )
    (record,) = group_records((a_kafka_group(*committed),), offsets=offsets)
    return record


@pytest.mark.parametrize(
    ("committed", "start", "end", "lag", "lag_is", "lost"),
    [
        (4, 0, 10, 6, "known", 0),
        (10, 0, 10, 0, "known", 0),
        (8, 8, 10, 2, "known", 0),
        (4, 8, 10, 2, "records_lost", 4),  # retention removed 4 to 7
        (4, 10, 10, 0, "records_lost", 6),  # and everything else
        (12, 0, 10, None, "beyond_end", None),  # recreated or truncated
        (1, 0, 0, None, "beyond_end", None),
        (None, 0, 10, None, "never_committed", None),
        (4, None, 10, 6, "known", None),
        (4, 0, None, None, "end_unknown", None),
    ],
)
def test_lag_is_counted_from_the_first_record_that_still_exists(
    committed: int | None,
    start: int | None,
    end: int | None,
    lag: int | None,
    lag_is: LagIs,
    lost: int | None,
) -> None:
    record = a_record(committed, edges=((start, end),))

    assert record.offsets == (
        CommittedOffset(
            topic="orders",
            partition=0,
            committed=committed,
            start=start,
            end=end,
            lag_records=lag,
            lag_is=lag_is,
        ),
    )
    assert (record.total_lag_records, record.lost_records) == (lag, lost)


def test_partitions_without_a_commit_are_listed_without_a_lag() -> None:
    record = a_record(4, edges=((0, 10), (0, 500), (7, 7)))

    assert [
        (one.partition, one.committed, one.start, one.end, one.lag_records) for one in record.offsets or ()
    ] == [
        (0, 4, 0, 10, 6),
        (1, None, 0, 500, None),
        (2, None, 7, 7, None),
    ]
    assert record.total_lag_records == 6


def test_each_answer_without_a_number_of_records_has_its_sentence() -> None:
    record = a_record(12, 4, 3, edges=((0, 10), (8, 10), (0, 3), (0, 500)))

    assert lag_notes(record.offsets or ()) == (
        "beyond the end of 1 partition (orders[0]): the topic was recreated or truncated, and it is unknown what the group does there",
        "4 records removed by retention before the group read them",
        "nothing committed on 1 partition (orders[3])",
    )


@pytest.mark.parametrize(
    ("committed", "unknown"),
    [((4, 4), False), ((), False), ((4, None), False), ((4, 12), True), ((12, 12), True)],
)
def test_the_lag_of_a_group_beyond_an_end_is_unknown(
    committed: tuple[int | None, ...], unknown: bool
) -> None:
    record = a_record(*committed, edges=((0, 10), (0, 10)))

    assert is_lag_unknown(record) is unknown
    assert is_lag_unknown(replace(record, offsets=None))


def test_a_group_within_the_log_has_no_such_sentence() -> None:
    assert lag_notes(a_record(4, edges=((0, 10),)).offsets or ()) == ()


def test_a_group_beyond_the_end_is_a_finding() -> None:
    (finding,) = judge(Case(a_document(consumer_groups=(a_record(12, edges=((0, 10),)),))))

    assert (finding.kind, finding.severity, finding.resource) == ("group_beyond_end", "warning", "billing")
    assert finding.sentence == (
        "billing: committed beyond the end of orders[0]: the topic was recreated or truncated"
    )


def groups_of(kafka: FakeKafka) -> GroupRecord:
    section = collect_sections(
        a_cluster(),
        ["consumer_groups"],
        previous=lambda _: a_document(),
        clients=opened(kafka),
        sleep=lambda _: None,
    )["consumer_groups"]
    assert isinstance(section, ConsumerGroupsSection)
    (group,) = section.records
    return group


def test_a_consumer_that_passed_the_end_during_the_reading_is_not_beyond_it() -> None:
    kafka = FakeKafka(topics={"orders": [10]}, growth=5, consumer_groups=(a_kafka_group(12),))

    (offset,) = groups_of(kafka).offsets or ()

    assert (offset.committed, offset.end, offset.lag_records) == (12, 15, 3)


def test_a_consumer_that_stays_beyond_the_end_has_no_lag() -> None:
    kafka = FakeKafka(topics={"orders": [10, 10]}, consumer_groups=(a_kafka_group(12, 3),))

    group = groups_of(kafka)

    assert [offset.lag_records for offset in group.offsets or ()] == [None, 7]
    assert group.total_lag_records == 7


def test_an_unreadable_end_is_unknown_and_affects_nothing_else() -> None:
    offsets = OffsetsReading(
        read_at=NOW,
        topics={
            "orders": (
                PartitionOffsets(partition=0, earliest=0, latest=10),
                PartitionOffsets(partition=1, earliest=0, latest=10),
            )
        },
    )
    groups = GroupsReading(read_at=NOW, groups=(a_kafka_group(12, 4),))

    again = ends_after(FakeKafka(fail={"offsets": UnreachableError("away")}), offsets, groups)

    assert again.topics["orders"] == (
        PartitionOffsets(partition=0, earliest=None, latest=None, error="away"),
        PartitionOffsets(partition=1, earliest=0, latest=10),
    )


def test_ends_are_read_once_where_no_group_is_beyond_them() -> None:
    kafka = FakeKafka(topics={"orders": [10]}, consumer_groups=(a_kafka_group(10),))

    groups_of(kafka)

    assert kafka.requests["offsets"] == 1


def test_the_time_lag_is_that_of_the_oldest_existing_record_and_unknown_beyond_the_end() -> None:
    def lag_of(committed: int, start: int, end: int) -> float | None:
        group = a_record(committed, edges=((start, end),))
        earlier = EndReading(read_at=NOW - timedelta(minutes=10), ends={"orders": {0: 0}})
        return time_lags([group], read_at=NOW, topic_ids={}, earlier=earlier).groups["billing"].seconds

    assert lag_of(10, 0, 100) == 540.0
    assert lag_of(10, 50, 100) == 300.0
    assert lag_of(100, 0, 100) == 0.0
    assert lag_of(120, 0, 100) is None
