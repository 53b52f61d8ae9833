"""What the newest document says about a cluster as a whole: sections and their age, counts, health, load,
brokers, links."""

from collections.abc import Iterable

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.key_figures import key_figures
from mesh_assets.inventory.lag import is_lag_unknown
from mesh_assets.inventory.records import Metrics
from mesh_assets.inventory.sections import SectionName
from mesh_assets.service.exposition import Samples, and_labels, labels
from mesh_assets.service.kept_readings import NewestReading
from mesh_assets.service.selection import LeftOut

_STATUSES = ("fresh", "stale", "not_configured")

# Summary's field → the section that must have been read for it to be known.
_COUNTS: dict[str, SectionName] = {
    "total_topics": "topics",
    "total_partitions": "topics",
    "total_connectors": "connectors",
    "active_connectors": "connectors",
    "total_schemas": "schemas",
    "total_consumer_groups": "consumer_groups",
    "total_brokers": "brokers",
    "fenced_brokers": "brokers",
    "total_acls": "access",
    "total_client_quotas": "access",
    "total_scram_users": "access",
    "open_transactions": "transactions",
    "hanging_transactions": "transactions",
    "total_cluster_links": "cluster_links",
    "total_mirror_topics": "cluster_links",
}
_NAMED = {"total_messages": "records", "total_cluster_links": "links"}


def add_cluster(
    samples: Samples, document: Document, *, cluster: str, newest: NewestReading | None, left: LeftOut
) -> None:
    """`cluster`: the name in the estate. `newest`: if it is newer than what the document says about groups.
    `left`: what has been left out of all other series by now."""
    own = labels(cluster=cluster)
    environment = document.environment.name or document.environment.id or ""
    samples.add(
        "mesh_cluster_info", and_labels(own, cluster_id=document.cluster.id, environment=environment), 1
    )
    samples.add("mesh_snapshot_readable", own, 1)
    samples.add("mesh_snapshot_timestamp_seconds", own, document.discovery_timestamp)
    samples.add("mesh_snapshot_sequence", own, document.sequence)
    _add_sections(samples, document, own)
    _add_counts(samples, document, own, newest)
    if document.metrics is not None:
        _add_metrics(samples, document.metrics, own)
    _add_brokers(samples, document, own)
    _add_links(samples, document, own)
    for (series, reason), count in sorted(left.counts.items()):
        samples.add("mesh_left_out_resources", and_labels(own, series=series, reason=reason), count)


def _add_sections(samples: Samples, document: Document, own: str) -> None:
    for name, state in document.sections.items():
        section = and_labels(own, section=name)
        for status in _STATUSES:
            samples.add(
                "mesh_section_status", and_labels(section, status=status), int(state.status == status)
            )
        samples.add("mesh_section_collected_timestamp_seconds", section, state.collected_at)
        samples.add("mesh_section_stale_sources", section, len(state.stale_sources))


def _add_counts(samples: Samples, document: Document, own: str, newest: NewestReading | None) -> None:
    def known(section: SectionName) -> bool:
        return document.state(section).collected_at is not None

    for field, section in _COUNTS.items():
        name = _NAMED.get(field) or field.removeprefix("total_")
        samples.add(f"mesh_cluster_{name}", own, getattr(document.summary, field) if known(section) else None)
    if known("topics"):
        samples.add("mesh_cluster_records", own, document.summary.total_messages)
        samples.add("mesh_cluster_excluded_topics", own, document.excluded_topics)
    if known("consumer_groups"):
        lags = [lag_of(one.group_id, one.total_lag_records, newest) for one in document.consumer_groups]
        samples.add("mesh_cluster_lag_records", own, _sum(lags))
        unknown = sum(map(is_lag_unknown, document.consumer_groups))
        samples.add("mesh_cluster_unknown_lag_consumer_groups", own, unknown)
        samples.add("mesh_cluster_excluded_consumer_groups", own, document.excluded_consumer_groups)


def lag_of(group_id: str, lag_records: int | None, newest: NewestReading | None) -> int | None:
    """What waits for the group, by the newer of the two: `newest` is None if that is the document."""
    return lag_records if newest is None else newest.lags.get(group_id, lag_records)


def _sum(lags: Iterable[int | None]) -> int | None:
    lags = list(lags)
    known = [lag for lag in lags if lag is not None]
    return sum(known) if known or not lags else None


def _add_metrics(samples: Samples, metrics: Metrics, own: str) -> None:
    figures = key_figures(metrics)
    samples.add("mesh_cluster_records_in_per_second", own, figures.records_in_per_second)
    health = metrics.partition_health
    for kind in ("under_replicated", "under_min_isr", "offline", "leaderless"):
        samples.add(f"mesh_cluster_{kind}_partitions", own, getattr(health, kind))
    for source in metrics.sources:
        samples.add(
            "mesh_metrics_source_readable", and_labels(own, source=source.name), int(source.error is None)
        )
    load = metrics.cluster
    if load is not None:
        for name in (
            "records_out_per_second",
            "bytes_in_per_second",
            "bytes_out_per_second",
            "requests_per_second",
            "connections",
            "retained_bytes",
            "active_controllers",
        ):
            samples.add(f"mesh_cluster_{name}", own, getattr(load, name))
        samples.add("mesh_cluster_load_ratio", own, share(load.load_percent))
    for broker in metrics.brokers:
        one = and_labels(own, broker=broker.id)
        samples.add("mesh_broker_info", and_labels(one, host=broker.host, rack=broker.rack or ""), 1)
        samples.add("mesh_broker_cpu_ratio", one, share(broker.cpu_percent))
        samples.add("mesh_broker_disk_used_ratio", one, share(broker.disk_used_percent))
        samples.add("mesh_broker_connections", one, broker.connections)


def share(percent: float | None) -> float | None:
    """From 0 to 1, without the spurious digits of a division."""
    return None if percent is None else round(percent / 100, 6)


def _add_brokers(samples: Samples, document: Document, own: str) -> None:
    for broker in () if document.brokers is None else document.brokers.brokers:
        fenced = None if broker.fenced is None else int(broker.fenced)
        samples.add("mesh_broker_fenced", and_labels(own, broker=broker.id), fenced)
    for directory in document.log_directories or ():
        one = and_labels(own, broker=directory.broker, path=directory.path)
        samples.add("mesh_log_directory_online", one, int(directory.error is None))
        samples.add("mesh_log_directory_used_bytes", one, directory.bytes)
        samples.add("mesh_log_directory_usable_bytes", one, directory.usable_bytes)
        samples.add("mesh_log_directory_total_bytes", one, directory.total_bytes)


def _add_links(samples: Samples, document: Document, own: str) -> None:
    links = document.cluster_links
    if links is None:
        return
    for link in links.links or ():
        if link.state is not None:
            samples.add("mesh_cluster_link_state", and_labels(own, link=link.name, state=link.state), 1)
    for mirror in links.mirror_topics or ():
        one = and_labels(own, link=mirror.link, topic=mirror.name)
        samples.add("mesh_mirror_topic_state", and_labels(one, state=mirror.status), 1)
        samples.add("mesh_mirror_topic_lag_records", one, mirror.lag_records)
