"""Waiting until a mapping is enabled, disabled or gone. boto3 has no waiter for it."""

import time
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from mesh_assets.esm.access import AwsAccess
from mesh_assets.esm.errors import EsmError, MappingNotFoundError, WaitTimeoutError
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.mapping import EventSourceMapping

Wanted = Literal["Enabled", "Disabled", "deleted"]

DEFAULT_DEADLINE_SECONDS = 300.0
"""MSK mappings take minutes to be made: network interfaces come first."""

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0


class Progress(Struct, frozen=True, kw_only=True):
    """How far it is: told at each change of state. `state` None: gone."""

    uuid: str
    state: str | None
    reason: str | None
    seconds: float


class WrongEndError(EsmError):
    """The mapping came to rest in another state than the one waited for."""


def wait_until(
    access: AwsAccess,
    uuid: str,
    wanted: Wanted,
    *,
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
    progress: Callable[[Progress], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> EventSourceMapping | None:
    """The mapping once it is in the state; None once it is gone.

    Raises WaitTimeoutError after the deadline, WrongEndError when it rests in the other state,
    MappingNotFoundError when it vanishes.
    """
    start = clock()
    pause = _FIRST_PAUSE_SECONDS
    told: tuple[str | None, str | None] | None = None
    while True:
        mapping = _mapping(access, uuid, wanted)
        state, reason = (None, None) if mapping is None else (mapping.state, mapping.state_transition_reason)
        seconds = clock() - start
        if progress is not None and (state, reason) != told:
            progress(Progress(uuid=uuid, state=state, reason=reason, seconds=seconds))
            told = (state, reason)
        if mapping is None or state == wanted:
            return mapping
        if wanted == "Enabled" and state == "Disabled":
            raise WrongEndError(
                f"mapping {uuid} is Disabled instead of Enabled ({reason or 'no reason given'}); enable it, or see its last result"
            )
        if seconds + pause > deadline_seconds:
            last = mapping.last_processing_result or "none"
            raise WaitTimeoutError(
                f"mapping {uuid} is {state} after {seconds:.0f} s, not {wanted} ({reason or 'no reason given'}; last result: {last}); "
                "it may still get there: look again with `mesh-assets esm get`"
            )
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _mapping(access: AwsAccess, uuid: str, wanted: Wanted) -> EventSourceMapping | None:
    try:
        return get_mapping(access, uuid)
    except MappingNotFoundError:
        if wanted == "deleted":
            return None
        raise
