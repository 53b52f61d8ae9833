from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.errors import ConflictError
from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.records import ConnectorTopic, Topic, TopicSchema
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    ConsumerGroupsSection,
    HostClock,
    MetricsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionState,
    TopicsSection,
)
from mesh_assets.joining.join import join_sections, settle_section, stale_section
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


@pytest.mark.parametrize("known", [False, True], ids=["nor by now", "but by another store"])
def test_a_reading_that_failed_and_knew_nothing_says_what_holds_when_it_is_published(known: bool) -> None:
    failed = stale_section("topics", "lkc-1", None, "refused")
    latest = a_document(topics=(a_topic(),)) if known else None

    document = join(five_sections(topics=failed), latest)

    nothing = "" if known else "; never read before, so nothing is known"
    assert document.sections["topics"].error == f"refused{nothing}"
    assert len(document.topics) == known


def test_a_section_that_was_not_part_of_the_run_keeps_what_is_known_and_is_not_called_fresh() -> None:
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
def test_what_was_collected_earlier_and_published_later_does_not_overwrite_what_is_newer(
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
def test_a_newer_reading_is_taken_though_its_clock_is_hours_behind(ticket: int | None) -> None:
    latest = replace(
        a_document(topics=(a_topic("old"),), sections={"topics": fresh_at(3)}), tickets={"topics": 8}
    )
    lagging = replace(a_topics_section(a_topic("new"), state=fresh_at(-180)), ticket=ticket)

    document = join(five_sections(topics=lagging), latest)

    assert [topic.name for topic in document.topics] == ["new"]
    assert document.sections["topics"] == fresh_at(-180)
    assert document.tickets == ({} if ticket is None else {"topics": ticket})


def test_an_older_attempt_that_failed_does_not_make_a_newer_reading_stale() -> None:
    latest = replace(
        a_document(topics=(a_topic("new"),), sections={"topics": fresh_at(3)}), tickets={"topics": 8}
    )

    document = join(five_sections(topics=with_ticket(7, state=STALE)), latest)

    assert document.sections["topics"] == fresh_at(3)


@pytest.mark.parametrize("known", [0, 1])
def test_a_reading_of_another_order_that_did_not_know_the_latest_snapshot_is_refused(known: int) -> None:
    latest = replace(a_document(topics=(a_topic("new"),), sequence=2), tickets={"topics": 3}, series="one")
    unknown = replace(a_topics_section(a_topic("old")), ticket=9, series="two", newest_known=known)

    with pytest.raises(ConflictError) as refused:
        join(five_sections(topics=unknown), latest)

    knew = "none was known" if known == 0 else "snapshot 1 was the newest that was known"
    assert str(refused.value) == (
        "warehouse: snapshot 2, which another store published or this one has lost, may hold a newer reading: when this run began to read, "
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


def many_topics(count: int) -> tuple[Topic, ...]:
    return tuple(a_topic(f"topic-{number:02}") for number in range(count))


def settle(collected: Section, previous: Document, *, minutes: int) -> Section:
    return settle_section(
        "topics", collected, cluster_id="lkc-1", previous=previous, now=MOMENT + timedelta(minutes=minutes)
    )


def names(section: Section) -> list[str]:
    assert isinstance(section, TopicsSection)
    return sorted(topic.name for topic in section.records)


def after(previous: Document, section: Section) -> Document:
    """The document that a run leaves which settled the topics so."""
    assert isinstance(section, TopicsSection)
    return replace(
        previous,
        topics=section.records,
        sections={**previous.sections, "topics": section.state},
        held={"topics": section.held},
    )


def reading(*topics: Topic, minutes: int) -> TopicsSection:
    return a_topics_section(*topics, state=fresh_at(minutes))


def test_more_than_half_vanishing_at_once_is_held_back_with_the_reason() -> None:
    latest = a_document(topics=many_topics(20))

    section = settle(reading(*many_topics(9), minutes=1), latest, minutes=2)

    assert isinstance(section, TopicsSection)
    assert section.records == latest.topics
    assert section.state.status == "stale"
    assert section.state.held_since == MOMENT + timedelta(minutes=1)
    assert (
        section.state.error
        == "11 of 20 topics were gone at once; held back until a reading after 16:51:02 UTC agrees"
    )


def test_a_held_disappearance_is_believed_once_a_reading_ten_minutes_later_lacks_the_same() -> None:
    latest = a_document(topics=many_topics(20))
    held = after(latest, settle(reading(*many_topics(9), minutes=1), latest, minutes=1))

    early = settle(reading(*many_topics(9), minutes=10), held, minutes=10)
    late = settle(reading(*many_topics(9), minutes=11), held, minutes=11)

    assert (early.state.status, early.state.held_since) == ("stale", MOMENT + timedelta(minutes=1))
    assert len(names(early)) == 20
    assert late == reading(*many_topics(9), minutes=11)


def test_the_same_reading_published_again_confirms_nothing_however_late() -> None:
    latest = a_document(topics=many_topics(20))
    first = reading(*many_topics(9), minutes=1)
    held = after(latest, settle(first, latest, minutes=1))

    again = settle(first, held, minutes=600)

    assert again.state.status == "stale"
    assert len(names(again)) == 20


def test_a_clock_that_was_set_back_neither_believes_a_disappearance_at_once_nor_holds_it_until_it_catches_up() -> (
    None
):
    latest = a_document(topics=many_topics(20))
    held = after(latest, settle(reading(*many_topics(9), minutes=60), latest, minutes=60))

    back = settle(reading(*many_topics(9), minutes=1), held, minutes=1)
    confirmed = settle(reading(*many_topics(9), minutes=11), after(held, back), minutes=11)

    assert (back.state.status, back.state.held_since) == ("stale", MOMENT + timedelta(minutes=1))
    assert confirmed == reading(*many_topics(9), minutes=11)


def by_a_clock(section: TopicsSection, *, machine: str, real: float, ahead: float) -> TopicsSection:
    """The reading as a machine takes it after `real` minutes, whose time of day is wrong by so many minutes."""
    now = MOMENT + timedelta(minutes=real + ahead)
    return replace(
        section,
        state=replace(section.state, collected_at=now),
        clock=HostClock(machine=machine, taken_at=now, began_at=MOMENT + timedelta(minutes=ahead - 1000)),
    )


@settings(deadline=None)
@example([(1, 60)])
@example([(9.9, 60), (0.05, 0), (0.1, 0)])
@example([(9, -600), (1, 600)])
@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from([0, 9, 60, -60, 600, -600])), max_size=5))
def test_a_clock_that_is_set_ends_no_hold_and_makes_none_longer(
    readings: list[tuple[float, float]],
) -> None:
    def settled(latest: Document, real: float, ahead: float) -> Document:
        section = by_a_clock(reading(*many_topics(9), minutes=0), machine="one", real=real, ahead=ahead)
        return join({"topics": section}, latest)

    real, ahead = 1.0, 0.0
    document = settled(a_document(topics=many_topics(20)), real, ahead)
    for minutes, step in readings:
        real, ahead = real + minutes, ahead + step
        document = settled(document, real, ahead)
        if abs(real - 11) > 0.001:
            assert (len(document.topics) == 9) == (real > 11), "ten minutes of the machine's own"
        if real > 11:
            break


