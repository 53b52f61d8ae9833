"""Who asks for the run of a cluster: sensors that tick at the same moment must not ask for one each.

A sensor's run requests become runs only after its tick has returned, so another one cannot see them yet. The
claim says that a run has been asked for. It is a courtesy, not a lock: it ends by itself, and a second run
would only publish a snapshot without changes.
"""

from datetime import datetime, timedelta

import msgspec

from mesh_assets.errors import ConflictError
from mesh_assets.inventory.records import Record
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore

# From the claim to the run: the rest of the tick, and the daemon's submission.
CLAIM_LASTS = timedelta(seconds=90)


class Claim(Record, frozen=True, kw_only=True):
    claimed_at: datetime


_decoder = msgspec.json.Decoder(Claim)


def claim_run(objects: ObjectStore, cluster_id: str, *, now: datetime, newest_run: datetime | None) -> bool:
    """Whether the caller may ask for the run. `newest_run`: when the cluster's newest run was created; a
    claim older than that has become a run, and says nothing any more. Raises StoreError when the store fails.
    """
    key = f"launches/{safe(cluster_id)}.json"
    data = msgspec.json.encode(Claim(claimed_at=now))
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


def _holds(data: bytes, *, now: datetime, newest_run: datetime | None) -> bool:
    try:
        claimed_at = _decoder.decode(data).claimed_at
    except msgspec.DecodeError:
        return False
    return now - claimed_at < CLAIM_LASTS and (newest_run is None or newest_run < claimed_at)
