"""A mass disappearance is held back until a second reading lacks the same, whatever clocks do."""

from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.sections import ConnectorsSection, HostClock, Section, SectionState, TopicsSection
from mesh_assets_tests.documents import MOMENT, STALE, a_connector, a_document, a_topic
from mesh_assets_tests.joining.joined import a_topics_section, five_sections, fresh_at, join, settle


def many_topics(count: int) -> tuple[Topic, ...]:
    return tuple(a_topic(f"topic-{number:02}") for number in range(count))


def names(section: Section) -> list[str]:
    assert isinstance(section, TopicsSection)
    return sorted(topic.name for topic in section.records)


def after(previous: Document, section: Section) -> Document:
    """The document of a run that joined the topics this way."""
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
    """The reading of a machine after `real` minutes whose clock is wrong by that many minutes."""
    now = MOMENT + timedelta(minutes=real + ahead)
    return replace(
        section,
        state=replace(section.state, collected_at=now),
        clock=HostClock(machine=machine, taken_at=now, began_at=MOMENT + timedelta(minutes=ahead - 1000)),
    )


@example([(1, 60)])
@example([(9.9, 60), (0.05, 0), (0.1, 0)])
@example([(9, -600), (1, 600)])
@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from([0, 9, 60, -60, 600, -600])), max_size=5))
def test_setting_the_clock_neither_ends_nor_lengthens_a_hold(
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


def test_a_hold_of_another_machine_starts_over_once_and_then_wall_time_decides() -> None:
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
        "9 topics that this reading lacks are kept until a reading after 17:01:02 UTC also lacks them"
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


def test_what_the_second_reading_has_again_is_not_gone() -> None:
    latest = a_document(topics=many_topics(20))
    held = after(latest, settle(reading(minutes=1), latest, minutes=1))

    second = settle(reading(*many_topics(15), minutes=5), held, minutes=5)
    third = settle(reading(*many_topics(15), minutes=11), after(held, second), minutes=11)

    assert len(names(second)) == 20, "five are held, and nothing is lost"
    assert second.state.status == "fresh"
    assert third == reading(*many_topics(15), minutes=11)


def test_a_hold_of_an_earlier_version_without_names_starts_over() -> None:
    state = SectionState(status="stale", collected_at=MOMENT, error="held", held_since=MOMENT)
    latest = a_document(topics=many_topics(20), sections={"topics": state})

    section = settle(reading(*many_topics(9), minutes=30), latest, minutes=30)

    assert (section.state.status, section.state.held_since) == ("stale", MOMENT + timedelta(minutes=30))


def test_connectors_with_one_name_on_two_endpoints_are_held_separately() -> None:
    latest = a_document(
        connectors=tuple(
            a_connector(f"sink-{number}", connect=connect) for connect in ("a", "b") for number in range(12)
        )
    )
    left = ConnectorsSection(cluster_id="lkc-1", state=fresh_at(1), records=(latest.connectors[0],))

    document = join(five_sections(connectors=left), latest)

    assert len(document.connectors) == 24
    assert len(document.held["connectors"]) == 23


def test_an_outage_during_a_hold_does_not_restart_it() -> None:
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
