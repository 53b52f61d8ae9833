"""How long each part of a collection took, measured from several threads at once; what each section cost; and what
keeps the cost low."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mesh_assets.inventory.sections import SectionCost, SectionName

logger = logging.getLogger(__name__)

COLLECTING = "collect"
"""The phase that contains all other phases of a collection."""


class Phases:
    """Seconds by phase. Phases overlap, so they do not add up to the whole."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times its body, even if that fails, and logs the end."""
        start = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - start
            with self._lock:
                self._seconds[name] = round(seconds, 3)
            logger.info("%s: %s, %.2f s", self._cluster, name, seconds)

    def seconds(self, *names: str) -> dict[str, float]:
        """Those of the named phases that took place."""
        with self._lock:
            return {name: self._seconds[name] for name in names if name in self._seconds}


def cost_of(phases: dict[str, float], *, kafka_requests: int = 0, http_requests: int = 0) -> SectionCost:
    """The cost of a section whose parts, read at the same time, each took so many seconds."""
    return SectionCost(
        seconds=round(max(phases.values(), default=0.0), 3),
        kafka_requests=kafka_requests,
        http_requests=http_requests,
        phases=phases,
    )


# Broker configs are requested the same way as topic configs, and counted there.
_ABOUT: dict[str, SectionName] = {
    "DescribeCluster": "brokers",
    "DescribeQuorum": "brokers",
    "DescribeAcls": "access",
    "DescribeClientQuotas": "access",
    "DescribeUserScramCredentials": "access",
    "ListTransactions": "transactions",
    "DescribeTransactions": "transactions",
    "DescribeProducers": "transactions",
    "FindCoordinator": "consumer_groups",
    "OffsetFetch": "consumer_groups",
}


def requests_about(section: SectionName, requests: Mapping[str, int]) -> int:
    """How many requests to Kafka, by Kafka's name for them, were made for the section."""
    return sum(count for name, count in requests.items() if _is_about(name) == section)


def _is_about(request: str) -> SectionName:
    return "consumer_groups" if "group" in request.lower() else _ABOUT.get(request, "topics")
