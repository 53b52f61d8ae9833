"""A Connect cluster that could not be read, together with edits of the estate and with a mass disappearance."""

from datetime import timedelta

from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import ConnectorsSection, SectionScope, SectionState, Source, StaleSource
from mesh_assets.joining.join import settle_section
from mesh_assets.sensing.observations.comparison import compare_section
from mesh_assets_tests.collecting.scopes import ONE, OTHER, SINK, Servers, endpoint, forty, kinds
from mesh_assets_tests.documents import MOMENT, a_connector, a_document

MOVED = "http://moved.test:8083"
BOTH = [endpoint(ONE, "main"), endpoint(OTHER, "second")]


def test_a_stale_source_keeps_the_estates_name_and_its_place_in_the_scope() -> None:
    servers = Servers(workers={ONE: {"a": SINK}, OTHER: forty()})
    before = servers.discover(connect=BOTH)
    del servers.workers[OTHER]

    after = servers.discover(before, connect=BOTH)

    state = after.sections["connectors"]
    assert [source.source for source in state.stale_sources] == ["second"]
    assert state.stale_sources[0].collected_at == before.sections["connectors"].collected_at
    assert (state.status, state.scope, state.scope_note) == (
        "fresh",
        before.sections["connectors"].scope,
        None,
    )
    assert (after.connectors, after.held, kinds(before, after)) == (before.connectors, {}, [])


def test_a_source_that_moves_without_answering_is_kept_until_it_answers_at_its_new_address() -> None:
    servers = Servers(workers={ONE: {"a": SINK}, OTHER: forty()})
    before = servers.discover(connect=BOTH)
    moved = [endpoint(ONE, "main"), endpoint(MOVED, "second")]

    away = servers.discover(before, connect=moved)
    servers.workers[MOVED] = {"sink-00": SINK, "new": SINK}
    back = servers.discover(away, connect=moved)

    assert away.connectors == before.connectors
    assert away.sections["connectors"].scope == before.sections["connectors"].scope
    assert kinds(before, away) == kinds(away, back) == []
    assert (away.sections["connectors"].scope_note, back.sections["connectors"].stale_sources) == (None, ())
    assert back.sections["connectors"].scope_note == (
        "out of scope: 39 connectors (sink-01, sink-02, sink-03 and 36 more), not reported as deleted; "
        "new in scope: 1 connector (new), not reported as created"
    )


def test_a_source_renamed_without_answering_is_kept_under_its_new_name() -> None:
    servers = Servers(workers={ONE: {"a": SINK}, OTHER: forty()})
    before = servers.discover(connect=BOTH)
    del servers.workers[OTHER]

    after = servers.discover(before, connect=[endpoint(ONE, "main"), endpoint(OTHER, "third")])

    assert {connector.connect for connector in after.connectors} == {"main", "third"}
    state = after.sections["connectors"]
    assert state.stale_sources[0].collected_at == before.sections["connectors"].collected_at
    assert kinds(before, after) == []
    assert state.scope_note == "endpoint second is called third now"


def test_a_source_that_answers_for_the_first_time_is_new_in_scope() -> None:
    servers = Servers(workers={ONE: {"a": SINK}})
    before = servers.discover(connect=BOTH)
    servers.workers[OTHER] = {"long there": SINK}

    after = servers.discover(before, connect=BOTH)

    assert before.sections["connectors"].stale_sources[0].collected_at is None
    assert kinds(before, after) == []
    assert after.sections["connectors"].scope_note == (
        "new in scope: 1 connector (long there), not reported as created"
    )


def test_a_source_without_connectors_was_read_all_the_same() -> None:
    servers = Servers(workers={ONE: {"a": SINK}, OTHER: {}})
    before = servers.discover(connect=BOTH)
    del servers.workers[OTHER]
    away = servers.discover(before, connect=BOTH)
    servers.workers[OTHER] = {"new": SINK}

    after = servers.discover(away, connect=BOTH)

    assert kinds(away, after) == [("created", "connector", "new")]


