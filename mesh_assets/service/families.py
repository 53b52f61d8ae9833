"""The metrics of the service: names, units, labels and what each says. A test keeps the table in
`docs/service.md` equal.

Names follow Prometheus' conventions (https://prometheus.io/docs/practices/naming/): base units, shares from 0 to 1, times as
seconds since 1970 instead of ages, so that nothing changes while nothing is read. All are gauges, rates as well: they are
means over the window in which they were read, and a counter would claim to be read at every scrape.
"""

from typing import Literal, NamedTuple, get_args

Series = Literal["cluster", "topics", "consumer_groups", "group_topics", "connectors", "partitions"]
"""What families are about, and can be chosen by; `cluster` is always included."""
SERIES: tuple[Series, ...] = get_args(Series)
USUAL: tuple[Series, ...] = ("cluster", "topics", "consumer_groups", "group_topics", "connectors")

_UNITS = ("seconds", "bytes", "ratio")


class Family(NamedTuple):
    """`labels`: besides `cluster`, which all but the service's own two have."""

    name: str
    series: Series
    labels: tuple[str, ...]
    help: str

    @property
    def unit(self) -> str | None:
        """As OpenMetrics requires: the end of the name."""
        return next((unit for unit in _UNITS if self.name.endswith(f"_{unit}")), None)


def _families() -> tuple[Family, ...]:
    return (
        *_cluster(),
        *_of("topics", ("topic",), _TOPIC),
        *_of("consumer_groups", ("group",), _GROUP),
        *_of("group_topics", ("group", "topic"), _GROUP_TOPIC),
        *_of("connectors", ("connect", "connector"), _CONNECTOR),
        *_of("partitions", ("topic", "partition"), _PARTITION),
        Family(
            "mesh_consumer_group_partition_lag_records",
            "partitions",
            ("group", "topic", "partition"),
            "Records of the partition that wait for the group.",
        ),
    )


def _of(series: Series, labels: tuple[str, ...], rows: dict[str, str | tuple[str, str]]) -> list[Family]:
    """A row with two texts has an additional label: its name, then the help."""
    return [
        Family(name, series, labels, row)
        if isinstance(row, str)
        else Family(name, series, (*labels, *row[0].split()), row[1])
        for name, row in rows.items()
    ]


def _cluster() -> list[Family]:
    return [
        Family("mesh_build_info", "cluster", ("version",), "Always 1; the version of mesh-assets."),
        Family(
            "mesh_estate_readable",
            "cluster",
            (),
            "0: the estate file is broken, and the last good one is in force.",
        ),
        *_of("cluster", (), _CLUSTER),
    ]


