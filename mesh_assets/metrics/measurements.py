"""A platform's own metrics of a cluster, in this project's vocabulary, and how they complete the offsets'
figures."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import repeat
from operator import attrgetter, is_not
from typing import Protocol, TypeVar

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from mesh_assets.inventory.records import (
    Broker,
    ClusterLoad,
    Connector,
    ConnectorRate,
    Metrics,
    MetricsSource,
    MetricsSourceName,
    Record,
    TopicRate,
)


class Asked(Record, frozen=True, kw_only=True):
    """What to measure: the cluster by its id, the topics and groups that the estate selects, the live
    brokers, and the known connectors."""

    cluster_id: str
    topics: tuple[str, ...]
    groups: tuple[str, ...] = ()
    brokers: tuple[int, ...] = ()
    connectors: tuple[Connector, ...] = ()


class Measurement(Record, frozen=True, kw_only=True):
    """`topics`, `connectors` and `brokers` hold only measured figures, so never a topic's
    `records_in_per_second` or a broker's address. `group_estimates`: Amazon's estimated time lag, in seconds.
    `not_available`: as in Metrics."""

    source: MetricsSource
    topics: tuple[TopicRate, ...] = ()
    connectors: tuple[ConnectorRate, ...] = ()
    brokers: tuple[Broker, ...] = ()
    cluster: ClusterLoad | None = None
    group_estimates: dict[str, float] = field(default_factory=dict)
    not_available: tuple[str, ...] = ()


class RecordCounts(Record, frozen=True, kw_only=True):
    """Records that arrived in each topic, in steps of equal length. `ends_at`: the ends of the steps, oldest
    first, in seconds since 1970.

    None in a topic's list: unknown for that step. `lags`: each group's lag in records at those ends.
    """

    ends_at: tuple[float, ...]
    topics: dict[str, tuple[int | None, ...]]
    lags: dict[str, tuple[int | None, ...]] = field(default_factory=dict)


class MetricsReader(Protocol):
    """A platform's own metrics of one cluster. `measure` and `record_counts` raise PlatformError."""

    @property
    def requests(self) -> int: ...
    @property
    def stand_in(self) -> str | None: ...
    def measure(self, asked: Asked) -> Measurement: ...
    def record_counts(
        self, asked: Asked, *, begin: datetime, end: datetime, step_seconds: int
    ) -> RecordCounts: ...


def figures(records: Mapping[str, Iterable[Struct]]) -> tuple[str, ...]:
    """The names of figures that are known at least once, as `topics.bytes_in_per_second`. `records`: by the
    prefix of the name."""
    return tuple(
        f"{prefix}.{name}"
        for prefix, some in records.items()
        for name in _known_names(list(some))
        if name not in ("topic", "group_id", "connector", "connect", "id", "host", "port", "rack")
    )


def _known_names(records: Sequence[Struct]) -> list[str]:
    names = records[0].__struct_fields__ if records else ()
    return [name for name in names if any(map(is_not, map(attrgetter(name), records), repeat(None)))]


def whole(value: float | None, *, bits: int = 64) -> int | None:
    """`value` as a whole number of that many bits, as events hold it; None if it is unknown or does not
    fit."""
    if value is None or not abs(value) < 2.0 ** (bits - 1):  # NaN is not below anything
        return None
    return round(value)


T = TypeVar("T", bound=Struct)


def merged(metrics: Metrics, measured: Measurement) -> Metrics:
    """`metrics` completed by what was measured. Where both have a figure, the offsets' figure stays."""
    topics = {rate.topic: rate for rate in measured.topics}
    brokers = {broker.id: broker for broker in measured.brokers}
    connectors: dict[tuple[str, str], ConnectorRate] = {_key(rate): rate for rate in metrics.connectors}
    for rate in measured.connectors:
        known = connectors.get(_key(rate))
        connectors[_key(rate)] = rate if known is None else _completed(known, rate)
    return replace(
        metrics,
        source=f"{metrics.source}, {measured.source.name}",
        topics=tuple(_completed(rate, topics.get(rate.topic)) for rate in metrics.topics),
        consumer_groups=tuple(
            replace(rate, estimated_max_lag_seconds=measured.group_estimates[rate.group_id])
            if rate.group_id in measured.group_estimates
            else rate
            for rate in metrics.consumer_groups
        ),
        brokers=tuple(_completed(broker, brokers.get(broker.id)) for broker in metrics.brokers),
        connectors=tuple(connectors[key] for key in sorted(connectors)),
        cluster=measured.cluster or metrics.cluster,
        sources=(*metrics.sources, measured.source),
        not_available=(*metrics.not_available, *measured.not_available),
    )


def without(metrics: Metrics, name: MetricsSourceName, error: str) -> Metrics:
    """`metrics` when the platform could not be asked: its figures are unknown, and `error` says why."""
    return replace(
        metrics,
        source=f"{metrics.source}, {name}",
        sources=(*metrics.sources, MetricsSource(name=name, error=error)),
        not_available=(
            *metrics.not_available,
            f"the metrics of {name}: they could not be read in this run ({error})",
        ),
    )


def _key(rate: ConnectorRate) -> tuple[str, str]:
    return rate.connector, rate.connect


def _completed(known: T, measured: T | None) -> T:
    """`known`, with the figures that it lacks taken from `measured`."""
    if measured is None:
        return known
    told = {
        name: value
        for name, value in asdict(measured).items()
        if value is not None and getattr(known, name) is None
    }
    return replace(known, **told) if told else known
