"""Decides what can be removed from the store, and removes it.

Ages count back from a cluster's newest document, or from the last write to the store, never from this
machine's clock alone: a clock that runs ahead would make everything old.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from mesh_assets.errors import DamagedError
from mesh_assets.estate.retention import Kept, Retention
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.wording import counted
from mesh_assets.store import layout
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import StoredObject
from mesh_assets.store.packed import pack_plain, repack_gzipped
from mesh_assets.store.results import DocumentRead
from mesh_assets.upkeep.bases import drop_unused, unused
from mesh_assets.upkeep.census import Census, Kind, moment_of, take_census, total_bytes

AT_LEAST = 10
"""How many documents of a cluster stay whatever the estate says: enough to see what it was like before it was
lost."""

IN_USE = timedelta(days=1)
"""Triggers and what runs keep stay at least this long, whatever the estate says: a run under way or requested
needs them."""


class Removal(Record, frozen=True, kw_only=True):
    """Objects of a kind to be removed, and why. `cluster_id` None: of no cluster."""

    kind: Kind
    cluster_id: str | None
    keys: tuple[str, ...]
    bytes: int
    reason: str


class PrunePlan(Record, frozen=True, kw_only=True):
    """What would be removed, and which documents would be packed, by their keys. `left`: sentences about what
    cannot be judged and therefore stays."""

    removals: tuple[Removal, ...]
    packed: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.removals)


class Pruned(Record, frozen=True, kw_only=True):
    """What was done: how many objects and bytes are gone, and how many documents were packed."""

    objects: int
    bytes: int
    packed: int


class _Named(Record, frozen=True, kw_only=True):
    documents: tuple[DocumentRead, ...]


_named = msgspec.json.Decoder(_Named)


def plan_pruning(store: InventoryStore, retention: Retention, *, clock: datetime) -> PrunePlan:
    """Only reads. Raises StoreError if the store cannot be read."""
    census = take_census(store.objects)
    left: list[str] = []
    named = _named_by_results(store, census, left)
    removals: list[Removal] = []
    packed: list[str] = []
    ids = dict.fromkeys((*census.of_cluster("documents"), *census.of_cluster("bases")))
    for cluster_id in ids:
        try:
            of_it = _documents(store, census, cluster_id, retention.documents, named, clock)
            removals += of_it.removals
            packed += of_it.packed
        except DamagedError as error:
            left.append(f"no document of cluster {cluster_id} is removed: {error}")
    removals += _others(census, retention, clock=clock)
    return PrunePlan(removals=tuple(removals), packed=tuple(packed), left=tuple(left))


def prune(
    store: InventoryStore, plan: PrunePlan, *, progress: Callable[[str], None] = lambda _: None
) -> Pruned:
    """Does what the plan says. Discoveries may go on meanwhile. Raises StoreError; whatever was done by then
    stays done."""
    objects = store.objects
    gone, freed = 0, 0
    for removal in plan.removals:
        if removal.kind != "bases":  # those are looked up again, since a discovery may use one by now
            progress(f"removes {counted(len(removal.keys), 'object')} of {removal.kind}: {removal.reason}")
            for key in removal.keys:
                objects.delete(key)
            gone, freed = gone + len(removal.keys), freed + removal.bytes
    for key in plan.packed:
        pack_plain(objects, key)
        repack_gzipped(objects, key)
    # Even if nothing else is removed: a killed run may have left some.
    for cluster_id in take_census(objects).of_cluster("bases"):
        for one in drop_unused(objects, cluster_id):
            gone, freed = gone + 1, freed + one.bytes
    return Pruned(objects=gone, bytes=freed, packed=len(plan.packed))


def _documents(
    store: InventoryStore,
    census: Census,
    cluster_id: str,
    kept: Kept,
    named: set[str],
    clock: datetime,
) -> PrunePlan:
    """For one cluster. The listing comes first: a document in it that is being published is in the lock or
    the pointer."""
    forms: dict[str, list[StoredObject]] = {}
    for one in census.of_cluster("documents").get(cluster_id, []):
        forms.setdefault(layout.plain_key(one.key), []).append(one)
    pending, latest = store.pending(cluster_id), store.latest(cluster_id)
    record = None if pending is None else pending[0].record
    spared = {
        *named,
        *(() if latest is None else (latest[0].document.key,)),
        *(() if pending is None or pending[0].draft is None else (pending[0].draft,)),
        *(() if record is None else (record.document.key,)),
    }
    newest_first = sorted(forms, key=lambda key: layout.document_moment(key) or (clock, 0), reverse=True)
    newest = min(clock, moment_of(forms[newest_first[0]][0])) if newest_first else clock
    removals: list[Removal] = []
    for reason, keys in _too_old(
        [(key, moment_of(forms[key][0])) for key in newest_first], kept, now=newest, at_least=AT_LEAST
    ):
        going = [one for key in keys if key not in spared for one in forms.pop(key)]
        if going:
            removals.append(_removal("documents", cluster_id, going, reason))
    packed = [
        key
        for key in newest_first[AT_LEAST if latest is None else 0 :]
        if key in forms and key not in spared and any(layout.base_of(one.key) is None for one in forms[key])
    ]
    left = {one.key for of_key in forms.values() for one in of_key}
    bases = unused(store.objects, cluster_id, left, census.of_cluster("bases").get(cluster_id, []))
    if bases:
        removals.append(_removal("bases", cluster_id, bases, "no document differs from them any more"))
    return PrunePlan(removals=tuple(removals), packed=tuple(packed), left=())


def _others(census: Census, retention: Retention, *, clock: datetime) -> Iterator[Removal]:
    now = census.now(clock)
    by_cluster: tuple[tuple[Kind, Kept], ...] = (
        ("changes", retention.changes),
        ("readings", retention.readings),
        ("inbox", retention.inbox),
    )
    for kind, kept in by_cluster:
        for cluster_id, found in census.of_cluster(kind).items():
            yield from _of_kind(kind, cluster_id, found, kept, now=now)
    whole: tuple[tuple[Kind, Kept], ...] = (
        ("results", retention.results),
        ("runs", retention.runs),
        ("quarantine", retention.quarantine),
    )
    for kind, kept in whole:
        yield from _of_kind(kind, None, census.objects[kind], kept, now=now)


def _of_kind(
    kind: Kind, cluster_id: str | None, found: Iterable[StoredObject], kept: Kept, *, now: datetime
) -> Iterator[Removal]:
    by_key = {one.key: one for one in found}
    newest_first = sorted(by_key.values(), key=lambda one: (one.modified_at, one.key), reverse=True)
    for reason, keys in _too_old([(one.key, one.modified_at) for one in newest_first], kept, now=now):
        old = [by_key[key] for key in keys]
        if kind in ("inbox", "runs"):
            old = [one for one in old if one.modified_at < now - IN_USE]
        if old:
            yield _removal(kind, cluster_id, old, reason)


def _too_old(
    newest_first: Sequence[tuple[str, datetime]], kept: Kept, *, now: datetime, at_least: int = 0
) -> Iterator[tuple[str, list[str]]]:
    """The keys that are not kept, by the reason."""
    candidates = newest_first[at_least:]
    if kept.days is not None:
        limit = now - timedelta(days=kept.days)
        if old := [key for key, moment in candidates if moment < limit]:
            yield f"older than {kept.days:g} days", old
        candidates = [one for one in candidates if one[1] >= limit]
    if kept.newest is not None:
        many = max(0, kept.newest - at_least)
        if beyond := [key for key, _ in candidates[many:]]:
            yield f"beyond the newest {kept.newest:,}", beyond


def _removal(kind: Kind, cluster_id: str | None, found: Sequence[StoredObject], reason: str) -> Removal:
    return Removal(
        kind=kind,
        cluster_id=cluster_id,
        keys=tuple(one.key for one in found),
        bytes=total_bytes(found),
        reason=reason,
    )


def _named_by_results(store: InventoryStore, census: Census, left: list[str]) -> set[str]:
    """The documents that results were made from: whether a result still holds is found by comparing with its
    document."""
    found: set[str] = set()
    for one in census.objects["results"]:
        data = store.objects.get(one.key) if one.key.endswith(".json") else None
        if data is None:
            continue
        try:
            found |= {read.key for read in _named.decode(data[0]).documents if read.key is not None}
        except UNDECODABLE as error:
            left.append(
                f"which documents {store.objects.location(one.key)} was made from cannot be read ({error}), so they are not spared for it; "
                "run the job `analysis` again"
            )
    return found
