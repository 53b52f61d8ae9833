"""Who may request a cluster's run, and what the run takes from the inbox."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from mesh_assets.errors import UnreachableError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.sections import SectionState, TopicsSection
from mesh_assets.sensing.handover import begin_collection, claim_run, noted_before, take_triggers
from mesh_assets.store.inbox import Inbox, WaitingTrigger, inbox_by_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import MOMENT, STALE


def test_a_run_is_requested_once_until_it_has_come_or_enough_time_has_passed(tmp_path: Path) -> None:
    objects = open_store(str(tmp_path))

    def claim(seconds: float, *, newest_run: str | None = None) -> bool:
        return claim_run(objects, "lkc-1", now=MOMENT + timedelta(seconds=seconds), newest_run=newest_run)

    assert claim(0)
    assert not claim(5)
    assert claim(10, newest_run="run-1")  # the requested run has come and ended
    assert not claim(99, newest_run="run-1")
    assert claim(101, newest_run="run-1")


@pytest.mark.parametrize("hours", [-1, 1], ids=["set back", "ahead"])
def test_a_claim_of_another_clock_delays_nothing(tmp_path: Path, hours: int) -> None:
    objects = open_store(str(tmp_path))
    assert claim_run(objects, "lkc-1", now=MOMENT, newest_run="run-1")

    # A run that has come is recognised by its id, whatever its creation time.
    assert claim_run(objects, "lkc-1", now=MOMENT + timedelta(seconds=10, hours=hours), newest_run="run-1")


UPDATED = Trigger(type="schema_updated", resource="users-value")
FAILED = Trigger(type="connector_failed", resource="orders-sink")
MANUAL = Trigger(type="manual")


def waiting(trigger: Trigger) -> WaitingTrigger:
    return WaitingTrigger(id=str(trigger), trigger=trigger, source="test", received_at=MOMENT)


def a_section(state: SectionState, *noted: Trigger) -> TopicsSection:
    return TopicsSection(
        cluster_id="lkc-1", state=state, records=(), waiting=tuple(str(trigger) for trigger in noted)
    )


def test_a_run_takes_what_was_there_before_it_began_to_read() -> None:
    taken = take_triggers(
        [waiting(UPDATED), waiting(FAILED)], UPDATED, from_inbox=True, noted={str(UPDATED), "dealt with"}
    )

    assert (taken.triggers, taken.ids) == ((UPDATED,), (str(UPDATED),))


def test_a_run_by_hand_or_by_schedule_takes_them_too_and_keeps_its_own() -> None:
    taken = take_triggers([waiting(UPDATED)], MANUAL, from_inbox=False, noted={str(UPDATED)})

    assert taken.triggers == (MANUAL, UPDATED)


def test_a_run_whose_trigger_was_handled_names_what_waits_now_or_its_own() -> None:
    assert take_triggers([waiting(FAILED)], UPDATED, from_inbox=True, noted={str(FAILED)}).triggers == (
        FAILED,
    )
    assert take_triggers([], UPDATED, from_inbox=True, noted={str(FAILED)}).triggers == (UPDATED,)


def test_the_same_trigger_from_two_causes_is_named_once_and_both_are_removed() -> None:
    inbox = [waiting(UPDATED), replace(waiting(UPDATED), id="other")]

    taken = take_triggers(inbox, UPDATED, from_inbox=True, noted={str(UPDATED), "other"})

    assert (taken.triggers, len(taken.ids)) == ((UPDATED,), 2)


def test_causes_waiting_before_every_fresh_section_are_noted_and_stale_sections_do_not_count() -> None:
    fresh = SectionState(status="fresh", collected_at=MOMENT)

    assert noted_before(
        {"topics": a_section(fresh, UPDATED, FAILED), "schemas": a_section(fresh, FAILED)}
    ) == {str(FAILED)}
    assert noted_before({"topics": a_section(fresh, UPDATED), "schemas": a_section(STALE)}) == {str(UPDATED)}
    assert noted_before({"topics": a_section(STALE, UPDATED)}) == set()


def test_a_collection_notes_waiting_causes_before_it_takes_its_ticket(tmp_path: Path) -> None:
    store = InventoryStore(open_store(str(tmp_path)))
    inbox = Inbox(store.objects)
    inbox.put("lkc-1", UPDATED, cause="a", source="test", now=MOMENT)
    inbox.put(inbox_by_name("warehouse"), FAILED, cause="b", source="test", now=MOMENT)

    first, second = (
        begin_collection(store, "warehouse", "lkc-1", newest_in_topic=lambda: None) for _ in range(2)
    )

    both = (*inbox.waiting("lkc-1"), *inbox.waiting(inbox_by_name("warehouse")))
    assert first.waiting == second.waiting == tuple(one.id for one in both)
    assert first.ticket < second.ticket


def test_a_cause_that_returns_while_a_run_handles_it_waits_for_the_next(tmp_path: Path) -> None:
    store = InventoryStore(open_store(str(tmp_path)))
    inbox = Inbox(store.objects)
    inbox.put("lkc-1", FAILED, cause="a", source="test", now=MOMENT)
    noted = begin_collection(store, "warehouse", "lkc-1", newest_in_topic=lambda: None).waiting
    inbox.remove("lkc-1", noted)  # another run has handled it
    inbox.put("lkc-1", FAILED, cause="a", source="test", now=MOMENT - timedelta(hours=1))

    taken = take_triggers(inbox.waiting("lkc-1"), MANUAL, from_inbox=False, noted=set(noted))
    inbox.remove("lkc-1", noted)

    assert (taken.triggers, taken.ids) == ((MANUAL,), ())
    assert [one.trigger for one in inbox.waiting("lkc-1")] == [FAILED]


def test_the_topic_is_consulted_only_by_a_store_without_a_snapshot(tmp_path: Path) -> None:
    store = InventoryStore(open_store(str(tmp_path)))

    def unreadable() -> int:
        raise UnreachableError("no broker answers")

    def newest_known(ask: Callable[[], int | None]) -> int | None:
        return begin_collection(store, "warehouse", "lkc-1", newest_in_topic=ask).newest_known

    assert [newest_known(ask) for ask in (lambda: None, lambda: 7, unreadable)] == [0, 7, 0]
    store.adopt("lkc-1", "another", None, sequence=5)
    assert newest_known(lambda: 7) == 5
