"""Visits all clusters within one tick: several at a time, each with a deadline, so that a hanging one blocks
no other.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mesh_assets.errors import MeshError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepLimits:
    """How many clusters to visit at once, and for how long.

    Visits mostly wait, so there can be more of them than cores. A tick of Dagster ends after 60 s (its sensors' gRPC
    deadline), and a tick that misses it is lost with everything it has seen: half of the time is reserved for
    the work before and after the looks. That usually takes no time; with 300 clusters on two cores under a
    load of 35 from other work it took more than 20 s in one tick of five. Clients give up before a cluster's
    time is over: after 6 s on a broker that accepts connections and never answers, after 3 on one that closes them.

    `at_once`: that many, and as many again of those known to be slow. `slow_seconds`: a visit that takes longer
    counts as slow, even if it succeeds.
    """

    at_once: int = 16
    cluster_seconds: float = 25.0
    tick_seconds: float = 30.0
    slow_seconds: float = 2.5


SWEEP_LIMITS = SweepLimits()


@dataclass(slots=True)
class Swept(Generic[Result]):
    """What became of each cluster.

    `seen`: the results. `failed`: the reasons. `hung`: not done within a cluster's time. `unreached`: not
    started, or cut short by the end of the tick. `slow`: those that took long, except the ones that hung.
    """

    seen: dict[str, Result] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    hung: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)


def sweep(
    clusters: Sequence[str],
    visit: Callable[[str], Result],
    *,
    limits: SweepLimits,
    slow: Iterable[str] = (),
) -> Swept[Result]:
    """Calls `visit` for each of `clusters`, in order. An exception stops no other cluster.

    Those of `slow` take their turns beside the others, not after them: neither wait for each other, and a cluster
    that closes its connections is visited at the same moment of every round, however long the others take.

    Threads cannot be ended from outside: one whose time is up is left to its clients' timeouts, its result is
    ignored, and its place goes to the next cluster. So `visit` must not change anything.
    """
    swept: Swept[Result] = Swept()
    known_slow = frozenset(slow)
    lanes = [
        [name for name in reversed(clusters) if name not in known_slow],
        [name for name in reversed(clusters) if name in known_slow],
    ]
    ends = time.monotonic() + limits.tick_seconds
    under_way: dict[Future[Result], tuple[str, float]] = {}  # the name, and since when
    # In the worst case, a thread for each cluster: the places of hanging ones go to others.
    pool = ThreadPoolExecutor(max_workers=max(1, len(clusters)), thread_name_prefix="mesh-visit")
    try:
        while any(lanes) or under_way:
            now = time.monotonic()
            if now >= ends:
                break
            of_slow = sum(name in known_slow for name, _ in under_way.values())
            for waiting, places in zip(
                lanes, (limits.at_once - len(under_way) + of_slow, limits.at_once - of_slow), strict=True
            ):
                for name in [waiting.pop() for _ in range(min(places, len(waiting)))]:
                    under_way[pool.submit(visit, name)] = name, now
            next_deadline = min(since for _, since in under_way.values()) + limits.cluster_seconds
            done, _ = wait(
                under_way, timeout=max(0.0, min(next_deadline, ends) - now), return_when=FIRST_COMPLETED
            )
            now = time.monotonic()
            for future in done:
                name, since = under_way.pop(future)
                _note(swept, name, future)
                if now - since > limits.slow_seconds:
                    swept.slow.append(name)
            for future in [
                future for future, (_, since) in under_way.items() if now - since >= limits.cluster_seconds
            ]:
                swept.hung.append(under_way.pop(future)[0])
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    now = time.monotonic()
    swept.slow += [name for name, since in under_way.values() if now - since > limits.slow_seconds]
    swept.unreached += [
        *(name for name, _ in under_way.values()),
        *(name for waiting in lanes for name in reversed(waiting)),
    ]
    return swept


def _note(swept: Swept[Result], name: str, future: Future[Result]) -> None:
    error = future.exception()
    if error is None:
        swept.seen[name] = future.result()
    elif isinstance(error, MeshError):
        swept.failed[name] = str(error)
    else:
        # A bug of ours, for the log; the other clusters are visited regardless.
        logger.error("%s: visiting the cluster failed", name, exc_info=error)
        swept.failed[name] = f"{type(error).__name__}: {error}"
