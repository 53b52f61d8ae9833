"""The inbox: events that no discovery has looked at yet. Written before anything is acknowledged, removed
after publishing."""

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.inventory.changes import TRIGGER_TYPES, Trigger, TriggerType
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore, StoredObject, set_aside

MOST_APART = 100
"""How many triggers of a cluster are kept one by one; further ones are counted by type. Each costs a request
to read, and all of them go into one event, which a broker refuses beyond a megabyte."""

MOST_COUNTED = 5_000
"""How many causes of one type are told apart; beyond that, there are "more than" this many."""

MOST_BYTES = 8 * 1024
"""The largest trigger. Sensors and the queue write no more than a kilobyte or two."""

_FOLDED_AT_ONCE = 1_000
_READS_AT_ONCE = 8
_TRIES = 20
_FOLDED = "folded-"

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class WaitingTrigger(Record, frozen=True, kw_only=True):
    """A trigger that waits for a run. `id` names its file, derived from the cause, so that the same cause
    waits only once; if it was read from the inbox, `id` also has the file's version: one put there after this
    was dealt with is a different trigger.

    `source`: who noticed it. `received_at` is for people; nothing depends on it. `stands_for`: how many
    causes; more than one if they were folded."""

    id: str
    trigger: Trigger
    source: str
    received_at: Moment
    stands_for: int = 1


class FoldedTriggers(Record, frozen=True, kw_only=True):
    """Triggers of one type beyond MOST_APART. `ids`: of their causes. `uncounted`: there are more than
    MOST_COUNTED. `received_at`: when the last one came."""

    ids: tuple[str, ...]
    uncounted: bool
    received_at: Moment


def inbox_by_name(cluster: str) -> str:
    """The inbox of a cluster that was never discovered, so that only its name in the estate is known. Its
    first discovery empties it. No cluster id contains a colon."""
    return f"name:{cluster}"


_waiting_decoder = msgspec.json.Decoder(WaitingTrigger)
_folded_decoder = msgspec.json.Decoder(FoldedTriggers)


