"""Requested discoveries, as the store keeps them: `asked/<id>.json`, and in `asked/keys/` the answers given
under an Idempotency-Key.

So another service, and this one after a restart, knows them. The estate's `retention.runs` limits how long.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from mesh_assets.discovering.under_way import who_discovers
from mesh_assets.errors import ConflictError, DamagedError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.formats import refuse_newer_format
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import Pointer

Status = Literal["queued", "running", "published", "failed"]

_FOLDER = "asked/"
_ID = re.compile("[0-9a-f]{32}")
_OF_REPORTS = ("run_id", "sequence", "total_changes", "inventory_location", "notes")


class Discovery(msgspec.Struct, kw_only=True):
    """`triggers`: of all who asked for it, by caller. `report`: what it published; `error`: why it published
    nothing."""

    format: int = 1
    id: str
    cluster: str
    requested_at: datetime
    triggers: list[Trigger]
    requested_by: list[str]
    status: Status = "queued"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    report: dict[str, Any] = {}
    error: str | None = None

    def shown(self) -> dict[str, Any]:
        """As `GET /discoveries/{id}` answers."""
        known: dict[str, Any] = {
            "id": self.id,
            "cluster": self.cluster,
            "status": self.status,
            "requested_at": _text(self.requested_at),
            "requested_by": self.requested_by,
            "started_at": _text(self.started_at),
            "ended_at": _text(self.ended_at),
            "error": self.error,
            "run_id": self.report.get("run_id"),
            "sequence": self.report.get("sequence"),
            "changes": self.report.get("total_changes"),
            "document": self.report.get("inventory_location"),
            "notes": self.report.get("notes") or None,
        }
        return {name: value for name, value in known.items() if value is not None}


class KeptAnswer(Record, frozen=True, kw_only=True):
    """`digest`: of the body that it answers, SHA-256 in hexadecimal."""

    format: int = 1
    digest: str
    answered: list[dict[str, Any]]


_discovery = msgspec.json.Decoder(Discovery)
_answer = msgspec.json.Decoder(KeptAnswer)


class AskedDiscoveries:
    """The kept discoveries and answers. Every method raises StoreError, and DamagedError for anything that
    this version cannot read."""

    def __init__(self, store: Callable[[], InventoryStore]) -> None:
        self._store = store

    def keep(self, one: Discovery) -> None:
        self._store().objects.put(f"{_FOLDER}{one.id}.json", msgspec.json.encode(one))

    def find(self, discovery_id: str) -> Discovery | None:
        """As it was last kept; if no process has ended it, its state according to the store."""
        if not _ID.fullmatch(discovery_id):
            return None
        found = self._read(f"{_FOLDER}{discovery_id}.json", _discovery)
        return found if found is None or found.ended_at is not None else self._as_it_is(found)

    def _as_it_is(self, one: Discovery) -> Discovery:
        """The process that had it may have been killed; its trigger waits in the inbox until some discovery
        has dealt with it."""
        store = self._store()
        latest, waits = dealt_with(store, one.cluster, one.triggers[0])
        if latest is not None and not waits:
            report = report_of(store, latest)
            return msgspec.structs.replace(one, status="published", report=report)
        if waits and who_discovers(store.objects, one.cluster, now=datetime.now(UTC)) is None:
            return msgspec.structs.replace(one, status="queued", started_at=None)
        return one

    def answer(self, caller: str, key: str) -> KeptAnswer | None:
        """The answer that this caller got under this key."""
        found: KeptAnswer | None = self._read(_key(caller, key), _answer)
        return found

    def keep_answer(self, caller: str, key: str, answer: KeptAnswer) -> KeptAnswer:
        """The answer that counts from now on: of two simultaneous requests, the one kept first."""
        try:
            self._store().objects.put_new(_key(caller, key), msgspec.json.encode(answer))
        except ConflictError:
            return self.answer(caller, key) or answer
        return answer

    def _read(self, key: str, decoder: "msgspec.json.Decoder[Any]") -> Any:
        objects = self._store().objects
        stored = objects.get(key)
        if stored is None:
            return None
        refuse_newer_format(stored[0], source=objects.location(key))
        try:
            return decoder.decode(stored[0])
        except UNDECODABLE as error:
            raise DamagedError(
                f"{objects.location(key)} cannot be read: {error}; remove it, and ask for the discovery again"
            ) from error


def dealt_with(store: InventoryStore, cluster: str, trigger: Trigger) -> tuple[Pointer | None, bool]:
    """The newest snapshot, and whether the trigger still waits, by itself or counted with others of its type. A run moves the
    pointer before it takes triggers out of the inbox, so we look into the inbox first."""
    cluster_id = store.cluster_id(cluster)
    places = [inbox_by_name(cluster), *(() if cluster_id is None else (cluster_id,))]
    waiting = [one for place in places for one in Inbox(store.objects).waiting(place)]
    waits = any(
        one.trigger == trigger or (one.source == "inbox" and one.trigger.type == trigger.type)
        for one in waiting
    )
    latest = None if cluster_id is None else store.latest(cluster_id)
    return None if latest is None else latest[0], waits


def report_of(store: InventoryStore, latest: Pointer) -> dict[str, Any]:
    """The report on that snapshot, as a discovery makes it."""
    return {
        "run_id": latest.run_id,
        "sequence": latest.sequence,
        "total_changes": latest.changes,
        "inventory_location": store.objects.location(latest.document.key),
    }


def told_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a discovery's report that are kept and shown to those who asked for it."""
    return {name: report[name] for name in _OF_REPORTS if name in report}


def _key(caller: str, key: str) -> str:
    digest = hashlib.sha256(f"{caller}\0{key}".encode()).hexdigest()
    return f"{_FOLDER}keys/{digest}.json"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
