"""That a cluster is being discovered by a process that is no run of Dagster's, so that sensors do not launch a run beside it.

A courtesy and no lock, as the claim to a run is (`sensing/handover.py`): a second discovery would only publish a snapshot
without changes. What may be published, the lock decides.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import msgspec

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.snapshot.lock import is_gone, this_process
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.pointers import Holder

# A process on another host may be gone without anybody here knowing. Reading 9,000 topics takes seconds; a source that
# does not answer, minutes.
HOLDS_FOR = timedelta(minutes=15)


class UnderWay(Record, frozen=True, kw_only=True):
    """`began_at`: by the clock of the process's host."""

    process: Holder
    began_at: datetime


_decoder = msgspec.json.Decoder(UnderWay)


@contextmanager
def under_way(objects: ObjectStore, cluster: str, run_id: str) -> Iterator[None]:
    """Meanwhile this process says that it discovers `cluster`. Raises StoreError when the store cannot be written."""
    key = _key(cluster)
    mine = UnderWay(process=this_process(run_id), began_at=datetime.now(UTC))
    version = objects.put(key, msgspec.json.encode(mine))
    try:
        yield
    finally:
        # Another process that began since says so itself; what cannot be removed runs out.
        with suppress(ConflictError, StoreError):
            objects.delete_if(key, version)


def who_discovers(objects: ObjectStore, cluster: str, *, now: datetime) -> Holder | None:
    """The process that discovers the cluster by itself; None where there is none, or none that is sure to be there
    still. Raises StoreError when the store cannot be read."""
    found = objects.get(_key(cluster))
    if found is None:
        return None
    try:
        said = _decoder.decode(found[0])
    except UNDECODABLE:  # of another version; it runs out
        return None
    # One that is still to come is of a clock that is ahead: it must not hold until then.
    return None if abs(now - said.began_at) > HOLDS_FOR or is_gone(said.process) else said.process


def _key(cluster: str) -> str:
    return f"under_way/{safe(cluster)}.json"
