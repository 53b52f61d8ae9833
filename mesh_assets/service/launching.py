"""Who carries out a requested discovery: a process next to the service, or Dagster, whose sensors look into
the inbox."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import anyio
import anyio.to_thread

from mesh_assets.discovering.process import DiscoveryFailedError, discover_in_process
from mesh_assets.errors import StoreError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.wording import duration
from mesh_assets.masking.unexpected import sentence
from mesh_assets.service.asked import dealt_with, report_of
from mesh_assets.service.discoveries import Launch
from mesh_assets.store.inventories import InventoryStore

logger = logging.getLogger(__name__)

Launcher = Literal["here", "dagster"]

_LOOKS_EVERY_SECONDS = 5.0
# Sensors look within minutes; a queue of runs, or pauses after failures (half an hour at most), may take longer.
_WAITS_SECONDS = 7_200.0


async def launch_here(cluster: str, trigger: Trigger) -> Mapping[str, Any]:
    """In a separate process, with the same estate and store. Raises DiscoveryFailedError."""
    options = [f"--trigger-type={trigger.type}"]
    options += [] if trigger.resource is None else [f"--trigger-resource={trigger.resource}"]
    options += [] if trigger.details is None else [f"--trigger-details={trigger.details}"]
    return await discover_in_process(cluster, options, environment=os.environ, heard=_unheard)


async def _unheard(_: str) -> None:
    """Anyone following a discovery asks for its state."""


def launch_by_dagster(
    store: Callable[[], InventoryStore],
    *,
    every_seconds: float = _LOOKS_EVERY_SECONDS,
    waits_seconds: float = _WAITS_SECONDS,
) -> Launch:
    """Waits until a run has dealt with the trigger, which is in the inbox: Dagster's sensors launch one, through its queue and
    with its launcher. Retries while the store cannot be read. Raises DiscoveryFailedError if no run has for
    hours, or if the store stays unreadable for as long."""

    async def launch(cluster: str, trigger: Trigger) -> Mapping[str, Any]:
        until, unread = time.monotonic() + waits_seconds, ""
        while time.monotonic() < until:
            try:
                latest, waits = await anyio.to_thread.run_sync(lambda: dealt_with(store(), cluster, trigger))
            except StoreError as error:
                if not unread:
                    logger.warning(
                        "whether %s was discovered cannot be read; trying again: %s",
                        cluster,
                        sentence(error),
                    )
                unread = f" (the store cannot be read: {error})"
            else:
                unread = ""
                if latest is not None and not waits:
                    return report_of(store(), latest)
            await anyio.sleep(every_seconds)
        raise DiscoveryFailedError(
            f"no run has dealt with it for {duration(waits_seconds)}; it is still waiting: see whether Dagster's daemon is running, "
            f"and what the runs of the job `discovery` for {cluster} say{unread}"
        )

    return launch
