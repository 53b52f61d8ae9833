"""What a run read, joined with what was known: fresh sections are used, the others keep their last good data."""

import pytest
from msgspec.structs import replace

from mesh_assets.errors import ConflictError
from mesh_assets.inventory.records import ConnectorTopic, Topic, TopicSchema
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    ConsumerGroupsSection,
    SchemasSection,
    SectionState,
    TopicsSection,
)
from mesh_assets.joining.join import stale_section
from mesh_assets_tests.documents import (
    FRESH,
    MOMENT,
    NEVER_READ,
    STALE,
    a_connector,
    a_document,
    a_group,
    a_schema,
    a_topic,
)
from mesh_assets_tests.joining.joined import a_topics_section, five_sections, fresh_at, join, settle


def test_a_fresh_section_is_used() -> None:
    document = join(
        five_sections(topics=a_topics_section(a_topic("users"), a_topic("orders"))),
        a_document(topics=(a_topic("old"),)),
    )

    assert [topic.name for topic in document.topics] == ["orders", "users"]
    assert document.sections["topics"] == FRESH
    assert document.summary.total_topics == 2


def test_a_failed_section_keeps_the_last_good_data_of_the_latest_document() -> None:
    latest = a_document(topics=(a_topic("orders"),))
    failed = a_topics_section(state=SectionState(status="stale", collected_at=None, error="refused"))

    document = join(five_sections(topics=failed), latest)

    assert document.topics == latest.topics
    assert document.sections["topics"] == SectionState(status="stale", collected_at=MOMENT, error="refused")


def test_a_failed_section_that_was_never_read_is_stale_and_empty_and_says_so() -> None:
    section = stale_section("topics", "lkc-1", None, "refused")

    assert section == a_topics_section(
        state=SectionState(
            status="stale", collected_at=None, error="refused; never read before, so nothing is known"
        )
    )


@pytest.mark.parametrize("known", [False, True], ids=["nor by now", "but by another store"])
def test_a_failed_reading_without_knowledge_reports_the_state_at_publication(known: bool) -> None:
    failed = stale_section("topics", "lkc-1", None, "refused")
    latest = a_document(topics=(a_topic(),)) if known else None

    document = join(five_sections(topics=failed), latest)

    nothing = "" if known else "; never read before, so nothing is known"
    assert document.sections["topics"].error == f"refused{nothing}"
    assert len(document.topics) == known


def test_a_section_outside_the_run_keeps_what_is_known_and_is_not_called_fresh() -> None:
    sections = five_sections()
    del sections["connectors"]

    document = join(sections, a_document(connectors=(a_connector(),)))

    assert [connector.name for connector in document.connectors] == ["orders-sink"]
    assert document.sections["connectors"] == SectionState(
        status="stale", collected_at=MOMENT, error="not part of this run"
    )


def with_ticket(ticket: int, *topics: Topic, state: SectionState) -> TopicsSection:
    return replace(a_topics_section(*topics, state=state), ticket=ticket)


@pytest.mark.parametrize(
    "minutes", [1, 3, 5], ids=["by clock, too", "no clock knows", "the clock says otherwise"]
)
def test_what_was_collected_earlier_and_published_later_does_not_overwrite_newer_data(
    minutes: int,
) -> None:
    latest = replace(
        a_document(topics=(a_topic("new"),), sections={"topics": fresh_at(3)}), tickets={"topics": 8}
    )

    document = join(five_sections(topics=with_ticket(7, a_topic("old"), state=fresh_at(minutes))), latest)

    assert [topic.name for topic in document.topics] == ["new"]
    assert document.sections["topics"] == fresh_at(3)
    assert document.tickets == {"topics": 8}


@pytest.mark.parametrize("ticket", [9, None], ids=["a run", "a sensor, or one that nobody publishes"])
def test_a_newer_reading_is_used_though_its_clock_is_hours_behind(ticket: int | None) -> None:
    latest = replace(
        a_document(topics=(a_topic("old"),), sections={"topics": fresh_at(3)}), tickets={"topics": 8}
    )
    lagging = replace(a_topics_section(a_topic("new"), state=fresh_at(-180)), ticket=ticket)

    document = join(five_sections(topics=lagging), latest)

    assert [topic.name for topic in document.topics] == ["new"]
    assert document.sections["topics"] == fresh_at(-180)
    assert document.tickets == ({} if ticket is None else {"topics": ticket})


