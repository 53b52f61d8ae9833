"""What topics hold on disk and how full the volumes are, from the brokers' own log directories: on every
platform whose brokers report them."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from mesh_assets.inventory.records import Broker, Metrics, MetricsSource, Topic, TopicRate
from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.metrics.measurements import Measurement, figures, merged


def with_disks(
    metrics: Metrics,
    topics: Iterable[Topic],
    directories: tuple[LogDirectory, ...] | None,
    unknown: str | None,
) -> Metrics:
    """`metrics` plus what the log directories show; unchanged without any (`directories` None). `unknown`:
    why some of them could not be read."""
    if directories is None:
        return metrics
    rates = tuple(
        TopicRate(
            topic=topic.name,
            records_in_per_second=None,
            message_count=None,
            retained_bytes=topic.storage.leader_bytes,
        )
        for topic in topics
        if topic.storage is not None and topic.storage.leader_bytes is not None
    )
    brokers = tuple(
        Broker(id=broker, host="", port=0, disk_used_percent=_used_percent(ones))
        for broker, ones in groupby(directories, attrgetter("broker"))
    )
    known = tuple(broker for broker in brokers if broker.disk_used_percent is not None)
    source = MetricsSource(
        name="log_dirs", figures=figures({"topics": rates, "brokers": known}), error=unknown
    )
    return merged(metrics, Measurement(source=source, topics=rates, brokers=known))


def untold(metrics: Metrics, why: str | None) -> tuple[str, ...]:
    """Which of these figures no source has, and `why` the brokers did not report them; None: they did."""
    if why is None:
        return ()
    figures_missing = [
        name
        for name, told in (
            ("retained bytes", any(rate.retained_bytes is not None for rate in metrics.topics)),
            ("disk usage of brokers", any(one.disk_used_percent is not None for one in metrics.brokers)),
        )
        if not told
    ]
    return (f"{' and '.join(figures_missing)}: {why}",) if figures_missing else ()


def _used_percent(directories: Iterable[LogDirectory]) -> float | None:
    """Of the fullest volume; None where the brokers are too old to report it."""
    used = [
        round(100 * (1 - one.usable_bytes / one.total_bytes), 2)
        for one in directories
        if one.usable_bytes is not None and one.total_bytes
    ]
    return max(used, default=None)