def test_a_hold_of_another_machine_begins_anew_once_and_then_the_time_of_day_decides() -> None:
    def settled(latest: Document, machine: str, real: float) -> Document:
        section = by_a_clock(reading(*many_topics(9), minutes=0), machine=machine, real=real, ahead=0)
        return join({"topics": section}, latest)

    held = settled(a_document(topics=many_topics(20)), "one", 1)
    other = settled(held, "two", 30)
    soon = settled(other, "three", 35)
    late = settled(soon, "three", 40)

    assert [len(document.topics) for document in (held, other, soon, late)] == [20, 20, 20, 9]
    assert [document.hold_clocks["topics"].machine for document in (held, other, soon)] == [
        "one",
        "two",
        "three",
    ]
    assert late.hold_clocks == {}


def test_an_empty_second_reading_confirms_only_what_the_first_lacked_too() -> None:
    latest = a_document(topics=many_topics(20))
    held = after(latest, settle(reading(*many_topics(9), minutes=1), latest, minutes=1))

    second = settle(reading(minutes=11), held, minutes=11)
    confirmed = settle(reading(minutes=21), after(held, second), minutes=21)

    assert names(second) == [topic.name for topic in many_topics(9)]
    assert second.state.status == "fresh"
    assert second.state.error == (
        "9 topics that this reading lacks are kept until a reading after 17:01:02 UTC lacks them too"
    )
    assert names(confirmed) == []
    assert confirmed.state == fresh_at(21)


def test_a_second_reading_that_lacks_others_confirms_nothing() -> None:
    latest = a_document(topics=many_topics(30))
    held = after(latest, settle(reading(*many_topics(14), minutes=1), latest, minutes=1))

    second = settle(reading(*many_topics(30)[14:], minutes=11), held, minutes=11)
    third = settle(reading(*many_topics(14), minutes=21), after(held, second), minutes=21)

    assert (second.state.status, len(names(second))) == ("stale", 30)
    assert (third.state.status, len(names(third))) == ("stale", 30)


def test_what_is_back_in_the_second_reading_is_not_gone() -> None:
    latest = a_document(topics=many_topics(20))
    held = after(latest, settle(reading(minutes=1), latest, minutes=1))

    second = settle(reading(*many_topics(15), minutes=5), held, minutes=5)
    third = settle(reading(*many_topics(15), minutes=11), after(held, second), minutes=11)

    assert len(names(second)) == 20, "five are held, and nothing is lost"
    assert second.state.status == "fresh"
    assert third == reading(*many_topics(15), minutes=11)


def test_a_hold_of_an_earlier_version_which_did_not_keep_names_begins_again() -> None:
    state = SectionState(status="stale", collected_at=MOMENT, error="held", held_since=MOMENT)
    latest = a_document(topics=many_topics(20), sections={"topics": state})

    section = settle(reading(*many_topics(9), minutes=30), latest, minutes=30)

    assert (section.state.status, section.state.held_since) == ("stale", MOMENT + timedelta(minutes=30))


def test_connectors_of_the_same_name_on_two_endpoints_are_held_apart() -> None:
    latest = a_document(
        connectors=tuple(
            a_connector(f"sink-{number}", connect=connect) for connect in ("a", "b") for number in range(12)
        )
    )
    left = ConnectorsSection(cluster_id="lkc-1", state=fresh_at(1), records=(latest.connectors[0],))

    document = join(five_sections(connectors=left), latest)

    assert len(document.connectors) == 24
    assert len(document.held["connectors"]) == 23


def test_an_outage_during_a_hold_does_not_make_it_begin_again() -> None:
    latest = a_document(topics=many_topics(20))
    held = after(latest, settle(reading(*many_topics(9), minutes=1), latest, minutes=1))

    outage = settle(a_topics_section(state=STALE), held, minutes=5)
    section = settle(reading(*many_topics(9), minutes=11), after(held, outage), minutes=11)

    assert outage.state.held_since == MOMENT + timedelta(minutes=1)
    assert section == reading(*many_topics(9), minutes=11)


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
