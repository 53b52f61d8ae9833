"""Each of two Connect clusters is fresh or stale on its own."""

from datetime import timedelta

import httpx

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.sections import ConnectorsSection, SectionState, StaleSource
from mesh_assets.joining.join import settle_section
from mesh_assets_tests.collecting.cluster_fakes import a_worker
from mesh_assets_tests.collecting.collected import FIRST, connectors
from mesh_assets_tests.documents import MOMENT, a_connector, a_document

SECOND = "connect-1.test:8083"
DOWN = httpx.MockTransport(lambda _: httpx.Response(500, text="boom"))


def test_a_dead_connect_cluster_hides_nothing_of_the_other() -> None:
    previous = a_document(
        connectors=(a_connector("a", connect=FIRST), a_connector("old", connect=SECOND, status="FAILED"))
    )

    section = connectors(
        a_worker({"a": {"topic": "orders"}, "new": {"topic": "users"}}), DOWN, previous=previous
    )

    assert section.state.status == "fresh"
    assert {(record.connect, record.name) for record in section.records} == {
        (FIRST, "a"),
        (FIRST, "new"),
        (SECOND, "old"),
    }
    (stale,) = section.state.stale_sources
    assert (stale.source, stale.collected_at) == (SECOND, MOMENT)
    assert "boom" in stale.error
    assert section.state.error == f"those of {SECOND} are the last known: {stale.error}"


def test_a_connect_cluster_that_lists_less_than_it_holds_does_not_make_the_other_one_stale() -> None:
    def filtered(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={}) if request.url.path == "/connectors" else httpx.Response(403)

    previous = a_document(connectors=(a_connector("hidden", connect=SECOND),))

    section = connectors(
        a_worker({"a": {"topic": "orders"}}), httpx.MockTransport(filtered), previous=previous
    )

    assert [record.name for record in section.records] == ["a", "hidden"]
    assert [source.source for source in section.state.stale_sources] == [SECOND]


def test_without_any_connect_cluster_the_section_is_stale() -> None:
    previous = a_document(connectors=(a_connector("a", connect=FIRST),))

    section = connectors(DOWN, DOWN, previous=previous)

    assert (section.state.status, section.records) == ("stale", previous.connectors)
    assert FIRST in (section.state.error or "")
    assert SECOND in (section.state.error or "")


def test_a_newly_read_connect_cluster_creates_nothing() -> None:
    first = connectors(a_worker({"a": {"topic": "orders"}}), DOWN)
    before = a_document(connectors=first.records, sections={"connectors": first.state})
    both = connectors(
        a_worker({"a": {"topic": "orders"}, "b": {"topic": "orders"}}),
        a_worker({"long there": {"topic": "orders"}}),
        previous=before,
    )
    after = a_document(connectors=both.records, sections={"connectors": both.state})

    assert first.state.stale_sources[0].collected_at is None
    assert [change.resource for change in diff_documents(before, after)] == ["b"]
    assert both.state.stale_sources == ()


def test_a_source_that_stays_stale_keeps_the_time_of_its_last_reading() -> None:
    earlier = StaleSource(source=SECOND, collected_at=MOMENT - timedelta(days=1), error="away")
    previous = a_document(
        connectors=(a_connector("old", connect=SECOND),),
        sections={
            "connectors": SectionState(
                status="fresh", collected_at=MOMENT, stale_sources=(earlier,), error="away"
            )
        },
    )

    section = connectors(a_worker({}), DOWN, previous=previous)
    whole = connectors(DOWN, DOWN, previous=previous)

    assert section.state.stale_sources[0].collected_at == MOMENT - timedelta(days=1)
    assert whole.state.stale_sources == (earlier,)


def test_another_runs_reading_of_the_dead_source_is_kept() -> None:
    section = connectors(
        a_worker({"a": {"topic": "orders"}}),
        DOWN,
        previous=a_document(connectors=(a_connector("old", connect=SECOND),)),
    )
    meanwhile = a_document(connectors=(a_connector("newer", connect=SECOND),))

    settled = settle_section("connectors", section, cluster_id="lkc-1", previous=meanwhile, now=MOMENT)

    assert isinstance(settled, ConnectorsSection)
    assert {record.name for record in settled.records} == {"a", "newer"}
