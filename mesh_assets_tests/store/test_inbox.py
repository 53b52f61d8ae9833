from datetime import timedelta
from pathlib import Path

import pytest

from mesh_assets.errors import StoreError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import MOMENT

UPDATED = Trigger(type="schema_updated", resource="users-value", details="Schema version 1 → 2")


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(open_store(str(tmp_path)))


def test_the_same_cause_waits_once(inbox: Inbox) -> None:
    first = inbox.put("lkc-1", UPDATED, cause="users-value version 2", source="schema_changes", now=MOMENT)
    again = inbox.put(
        "lkc-1",
        UPDATED,
        cause="users-value version 2",
        source="schema_changes",
        now=MOMENT + timedelta(minutes=5),
    )
    other = inbox.put("lkc-1", UPDATED, cause="users-value version 3", source="schema_changes", now=MOMENT)

    assert (first, again, other) == (True, False, True)
    assert [waiting.received_at for waiting in inbox.waiting("lkc-1")] == [MOMENT, MOMENT]


def test_triggers_wait_by_cluster_oldest_first_until_they_are_removed(inbox: Inbox) -> None:
    inbox.put("lkc-1", UPDATED, cause="b", source="schema_changes", now=MOMENT + timedelta(minutes=1))
    inbox.put("lkc-1", UPDATED, cause="a", source="schema_changes", now=MOMENT)
    inbox.put("lkc-2", UPDATED, cause="a", source="schema_changes", now=MOMENT)
    oldest, newest = inbox.waiting("lkc-1")

    inbox.remove("lkc-1", [oldest.id])

    assert oldest.received_at < newest.received_at
    assert inbox.waiting("lkc-1") == (newest,)
    assert len(inbox.waiting("lkc-2")) == 1


def test_what_is_no_trigger_is_named_rather_than_skipped(inbox: Inbox, tmp_path: Path) -> None:
    inbox.put("lkc-1", UPDATED, cause="a", source="schema_changes", now=MOMENT)
    [file] = (tmp_path / "triggers" / "lkc-1").iterdir()
    file.write_text("{}")

    with pytest.raises(StoreError, match="is not a trigger of this version"):
        inbox.waiting("lkc-1")
