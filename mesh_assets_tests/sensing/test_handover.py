"""Who may ask for a cluster's run, and what the run takes from the inbox."""

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.sections import SectionState, TopicsSection
from mesh_assets.sensing.handover import began_reading, claim_run, dealt_with, take_triggers
from mesh_assets.store.inbox import WaitingTrigger
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import MOMENT, STALE


def test_a_run_is_asked_for_once_until_it_has_come_or_enough_time_has_passed(tmp_path: Path) -> None:
    objects = open_store(str(tmp_path))

    def claim(seconds: float, *, newest_run: float | None = None) -> bool:
        run = None if newest_run is None else MOMENT + timedelta(seconds=newest_run)
        return claim_run(objects, "lkc-1", now=MOMENT + timedelta(seconds=seconds), newest_run=run)

    assert claim(0)
    assert not claim(5)
    assert not claim(5, newest_run=-60)
    assert claim(10, newest_run=6)  # the run that was asked for has come, and it has ended
    assert not claim(99)
    assert claim(101)


UPDATED = Trigger(type="schema_updated", resource="users-value")
FAILED = Trigger(type="connector_failed", resource="orders-sink")
MANUAL = Trigger(type="manual")


def waiting(trigger: Trigger, *, seconds: float) -> WaitingTrigger:
    return WaitingTrigger(
        id=str(trigger), trigger=trigger, source="test", received_at=MOMENT + timedelta(seconds=seconds)
    )


def a_section(state: SectionState) -> TopicsSection:
    return TopicsSection(cluster_id="lkc-1", state=state, records=(), began_at=MOMENT - timedelta(seconds=2))


def test_a_run_takes_what_was_there_before_it_began_to_read() -> None:
    inbox = [waiting(UPDATED, seconds=-5), waiting(FAILED, seconds=5)]

    taken = take_triggers(inbox, UPDATED, from_inbox=True, began=MOMENT)

    assert (taken.triggers, taken.ids) == ((UPDATED,), (str(UPDATED),))


def test_a_run_by_hand_or_by_schedule_takes_them_too_and_keeps_its_own() -> None:
    taken = take_triggers([waiting(UPDATED, seconds=-5)], MANUAL, from_inbox=False, began=MOMENT)

    assert taken.triggers == (MANUAL, UPDATED)


def test_a_run_whose_trigger_another_has_dealt_with_names_what_waits_now_or_else_its_own() -> None:
    assert take_triggers([waiting(FAILED, seconds=-5)], UPDATED, from_inbox=True, began=MOMENT).triggers == (
        FAILED,
    )
    assert take_triggers([], UPDATED, from_inbox=True, began=MOMENT).triggers == (UPDATED,)


def test_the_same_trigger_from_two_causes_is_named_once_and_both_are_removed() -> None:
    inbox = [waiting(UPDATED, seconds=-5), replace(waiting(UPDATED, seconds=-3), id="other")]

    taken = take_triggers(inbox, UPDATED, from_inbox=True, began=MOMENT)

    assert (taken.triggers, len(taken.ids)) == ((UPDATED,), 2)


def test_reading_began_when_a_fresh_section_says_so_and_stale_ones_do_not_count() -> None:
    fresh = SectionState(status="fresh", collected_at=MOMENT)

    assert began_reading({"topics": a_section(fresh)}) == MOMENT - timedelta(seconds=2)
    assert (
        began_reading({"topics": a_section(replace(STALE, collected_at=MOMENT - timedelta(days=1)))}) is None
    )
    assert take_triggers([waiting(UPDATED, seconds=-5)], MANUAL, from_inbox=False, began=None).ids == ()


def test_what_a_crashed_run_had_taken_is_found_again() -> None:
    inbox = [
        waiting(UPDATED, seconds=-5),
        waiting(FAILED, seconds=-5),
        replace(waiting(UPDATED, seconds=5), id="later"),
    ]

    assert dealt_with(inbox, (UPDATED, MANUAL), before=MOMENT) == (str(UPDATED),)
