"""From what a sensor found to the run that deals with it: into the inbox, who requests the run, and what the
run takes."""

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from mesh_assets.errors import ConflictError, MeshError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.sections import Beginning, HostClock, Section, SectionName
from mesh_assets.sensing.observations.observation import ObservedCluster
from mesh_assets.store.inbox import Inbox, Moment, WaitingTrigger, inbox_by_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore


def keep_causes(
    observed: ObservedCluster, store: InventoryStore, *, source: str, now: datetime
) -> int | None:
    """Puts the causes into the inbox and returns how many are new there; None when a newer document has
    appeared and nothing was kept.

    Between the observation and now, a run may have published this very change and emptied the inbox; the
    cause would then launch a second run. A run moves `latest.json` before it removes its triggers, so as long
    as the document has not moved, anything new here has not been dealt with; if it has moved, the next tick
    compares with the newer one.

    Raises StoreError when the store fails.
    """
    cluster_id = observed.cluster_id
    if cluster_id is None or not observed.causes:
        return 0
    if _has_moved(store, cluster_id, observed):
        return None
    inbox = Inbox(store.objects)
    new = sum(
        inbox.put(cluster_id, cause.trigger, cause=cause.cause_id, source=source, now=now)
        for cause in observed.causes
    )
    if new and _has_moved(store, cluster_id, observed):
        mine = [one.id for one in inbox.waiting(cluster_id) if (one.source, one.received_at) == (source, now)]
        inbox.remove(cluster_id, mine)
        return None
    return new


def _has_moved(store: InventoryStore, cluster_id: str, observed: ObservedCluster) -> bool:
    latest = store.latest(cluster_id)
    return latest is None or latest[0].sequence != observed.sequence


# --- who requests the run: sensors that tick at the same moment must not request one each
#
# A sensor's run requests become runs only after its tick has returned, so other sensors cannot see them yet.
# The claim says that a run has been requested, and which was the newest until then: a newer one is that run.
# It is a courtesy, not a lock: it expires, and a second run would only publish a snapshot without changes.

# From the claim to the run: the rest of the tick, and the daemon's submission.
CLAIM_LASTS = timedelta(seconds=90)


class Claim(Record, frozen=True, kw_only=True):
    """`newest_run`: the id of the cluster's newest run when this one was requested; None: there was none."""

    claimed_at: Moment
    newest_run: str | None = None


_decoder = msgspec.json.Decoder(Claim)


def claim_run(objects: ObjectStore, cluster_id: str, *, now: datetime, newest_run: str | None) -> bool:
    """Whether the caller may request the run.

    `newest_run`: the id of the cluster's newest run; a claim made under a different one has become a run and
    no longer counts. Raises StoreError when the store fails.
    """
    key = f"launches/{safe(cluster_id)}.json"
    data = msgspec.json.encode(Claim(claimed_at=now, newest_run=newest_run))
    found = objects.get(key)
    try:
        if found is None:
            objects.put_new(key, data)
            return True
        if _holds(found[0], now=now, newest_run=newest_run):
            return False
        objects.put_if(key, data, found[1])
    except ConflictError:
        return False
    return True


def _holds(data: bytes, *, now: datetime, newest_run: str | None) -> bool:
    try:
        claim = _decoder.decode(data)
    except UNDECODABLE:
        return False
    # A claim from the future comes from a clock that is or was ahead: it must not hold until that time comes.
    return abs(now - claim.claimed_at) < CLAIM_LASTS and claim.newest_run == newest_run


# --- what a run takes from the inbox: anything noticed before the run started reading, so that the run has
# read it


def begin_collection(
    store: InventoryStore,
    name: str,
    cluster_id: str,
    *,
    newest_in_topic: Callable[[], int | None],
    clock: HostClock | None = None,
) -> Beginning:
    """What collecting the cluster `name` notes before it reads anything. Raises StoreError.

    The inbox first: a trigger noted here existed before the ticket was given, so readings with this ticket or
    a later one include its cause, whichever of them is published.

    `newest_in_topic`: the sequence of the newest snapshot in Kafka, asked by a store that knows of none. If
    it cannot be read, the reading counts as newer than none.
    """
    inbox = Inbox(store.objects)
    waiting = [one.id for key in inboxes_of(store, name, cluster_id) for one in inbox.waiting(key)]
    known = store.known_sequence(cluster_id)
    if known is None:
        with suppress(MeshError):  # the run that publishes reads the topic again and reports what is wrong
            known = newest_in_topic()
    ticket = store.take_ticket(cluster_id)
    return Beginning(
        ticket=ticket.number,
        series=ticket.series,
        newest_known=known or 0,
        clock=clock,
        waiting=tuple(waiting),
    )


def inboxes_of(store: InventoryStore, name: str, cluster_id: str) -> tuple[str, ...]:
    """Where triggers of the cluster wait: under its id, under its name from before its first discovery, and
    under the id that it had before it was rebuilt."""
    former = store.cluster_id(name)
    return tuple(dict.fromkeys((cluster_id, inbox_by_name(name), *(() if former is None else (former,)))))


class Taken(Record, frozen=True, kw_only=True):
    """`triggers`: at least one. `ids`: what to remove from the inbox once the snapshot is published."""

    triggers: tuple[Trigger, ...]
    ids: tuple[str, ...]


def noted_before(collected: Mapping[SectionName, Section]) -> frozenset[str]:
    """The ids of the triggers that were waiting before every fresh section was read (a run that resumes
    another has sections of both); none when no section is fresh, since then nothing was read."""
    notes = [frozenset(section.waiting) for section in collected.values() if section.state.status == "fresh"]
    return frozenset.intersection(*notes) if notes else frozenset()


def take_triggers(
    waiting: Sequence[WaitingTrigger], own: Trigger, *, from_inbox: bool, noted: Set[str]
) -> Taken:
    """The triggers that the run deals with: those of `waiting` whose ids it had `noted` before it read.

    `own` is the run's trigger by its tags. With `from_inbox`, it is a copy of one that waits or that another
    run has dealt with, so it counts only when nothing else waits.
    """
    taken = [one for one in waiting if one.id in noted]
    triggers = list(dict.fromkeys(one.trigger for one in taken))
    if own not in triggers and not (from_inbox and triggers):
        triggers.insert(0, own)
    return Taken(triggers=tuple(triggers), ids=tuple(one.id for one in taken))
