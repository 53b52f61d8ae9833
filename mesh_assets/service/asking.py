"""`POST /discover`: what callers may ask for, who may, and how often."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
import msgspec

from mesh_assets.errors import MeshError
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.sensing.trigger_queue.message import details_text, resource_text
from mesh_assets.service.asked import KeptAnswer
from mesh_assets.service.discoveries import Discoveries

MOST_BODY_BYTES = 64 * 1024
PER_MINUTE = 30
_MOST_CALLERS = 10_000
_MOST_KEY_CHARACTERS = 255


class BadRequestError(MeshError):
    """A request that the service does not answer; `status` is HTTP's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Wanted(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body. `clusters`: names of the estate; none: all. `reason` and `resource`: how the event will
    explain it."""

    cluster: str | None = None
    clusters: tuple[str, ...] | None = None
    reason: str | None = None
    resource: str | None = None


_decoder = msgspec.json.Decoder(Wanted)


class RateLimit:
    """So many per minute for each caller, all of which may come at once."""

    def __init__(self, per_minute: int = PER_MINUTE, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, caller: str) -> float:
        """0: the caller may ask, which is counted. Otherwise how long until they may."""
        now = self._clock()
        left, since = self._left.pop(caller, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - since) * self._per_minute / 60)
        allowed = left >= 1
        self._left[caller] = left - 1 if allowed else left, now
        while len(self._left) > _MOST_CALLERS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self._per_minute


class Asking:
    """Answers a body with the discoveries that it asks for."""

    def __init__(self, discoveries: Discoveries, estate: Callable[[], Estate]) -> None:
        self._discoveries = discoveries
        self._estate = estate
        self._with_a_key = anyio.Lock()

    async def ask(self, body: bytes, *, caller: str, key: str | None) -> list[dict[str, Any]]:
        """One entry per cluster: the id of its discovery, and where to follow it. Raises BadRequestError,
        EstateError, StoreError, DamagedError."""
        if key is None:
            return await self._asked(_wanted(body), caller)
        if not 0 < len(key) <= _MOST_KEY_CHARACTERS:
            raise BadRequestError(400, f"Idempotency-Key: expected 1 to {_MOST_KEY_CHARACTERS} characters")
        digest, kept = hashlib.sha256(body).hexdigest(), self._discoveries.kept
        async with self._with_a_key:  # or two at once would each request a discovery
            known = await anyio.to_thread.run_sync(kept.answer, caller, key)
            if known is None:
                answer = KeptAnswer(digest=digest, answered=await self._asked(_wanted(body), caller))
                known = await anyio.to_thread.run_sync(kept.keep_answer, caller, key, answer)
        if known.digest != digest:
            raise BadRequestError(
                422, "this Idempotency-Key came with a different body before; use a new key for each request"
            )
        return known.answered

    async def _asked(self, wanted: Wanted, caller: str) -> list[dict[str, Any]]:
        trigger = Trigger(
            type="api",
            resource=resource_text(wanted.resource),
            details=details_text(
                f"{wanted.reason} (asked for by {caller})" if wanted.reason else f"asked for by {caller}"
            ),
        )
        found = []
        for name in _clusters(wanted, self._estate()):
            discovery, joined = await self._discoveries.ask(name, trigger, caller=caller)
            found.append(
                {
                    "id": discovery.id,
                    "cluster": name,
                    "status": discovery.status,
                    "joined": joined,
                    "follow": f"/discoveries/{discovery.id}",
                }
            )
        return found


def _wanted(body: bytes) -> Wanted:
    try:
        return _decoder.decode(body or b"{}")
    except UNDECODABLE as error:
        # msgspec quotes field names and what was expected, not values.
        raise BadRequestError(
            400,
            f'the body is not as expected: {error}; for example {{"cluster": "warehouse", "reason": "deployed"}}',
        ) from error


def _clusters(wanted: Wanted, estate: Estate) -> list[str]:
    if wanted.cluster is not None and wanted.clusters is not None:
        raise BadRequestError(400, "give `cluster` or `clusters`, not both")
    asked = (wanted.cluster,) if wanted.cluster is not None else wanted.clusters
    if asked is None:
        return list(estate.clusters)
    names = list(dict.fromkeys(asked))
    unknown = [name for name in names if name not in estate.clusters]
    if unknown or not names:
        known = ", ".join(list(estate.clusters)[:30])
        raise BadRequestError(
            404 if names else 400,
            f"the estate has no cluster {unknown[0][:80]!r}; it has: {known}"
            if names
            else "`clusters` names none",
        )
    return names
