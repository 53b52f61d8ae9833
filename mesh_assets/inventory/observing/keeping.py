"""From what was found to what waits in the inbox, unless a discovery has dealt with it meanwhile."""

from datetime import datetime

from mesh_assets.inventory.observing.looking import Sight
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore


def keep_findings(sight: Sight, store: InventoryStore, *, source: str, now: datetime) -> int | None:
    """Puts what was found into the inbox; how much of it is new there. None: a newer document has come, so
    nothing was kept.

    Between the look and now a run may have published the very change and emptied the inbox: kept, it would
    launch a second run for one cause. A run moves `latest.json` before it removes its triggers, so what is
    new here while the document has not moved is not dealt with; where it has moved, the next tick compares
    with the newer one. Raises StoreError when the store fails.
    """
    cluster_id = sight.cluster_id
    if cluster_id is None or not sight.findings:
        return 0
    if _has_moved(store, cluster_id, sight):
        return None
    inbox = Inbox(store.objects)
    new = sum(
        inbox.put(cluster_id, found.trigger, cause=found.cause, source=source, now=now)
        for found in sight.findings
    )
    if new and _has_moved(store, cluster_id, sight):
        mine = [one.id for one in inbox.waiting(cluster_id) if (one.source, one.received_at) == (source, now)]
        inbox.remove(cluster_id, mine)
        return None
    return new


def _has_moved(store: InventoryStore, cluster_id: str, sight: Sight) -> bool:
    latest = store.latest(cluster_id)
    return latest is None or latest[0].sequence != sight.sequence