_CLUSTER: dict[str, str | tuple[str, str]] = {
    "mesh_cluster_info": (
        "cluster_id environment",
        "Always 1; the id that the brokers give, and the environment.",
    ),
    "mesh_snapshot_readable": "1: the newest document was read. 0: there is none, or it cannot be read; then nothing else is known.",
    "mesh_snapshot_timestamp_seconds": "When the newest document was made.",
    "mesh_snapshot_sequence": "The number of the newest document; grows by one each time.",
    "mesh_reading_timestamp_seconds": "When the newest kept reading of ends and commits was taken, if since yesterday.",
    "mesh_section_status": (
        "section status",
        "1 for the status of the section, 0 for the others: fresh, stale, not_configured.",
    ),
    "mesh_section_collected_timestamp_seconds": (
        "section",
        "When the known state of the section was read; absent if it never was.",
    ),
    "mesh_section_stale_sources": (
        "section",
        "Sources or parts of the section that could not be read last time.",
    ),
    "mesh_metrics_source_readable": ("source", "Whether the source of metrics answered in full."),
    "mesh_cluster_topics": "Topics that the estate selects.",
    "mesh_cluster_partitions": "Partitions of these topics.",
    "mesh_cluster_records": "Records in these topics, an upper bound (message_count).",
    "mesh_cluster_excluded_topics": "Topics that the estate's patterns leave out.",
    "mesh_cluster_excluded_consumer_groups": "Consumer groups that the estate's patterns leave out.",
    "mesh_cluster_connectors": "Connectors.",
    "mesh_cluster_active_connectors": "Connectors that run with all their tasks.",
    "mesh_cluster_schemas": "Subjects in the schema registry.",
    "mesh_cluster_consumer_groups": "Consumer groups that the estate selects.",
    "mesh_cluster_lag_records": "The sum of the known lags of all groups.",
    "mesh_cluster_unknown_lag_consumer_groups": "Groups whose lag is not known, or not of all their partitions.",
    "mesh_cluster_brokers": "Brokers.",
    "mesh_cluster_fenced_brokers": "Brokers that are registered but serve nothing.",
    "mesh_cluster_acls": "ACLs.",
    "mesh_cluster_client_quotas": "Client quotas.",
    "mesh_cluster_scram_users": "SCRAM users.",
    "mesh_cluster_open_transactions": "Open transactions, by partition.",
    "mesh_cluster_hanging_transactions": "Open transactions that will not end by themselves.",
    "mesh_cluster_links": "Cluster links.",
    "mesh_cluster_mirror_topics": "Mirror topics.",
    "mesh_cluster_under_replicated_partitions": "Partitions with a replica out of sync.",
    "mesh_cluster_under_min_isr_partitions": "Partitions that refuse writes with acks=all.",
    "mesh_cluster_offline_partitions": "Partitions without a replica on a live broker.",
    "mesh_cluster_leaderless_partitions": "Partitions without a leader.",
    "mesh_cluster_records_in_per_second": "The sum of the topics' known rates.",
    "mesh_cluster_records_out_per_second": "As the platform reports it, with topics that the estate leaves out.",
    "mesh_cluster_bytes_in_per_second": "As the platform reports it.",
    "mesh_cluster_bytes_out_per_second": "As the platform reports it.",
    "mesh_cluster_requests_per_second": "As the platform reports it.",
    "mesh_cluster_connections": "As the platform reports it.",
    "mesh_cluster_load_ratio": "As the platform reports it: 1 is full.",
    "mesh_cluster_retained_bytes": "As the platform reports it.",
    "mesh_cluster_active_controllers": "As the platform reports it; 0: no controller.",
    "mesh_broker_info": ("broker host rack", "Always 1."),
    "mesh_broker_fenced": ("broker", "1: registered but serving nothing. Absent before Kafka 4.0."),
    "mesh_broker_cpu_ratio": ("broker", "User and system time."),
    "mesh_broker_disk_used_ratio": ("broker", "Of the fullest volume with logs."),
    "mesh_broker_connections": ("broker", "Connections."),
    "mesh_log_directory_online": ("broker path", "0: the broker cannot use the log directory."),
    "mesh_log_directory_used_bytes": ("broker path", "What the replicas in the log directory use."),
    "mesh_log_directory_usable_bytes": ("broker path", "What is free on its volume."),
    "mesh_log_directory_total_bytes": ("broker path", "The size of its volume."),
    "mesh_cluster_link_state": ("link state", "Always 1; the state of the cluster link."),
    "mesh_mirror_topic_state": ("link topic state", "Always 1; the state of the mirror topic."),
    "mesh_mirror_topic_lag_records": ("link topic", "Records that the source has but the mirror lacks."),
    "mesh_findings": (
        "severity",
        "Findings of the severity that are not muted; absent until the job `analysis` has run.",
    ),
    "mesh_findings_by_kind": (
        "kind severity",
        "Findings of the kind that are not muted; kinds without any are absent.",
    ),
    "mesh_findings_muted": "Findings that the estate mutes.",
    "mesh_findings_judged_timestamp_seconds": "When the document that the findings are based on was made.",
    "mesh_left_out_resources": (
        "series reason",
        "How many of them have no series here: not_chosen (--series), pattern, or limit (--most).",
    ),
}

