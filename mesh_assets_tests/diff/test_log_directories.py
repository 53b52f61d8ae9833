"""A log directory that goes offline is a change, and so is its return."""

import pytest

from mesh_assets.diff import diff_documents
from mesh_assets.diff.documents import apply_changes, stable_state
from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets_tests.documents import a_document

ERROR = "KAFKA_STORAGE_ERROR: Broker: Disk error"


def directory(broker: int, path: str = "/a", error: str | None = None, used: int = 1) -> LogDirectory:
    return LogDirectory(broker=broker, path=path, error=error, bytes=None if error else used)


def test_a_directory_that_goes_offline_is_critical_and_its_return_is_reported() -> None:
    before = a_document(log_directories=(directory(1), directory(2, "/b", ERROR)))
    after = a_document(log_directories=(directory(1, error=ERROR), directory(2, "/b")))
    gone, back = diff_documents(before, after)
    assert (gone.resource_type, gone.resource, gone.field, gone.before, gone.after, gone.severity) == (
        "log_directories",
        "log_directories",
        "1./a",
        None,
        ERROR,
        "critical",
    )
    assert gone.sentence == f"Log directory /a of broker 1 went offline: {ERROR}"
    assert (back.field, back.after, back.severity) == ("2./b", None, "info")
    assert back.sentence == "Log directory /b of broker 2 is back"
    assert apply_changes(stable_state(before), [gone, back]) == stable_state(after)


@pytest.mark.parametrize("after", [None, (), (directory(2),), (directory(1, used=99), directory(2))])
def test_unreported_and_momentary_values_are_not_a_change(
    after: tuple[LogDirectory, ...] | None,
) -> None:
    before = a_document(log_directories=(directory(1), directory(2)))
    assert diff_documents(before, a_document(log_directories=after)) == ()
    assert diff_documents(a_document(log_directories=after), before) == ()


def test_a_broker_that_does_not_answer_has_not_recovered_its_directory() -> None:
    before = a_document(log_directories=(directory(1, error=ERROR), directory(2)))
    assert diff_documents(before, a_document(log_directories=(directory(2),))) == ()


def test_a_directory_that_went_offline_while_its_broker_did_not_answer_is_reported() -> None:
    before = a_document(log_directories=(directory(2),))
    [gone] = diff_documents(before, a_document(log_directories=(directory(1, error=ERROR), directory(2))))
    assert gone.sentence == f"Log directory /a of broker 1 went offline: {ERROR}"
