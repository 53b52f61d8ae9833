"""Tool: metrics."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field

from mesh_assets.answering.answers import (
    About,
    Answer,
    BadArgumentError,
    ClusterName,
    SourceArgument,
    UnknownError,
    moment_text,
    shown,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.views import named
from mesh_assets.inventory.records import Metrics, Record

R = TypeVar("R", bound=Record)
_BUSIEST = 10
Figures = dict[str, float | int | str]


class SourceRow(Answer):
    """A source of figures. `window_seconds`: the time its rates are averaged over. `error`: why it could not
    be read."""

    name: str
    window_seconds: float | None = None
    window_end: str | None = None
    error: str | None = None


class MetricsAnswer(Answer):
    """Units are in the names. A missing figure is unknown; `not_available` says why."""

    about: About
    sources: list[SourceRow]
    thing: Figures | None = None
    cluster_load: Figures | None = None
    partition_health: Figures | None = None
    brokers: list[Figures] | None = None
    busiest_topics: list[Figures] | None = None
    slowest_groups: list[Figures] | None = None
    busiest_connectors: list[Figures] | None = None
    not_available: list[str]


def get_metrics(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    topic: Annotated[str | None, Field(max_length=249, description="Only this topic's figures.")] = None,
    group: Annotated[
        str | None, Field(max_length=512, description="Only this consumer group's figures.")
    ] = None,
    connector: Annotated[
        str | None, Field(max_length=512, description="Only this connector's figures.")
    ] = None,
    source: SourceArgument = "latest",
) -> MetricsAnswer:
    """Rates, lag and health: of one topic, group or connector, or of the cluster with its busiest topics and
    slowest groups.

    With source=live a rate is measured over a few seconds.
    """
    given = (("topic", topic), ("group", group), ("connector", connector))
    asked = [(kind, name) for kind, name in given if name is not None]
    if len(asked) > 1:
        raise BadArgumentError("give one of topic, group and connector, or none for the cluster as a whole")
    view = known.view(cluster, source, needs=("topics", "consumer_groups", "connectors", "metrics"))
    metrics = view.document.metrics
    about = view.about("metrics")
    if metrics is None:
        raise UnknownError(
            f"no metrics of cluster {about.cluster} are known: {'; '.join(about.notes) or 'they have never been read'}"
        )
    sources = [
        SourceRow(
            name=one.name,
            window_seconds=one.window_seconds,
            window_end=moment_text(one.window_end) if one.window_end else None,
            error=one.error,
        )
        for one in metrics.sources
    ] or [SourceRow(name=metrics.source, window_seconds=metrics.window_seconds)]
    not_available = list(metrics.not_available[:20])
    if asked:
        ((kind, name),) = asked
        return MetricsAnswer(
            about=about, sources=sources, thing=_of(metrics, kind, name), not_available=not_available
        )
    return MetricsAnswer(
        about=about,
        sources=sources,
        cluster_load=_figures(metrics.cluster) if metrics.cluster else None,
        partition_health=_figures(metrics.partition_health),
        brokers=[_figures(broker) for broker in metrics.brokers[:20]],
        busiest_topics=_first(metrics.topics, lambda rate: -(rate.records_in_per_second or 0)),
        slowest_groups=_first(
            metrics.consumer_groups,
            lambda rate: (
                -(rate.lag_seconds or rate.lag_seconds_at_least or 0),
                -(rate.lag_records or 0),
                rate.group_id,
            ),
        ),
        busiest_connectors=_first(
            metrics.connectors,
            lambda rate: -((rate.records_in_per_second or 0) + (rate.records_out_per_second or 0)),
        ),
        not_available=not_available,
    )


def _of(metrics: Metrics, kind: str, name: str) -> Figures:
    found: Record | None
    if kind == "topic":
        found = named(metrics.topics, name, lambda rate: rate.topic)
    elif kind == "group":
        found = named(metrics.consumer_groups, name, lambda rate: rate.group_id)
    else:
        found = named(metrics.connectors, name, lambda rate: rate.connector)
    if found is None:
        raise UnknownError(
            f"there are no figures for {kind} {shown(name)}; use find to look for a name. Not every source has figures for connectors"
        )
    return _figures(found)


def _first(rates: Sequence[R], order: Callable[[R], Any]) -> list[Figures]:
    return [_figures(rate) for rate in sorted(rates, key=order)[:_BUSIEST]]


def _figures(record: Record) -> Figures:
    return {
        field: round(value, 3) if isinstance(value, float) else value
        for field in record.__struct_fields__
        if isinstance(value := getattr(record, field), int | float | str)
    }
