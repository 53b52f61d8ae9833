"""What a platform's own metrics say of a cluster, in this project's vocabulary, and what asks for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field

from mesh_assets.inventory.records import (
    Broker,
    ClusterLoad,
    Connector,
    ConnectorRate,
    MetricsSource,
    Record,
    TopicRate,
)


class Asked(Record, frozen=True, kw_only=True):
    """What is to be measured: the cluster by its id, topics and groups that the estate selects, brokers that
    live, connectors that are known."""

    cluster_id: str
    topics: tuple[str, ...]
    groups: tuple[str, ...] = ()
    brokers: tuple[int, ...] = ()
    connectors: tuple[Connector, ...] = ()


class Measurement(Record, frozen=True, kw_only=True):
    """`topics`, `connectors` and `brokers` hold what was measured and nothing else (a topic's
    `records_in_per_second` is never among it, nor an address of a broker). `group_estimates`: Amazon's
    estimated time lag, in seconds. `not_available`: as in Metrics.
    """

    source: MetricsSource
    topics: tuple[TopicRate, ...] = ()
    connectors: tuple[ConnectorRate, ...] = ()
    brokers: tuple[Broker, ...] = ()
    cluster: ClusterLoad | None = None
    group_estimates: dict[str, float] = field(default_factory=dict)
    not_available: tuple[str, ...] = ()


class RecordCounts(Record, frozen=True, kw_only=True):
    """Records that came into each topic in steps of equal length: `ends_at` are the steps' ends, the oldest
    first, in seconds since 1970.

    A topic's None: not told for that step. `lags`: each group's lag in records at those ends.
    """

    ends_at: tuple[float, ...]
    topics: dict[str, tuple[int | None, ...]]
    lags: dict[str, tuple[int | None, ...]] = field(default_factory=dict)


class MetricsReader(Protocol):
    """A platform's own metrics of one cluster. Both raise PlatformError."""

    @property
    def requests(self) -> int: ...
    @property
    def stand_in(self) -> str | None: ...
    def measure(self, asked: Asked) -> Measurement: ...
    def record_counts(
        self, asked: Asked, *, begin: datetime, end: datetime, step_seconds: int
    ) -> RecordCounts: ...


def figures(records: Mapping[str, Iterable[Struct]]) -> tuple[str, ...]:
    """The names of what is told at least once, as `topics.bytes_in_per_second`; `records` by the prefix of
    their names."""
    return tuple(
        f"{prefix}.{name}"
        for prefix, some in records.items()
        for name in _told(list(some))
        if name not in ("topic", "group_id", "connector", "connect", "id", "host", "port", "rack")
    )


def _told(records: Sequence[Struct]) -> list[str]:
    names = records[0].__struct_fields__ if records else ()
    return [name for name in names if any(getattr(record, name) is not None for record in records)]
