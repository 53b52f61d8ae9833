"""The inbox: what has happened and no discovery has looked at yet. Written before anything is acknowledged,
removed after publishing."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.records import Record
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore


class WaitingTrigger(Record, frozen=True, kw_only=True):
    """A trigger that waits for a run. `id` is derived from the cause, so the same cause waits only once.
    `source`: who noticed it."""

    id: str
    trigger: Trigger
    source: str
    received_at: datetime


_decoder = msgspec.json.Decoder(WaitingTrigger)


class Inbox:
    """The triggers of all clusters, `triggers/<cluster_id>/<id>.json`. Every method raises StoreError when
    the store fails."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, cluster_id: str, trigger: Trigger, *, cause: str, source: str, now: datetime) -> bool:
        """Keeps the trigger until a run has dealt with it; False if that cause is already waiting.

        `cause` describes what happened, not when it was seen, so that the same event always has the same text
        (`users-value version 3`, a message's id).
        """
        trigger_id = hashlib.sha256(f"{trigger.type}\0{cause}".encode()).hexdigest()[:32]
        waiting = WaitingTrigger(id=trigger_id, trigger=trigger, source=source, received_at=now)
        try:
            self._objects.put_new(self._key(cluster_id, trigger_id), msgspec.json.encode(waiting))
        except ConflictError:
            return False
        return True

    def waiting(self, cluster_id: str) -> tuple[WaitingTrigger, ...]:
        """The waiting triggers, oldest first."""
        found = []
        for entry in self._objects.list(self._folder(cluster_id)):
            stored = self._objects.get(entry.key)
            if stored is not None:  # a run may have dealt with it since the listing
                found.append(self._decoded(stored[0], entry.key))
        return tuple(sorted(found, key=lambda waiting: (waiting.received_at, waiting.id)))

    def remove(self, cluster_id: str, ids: Iterable[str]) -> None:
        for trigger_id in ids:
            self._objects.delete(self._key(cluster_id, trigger_id))

    def _decoded(self, data: bytes, key: str) -> WaitingTrigger:
        try:
            return _decoder.decode(data)
        except msgspec.DecodeError as error:
            raise StoreError(
                f"{self._objects.location(key)} is not a trigger of this version: {error}; remove it or write it again"
            ) from error

    @staticmethod
    def _folder(cluster_id: str) -> str:
        return f"triggers/{safe(cluster_id)}/"

    def _key(self, cluster_id: str, trigger_id: str) -> str:
        return f"{self._folder(cluster_id)}{trigger_id}.json"
