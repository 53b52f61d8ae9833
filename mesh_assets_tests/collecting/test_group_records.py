"""What a group's positions mean in view of the previous document, and in the newer kinds of groups."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.collecting.group_records import KnownBefore, group_records, known_before
from mesh_assets.inventory.groups import CommittedOffset
from mesh_assets.inventory.groups import ConsumerGroup as GroupRecord
from mesh_assets.inventory.lag import is_lag_unknown, lag_notes
from mesh_assets.platforms.kafka import ConsumerGroup, OffsetsReading, PartitionOffsets, TopicMetadata
from mesh_assets.platforms.kafka.values import CommittedPartition, ShareOffset
from mesh_assets_tests.collecting.collected import a_kafka_group
from mesh_assets_tests.documents import MOMENT, a_document, a_topic

EDGES = {"orders": ((0, 10), (5, 20))}


def read(
    group: ConsumerGroup,
    before: GroupRecord | None = None,
    *,
    recreated: tuple[str, ...] = (),
    edges: Mapping[str, tuple[tuple[int, int], ...]] = EDGES,
) -> GroupRecord:
    known = KnownBefore({} if before is None else {before.group_id: before}, frozenset(recreated))
    offsets = OffsetsReading(
        read_at=MOMENT,
        topics={
            topic: tuple(
                PartitionOffsets(partition=number, earliest=start, latest=end)
                for number, (start, end) in enumerate(ones)
            )
            for topic, ones in edges.items()
        },
    )
    (record,) = group_records([group], offsets=offsets, before=known)
    return record


def said(record: GroupRecord) -> list[tuple[int | None, str | None]]:
    return [(one.lag_records, one.lag_is) for one in record.offsets or ()]


def test_an_offset_that_is_gone_has_expired_and_stays_so_until_the_group_commits_again() -> None:
    first = read(a_kafka_group(4, 7))
    second = read(a_kafka_group(4), first)
    third = read(a_kafka_group(4), second)

    assert said(first) == [(6, "known"), (13, "known")]
    assert said(second) == said(third) == [(6, "known"), (None, "expired")]
    assert not is_lag_unknown(third)
    assert said(read(a_kafka_group(4, 20), third)) == [(6, "known"), (0, "known")]
    assert lag_notes(third.offsets or ()) == (
        "no longer committed on 1 partition (orders[1]): Kafka dropped what had been committed there after "
        "offsets.retention.minutes, or somebody deleted it",
    )


def test_a_commit_from_before_the_topic_was_recreated_is_compared_with_nothing() -> None:
    first = read(a_kafka_group(4, 7))
    anew = read(a_kafka_group(4, 9), first, recreated=("orders",))
    still = read(a_kafka_group(4, 9), anew)

    assert said(anew) == said(still) == [(None, "topic_recreated"), (None, "topic_recreated")]
    assert (anew.total_lag_records, anew.lost_records, is_lag_unknown(anew)) == (None, None, True)
    assert lag_notes(still.offsets or ()) == (
        "committed on an earlier topic of the same name: 2 partitions (orders[0], orders[1]); it is unknown what waits "
        "on the present one",
    )
    assert said(read(a_kafka_group(6, 9), still)) == [(4, "known"), (None, "topic_recreated")]


def test_a_commit_that_went_back_or_came_first_belongs_to_the_new_topic() -> None:
    first = read(a_kafka_group(4, None))

    anew = read(a_kafka_group(2, 6), first, recreated=("orders",))

    assert said(anew) == [(8, "known"), (14, "known")]


def test_an_offset_of_the_deleted_topic_was_never_committed_on_the_new_one() -> None:
    first = read(a_kafka_group(4, 7))

    assert said(read(a_kafka_group(1), first, recreated=("orders",))) == [
        (9, "known"),
        (None, "never_committed"),
    ]


@pytest.mark.parametrize(
    ("before", "now", "recreated"),
    [("a", "b", {"orders"}), ("a", "a", set()), (None, "b", set()), ("a", None, set())],
)
def test_a_topic_counts_as_recreated_when_two_known_ids_differ(
    before: str | None, now: str | None, recreated: set[str]
) -> None:
    document = a_document(topics=(replace(a_topic("orders"), id=before),))
    topic = TopicMetadata(name="orders", id=now, internal=False, partitions=())

    assert known_before(document, now=[topic]).recreated == recreated
    assert known_before(None, now=[topic]).recreated == set()


def test_an_unreadable_commit_is_neither_present_nor_missing() -> None:
    group = replace(
        a_kafka_group(4),
        offsets=(
            CommittedPartition(
                topic="orders", partition=0, committed=None, error="TOPIC_AUTHORIZATION_FAILED: no"
            ),
        ),
    )

    record = read(group, read(a_kafka_group(4)))

    assert said(record) == [(None, "unreadable"), (None, "never_committed")]
    assert (record.error, is_lag_unknown(record)) == ("TOPIC_AUTHORIZATION_FAILED: no", True)


def a_share_group(*shares: ShareOffset) -> ConsumerGroup:
    return replace(
        a_kafka_group(), group_id="sharing", type="share", protocol_type="share", offsets=None, share=shares
    )


def test_the_lag_of_a_share_group_is_the_brokers_count_and_enters_its_total() -> None:
    record = read(
        a_share_group(
            ShareOffset(topic="orders", partition=0, start=4, lag_records=3),
            ShareOffset(topic="orders", partition=1, start=2, lag_records=15),
        )
    )

    assert record.offsets == (
        CommittedOffset(
            topic="orders", partition=0, committed=4, start=0, end=10, lag_records=3, lag_is="known"
        ),
        CommittedOffset(
            topic="orders", partition=1, committed=2, start=5, end=20, lag_records=15, lag_is="known"
        ),
    )
    assert (record.total_lag_records, record.topics, record.error) == (18, ("orders",), None)


def test_the_lag_of_a_share_group_is_unknown_where_brokers_do_not_count_it() -> None:
    record = read(
        a_share_group(
            ShareOffset(topic="orders", partition=0, start=4, lag_records=None),
            ShareOffset(topic="orders", partition=1, start=None, lag_records=None),
        )
    )

    assert said(record) == [(None, "not_counted"), (None, "never_committed")]
    assert (record.total_lag_records, is_lag_unknown(record)) == (None, True)
    assert lag_notes(record.offsets or ())[-1] == (
        "the brokers do not count the lag of a share group before Kafka 4.3: 1 partition (orders[0])"
    )


def test_an_unreadable_share_group_has_no_positions() -> None:
    group = replace(a_share_group(), share=None, error="GROUP_AUTHORIZATION_FAILED: no")

    record = read(group)

    assert (record.offsets, record.total_lag_records, is_lag_unknown(record)) == (None, None, True)


places = st.none() | st.integers(0, 30)


@given(
    earlier=places, committed=places, start=st.integers(0, 20), held=st.integers(0, 10), anew=st.booleans()
)
def test_a_lag_is_never_negative_and_always_has_its_meaning(
    earlier: int | None, committed: int | None, start: int, held: int, anew: bool
) -> None:
    edges = {"orders": ((start, start + held),)}
    before = read(a_kafka_group(earlier), edges=edges)

    record = read(a_kafka_group(committed), before, recreated=("orders",) if anew else (), edges=edges)

    (offset,) = record.offsets or ()
    counted = offset.lag_is in ("known", "records_lost")
    assert (offset.lag_records is not None) == counted == (offset.lost_records is not None)
    assert 0 <= (offset.lag_records or 0) <= held
    if counted:
        assert committed is not None
        lost = offset.lost_records or 0
        assert committed + lost + (offset.lag_records or 0) == start + held