def test_an_older_failed_attempt_does_not_make_a_newer_reading_stale() -> None:
    latest = replace(
        a_document(topics=(a_topic("new"),), sections={"topics": fresh_at(3)}), tickets={"topics": 8}
    )

    document = join(five_sections(topics=with_ticket(7, state=STALE)), latest)

    assert document.sections["topics"] == fresh_at(3)


@pytest.mark.parametrize("known", [0, 1])
def test_a_reading_of_another_series_that_did_not_know_the_latest_snapshot_is_refused(known: int) -> None:
    latest = replace(a_document(topics=(a_topic("new"),), sequence=2), tickets={"topics": 3}, series="one")
    unknown = replace(a_topics_section(a_topic("old")), ticket=9, series="two", newest_known=known)

    with pytest.raises(ConflictError) as refused:
        join(five_sections(topics=unknown), latest)

    knew = "none was known" if known == 0 else "snapshot 1 was the newest that was known"
    assert str(refused.value) == (
        "warehouse: snapshot 2, which another store published or this one has lost, may hold a newer reading: "
        "when this run started reading, "
        f"{knew}; nothing is published, run the discovery again"
    )
    document = join({"topics": replace(unknown, newest_known=2)}, latest)
    assert [topic.name for topic in document.topics] == ["old"]
    # What it did not read is newer than nothing that began after it.
    assert (document.series, set(document.tickets.values())) == ("two", {9})


def test_a_new_reading_ends_staleness() -> None:
    latest = a_document(topics=(a_topic("orders"),), sections={"topics": STALE})

    document = join(five_sections(topics=a_topics_section(a_topic("orders"), state=fresh_at(4))), latest)

    assert document.sections["topics"] == fresh_at(4)


def test_a_section_no_longer_configured_is_empty_without_being_stale() -> None:
    gone = ConnectorsSection(
        cluster_id="lkc-1", state=SectionState(status="not_configured", collected_at=None), records=()
    )

    document = join(five_sections(connectors=gone), a_document(connectors=(a_connector(),)))

    assert document.connectors == ()
    assert document.sections["connectors"].status == "not_configured"


def test_topics_are_linked_with_their_subjects_and_connectors_and_nothing_similar() -> None:
    topics = a_topics_section(a_topic("orders"), a_topic("orders-v2"))
    schemas = SchemasSection(
        cluster_id="lkc-1",
        state=FRESH,
        records=(
            a_schema("orders-v2-value"),
            a_schema("orders-key"),
            a_schema("orders-shop.Order", record_name="shop.Order"),
            a_schema("order"),
        ),
    )
    by_pattern = a_connector("by-pattern", topics=(), topics_pattern="orders.*")
    unreadable = a_connector("unreadable", topics=(), topics_pattern="orders(")
    connectors = ConnectorsSection(
        cluster_id="lkc-1", state=FRESH, records=(a_connector(), by_pattern, unreadable)
    )

    document = join(five_sections(topics=topics, schemas=schemas, connectors=connectors))

    orders, orders_v2 = document.topics
    assert orders.schema == TopicSchema(key_subjects=("orders-key",), record_subjects=("orders-shop.Order",))
    assert orders.connectors == ("by-pattern", "orders-sink")
    assert orders_v2.schema == TopicSchema(value_subjects=("orders-v2-value",))
    assert orders_v2.connectors == ("by-pattern",)
    assert {schema.subject: schema.naming_strategy for schema in document.schemas} == {
        "order": "unknown",
        "orders-key": "topic",
        "orders-shop.Order": "topic_record",
        "orders-v2-value": "topic",
    }
    found = {connector.name: connector for connector in document.connectors}
    assert found["by-pattern"].topics == (
        ConnectorTopic(name="orders", known="declared"),
        ConnectorTopic(name="orders-v2", known="declared"),
    )
    assert found["unreadable"].topics == ()
    assert found["unreadable"].topics_note == "topics.regex 'orders(' could not be followed"


def test_everything_is_sorted_whatever_the_order_of_reading() -> None:
    groups = (a_group("b"), a_group("a"))
    one = join(
        five_sections(consumer_groups=ConsumerGroupsSection(cluster_id="lkc-1", state=FRESH, records=groups))
    )
    other = join(
        five_sections(
            consumer_groups=ConsumerGroupsSection(cluster_id="lkc-1", state=FRESH, records=groups[::-1])
        )
    )

    assert one == other
    assert replace(one, sequence=2) == one


def test_a_document_that_never_had_a_section_takes_the_first_reading_of_it() -> None:
    latest = a_document(sections={"topics": NEVER_READ})

    assert settle(a_topics_section(a_topic()), latest, minutes=0) == a_topics_section(a_topic())
