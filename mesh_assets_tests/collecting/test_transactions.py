"""The section of transactions, and what it says about the counts of topics."""

from typing import Any, Literal

import pytest
from msgspec.structs import replace

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.parts import Unread
from mesh_assets.inventory.sections import (
    Section,
    SectionName,
    SectionState,
    TopicsSection,
    TransactionsSection,
)
from mesh_assets.inventory.transaction_records import TopicProducers
from mesh_assets_tests.collecting.cluster_fakes import NO_TRANSACTIONS, FakeKafka, a_cluster, opened
from mesh_assets_tests.documents import a_document, a_topic, some_transactions

TRANSACTIONAL = replace(
    NO_TRANSACTIONS,
    producers=(TopicProducers(topic="orders", by_partition=(2,), transactional=True),),
)


def collected(kafka: FakeKafka, previous: Document | None = None) -> dict[SectionName, Section]:
    return collect_sections(
        a_cluster(),
        ["topics", "transactions"],
        previous=lambda _: previous,
        clients=opened(kafka),
        sleep=lambda _: None,
    )


def counts(sections: dict[SectionName, Section]) -> dict[str, str]:
    topics = sections["topics"]
    assert isinstance(topics, TopicsSection)
    return {topic.name: topic.details.message_count_is for topic in topics.records}


def a_kafka(**fields: Any) -> FakeKafka:
    """Two topics whose records retention removes."""
    return FakeKafka(topics={"orders": [10], "users": [10]}, **fields)


def test_a_count_is_an_upper_bound_where_transactions_write() -> None:
    sections = collected(a_kafka(known_transactions=TRANSACTIONAL))

    assert counts(sections) == {"orders": "upper_bound", "users": "exact_without_transactions"}


@pytest.mark.parametrize(
    ("policy", "count_is"), [("delete", "upper_bound"), ("compact", "exact_without_transactions")]
)
def test_a_count_stays_an_upper_bound_after_the_producer_is_forgotten_unless_compaction_was_the_reason(
    policy: str, count_is: Literal["upper_bound", "exact_without_transactions"]
) -> None:
    kafka = a_kafka()
    topic = next(one for one in kafka.metadata().topics if one.name == "orders")
    before = a_topic("orders")
    known = replace(
        before,
        id=topic.id,
        details=replace(before.details, cleanup_policy=policy, message_count_is="upper_bound"),
    )

    assert counts(collected(kafka, a_document(topics=(known,))))["orders"] == count_is


def test_unreadable_transactions_are_unknown_and_known_ones_are_kept() -> None:
    refused = {"open_transactions": Unread(reason="TOPIC_AUTHORIZATION_FAILED", expected=True)}

    new = collected(a_kafka(unread=refused))["transactions"]
    old = collected(a_kafka(unread=refused), a_document(transactions=some_transactions()))["transactions"]

    assert isinstance(new, TransactionsSection)
    assert isinstance(old, TransactionsSection)
    assert new.records is not None
    assert (new.state.status, new.records.open_transactions, new.records.unknown) == (
        "fresh",
        None,
        {"open_transactions": "TOPIC_AUTHORIZATION_FAILED"},
    )
    assert old.records is not None
    assert old.records.open_transactions == some_transactions().open_transactions
    assert [one.source for one in old.state.stale_sources] == ["open_transactions"]


def as_published(these: dict[SectionName, Section], **fields: Any) -> Document:
    """The document of these sections of one collection."""
    topics, transactions = these["topics"], these["transactions"]
    assert isinstance(topics, TopicsSection)
    assert isinstance(transactions, TransactionsSection)
    states: dict[SectionName, SectionState] = {"topics": topics.state, "transactions": transactions.state}
    known = {
        "topics": topics.records,
        "transactions": transactions.records,
        "tickets": dict.fromkeys(states, 1),
    }
    return a_document(**{"sections": states, **known, **fields})


def test_producers_are_requested_where_there_were_some_or_records_came_since() -> None:
    kafka = FakeKafka(
        topics={"orders": [10], "users": [10, 10], "clicks": [10]}, known_transactions=TRANSACTIONAL
    )
    previous = as_published(collected(kafka))
    kafka.topics = {**kafka.topics, "users": [10, 11], "new": [0]}

    collected(kafka, previous)

    assert kafka.asked_for_producers == [{"clicks", "orders", "users"}, {"new", "orders", "users"}]


@pytest.mark.parametrize(
    "fields",
    [
        {"tickets": {"topics": 1, "transactions": 2}},
        {"tickets": {}},
        {"transactions": replace(NO_TRANSACTIONS, producers=None)},
        {
            "sections": {
                name: SectionState(status="stale", collected_at=None) for name in ("topics", "transactions")
            }
        },
    ],
)
def test_producers_of_all_topics_are_requested_unless_there_were_certainly_none(
    fields: dict[str, Any],
) -> None:
    """Two readings may be out of order: what was written between them has moved no end since."""
    kafka = a_kafka()
    previous = as_published(collected(kafka), **fields)

    collected(kafka, previous)

    assert kafka.asked_for_producers[1] == {"orders", "users"}