class Inbox:
    """The triggers of all clusters, `triggers/<cluster_id>/<id>.json`, and `folded-<type>.json` next to them.
    For one piece of work: it counts only once what is waiting. Every method raises StoreError when the store
    fails.

    `cluster_id` is the brokers' or `inbox_by_name`.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._apart: dict[str, int] = {}

    def put(self, cluster_id: str, trigger: Trigger, *, cause: str, source: str, now: datetime) -> bool:
        """Keeps the trigger until a run has dealt with it; False if that cause is already waiting.

        `cause` describes what happened, not when it was seen, so that the same event always has the same text
        (`users-value version 3`, a message's id).
        """
        text = f"{trigger.type}\0{cause}".encode("utf-8", "backslashreplace")
        trigger_id = hashlib.sha256(text).hexdigest()[:32]
        key = self._key(cluster_id, trigger_id)
        if cluster_id not in self._apart:
            self._apart[cluster_id] = sum(1 for entry in self._list(cluster_id) if not _is_folded(entry.key))
        if self._apart[cluster_id] >= MOST_APART:
            if self._objects.get(key) is not None:
                return False
            return self._fold(cluster_id, trigger.type, [trigger_id], now=now)
        waiting = WaitingTrigger(id=trigger_id, trigger=trigger, source=source, received_at=now)
        try:
            self._objects.put_new(key, msgspec.json.encode(waiting))
        except ConflictError:
            return False
        self._apart[cluster_id] += 1
        return True

    def waiting(self, cluster_id: str) -> tuple[WaitingTrigger, ...]:
        """The waiting triggers, oldest first: at most MOST_APART one by one, the others folded by type.

        A file that is not a trigger is set aside. It must have asked for a discovery, so a trigger that says
        this takes its place.
        """
        entries = self._list(cluster_id)
        apart = sorted(
            (entry for entry in entries if not _is_folded(entry.key)),
            key=lambda entry: (entry.modified_at, entry.key),
        )
        surplus = apart[MOST_APART : MOST_APART + _FOLDED_AT_ONCE]
        if surplus:
            self._fold_unread(cluster_id, surplus)
            entries = self._list(cluster_id)
        wanted = [*apart[:MOST_APART], *(entry for entry in entries if _is_folded(entry.key))]
        with ThreadPoolExecutor(max_workers=_READS_AT_ONCE, thread_name_prefix="mesh-inbox") as pool:
            found = list(pool.map(lambda entry: self._read(cluster_id, entry), wanted))
        # A run may have dealt with some since the listing.
        there = {one.id: one for one in found if one is not None}
        return tuple(sorted(there.values(), key=lambda waiting: (waiting.received_at, waiting.id)))

    def remove(self, cluster_id: str, ids: Iterable[str]) -> None:
        """Removes what `waiting` returned, except anything rewritten since: a cause that came back, or folded
        triggers that others have joined."""
        for trigger_id in ids:
            name, _, version = trigger_id.partition("@")
            with suppress(ConflictError):
                self._objects.delete_if(self._key(cluster_id, name), version)

    # --- one by one

    def _read(self, cluster_id: str, entry: StoredObject) -> WaitingTrigger | None:
        stored = self._objects.get(entry.key)
        if stored is None:
            return None
        data, version = stored
        name = entry.key.removeprefix(self._folder(cluster_id)).removesuffix(".json")
        try:
            if _is_folded(entry.key):
                return _as_one(name, version, _folded_decoder.decode(data))
            if self._key(cluster_id, name) != entry.key:
                raise msgspec.DecodeError("its name does not end in .json")
            if len(data) > MOST_BYTES:
                raise msgspec.DecodeError(f"it has {len(data):,} bytes, more than {MOST_BYTES:,}")
            # `remove` needs the file's own name, whatever the content says.
            return msgspec.structs.replace(_waiting_decoder.decode(data), id=f"{name}@{version}")
        except UNDECODABLE as error:
            set_aside(self._objects, entry.key, data, reason=str(error))
        stand_in = WaitingTrigger(
            id=hashlib.sha256(entry.key.encode()).hexdigest()[:32],
            trigger=Trigger(type="external", details="A waiting trigger could not be read"),
            source="inbox",
            received_at=entry.modified_at,
        )
        # The replacement first: a crash in between leaves both, never neither.
        written = self._objects.put(self._key(cluster_id, stand_in.id), msgspec.json.encode(stand_in))
        with suppress(ConflictError):  # rewritten meanwhile: perhaps readable now
            self._objects.delete_if(entry.key, version)
        return msgspec.structs.replace(stand_in, id=f"{stand_in.id}@{written}")

    # --- folded: of each trigger, only its type and the fact that it came remain

    def _fold(self, cluster_id: str, type_: TriggerType, ids: Sequence[str], *, now: datetime) -> bool:
        """Counts the causes; returns whether one of them is new."""
        key = self._key(cluster_id, f"{_FOLDED}{type_}")
        for _ in range(_TRIES):
            stored = self._objects.get(key)
            before = None if stored is None else self._folded(key, stored[0])
            all_ids = tuple(dict.fromkeys((*(() if before is None else before.ids), *ids)))
            if before is not None and len(all_ids) == len(before.ids):
                return False
            after = FoldedTriggers(
                ids=all_ids[:MOST_COUNTED],
                uncounted=len(all_ids) > MOST_COUNTED or (before is not None and before.uncounted),
                received_at=now if before is None else max(now, before.received_at),
            )
            data = msgspec.json.encode(after)
            with suppress(ConflictError):
                if stored is None:
                    self._objects.put_new(key, data)
                else:
                    self._objects.put_if(key, data, stored[1])
                return True
        raise StoreError(
            f"{self._objects.location(key)} is constantly being written by other processes; try again"
        )

    def _fold_unread(self, cluster_id: str, surplus: Sequence[StoredObject]) -> None:
        """Counts files beyond MOST_APART, left by an earlier version or by simultaneous writers, as
        `external`: reading thousands of them only for their types would take minutes."""
        folder = self._folder(cluster_id)
        ids = [entry.key.removeprefix(folder).removesuffix(".json") for entry in surplus]
        self._fold(cluster_id, "external", ids, now=datetime.now(UTC))
        with ThreadPoolExecutor(max_workers=_READS_AT_ONCE, thread_name_prefix="mesh-inbox") as pool:
            list(pool.map(lambda entry: self._objects.delete(entry.key), surplus))

    def _folded(self, key: str, data: bytes) -> FoldedTriggers | None:
        try:
            return _folded_decoder.decode(data)
        except UNDECODABLE as error:
            set_aside(self._objects, key, data, reason=str(error))
            return None

    # --- where things are

    def _list(self, cluster_id: str) -> list[StoredObject]:
        return self._objects.list(self._folder(cluster_id))

    @staticmethod
    def _folder(cluster_id: str) -> str:
        return f"triggers/{safe(cluster_id)}/"

    def _key(self, cluster_id: str, name: str) -> str:
        return f"{self._folder(cluster_id)}{name}.json"


_FOLDED_NAMES: dict[str, TriggerType] = {f"{_FOLDED}{type_}": type_ for type_ in TRIGGER_TYPES}


def _is_folded(key: str) -> bool:
    return key.rpartition("/")[2].removesuffix(".json") in _FOLDED_NAMES


def _as_one(name: str, version: str, folded: FoldedTriggers) -> WaitingTrigger:
    """All triggers of a type as one."""
    count = f"{'More than ' if folded.uncounted else ''}{len(folded.ids):,}"
    return WaitingTrigger(
        id=f"{name}@{version}",
        trigger=Trigger(
            type=_FOLDED_NAMES[name], details=f"{count} further causes of this type, counted only"
        ),
        source="inbox",
        received_at=folded.received_at,
        stands_for=len(folded.ids),
    )
