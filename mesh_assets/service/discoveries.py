"""Discoveries on request: accepted once the trigger is in the inbox, and carried out one at a time for each
cluster.

Only one discovery waits for a cluster, however many ask: it starts after all the requests, so it reads
whatever prompted them. A running one may have read before that, so anyone who asks then gets the next.
"""

import logging
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import anyio
import anyio.to_thread
from msgspec.structs import replace

from mesh_assets.errors import MeshError, StoreError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.masking.unexpected import sentence, unexpected
from mesh_assets.service.asked import AskedDiscoveries, Discovery, told_of
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore

logger = logging.getLogger(__name__)

AT_ONCE = 2
"""Each takes up to 200 MB for 9,000 topics."""
MOST_KEPT = 1_000

Launch = Callable[[str, Trigger], Awaitable[Mapping[str, Any]]]
"""Discovers the cluster on behalf of the trigger; returns the report as `mesh-assets discover --json` writes
it. Raises MeshError."""


class Discoveries:
    """For one event loop. The store keeps each one's progress (`kept`); this process remembers the last
    MOST_KEPT that ended."""

    def __init__(
        self,
        launch: Launch,
        store: Callable[[], InventoryStore],
        *,
        at_once: int = AT_ONCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._launch = launch
        self._store = store
        self.kept = AskedDiscoveries(store)
        self._saving = anyio.Lock()
        self._at_once = at_once
        self._now = now
        self._known: OrderedDict[str, Discovery] = OrderedDict()
        self._queued: OrderedDict[str, Discovery] = OrderedDict()
        self._running: set[str] = set()
        self._changed = anyio.Event()

    async def find(self, discovery_id: str) -> Discovery | None:
        """No matter which service was asked for it. Raises StoreError, DamagedError."""
        known = self._known.get(discovery_id)
        return known or await anyio.to_thread.run_sync(self.kept.find, discovery_id)

    async def ask(self, cluster: str, trigger: Trigger, *, caller: str) -> tuple[Discovery, bool]:
        """The discovery to be carried out, and whether others had already asked for it. Raises StoreError
        when the trigger or the discovery could not be kept; then this process does not carry one out."""
        await anyio.to_thread.run_sync(self._keep, cluster, trigger, uuid.uuid4().hex)
        if cluster not in self._queued:
            one = Discovery(
                id=uuid.uuid4().hex,
                cluster=cluster,
                requested_at=self._now(),
                triggers=[trigger],
                requested_by=[caller],
            )
            await self._save(one)
            if cluster not in self._queued:  # nobody asked while it was being written
                self._queued[cluster] = self._known[one.id] = one
                self._forget()
                self._changed.set()
                return one, False
        queued = self._queued[cluster]
        if trigger not in queued.triggers:
            queued.triggers.append(trigger)
        if caller not in queued.requested_by:
            queued.requested_by.append(caller)
        await self._save(queued)
        return queued, True

    async def _save(self, one: Discovery) -> None:
        async with self._saving:  # one after the other, or an older state might overwrite a newer one
            as_now = replace(one, triggers=[*one.triggers], requested_by=[*one.requested_by])
            await anyio.to_thread.run_sync(self.kept.keep, as_now)

    async def _save_if_possible(self, one: Discovery) -> None:
        """Callers of this process are answered from its memory, others from the inbox."""
        try:
            await self._save(one)
        except StoreError as error:
            logger.warning("the state of discovery %s (%s) could not be kept: %s", one.id, one.status, error)

    def _keep(self, cluster: str, trigger: Trigger, cause: str) -> None:
        """In the inbox: if this process ends first, the cluster's next discovery deals with it, whoever
        starts that."""
        store = self._store()
        cluster_id = store.cluster_id(cluster) or inbox_by_name(cluster)
        Inbox(store.objects).put(cluster_id, trigger, cause=cause, source="service", now=self._now())

    def _forget(self) -> None:
        ended = [one for one in self._known.values() if one.ended_at is not None]
        for one in ended[: max(0, len(self._known) - MOST_KEPT)]:
            del self._known[one.id]

    async def carry_out(self) -> None:
        """Carries out requests until it is cancelled, which also stops those under way."""
        async with anyio.create_task_group() as tasks:
            while True:
                self._changed = anyio.Event()
                for one in self._next():
                    del self._queued[one.cluster]
                    self._running.add(one.cluster)
                    one.status, one.started_at = "running", self._now()
                    tasks.start_soon(self._make, one)
                await self._changed.wait()

    def _next(self) -> list[Discovery]:
        free = self._at_once - len(self._running)
        return [one for one in self._queued.values() if one.cluster not in self._running][: max(0, free)]

    async def _make(self, one: Discovery) -> None:
        await self._save_if_possible(one)
        try:
            one.report = told_of(await self._launch(one.cluster, one.triggers[0]))
            one.status = "published"
        except Exception as error:  # at the edge: one cluster must not end the others
            failure = error if isinstance(error, MeshError) else unexpected(error)
            one.status, one.error = "failed", sentence(failure)
            logger.warning("discovery %s of %s failed: %s", one.id, one.cluster, one.error)
        finally:
            one.ended_at = self._now()
            self._running.discard(one.cluster)
            self._changed.set()
        await self._save_if_possible(one)
