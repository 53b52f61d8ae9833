"""A directory that was offline stays so while its broker does not report its own."""

from mesh_assets.inventory.sections import SectionState, TopicsSection
from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.joining.silent_brokers import with_offline_directories
from mesh_assets_tests.documents import MOMENT, a_document, a_topic

OFFLINE = LogDirectory(broker=1, path="/a", error="KAFKA_STORAGE_ERROR: Broker: Disk error")
FINE = LogDirectory(broker=1, path="/b", bytes=7)
OTHER = LogDirectory(broker=2, path="/a", bytes=8)


def settled(
    *known: LogDirectory, replicas: tuple[int, ...] = (1, 2), could_be_read: bool = True
) -> tuple[LogDirectory, ...] | None:
    section = TopicsSection(
        cluster_id="lkc-1",
        state=SectionState(status="fresh", collected_at=MOMENT),
        records=(a_topic("orders", replicas=replicas),),
        log_directories=known if could_be_read else None,
    )
    settled = with_offline_directories(section, a_document(log_directories=(OFFLINE, FINE, OTHER)))
    assert isinstance(settled, TopicsSection)
    return settled.log_directories


def test_it_is_kept_without_those_that_were_fine() -> None:
    assert settled(OTHER) == (OFFLINE, OTHER)


def test_what_the_broker_reports_replaces_it() -> None:
    back = LogDirectory(broker=1, path="/a", bytes=9)
    assert settled(back, OTHER) == (back, OTHER)


def test_it_goes_with_a_broker_that_holds_nothing_any_more() -> None:
    assert settled(OTHER, replicas=(2,)) == (OTHER,)


def test_where_no_broker_reported_any_they_are_unknown() -> None:
    assert settled(could_be_read=False) is None
