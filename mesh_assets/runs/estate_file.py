"""A tick of the sensor `estate_file`: which clusters enter and leave the estate, and whether its file is
sound."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import msgspec

from mesh_assets.errors import EstateError
from mesh_assets.fleet.in_force import EstateInForce
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.wording import counted
from mesh_assets.runs.requests import reasons_text, requests_for
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore

ESTATE_FILE = "estate_file"

_cursor = msgspec.json.Decoder(tuple[str, ...])


def tick(
    instance: dg.DagsterInstance, watched: EstateInForce, store: InventoryStore, *, cursor: str | None
) -> tuple[dg.SensorResult, tuple[str, ...]]:
    """The tick's result, and a line for each cluster that entered or left. The first tick only learns the
    names.

    Raises EstateError while the file is broken, so that the tick fails where people and alerts look, and
    StoreError when the store fails; discoveries of new clusters are then requested again.
    """
    known = watched.now()
    if known.problem is not None:
        raise EstateError(known.problem)
    watched.keep()
    names = tuple(known.estate.clusters)
    before = _known_before(cursor)
    came = [name for name in names if before is not None and name not in before]
    now = datetime.now(UTC)
    for name in came:
        trigger = Trigger(type="external", resource=name, details="The cluster entered the estate.")
        Inbox(store.objects).put(
            store.cluster_id(name) or inbox_by_name(name),
            trigger,
            cause=f"entered the estate: {name}",
            source=ESTATE_FILE,
            now=now,
        )
    launches = requests_for(instance, came, store, now=now)
    notes = (*_notes(came, [name for name in before or () if name not in names]),)
    waiting = reasons_text({name: (reason,) for name, reason in launches.waiting.items()})
    skipped = "; ".join((*notes, *waiting)) or f"{counted(len(names), 'cluster')}, as before"
    return dg.SensorResult(
        run_requests=launches.requests,
        cursor=msgspec.json.encode(names).decode(),
        skip_reason=None if launches.requests else skipped,
    ), notes


def _notes(came: list[str], left: list[str]) -> Iterator[str]:
    for name in came:
        yield f"{name} entered the estate; a discovery is requested"
    for name in left:
        yield (
            f"{name} left the estate: nothing reads it any more. Its documents are kept as `retention` says, and so is its last event; "
            "if the cluster is gone for good, retire it (docs/estate.md)"
        )


def _known_before(cursor: str | None) -> tuple[str, ...] | None:
    """The names at the last tick; None at the first one, or if another version wrote the cursor."""
    try:
        return None if cursor is None else _cursor.decode(cursor)
    except msgspec.DecodeError:
        return None
