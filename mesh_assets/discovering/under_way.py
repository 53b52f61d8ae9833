"""Marks that a process outside Dagster is discovering a cluster, so that sensors do not launch a run at the same time.

A courtesy and not a lock, like the claim to a run (`sensing/handover.py`): a second discovery would only publish a
snapshot without changes. The lock decides what may be published.
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

# A process on another host may have died without this one knowing. Reading 9,000 topics takes seconds; a source that
# does not answer, minutes.
HOLDS_FOR = timedelta(minutes=15)


class UnderWay(Record, frozen=True, kw_only=True):
    """`began_at`: by the clock of the process's host."""

    process: Holder
    began_at: datetime


_decoder = msgspec.json.Decoder(UnderWay)


@contextmanager
def under_way(objects: ObjectStore, cluster: str, run_id: str) -> Iterator[None]:
    """While open, says that this process is discovering `cluster`. Raises StoreError when the store cannot be written."""
    key = _key(cluster)
    mine = UnderWay(process=this_process(run_id), began_at=datetime.now(UTC))
    version = objects.put(key, msgspec.json.encode(mine))
    try:
        yield
    finally:
        # A process that started since then says so itself; an entry that cannot be removed expires.
        with suppress(ConflictError, StoreError):
            objects.delete_if(key, version)


def who_discovers(objects: ObjectStore, cluster: str, *, now: datetime) -> Holder | None:
    """The process outside Dagster that is discovering the cluster; None if there is none, or none that is sure to be
    alive. Raises StoreError when the store cannot be read."""
    found = objects.get(_key(cluster))
    if found is None:
        return None
    try:
        said = _decoder.decode(found[0])
    except UNDECODABLE:  # written by another version; it expires
        return None
    # A time in the future comes from a clock that is ahead: it must not hold until then.
    return None if abs(now - said.began_at) > HOLDS_FOR or is_gone(said.process) else said.process


def _key(cluster: str) -> str:
    return f"under_way/{safe(cluster)}.json"
