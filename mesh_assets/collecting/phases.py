"""How long each part of a collection took, measured from several threads at once."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mesh_assets.inventory.sections import SectionCost

logger = logging.getLogger(__name__)

COLLECTING = "collect"
"""The phase that contains all others of a collection."""


class Phases:
    """Seconds by phase. Phases overlap, so they do not add up to the whole."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times what happens inside, even if it fails, and logs its end."""
        start = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - start
            with self._lock:
                self._seconds[name] = round(seconds, 3)
            logger.info("%s: %s, %.2f s", self._cluster, name, seconds)

    def seconds(self, *names: str) -> dict[str, float]:
        """Of the named phases, those that took place."""
        with self._lock:
            return {name: self._seconds[name] for name in names if name in self._seconds}


def cost_of(phases: dict[str, float], *, kafka_requests: int = 0, http_requests: int = 0) -> SectionCost:
    """What a section cost whose parts, read at the same time, took so many seconds each."""
    return SectionCost(
        seconds=round(max(phases.values(), default=0.0), 3),
        kafka_requests=kafka_requests,
        http_requests=http_requests,
        phases=phases,
    )
