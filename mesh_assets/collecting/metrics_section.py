"""The metrics section: always from offsets, and from the platform's own metrics where the estate names them.

The section is fresh when the offsets are, because everything else only adds to them. When the platform cannot be
asked, its figures are unknown, `Metrics.sources` has the reason, and the section's check fails. Old figures are
never mixed with new ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from mesh_assets.collecting.phases import Phases
from mesh_assets.errors import PlatformError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Connector, Metrics, Topic
from mesh_assets.inventory.sections import MetricsSection, SectionCost, SectionState
from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.metrics.disks import untold, with_disks
from mesh_assets.metrics.measurements import Asked, MetricsReader, merged, without
from mesh_assets.metrics.offsets import NOT_AVAILABLE, offset_metrics
from mesh_assets.metrics.positions import Positions, positions
from mesh_assets.metrics.time_lag import TimeLags
from mesh_assets.platforms.kafka import ClusterMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What metrics are computed from: one reading of Kafka. `groups` None: they could not be read. `groups_error`: why
    they, or some of them, could not. `connectors`: the known ones. `lags`: the positions in the latest document, and what
    `read_lags` found. `again`: takes a second reading a moment later; raises PlatformError. `log_directories`, `unknown`: as
    in TopicsSection."""

    cluster_id: str
    read_at: datetime
    metadata: ClusterMetadata
    topics: tuple[Topic, ...]
    groups: tuple[ConsumerGroup, ...] | None
    connectors: tuple[Connector, ...]
    lags: tuple[Positions | None, TimeLags, str | None]
    again: Callable[[], Positions]
    groups_error: str | None = None
    log_directories: tuple[LogDirectory, ...] | None = None
    unknown: dict[str, str] = field(default_factory=dict)


def collect_metrics(
    cluster: Cluster,
    ground: Ground,
    *,
    reader: MetricsReader | None,
    phases: Phases,
) -> MetricsSection:
    """The section, fresh. `reader`: reads the platform's own metrics; None: there are only the offsets.

    Raises PlatformError if a second reading of the offsets is needed and fails.
    """
    groups = ground.groups or ()
    after = positions(ground.topics, groups, read_at=ground.read_at)
    before, lags, unreadable = ground.lags
    # Not earlier: the clock was set back, or another host's is slow. The two give no rate.
    if before is None or before.read_at >= after.read_at:
        before, after = after, ground.again()
    metrics = offset_metrics(
        ground.metadata,
        ground.topics,
        groups,
        before=before,
        after=after,
        connectors=ground.connectors,
        time_lags=lags,
    )
    missing = [] if unreadable is None else [f"no time lags: {unreadable}"]
    if ground.groups is None or ground.groups_error is not None:
        of = "consumer groups" if ground.groups is None else "some consumer groups"
        missing.append(f"no figures for {of}: {ground.groups_error or 'they could not be read'}")
    if missing:
        (offsets,) = metrics.sources
        metrics = replace(metrics, sources=(replace(offsets, error="; ".join(missing)),))
    disks_unknown = ground.unknown.get("log_directories")
    metrics = with_disks(metrics, ground.topics, ground.log_directories, disks_unknown)
    if reader is None:
        metrics = replace(metrics, not_available=NOT_AVAILABLE)
    else:
        with phases.phase("metrics"):
            metrics = _with_measured(cluster, reader, ground, metrics)
    metrics = replace(
        metrics,
        not_available=(*metrics.not_available, *untold(metrics, disks_unknown), *_unknown_lags(metrics)),
    )
    seconds = phases.seconds("kafka second reading", "time lag", "metrics")
    return MetricsSection(
        cluster_id=ground.cluster_id,
        state=SectionState(status="fresh", collected_at=ground.read_at),
        records=metrics,
        stand_in=None if reader is None else reader.stand_in,
        cost=SectionCost(
            seconds=round(sum(seconds.values()), 3),
            http_requests=0 if reader is None else reader.requests,
            phases=seconds,
        ),
    )


def _with_measured(cluster: Cluster, reader: MetricsReader, ground: Ground, metrics: Metrics) -> Metrics:
    assert cluster.metrics.kind != "offsets"
    asked = Asked(
        cluster_id=ground.cluster_id,
        topics=tuple(topic.name for topic in ground.topics),
        groups=tuple(group.group_id for group in ground.groups or ()),
        brokers=tuple(broker.id for broker in ground.metadata.brokers),
        connectors=ground.connectors,
    )
    try:
        return merged(metrics, reader.measure(asked))
    except PlatformError as error:
        return without(metrics, cluster.metrics.kind, str(error))


def _unknown_lags(metrics: Metrics) -> list[str]:
    late = sum(1 for rate in metrics.consumer_groups if rate.lag_records and rate.lag_seconds is None)
    if not late:
        return []
    return [
        f"time lag of {late:,} groups: the kept readings of end offsets do not reach back to their positions"
    ]
