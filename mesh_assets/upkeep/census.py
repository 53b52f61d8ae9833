"""What is in the store, by kind: from listings alone, without reading anything."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, get_args

from mesh_assets.inventory.records import Record
from mesh_assets.store import layout
from mesh_assets.store.objects import ObjectStore, StoredObject

Kind = Literal[
    "documents", "bases", "changes", "tables", "readings", "results", "inbox", "runs", "quarantine", "state"
]
"""`bases`: what packed documents differ from. `state`: pointers, locks, cursors, fingerprints: small, and never pruned."""
KINDS: tuple[Kind, ...] = get_args(Kind)

_FOLDERS: dict[str, Kind] = {
    "tables": "tables",
    "readings": "readings",
    "ends": "readings",
    "analysis": "results",
    "triggers": "inbox",
    "steps": "runs",
    "unreported": "runs",
    "asked": "runs",
    "quarantine": "quarantine",
}


class Held(Record, frozen=True, kw_only=True):
    """The objects of a kind. `bytes`: as stored. `oldest`, `newest`: when they were written; None if there
    are none."""

    kind: Kind
    objects: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None


class Census(Record, frozen=True, kw_only=True):
    """All objects of a store, by kind, each sorted by key."""

    objects: dict[Kind, tuple[StoredObject, ...]]

    def held(self) -> tuple[Held, ...]:
        return tuple(
            Held(
                kind=kind,
                objects=len(found),
                bytes=sum(one.bytes for one in found),
                oldest=min((one.modified_at for one in found), default=None),
                newest=max((one.modified_at for one in found), default=None),
            )
            for kind, found in self.objects.items()
        )

    def now(self, clock: datetime) -> datetime:
        """The present, for judging ages: never later than the last write, since a clock that runs ahead must
        not make everything old."""
        newest = max((one.modified_at for found in self.objects.values() for one in found), default=clock)
        return min(clock, newest)

    def of_cluster(self, kind: Kind) -> dict[str, list[StoredObject]]:
        """The objects of that kind by the id of their cluster."""
        found = defaultdict(list)
        for one in self.objects[kind]:
            found[cluster_of(one.key)].append(one)
        return dict(found)


def take_census(objects: ObjectStore) -> Census:
    """Raises StoreError."""
    found: dict[Kind, list[StoredObject]] = {kind: [] for kind in KINDS}
    for one in objects.list(""):
        found[kind_of(one.key)].append(one)
    return Census(objects={kind: tuple(of_kind) for kind, of_kind in found.items()})


def kind_of(key: str) -> Kind:
    top, folder, _ = key.partition("/")
    if not folder:
        return "state"
    if top == "inventories":
        if key.count("/") != 2:
            return "state"  # somebody else's: objects of a cluster are in its folder
        if layout.document_moment(key) is not None:
            return "documents"
        return "state" if layout.base_of(key) is None else "bases"
    if key.startswith("tables/changes/"):
        return "changes"
    if key.rpartition("/")[2] in {"anomalies.json", "usual.bin"}:
        return "state"  # next to the readings, and replaced with each of them
    return _FOLDERS.get(top, "state")


def cluster_of(key: str) -> str:
    """The id of the cluster that a key of documents, bases, changes, readings or the inbox belongs to."""
    for part in key.split("/"):
        if part.startswith("cluster_id="):
            return layout.unsafe(part.removeprefix("cluster_id="))
    parts = key.split("/")
    return layout.unsafe(parts[2] if parts[0] == "ends" and len(parts) > 2 else parts[1])


def total_bytes(found: Iterable[StoredObject]) -> int:
    return sum(one.bytes for one in found)


def moment_of(one: StoredObject) -> datetime:
    """When a document was discovered, by its key; when anything else was last written."""
    named = layout.document_moment(one.key)
    return one.modified_at.astimezone(UTC) if named is None else named[0]
