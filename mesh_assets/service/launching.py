"""Who carries out a discovery that was asked for: a process beside the service, or Dagster, whose sensors look into the inbox."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import anyio
import anyio.to_thread

from mesh_assets.discovering.process import DiscoveryFailedError, discover_in_process
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.wording import duration
from mesh_assets.service.discoveries import Launch
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import Pointer

Launcher = Literal["here", "dagster"]

_LOOKS_EVERY_SECONDS = 5.0
# Sensors look within minutes; a queue of runs, or pauses after failures (half an hour at most), may take longer.
_WAITS_SECONDS = 7_200.0


async def launch_here(cluster: str, trigger: Trigger) -> Mapping[str, Any]:
    """In a process beside this one, with the same estate and store. Raises DiscoveryFailedError."""
    options = [f"--trigger-type={trigger.type}"]
    options += [] if trigger.resource is None else [f"--trigger-resource={trigger.resource}"]
    options += [] if trigger.details is None else [f"--trigger-details={trigger.details}"]
    return await discover_in_process(cluster, options, environment=os.environ, heard=_unheard)


async def _unheard(_: str) -> None:
    """Who follows a discovery asks for its state."""


def launch_by_dagster(
    store: Callable[[], InventoryStore],
    *,
    every_seconds: float = _LOOKS_EVERY_SECONDS,
    waits_seconds: float = _WAITS_SECONDS,
) -> Launch:
    """Waits until a run has dealt with the trigger, which is in the inbox: Dagster's sensors launch one, through its queue and
    with its launcher. Raises DiscoveryFailedError where none has for hours, StoreError."""

    async def launch(cluster: str, trigger: Trigger) -> Mapping[str, Any]:
        until = time.monotonic() + waits_seconds
        while time.monotonic() < until:
            latest, waits = await anyio.to_thread.run_sync(lambda: _state(store(), cluster, trigger))
            if latest is not None and not waits:
                return {
                    "run_id": latest.run_id,
                    "sequence": latest.sequence,
                    "total_changes": latest.changes,
                    "inventory_location": store().objects.location(latest.document.key),
                }
            await anyio.sleep(every_seconds)
        raise DiscoveryFailedError(
            f"no run has dealt with it for {duration(waits_seconds)}; it still waits: see whether Dagster's daemon runs, "
            f"and what the runs of the job `discovery` for {cluster} say"
        )

    return launch


def _state(store: InventoryStore, cluster: str, trigger: Trigger) -> tuple[Pointer | None, bool]:
    """The newest snapshot, and whether the trigger still waits, by itself or counted with others of its type. A run moves the
    pointer before it takes triggers out of the inbox, so the inbox is looked into first."""
    cluster_id = store.cluster_id(cluster)
    places = [inbox_by_name(cluster), *(() if cluster_id is None else (cluster_id,))]
    waiting = [one for place in places for one in Inbox(store.objects).waiting(place)]
    waits = any(
        one.trigger == trigger or (one.source == "inbox" and one.trigger.type == trigger.type)
        for one in waiting
    )
    latest = None if cluster_id is None else store.latest(cluster_id)
    return None if latest is None else latest[0], waits
