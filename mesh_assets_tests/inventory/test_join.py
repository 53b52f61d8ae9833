from datetime import timedelta

from msgspec.structs import replace

from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.join import join_sections, settle_section, stale_section
from mesh_assets.inventory.records import ConnectorTopic, Topic, TopicSchema
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    ConsumerGroupsSection,
    MetricsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionState,
    TopicsSection,
)
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

LATER = MOMENT + timedelta(minutes=5)


def a_topics_section(*topics: Topic, state: SectionState = FRESH) -> TopicsSection:
    return TopicsSection(cluster_id="lkc-1", state=state, records=topics)


def five_sections(**given: Section) -> dict[SectionName, Section]:
    return {
        "topics": given.get("topics", a_topics_section()),
        "connectors": given.get("connectors", ConnectorsSection(cluster_id="lkc-1", state=FRESH, records=())),
        "schemas": given.get("schemas", SchemasSection(cluster_id="lkc-1", state=FRESH, records=())),
        "consumer_groups": given.get(
            "consumer_groups", ConsumerGroupsSection(cluster_id="lkc-1", state=FRESH, records=())
        ),
        "metrics": given.get("metrics", MetricsSection(cluster_id="lkc-1", state=FRESH, records=None)),
    }


def join(sections: dict[SectionName, Section], previous: Document | None = None) -> Document:
    return join_sections(
        sections,
        previous=previous,
        environment=EnvironmentIdentity(id="env-1", name="test"),
        cluster=ClusterIdentity(id="lkc-1", name="warehouse"),
        now=LATER,
        sequence=2,
        run_id="run-2",
    )


def fresh_at(minutes: int) -> SectionState:
    return SectionState(status="fresh", collected_at=MOMENT + timedelta(minutes=minutes))


def test_a_fresh_section_is_taken() -> None:
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


def test_a_section_that_was_not_part_of_the_run_keeps_what_is_known_and_is_not_called_fresh() -> None:
    sections = five_sections()
    del sections["connectors"]

    document = join(sections, a_document(connectors=(a_connector(),)))

    assert [connector.name for connector in document.connectors] == ["orders-sink"]
    assert document.sections["connectors"] == SectionState(
        status="stale", collected_at=MOMENT, error="not part of this run"
    )


def test_what_was_collected_earlier_and_published_later_does_not_overwrite_what_is_newer() -> None:
    latest = a_document(topics=(a_topic("new"),), sections={"topics": fresh_at(3)})

    document = join(five_sections(topics=a_topics_section(a_topic("old"), state=fresh_at(1))), latest)

    assert [topic.name for topic in document.topics] == ["new"]
    assert document.sections["topics"] == fresh_at(3)


def test_a_new_reading_ends_staleness() -> None:
    latest = a_document(topics=(a_topic("orders"),), sections={"topics": STALE})

    document = join(five_sections(topics=a_topics_section(a_topic("orders"), state=fresh_at(4))), latest)

    assert document.sections["topics"] == fresh_at(4)


def many_topics(count: int) -> tuple[Topic, ...]:
    return tuple(a_topic(f"topic-{number:02}") for number in range(count))


def settle(collected: Section, previous: Document, *, minutes: int) -> Section:
    return settle_section(
        "topics", collected, cluster_id="lkc-1", previous=previous, now=MOMENT + timedelta(minutes=minutes)
    )


def test_more_than_half_vanishing_at_once_is_held_back_with_the_reason() -> None:
    latest = a_document(topics=many_topics(20))

    section = settle(a_topics_section(*many_topics(9), state=fresh_at(1)), latest, minutes=1)

    assert isinstance(section, TopicsSection)
    assert section.records == latest.topics
    assert section.state.status == "stale"
    assert section.state.held_since == MOMENT + timedelta(minutes=1)
    assert (
        section.state.error
        == "11 of 20 topics were gone at once; held back until a reading after 16:51:02 UTC agrees"
    )


def test_a_held_disappearance_stays_held_until_ten_minutes_have_passed_and_is_then_believed() -> None:
    held = SectionState(
        status="stale", collected_at=MOMENT, error="held", held_since=MOMENT + timedelta(minutes=1)
    )
    latest = a_document(topics=many_topics(20), sections={"topics": held})
    few = a_topics_section(*many_topics(9), state=fresh_at(10))

    early = settle(few, latest, minutes=10)
    late = settle(few, latest, minutes=11)

    assert early.state.held_since == MOMENT + timedelta(minutes=1)
    assert len(early.records or ()) == 20  # type: ignore[arg-type]  # topics, not metrics
    assert late == few


def test_an_outage_during_a_hold_does_not_make_it_begin_again() -> None:
    held = SectionState(status="stale", collected_at=MOMENT, error="held", held_since=MOMENT)
    latest = a_document(topics=many_topics(20), sections={"topics": held})

    section = settle(a_topics_section(state=STALE), latest, minutes=5)

    assert section.state.held_since == MOMENT


def test_half_or_fewer_than_ten_may_vanish_at_once() -> None:
    half = a_topics_section(*many_topics(10), state=fresh_at(1))
    few = a_topics_section(state=fresh_at(1))

    assert settle(half, a_document(topics=many_topics(20)), minutes=1) == half
    assert settle(few, a_document(topics=many_topics(9)), minutes=1) == few


def test_a_section_that_is_not_configured_any_more_is_empty_without_being_stale() -> None:
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
