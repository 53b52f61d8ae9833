"""Finds what in the store keeps a cluster from being published, and takes it out of the way.

Only what cannot recover by itself: damaged objects, and a leftover record that Kafka refuses for good.
Whatever is taken out is kept under `quarantine/`. The store then knows less, and the next discovery continues
from the newest snapshot in Kafka.
"""

from collections.abc import Callable, Iterator

from mesh_assets.errors import ConflictError, DamagedError
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import counted
from mesh_assets.snapshot.commit import LEASE_SECONDS
from mesh_assets.snapshot.lock import is_gone
from mesh_assets.store import layout
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import keep_aside
from mesh_assets.store.pointers import (
    Pending,
    StoredDocument,
    WriteAhead,
    decode_adoption,
    decode_known_cluster,
    decode_pending,
    decode_pointer,
    decode_store_identity,
)

_GOES_ON = "if Kafka has no snapshot, the next one is the first; otherwise the next discovery continues from the newest snapshot there"


class Fault(Record, frozen=True, kw_only=True):
    """Something that blocks a cluster. `keys`: what to take out. `versions`: theirs as found; None for a
    missing one. `problem`, `then`: sentences, the latter about the consequences."""

    keys: tuple[str, ...]
    versions: tuple[str | None, ...]
    problem: str
    then: str


def find_faults(store: InventoryStore, cluster: str, cluster_id: str) -> tuple[Fault, ...]:
    """What keeps `cluster` from being published, in the order of repair. Raises ConflictError while a run
    works on it, StoreError when the store fails."""
    return tuple(_faults(store, cluster, cluster_id))


def repair_fault(store: InventoryStore, fault: Fault) -> tuple[str, ...]:
    """Takes out what is at fault; returns where the copies are. Raises ConflictError if it has changed
    meanwhile."""
    kept = []
    for key, version in zip(fault.keys, fault.versions, strict=True):
        found = store.objects.get(key)
        if (None if found is None else found[1]) != version:
            raise ConflictError(f"{store.objects.location(key)} has changed meanwhile; look again")
        if found is not None:
            kept.append(keep_aside(store.objects, key, found[0]))
            store.objects.delete_if(key, found[1])
    return tuple(kept)


def _faults(store: InventoryStore, cluster: str, cluster_id: str) -> Iterator[Fault]:
    adopt = f"mesh-assets snapshot adopt --cluster {cluster}"
    whole: tuple[tuple[str, Callable[..., object], str], ...] = (
        (
            layout.store_key(),
            decode_store_identity,
            f"the store gets a new id, so each of its clusters must be handed over to it: {adopt}",
        ),
        (layout.adoption_key(cluster_id), decode_adoption, f"if the cluster is to be handed over: {adopt}"),
        (layout.latest_key(cluster_id), decode_pointer, _GOES_ON),
        (
            layout.pending_key(cluster_id),
            decode_pending,
            f"the lock is free, so make sure first that no discovery of {cluster} is running; {_GOES_ON}; changes that an earlier run "
            f"had not published yet are in the copy",
        ),
    )
    names = tuple(
        (
            entry.key,
            decode_known_cluster,
            "the next discovery under that name rewrites it; the ids that the name had before are in the copy",
        )
        for entry in store.objects.list(layout.known_clusters_folder())
    )
    damaged = set()
    for key, decode, then in (*whole, *names):
        found = store.objects.get(key)
        if found is None:
            continue
        try:
            decode(found[0], source=store.objects.location(key))
        except DamagedError as error:
            damaged.add(key)
            yield Fault(keys=(key,), versions=(found[1],), problem=_without_hint(error), then=then)
    latest = None if layout.latest_key(cluster_id) in damaged else store.latest(cluster_id)
    pending = None if layout.pending_key(cluster_id) in damaged else store.pending(cluster_id)
    if pending is not None:
        _check_that_nobody_works(cluster, pending[0])
        record = pending[0].record
        if record is not None and (latest is None or latest[0].sequence < record.sequence):
            yield from _record_faults(store, cluster_id, pending[0].refused, record, pending[1])
    if latest is not None:
        problem = _damage(store, latest[0].document)
        if problem is not None:
            yield _fault(
                store, layout.latest_key(cluster_id), latest[1], latest[0].document, problem, _GOES_ON
            )


def _record_faults(
    store: InventoryStore, cluster_id: str, refused: str | None, record: WriteAhead, version: str
) -> Iterator[Fault]:
    left = f"run {record.run_id} left snapshot {record.sequence} unfinished"
    damage = _damage(store, record.document)
    if damage is None and refused is None:
        return
    changes = (
        ""
        if not record.changes
        else f", which first tries once more to publish those of the {counted(len(record.changes), 'change')} that are not there yet; "
        "they are also in the copy"
    )
    yield _fault(
        store,
        layout.pending_key(cluster_id),
        version,
        None if damage is None else record.document,
        f"{left}, and {refused or damage}",
        f"{_GOES_ON}{changes}",
    )


def _fault(
    store: InventoryStore, key: str, version: str, document: StoredDocument | None, problem: str, then: str
) -> Fault:
    """Includes the damaged document, if there is one."""
    if document is None:
        return Fault(keys=(key,), versions=(version,), problem=problem, then=then)
    found = store.objects.get(document.key)
    return Fault(
        keys=(key, document.key),
        versions=(version, None if found is None else found[1]),
        problem=problem,
        then=then,
    )


def _damage(store: InventoryStore, document: StoredDocument) -> str | None:
    try:
        store.read_document(document)
    except DamagedError as error:
        return _without_hint(error)
    return None


def _without_hint(error: DamagedError) -> str:
    """Anyone who reads this has already found the command."""
    return str(error).partition(". See what is wrong:")[0]


def _check_that_nobody_works(cluster: str, pending: Pending) -> None:
    """Judges only by signs of life: the lock's time comes from another machine's clock."""
    holder = pending.holder
    if holder is not None and not is_gone(holder):
        raise ConflictError(
            f"{cluster} is being discovered by run {holder.run_id} (process {holder.pid} on {holder.host}); try again when that has ended. "
            f"If its machine is gone, let a discovery take over first, which needs {LEASE_SECONDS:.0f} s without a sign of life from it: "
            f"mesh-assets discover --cluster {cluster}"
        )
