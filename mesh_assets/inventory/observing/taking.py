"""What a run takes from the inbox: what was noticed before it began to read, and so is part of what it read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from mesh_assets.inventory.records import Record
from mesh_assets.inventory.sections import Section, SectionName
from mesh_assets.inventory.triggers import Trigger
from mesh_assets.store.inbox import WaitingTrigger

# `collect.py` reads the metadata before it notes a time.
_BEFORE_THE_FIRST_TIME = "kafka metadata"


class Taken(Record, frozen=True, kw_only=True):
    """`triggers`: at least one. `ids`: what to remove from the inbox when the snapshot is published."""

    triggers: tuple[Trigger, ...]
    ids: tuple[str, ...]


def began_reading(collected: Mapping[SectionName, Section]) -> datetime | None:
    """When the collection began, or somewhat earlier; None when nothing was read in it."""
    times = [section.state.collected_at for section in collected.values() if section.state.status == "fresh"]
    known = [moment for moment in times if moment is not None]
    seconds = max(
        (section.cost.phases.get(_BEFORE_THE_FIRST_TIME, 0.0) for section in collected.values()), default=0.0
    )
    return min(known) - timedelta(seconds=seconds) if known else None


def take_triggers(
    waiting: Sequence[WaitingTrigger], own: Trigger, *, from_inbox: bool, began: datetime | None
) -> Taken:
    """`own` is the run's trigger by its tags; with `from_inbox` it is a copy of one that waits, or of one
    that another run has dealt with: then it counts only where nothing else waits.
    """
    taken = [] if began is None else [one for one in waiting if one.received_at <= began]
    triggers = list(dict.fromkeys(one.trigger for one in taken))
    if own not in triggers and not (from_inbox and triggers):
        triggers.insert(0, own)
    return Taken(triggers=tuple(triggers), ids=tuple(one.id for one in taken))


def dealt_with(
    waiting: Iterable[WaitingTrigger], triggers: Sequence[Trigger], *, before: datetime
) -> tuple[str, ...]:
    """What waits of `triggers`, those of a run that ended before it could remove them; `before`: the moment
    of its discovery."""
    return tuple(one.id for one in waiting if one.trigger in triggers and one.received_at <= before)
