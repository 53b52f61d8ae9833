"""What agents learn about groups of every kind, and how close these are to losing records."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from mesh_assets.agent_tools.consumer_groups import describe_consumer_group, list_consumer_groups
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.views import View
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import (
    CommittedOffset,
    GroupMember,
    StreamsMember,
    StreamsTasks,
    StreamsTopology,
    Subtopology,
)
from mesh_assets.inventory.records import GroupRate, GroupTopicRate
from mesh_assets.inventory.sections import SectionState
from mesh_assets_tests.documents import (
    MOMENT,
    a_document,
    a_group,
    a_topic,
    an_open_transaction,
    some_metrics,
    some_transactions,
)


def known(document: Document) -> KnownEstate:
    view = View(document=document, source="latest", version="1")
    return cast(KnownEstate, SimpleNamespace(view=lambda *_, **__: view))


def test_a_group_near_retention_shows_what_it_lost_and_how_much_is_left() -> None:
    lost = CommittedOffset(
        topic="orders", partition=0, committed=40, start=100, end=200, lag_records=100, lag_is="records_lost"
    )
    group = a_group("billing", offsets=(lost,), topics=("orders",), total_lag_records=100, lost_records=60)
    metrics = some_metrics(
        consumer_groups=(
            GroupRate(
                group_id="billing",
                records_committed_per_second=None,
                lag_records=100,
                lost_records=60,
                retention_used_percent=100.0,
            ),
        ),
        group_topics=(
            GroupTopicRate(
                group_id="billing",
                topic="orders",
                lag_records=100,
                lost_records=60,
                retention_used_percent=100.0,
                retention_left_seconds=30.0,
            ),
        ),
    )
    estate = known(
        replace(a_document(topics=(a_topic("orders"),), consumer_groups=(group,)), metrics=metrics)
    )

    described = describe_consumer_group(estate, group="billing")
    [row] = list_consumer_groups(estate).consumer_groups

    assert (described.lag_records, described.lost_records, described.retention_used_percent) == (
        100,
        60,
        100.0,
    )
    [topic] = described.topics
    assert (topic.lost_records, topic.retention_used_percent, topic.retention_left_seconds) == (
        60,
        100.0,
        30.0,
    )
    assert described.notes == ["60 records removed by retention before the group read them"]
    assert (row.type, row.lost_records, row.retention_used_percent) == ("classic", 60, 100.0)


def test_a_streams_group_shows_its_topology_and_how_many_tasks_its_members_have() -> None:
    active = StreamsTasks(subtopology="0", role="active", partitions=(0, 1))
    member = GroupMember(
        member_id="m-1",
        client_id="totals",
        host="10.0.0.7",
        group_instance_id=None,
        assignment={"orders": (0, 1)},
        epoch=4,
        streams=StreamsMember(
            process_id="p",
            topology_epoch=1,
            tasks=(active, StreamsTasks(subtopology="1", role="standby", partitions=(2,))),
            target_tasks=(active,),
            task_lag_records={},
            client_tags={},
        ),
    )
    part = Subtopology(
        id="0",
        source_topics=("orders",),
        repartition_source_topics=("totals-repartition",),
        repartition_sink_topics=("totals-other",),
        changelog_topics=("totals-changelog",),
    )
    group = a_group(
        "totals",
        type="streams",
        members=(member,),
        epoch=5,
        assignment_epoch=4,
        topology=StreamsTopology(epoch=1, subtopologies=(part,)),
    )

    described = describe_consumer_group(known(a_document(consumer_groups=(group,))), group="totals")

    assert (described.type, described.epoch, described.assignment_epoch) == ("streams", 5, 4)
    [row] = described.members or []
    assert (row.partitions, row.tasks, row.settled) == (2, {"active": 2, "standby": 1}, False)
    [shown] = described.subtopologies or []
    assert (shown.reads, shown.writes, shown.changelogs) == (
        ["orders", "totals-repartition"],
        ["totals-other"],
        ["totals-changelog"],
    )


def test_a_live_list_reads_groups_alone_and_says_what_it_leaves_out() -> None:
    metrics = some_metrics(
        consumer_groups=(
            GroupRate(
                group_id="billing",
                records_committed_per_second=None,
                lag_records=100,
                lag_seconds=60.0,
                retention_used_percent=100.0,
            ),
        )
    )
    document = replace(a_document(consumer_groups=(a_group("billing"),)), metrics=metrics)
    read: list[tuple[object, ...]] = []

    def view(*_: object, needs: tuple[object, ...]) -> View:
        read.append(needs)
        return View(document=document, source="live", version="1")

    page = list_consumer_groups(cast(KnownEstate, SimpleNamespace(view=view)), source="live")

    assert read == [("consumer_groups",)]
    [row] = page.consumer_groups
    assert (row.group_id, row.lag_seconds, row.retention_used_percent) == ("billing", None, None)
    assert (
        "lag in seconds and the share of retention used are not read for a live list" in page.about.notes[-1]
    )


WAITING = CommittedOffset(topic="orders", partition=0, committed=5, end=10, lag_records=5, lag_is="known")


@pytest.mark.parametrize(
    ("starts", "committed", "undecided"),
    [
        ([8], 5, 2),  # it can read up to 8
        ([8, 6], 5, 4),
        ([3], 5, 5),  # it has read on without waiting, and whatever follows is undecided
        ([8], 9, 1),
        ([12], 5, None),  # begun after the end was read
        ([], 5, None),
    ],
)
def test_the_lag_says_how_much_open_transactions_withhold_from_committed_readers(
    starts: list[int], committed: int, undecided: int | None
) -> None:
    offset = replace(WAITING, committed=committed, lag_records=10 - committed)
    group = a_group("billing", offsets=(offset, replace(WAITING, partition=1)))
    opened = tuple(an_open_transaction(start_offset=start) for start in starts)
    told = a_document(consumer_groups=(group,), transactions=some_transactions(open_transactions=opened))

    [topic] = describe_consumer_group(known(told), group="billing").topics

    assert (topic.lag_records, topic.undecided_records) == (15 - committed, undecided)


@pytest.mark.parametrize(
    "fields",
    [
        {"transactions": None},
        {"transactions": some_transactions(open_transactions=None)},
        {
            "transactions": some_transactions(),
            "sections": {
                "transactions": SectionState(status="stale", collected_at=MOMENT - timedelta(hours=1))
            },
        },
    ],
)
def test_undecided_records_are_left_out_where_they_were_not_read_with_the_group(
    fields: dict[str, Any],
) -> None:
    told = a_document(consumer_groups=(a_group("billing", offsets=(WAITING,)),), **fields)
    [topic] = describe_consumer_group(known(told), group="billing").topics
    assert topic.undecided_records is None


def test_the_lag_of_a_share_group_is_the_brokers_own_count() -> None:
    group = a_group("sharing", type="share", offsets=(WAITING,))
    transactions = some_transactions(open_transactions=(an_open_transaction(start_offset=8),))
    told = a_document(consumer_groups=(group,), transactions=transactions)
    [topic] = describe_consumer_group(known(told), group="sharing").topics
    assert topic.undecided_records is None