def test_a_source_removed_while_stale_is_out_of_scope() -> None:
    servers = Servers(workers={ONE: {"a": SINK}, OTHER: forty()})
    before = servers.discover(connect=BOTH)
    del servers.workers[OTHER]
    away = servers.discover(before, connect=BOTH)

    after = servers.discover(away, connect=[endpoint(ONE, "main")])

    assert [connector.name for connector in after.connectors] == ["a"]
    assert kinds(away, after) == []
    assert (after.sections["connectors"].scope_note or "").startswith("out of scope: 40 connectors (")


# With a mass disappearance


SCOPE = SectionScope(sources=(Source(name="main", address="one"), Source(name="second", address="other")))


def two_sources(main: int, second: int) -> Document:
    return a_document(
        connectors=tuple(
            a_connector(f"sink-{number:02}", connect=connect)
            for connect, count in (("main", main), ("second", second))
            for number in range(count)
        ),
        sections={"connectors": SectionState(status="fresh", collected_at=MOMENT, scope=SCOPE)},
    )


def without_second(main: int, *, minutes: int, stale: bool = True) -> ConnectorsSection:
    """A reading of `main`; `second` is dead, or has nothing."""
    sources = (StaleSource(source="second", collected_at=None, error="away"),) if stale else ()
    return ConnectorsSection(
        cluster_id="lkc-1",
        state=SectionState(
            status="fresh",
            collected_at=MOMENT + timedelta(minutes=minutes),
            scope=SCOPE,
            stale_sources=sources,
        ),
        records=tuple(a_connector(f"sink-{number:02}", connect="main") for number in range(main)),
    )


def settle(collected: ConnectorsSection, previous: Document) -> tuple[ConnectorsSection, Document]:
    assert collected.state.collected_at is not None
    section = settle_section(
        "connectors", collected, cluster_id="lkc-1", previous=previous, now=collected.state.collected_at
    )
    assert isinstance(section, ConnectorsSection)
    return section, replace(
        previous,
        connectors=section.records,
        sections={**previous.sections, "connectors": section.state},
        held={"connectors": section.held} if section.held else {},
    )


def test_the_connectors_of_a_dead_source_are_not_held_and_do_not_hide_what_the_other_lost() -> None:
    before = two_sources(12, 100)

    section, after = settle(without_second(1, minutes=1), before)

    assert section.state.status == "stale"
    assert {identity.split("\n")[0] for identity in section.held} == {"main"}
    assert len(section.held) == 11
    assert (section.state.error or "").startswith("11 of 12 connectors were gone at once")
    assert "those of second are the last known: away" in (section.state.error or "")
    assert len(section.records) == 112
    assert diff_documents(before, after) == ()


def test_what_the_other_source_lost_is_believed_in_time_while_one_is_dead() -> None:
    _, held = settle(without_second(1, minutes=1), two_sources(12, 30))

    section, after = settle(without_second(1, minutes=11), held)

    assert (section.state.status, section.held) == ("fresh", {})
    assert len(section.records) == 31
    assert {change.kind for change in diff_documents(held, after)} == {"deleted"}
    assert section.state.stale_sources[0].collected_at == MOMENT


def test_a_hold_on_a_source_continues_while_it_is_dead() -> None:
    _, held = settle(without_second(5, minutes=1, stale=False), two_sources(5, 20))
    assert len(held.held["connectors"]) == 20

    away, during = settle(without_second(5, minutes=5), held)
    back, after = settle(without_second(5, minutes=11, stale=False), during)

    assert (away.state.status, len(away.records), away.held) == ("fresh", 25, held.held["connectors"])
    assert away.state.held_since == MOMENT + timedelta(minutes=1)
    assert diff_documents(held, during) == ()
    assert (len(back.records), back.held, back.state.held_since) == (5, {}, None)
    assert len(diff_documents(during, after)) == 20


def test_a_dead_source_does_not_trigger_a_sensor_even_during_a_hold() -> None:
    _, held = settle(without_second(5, minutes=1, stale=False), two_sources(5, 20))

    for document in (two_sources(5, 20), held):
        compared = compare_section(
            "connectors", without_second(5, minutes=5), document, now=MOMENT + timedelta(minutes=5)
        )
        assert (compared.changes, compared.causes) == ((), ())
