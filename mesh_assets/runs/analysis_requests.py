"""When the job `analysis` is requested: after snapshots that changed something, and not while it is
running."""

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import msgspec

from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.wording import listed
from mesh_assets.runs.requests import IN_FLIGHT
from mesh_assets.runs.tags import end_if_lost
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import Pointer
from mesh_assets.store.results import latest_pointers

ANALYSIS_JOB = "analysis"
_READS_AT_ONCE = 16


class Analysed(Record, frozen=True, kw_only=True):
    """The snapshot of a cluster that an analysis was requested for."""

    cluster_id: str
    sequence: int


def request_analysis(
    instance: dg.DagsterInstance, store: InventoryStore, clusters: Iterable[str], *, cursor: str | None
) -> dg.SensorResult:
    """Like `requested_after`, unless a run of the job waits or is under way: of hundreds of clusters, one
    changes nearly every minute, and each run reads them all. The cursor then stays, so that the next run
    covers everything that came in the meantime.

    Raises StoreError.
    """
    for run in instance.get_runs(dg.RunsFilter(job_name=ANALYSIS_JOB, statuses=list(IN_FLIGHT)), limit=1):
        if not end_if_lost(instance, run):
            return dg.SensorResult(
                skip_reason=f"run {run.run_id[:8]} is {run.status.value.lower()}; changes since then get a run after it",
                cursor=cursor,
            )
    return requested_after(_pointers(store, clusters), cursor=cursor)


def _pointers(store: InventoryStore, clusters: Iterable[str]) -> dict[str, Pointer | None]:
    """Two small reads per cluster, one after the other; about 20 ms each in a bucket."""
    with ThreadPoolExecutor(max_workers=_READS_AT_ONCE, thread_name_prefix="mesh-pointers") as pool:
        found = pool.map(lambda name: latest_pointers(store, [name]), clusters)
        return {name: pointer for one in found for name, pointer in one.items()}


def requested_after(latest: Mapping[str, Pointer | None], *, cursor: str | None) -> dg.SensorResult:
    """A run if a cluster was discovered for the first time, is a different one under its name, or has a
    snapshot with changes that no run was requested for. Of several snapshots since the last tick, only the
    newest says how much it changed, so they count as changed."""
    before = _decoded(cursor)
    now = {
        name: Analysed(cluster_id=pointer.cluster_id, sequence=pointer.sequence)
        for name, pointer in latest.items()
        if pointer is not None
    }
    if not now:
        return dg.SensorResult(skip_reason="no cluster of the estate has been discovered yet")
    changed = sorted(
        name
        for name, pointer in latest.items()
        if pointer is not None and _has_changed(before.get(name), pointer)
    )
    changed += sorted(before.keys() - now.keys())  # it left the estate
    text = msgspec.json.encode(now, order="sorted").decode()
    if not changed:
        return dg.SensorResult(skip_reason="nothing changed since the last analysis", cursor=text)
    key = hashlib.sha256(text.encode()).hexdigest()
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key, tags={"mesh/changed": listed(changed)})], cursor=text
    )


def _has_changed(before: Analysed | None, pointer: Pointer) -> bool:
    if before is None or before.cluster_id != pointer.cluster_id or pointer.sequence < before.sequence:
        return True
    return pointer.sequence > before.sequence + 1 or (
        pointer.sequence == before.sequence + 1 and pointer.changes > 0
    )


def _decoded(cursor: str | None) -> dict[str, Analysed]:
    """A cursor from another version counts as none: one more run does no harm."""
    if not cursor:
        return {}
    try:
        return msgspec.json.decode(cursor, type=dict[str, Analysed])
    except UNDECODABLE:
        return {}
