"""What agents learn about how topics are stored."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Literal, cast

import pytest
from msgspec.structs import replace

from mesh_assets.agent_tools.topics import describe_topic, list_topics
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.views import View
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.storage_records import EligibleLeaders, Reassignment, TieredPartition, TopicStorage
from mesh_assets_tests.documents import a_document, a_topic


def known(*topics: Topic, **unknown: str) -> KnownEstate:
    view = View(document=a_document(topics=topics, topics_unknown=unknown), source="latest", version="1")
    belonging = SimpleNamespace(if_current=lambda *_, **__: None)
    profiles = SimpleNamespace(of=lambda *_: None)
    products = SimpleNamespace(latest=lambda: None)
    return cast(
        KnownEstate,
        SimpleNamespace(
            view=lambda *_, **__: view, belonging=belonging, profiles=profiles, products=products
        ),
    )


def moment(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


def stored(name: str, **storage: object) -> Topic:
    return replace(a_topic(name, partitions=2), storage=TopicStorage(**storage))  # type: ignore[arg-type]


def test_a_topic_on_the_move_shows_where_to_and_who_else_may_lead() -> None:
    orders = stored(
        "orders",
        leader_bytes=70,
        replica_bytes=210,
        oldest_record_at=moment(1),
        newest_record_at=moment(9),
        reassignments=(Reassignment(partition=1, adding=(4,), removing=(2,)),),
        eligible_leaders=(EligibleLeaders(partition=0, eligible=(3,), last_known=()),),
        tiered=(TieredPartition(partition=0, earliest_local=50, latest_tiered=49),),
    )
    described = describe_topic(known(orders, record_times="too old"), topic="orders")
    assert (described.retained_bytes, described.replica_bytes, described.reassigning_partitions) == (
        70,
        210,
        1,
    )
    assert (described.oldest_record_at, described.newest_record_at) == (moment(1), moment(9))
    assert described.unknown == {"record_times": "too old"}
    first, second = described.partition_details
    assert (first.eligible_leaders, first.last_known_leaders, first.adding) == ([3], [], None)
    assert (first.earliest_local, first.latest_tiered) == (50, 49)
    assert (second.adding, second.removing, second.eligible_leaders) == ([4], [2], None)


def test_unknown_values_are_left_out_and_not_zero() -> None:
    described = describe_topic(known(a_topic("orders")), topic="orders")
    assert (described.retained_bytes, described.reassigning_partitions, described.unknown) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["a", "b", "c", "d", "e"]),
        ("bytes", ["b", "a", "c", "d", "e"]),
        ("oldest", ["b", "a", "c", "d", "e"]),
        ("silent", ["a", "b", "c", "d", "e"]),
    ],
)
def test_topics_are_listed_by_size_or_age_with_unknown_ones_last(
    sort: Literal["name", "bytes", "oldest", "silent"], expected: list[str]
) -> None:
    estate = known(
        *(stored(name) for name in "cde"),
        stored("a", leader_bytes=5, oldest_record_at=moment(3), newest_record_at=moment(4)),
        stored("b", leader_bytes=9, oldest_record_at=moment(1), newest_record_at=moment(8)),
    )
    page = list_topics(estate, sort=sort, limit=3)
    assert [row.name for row in page.topics] == expected[:3]
    rest = list_topics(estate, sort=sort, limit=3, cursor=page.next_cursor)
    assert [row.name for row in rest.topics] == expected[3:]
