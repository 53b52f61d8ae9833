"""Discoveries that somebody asked for: accepted once the trigger is in the inbox, carried out one at a time for each cluster.

What waits for a cluster is one discovery, however many ask: it begins after all of them, so it reads whatever made them ask.
One that runs already may have read before, so whoever asks then gets the next.
"""

import logging
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import anyio

from mesh_assets.errors import MeshError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.masking.unexpected import sentence, unexpected
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore

logger = logging.getLogger(__name__)

Status = Literal["queued", "running", "published", "failed"]
AT_ONCE = 2
"""Each takes up to 200 MB for 9,000 topics."""
MOST_KEPT = 1_000

Launch = Callable[[str, Trigger], Awaitable[Mapping[str, Any]]]
"""Discovers the cluster, in the name of the trigger; the report as `mesh-assets discover --json` writes it. Raises MeshError."""


@dataclass(slots=True, kw_only=True)
class Discovery:
    """`triggers`: of all who asked for it, by whom. `report`: what it published; `error`: why it published nothing."""

    id: str
    cluster: str
    requested_at: datetime
    triggers: list[Trigger]
    requested_by: list[str]
    status: Status = "queued"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    def shown(self) -> dict[str, Any]:
        """As `GET /discoveries/{id}` answers."""
        known: dict[str, Any] = {
            "id": self.id,
            "cluster": self.cluster,
            "status": self.status,
            "requested_at": _text(self.requested_at),
            "requested_by": self.requested_by,
            "started_at": _text(self.started_at),
            "ended_at": _text(self.ended_at),
            "error": self.error,
            "run_id": self.report.get("run_id"),
            "sequence": self.report.get("sequence"),
            "changes": self.report.get("total_changes"),
            "document": self.report.get("inventory_location"),
            "notes": self.report.get("notes") or None,
        }
        return {name: value for name, value in known.items() if value is not None}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Discoveries:
    """For one event loop. The last MOST_KEPT that ended are remembered, by this process alone."""

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
        self._at_once = at_once
        self._now = now
        self._known: OrderedDict[str, Discovery] = OrderedDict()
        self._queued: OrderedDict[str, Discovery] = OrderedDict()
        self._running: set[str] = set()
        self._changed = anyio.Event()

    def get(self, discovery_id: str) -> Discovery | None:
        return self._known.get(discovery_id)

    async def ask(self, cluster: str, trigger: Trigger, *, caller: str) -> tuple[Discovery, bool]:
        """The discovery that will be made, and whether others had asked for it already. Raises StoreError when the trigger could
        not be kept; then nothing is asked for."""
        await anyio.to_thread.run_sync(self._keep, cluster, trigger, uuid.uuid4().hex)
        queued = self._queued.get(cluster)
        if queued is not None:
            if trigger not in queued.triggers:
                queued.triggers.append(trigger)
            if caller not in queued.requested_by:
                queued.requested_by.append(caller)
            return queued, True
        one = Discovery(
            id=uuid.uuid4().hex,
            cluster=cluster,
            requested_at=self._now(),
            triggers=[trigger],
            requested_by=[caller],
        )
        self._queued[cluster] = self._known[one.id] = one
        self._forget()
        self._changed.set()
        return one, False

    def _keep(self, cluster: str, trigger: Trigger, cause: str) -> None:
        """In the inbox: if this process ends first, the cluster's next discovery deals with it, whoever makes that."""
        store = self._store()
        cluster_id = store.cluster_id(cluster) or inbox_by_name(cluster)
        Inbox(store.objects).put(cluster_id, trigger, cause=cause, source="service", now=self._now())

    def _forget(self) -> None:
        ended = [one for one in self._known.values() if one.ended_at is not None]
        for one in ended[: max(0, len(self._known) - MOST_KEPT)]:
            del self._known[one.id]

    async def carry_out(self) -> None:
        """Makes what is asked for, until it is cancelled; then those under way are stopped."""
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
        try:
            one.report = await self._launch(one.cluster, one.triggers[0])
            one.status = "published"
        except Exception as error:  # at the edge: one cluster must not end the others
            failure = error if isinstance(error, MeshError) else unexpected(error)
            one.status, one.error = "failed", sentence(failure)
            logger.warning("discovery %s of %s failed: %s", one.id, one.cluster, one.error)
        finally:
            one.ended_at = self._now()
            self._running.discard(one.cluster)
            self._changed.set()
