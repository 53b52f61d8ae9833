"""Sections in parts: what was never reported is unknown, what was known is kept, and one part does not affect the others."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.access_records import Access
from mesh_assets.inventory.document import Document, decode_document, encode_document
from mesh_assets.inventory.parts import Unread, failed_parts
from mesh_assets.inventory.sections import AccessSection, BrokersSection, SectionState, TransactionsSection
from mesh_assets.inventory.transaction_records import TopicProducers
from mesh_assets.joining.join import settle_section
from mesh_assets.joining.parts import settle_parts
from mesh_assets_tests.documents import (
    FRESH,
    MOMENT,
    a_document,
    an_acl,
    an_open_transaction,
    some_access,
    some_brokers,
    some_transactions,
)

LATER = MOMENT + timedelta(hours=6)
REFUSED = Unread(reason="CLUSTER_AUTHORIZATION_FAILED: no; needs DESCRIBE on the cluster", expected=True)
SILENT = Unread(reason="_TIMED_OUT: no answer", expected=False)


def a_section(access: Access | None = None, **unread: Unread) -> AccessSection:
    """A later reading without the `unread` parts."""
    known = some_access() if access is None else access
    unknown = {name: one.reason for name, one in unread.items()}
    return AccessSection(
        cluster_id="lkc-1",
        state=SectionState(status="fresh", collected_at=LATER, stale_sources=failed_parts(unread)),
        records=replace(known, **dict.fromkeys(unread), unknown=unknown),
    )


def settled(section: AccessSection, previous: Document | None) -> AccessSection:
    result = settle_section("access", section, cluster_id="lkc-1", previous=previous, now=LATER)
    assert isinstance(result, AccessSection)
    return result


def test_a_part_that_was_never_reported_is_unknown_and_not_a_failure() -> None:
    section = a_section(acls=REFUSED)
    for previous in (None, a_document(access=some_access(acls=None, unknown={"acls": REFUSED.reason}))):
        result = settle_parts(section, previous)
        assert (result.state.status, result.state.error, result.state.stale_sources) == ("fresh", None, ())
        assert result.records is not None
        assert (result.records.acls, result.records.unknown) == (None, {"acls": REFUSED.reason})


def test_a_known_part_is_kept_with_the_time_and_the_reason() -> None:
    result = settle_parts(a_section(acls=REFUSED), a_document(access=some_access()))
    assert result.records == some_access()
    [stale] = result.state.stale_sources
    assert (stale.source, stale.collected_at, stale.error) == ("acls", MOMENT, REFUSED.reason)
    assert result.state.status == "fresh"
    assert result.state.error == f"acls are the last known: {REFUSED.reason}"


def test_a_part_keeps_the_time_of_its_reading_however_often_it_fails() -> None:
    first = settle_parts(a_section(acls=REFUSED), a_document(access=some_access()))
    document = a_document(access=first.records, sections={"access": first.state})
    [stale] = settle_parts(a_section(acls=SILENT), document).state.stale_sources
    assert (stale.collected_at, stale.error) == (MOMENT, SILENT.reason)


def test_a_failing_broker_is_reported_even_if_nothing_was_known() -> None:
    for previous in (None, a_document(access=None)):
        result = settle_parts(a_section(acls=SILENT), previous)
        assert result.state.error == f"acls are unknown: {SILENT.reason}"
        assert result.records is not None
        assert result.records.unknown == {"acls": SILENT.reason}


def test_a_wholly_unreadable_section_is_stale() -> None:
    section = a_section(acls=REFUSED, quotas=SILENT, scram_users=SILENT)
    result = settle_parts(section, a_document(access=some_access()))
    assert (result.state.status, result.state.collected_at) == ("stale", MOMENT)
    assert result.records == some_access()


def test_settling_again_against_the_same_document_changes_nothing() -> None:
    previous = a_document(access=some_access())
    once = settle_parts(a_section(acls=REFUSED, quotas=SILENT), previous)
    assert settle_parts(once, previous) == once == settled(once, previous)


def test_kept_parts_have_not_changed_and_read_ones_have() -> None:
    previous = a_document(access=some_access())
    result = settle_parts(a_section(some_access(scram_users=()), acls=REFUSED), previous)
    after = a_document(access=result.records, sections={"access": result.state})
    assert [change.sentence for change in diff_documents(previous, after)] == ["SCRAM user alice removed"]


def test_the_brokers_keep_what_one_of_them_does_not_report() -> None:
    known = some_brokers()
    section = BrokersSection(
        cluster_id="lkc-1",
        state=SectionState(status="fresh", collected_at=LATER),
        records=replace(known, quorum=None, unknown={"quorum": "refused"}),
    )
    result = settle_parts(section, a_document(brokers=known))
    assert result.records == known
    assert result.state.error == "quorum is the last known: refused"


@pytest.mark.parametrize("name", ["brokers", "access"])
def test_a_document_from_before_the_section_knows_nothing_of_it(name: Any) -> None:
    document = a_document()
    old = replace(document, sections={"topics": FRESH})
    read = decode_document(encode_document(old), source="test")
    section = read.section(name)
    assert (section.records, section.state.status, section.state.collected_at) == (None, "stale", None)
    assert section.state.error is not None
    after = a_document(brokers=some_brokers(), access=some_access(acls=(an_acl(),)))
    assert diff_documents(read, after) == ()


@pytest.mark.parametrize(("read", "changes"), [(None, 0), (0, 1)])
def test_a_hanging_transaction_is_kept_while_its_partition_cannot_be_read(
    read: int | None, changes: int
) -> None:
    hanging = some_transactions(open_transactions=(an_open_transaction(hanging="overdue"),))
    before = a_document(transactions=hanging)
    producers = TopicProducers(topic="orders", by_partition=(read, 0), transactional=True, error="no leader")
    section = TransactionsSection(
        cluster_id="lkc-1",
        state=SectionState(status="fresh", collected_at=LATER),
        records=some_transactions(open_transactions=(), producers=(producers,), total_open_transactions=None),
    )

    once = settle_parts(section, before)
    again = settle_parts(once, before)

    assert once == again
    assert once.records is not None
    assert len(once.records.hanging) == 1 - changes
    assert len(diff_documents(before, a_document(transactions=once.records))) == changes
