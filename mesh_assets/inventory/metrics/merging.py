"""Offsets and what a platform measures itself, put together. A platform that cannot be asked takes nothing
from the offsets' figures."""

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from mesh_assets.inventory.metrics.measuring import Measurement
from mesh_assets.inventory.records import ConnectorRate, Metrics, MetricsSource, MetricsSourceName

T = TypeVar("T", bound=Struct)


def merged(metrics: Metrics, measured: Measurement) -> Metrics:
    """`metrics` with what was measured besides; what both tell stays as the offsets have it."""
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
        cluster=measured.cluster,
        sources=(*metrics.sources, measured.source),
        not_available=(*metrics.not_available, *measured.not_available),
    )


def without(metrics: Metrics, name: MetricsSourceName, error: str) -> Metrics:
    """`metrics` when the platform could not be asked: what it would have told is unknown, and `error` says
    why."""
    return replace(
        metrics,
        source=f"{metrics.source}, {name}",
        sources=(*metrics.sources, MetricsSource(name=name, error=error)),
        not_available=(
            *metrics.not_available,
            f"what {name} tells: it could not be read in this run ({error})",
        ),
    )


def _key(rate: ConnectorRate) -> tuple[str, str]:
    return rate.connector, rate.connect


def _completed(known: T, measured: T | None) -> T:
    """`known` with what is None there and told in `measured`."""
    if measured is None:
        return known
    told = {
        name: value
        for name, value in asdict(measured).items()
        if value is not None and getattr(known, name) is None
    }
    return replace(known, **told) if told else known