_TOPIC: dict[str, str | tuple[str, str]] = {
    "mesh_topic_partitions": "Partitions.",
    "mesh_topic_replication_factor": "Replicas of each partition.",
    "mesh_topic_records": "Records in the topic, an upper bound (message_count).",
    "mesh_topic_retained_bytes": "What the topic's leaders hold: each record once.",
    "mesh_topic_replica_bytes": "What all its replicas hold.",
    "mesh_topic_under_replicated_partitions": "Partitions with a replica out of sync.",
    "mesh_topic_leaderless_partitions": "Partitions without a leader.",
    "mesh_topic_records_in_per_second": "Growth of its ends between two readings.",
    "mesh_topic_records_out_per_second": "As the platform reports it.",
    "mesh_topic_bytes_in_per_second": "As the platform reports it.",
    "mesh_topic_bytes_out_per_second": "As the platform reports it.",
    "mesh_topic_oldest_record_timestamp_seconds": "The timestamp of the first record, as producers or brokers set it.",
    "mesh_topic_newest_record_timestamp_seconds": "The newest timestamp of a record.",
}

_GROUP: dict[str, str | tuple[str, str]] = {
    "mesh_consumer_group_state": (
        "type state",
        "Always 1; the group's protocol and Kafka's word for its state.",
    ),
    "mesh_consumer_group_members": "Members.",
    "mesh_consumer_group_lag_records": "Records that wait for the group, if that is known.",
    "mesh_consumer_group_unknown_lag_partitions": "Partitions whose lag is not known; absent if there are none.",
    "mesh_consumer_group_lag_seconds": "How long ago the end was where the group is now, on its slowest partition.",
    "mesh_consumer_group_lag_at_least_seconds": "A lower bound of that, if it is not known.",
    "mesh_consumer_group_estimated_max_lag_seconds": "Amazon's estimate (EstimatedMaxTimeLag).",
    "mesh_consumer_group_lost_records": "Offsets that retention removed before the group read them.",
    "mesh_consumer_group_retention_used_ratio": "How much of a partition it has yet to read, at most; at 1, records get lost.",
    "mesh_consumer_group_retention_left_seconds": "How much longer its next record is kept, at least.",
    "mesh_consumer_group_records_committed_per_second": "Growth of its committed offsets between two readings.",
}

_GROUP_TOPIC: dict[str, str | tuple[str, str]] = {
    "mesh_consumer_group_topic_lag_records": "Records of the topic that wait for the group, if all its partitions are known.",
    "mesh_consumer_group_topic_lost_records": "For the topic; only if there are any.",
    "mesh_consumer_group_topic_lag_seconds": "On the topic's slowest partition; only if records wait.",
    "mesh_consumer_group_topic_retention_used_ratio": "On the topic, as for the group; only if records wait.",
    "mesh_consumer_group_topic_retention_left_seconds": "On the topic, as for the group; only if records wait.",
}

_CONNECTOR: dict[str, str | tuple[str, str]] = {
    "mesh_connector_info": ("type class", "Always 1; source or sink, and its class."),
    "mesh_connector_state": ("state", "Always 1; Connect's word for the connector's own state."),
    "mesh_connector_tasks": ("state", "Tasks in the state; states without any are absent."),
    "mesh_connector_records_in_per_second": "What a sink reads from Kafka.",
    "mesh_connector_records_out_per_second": "What a source writes to Kafka, as the platform reports it.",
    "mesh_connector_bytes_in_per_second": "As the platform reports it.",
    "mesh_connector_bytes_out_per_second": "As the platform reports it.",
    "mesh_connector_dead_letter_records": "Set aside in the source's last window.",
}

_PARTITION: dict[str, str | tuple[str, str]] = {
    "mesh_topic_partition_start_offset": "The offset of the first record.",
    "mesh_topic_partition_end_offset": "The offset of the next record.",
    "mesh_topic_partition_bytes": "What its leader has on disk.",
}

FAMILIES: tuple[Family, ...] = _families()
