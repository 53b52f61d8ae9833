"""The kinds of findings: what each is about, when it occurs, and what to do. `docs/findings.md` is made from this."""

from typing import Literal, NamedTuple

from mesh_assets.estate.findings import FindingKind

FindingResource = Literal[
    "topic", "connector", "consumer_group", "schema", "section", "broker", "acl", "principal", "cluster_link"
]


class KindOfFinding(NamedTuple):
    """`severity` in words, since it may depend on the case. `threshold`: the setting in the estate's `findings`, if
    there is one."""

    resource_type: FindingResource
    severity: str
    rule: str
    advice: str
    threshold: str | None = None


KINDS: dict[FindingKind, KindOfFinding] = {
    "failed_connector": KindOfFinding(
        "connector",
        "critical",
        "The connector, or one of its tasks, is FAILED. The sentence ends with the cause from the task's trace.",
        "Read the trace, fix the cause, and restart the connector or the task.",
    ),
    "leaderless_partitions": KindOfFinding(
        "topic",
        "critical",
        "Partitions have no leader: nobody can write to them or read them.",
        "Bring back a broker that holds a replica; if losing data is acceptable, elect a leader uncleanly.",
    ),
    "offline_log_directory": KindOfFinding(
        "broker",
        "critical",
        "The broker cannot use one of its log directories: the replicas in it are offline. Not reported where the "
        "directories are unknown.",
        "Check the broker's log and the volume; Kafka uses the directory again after the broker's next start. Until then, the "
        "replicas can be moved to other brokers.",
    ),
    "under_min_isr": KindOfFinding(
        "topic",
        "critical",
        "Partitions have fewer replicas in sync than min.insync.replicas (or than replicas, where those are fewer): "
        "producers with acks=all are refused.",
        "Bring back the brokers that hold the missing replicas, or find out what slows their replication.",
    ),
    "under_replicated": KindOfFinding(
        "topic",
        "warning",
        "Partitions have a leader and enough replicas in sync for writes, but not all replicas.",
        "Check whether a broker is down, restarting or unable to keep up.",
    ),
    "fenced_broker": KindOfFinding(
        "broker",
        "warning",
        "The broker is registered with the controllers but serves nothing: it is starting, shutting down, unable to reach them, "
        "or gone. Brokers before Kafka 4.0 do not report this.",
        "Check whether it runs and reaches the controllers. If it is gone for good, move its replicas to other brokers and "
        "unregister it (kafka-cluster.sh unregister).",
    ),
    "hanging_transaction": KindOfFinding(
        "topic",
        "warning",
        "A transaction is open on partitions of the topic, and nothing will end it by itself: it has outlived its own timeout, or "
        "no coordinator knows it and it is older than any transaction may get. Consumers with isolation.level=read_committed "
        "read nothing beyond its first record, and compaction stops there.",
        "Check whether the producer still runs and end it cleanly; `kafka-transactions.sh abort` ends the transaction by topic, "
        "partition and start offset.",
    ),
    "cluster_link_failed": KindOfFinding(
        "cluster_link",
        "critical",
        "The link reports an error, or its mirror topics say that it failed: it does not reach its source, or may not read it. "
        "Its mirror topics receive nothing, and have no separate findings for that.",
        "Read the error with describe_cluster_links; check that the source cluster is up, and that it knows "
        "the link's key and lets it read the topics.",
    ),
    "cluster_link_paused": KindOfFinding(
        "cluster_link",
        "warning",
        "Somebody paused the link: its mirror topics are LINK_PAUSED, and records wait in the source, whose retention may remove them.",
        "Resume the link, or promote its mirror topics if they are to become independent topics.",
    ),
    "cluster_link_task_failed": KindOfFinding(
        "cluster_link",
        "warning",
        "The link mirrors topics, but another of its tasks is IN_ERROR: it copies no committed offsets, no ACLs or no "
        "configs, or does not create new mirror topics by itself. This is what a failover would lack.",
        "Read the errors with describe_cluster_links; usually the link's key lacks a right in the source or in this cluster.",
    ),
    "mirror_topic_failed": KindOfFinding(
        "topic",
        "critical",
        "The topic is a mirror that no longer receives records: it or its source failed (FAILED, SOURCE_UNAVAILABLE), but not its "
        "link. Readers see only earlier records.",
        "Read the errors with describe_cluster_links. If the source topic was recreated, recreate the mirror as well.",
    ),
    "mirror_topic_paused": KindOfFinding(
        "topic",
        "warning",
        "The topic is a mirror that somebody paused: records wait in the source, whose retention may remove them.",
        "Resume the mirror topic, or promote it if it is to become an independent topic.",
    ),
    "section_not_current": KindOfFinding(
        "section",
        "warning",
        "A section could not be read, or not completely; what is shown is older or incomplete.",
        "`mesh-assets estate check` tests every system and says which right or address is wrong.",
    ),
    "connector_not_running": KindOfFinding(
        "connector",
        "warning",
        "The connector is neither running nor paused nor stopped, and has not failed: it is being moved, or has no task.",
        "Wait for a rebalance to end; otherwise check the log of the Connect workers and restart the connector.",
    ),
    "records_lost": KindOfFinding(
        "consumer_group",
        "warning; info where the group has no members",
        "The group's committed offset is below the first offset that its partition still has: retention removed the "
        "records between them unread.",
        "Find out why the group fell behind, give it more consumers or the topic a longer retention; lost records must be "
        "sent again by their source.",
    ),
    "near_retention": KindOfFinding(
        "consumer_group",
        "warning",
        "At least `retention_records` records of a topic wait for the group, and they are `retention_share` of what one of "
        "its partitions still holds (`retention_used_percent`), or as old as that share of its retention.ms "
        "([metrics](metrics.md)). Only where retention removes records.",
        "Speed the group up, or lengthen the topic's retention until it has caught up.",
        "retention_share, retention_records",
    ),
    "stopped_group": KindOfFinding(
        "consumer_group",
        "warning where the lag has grown since the previous document, else info",
        "The group has no members, and records wait for it.",
        "Start its consumers, or delete the group if nobody needs it.",
    ),
    "group_beyond_end": KindOfFinding(
        "consumer_group",
        "warning",
        "The group has committed an offset beyond the end of the partition, or on an earlier topic of the same name: the "
        "topic was recreated or truncated.",
        "Reset the group's offsets; until then its consumers do what auto.offset.reset says.",
    ),
    "overridden_acl": KindOfFinding(
        "acl",
        "warning",
        "The ACL allows what another denies wherever it applies, so it does nothing. An ACL that is denied only in part does "
        "not count: that is how exceptions are made.",
        "Delete whichever of the two is not intended; describe_access shows what is effectively permitted.",
    ),
    "growing_lag": KindOfFinding(
        "consumer_group",
        "warning",
        "The group has members, at least `lag_records` records wait for it, and more than at the previous document.",
        "Compare the rates of the topic and the group; give the group more consumers, up to the number of "
        "partitions.",
        "lag_records",
    ),
    "policy_violation": KindOfFinding(
        "topic",
        "warning where the rule's level is error, info where it is warning",
        "The topic differs from what a rule of the estate's policy requires ([policy](policy.md)).",
        "Change the topic, or exempt it from the rule with `exclude`.",
    ),
    "broken_expectation": KindOfFinding(
        "topic",
        "warning where the rule's level is error, info where it is warning",
        "The topic's newest sample does not meet an expectation of the policy ([policy](policy.md#expectations)) or a quality "
        "rule of a contract ([contracts](contracts.md)). The sentence says when it was taken and where the records are.",
        "Look at the records at these offsets; fix whatever writes them, or the rule.",
    ),
    "data_fault": KindOfFinding(
        "topic",
        "warning for undecodable records, else info",
        "The topic's newest profile shows something that is likely wrong with its data ([profiles](profiles.md#what-is-likely-wrong)).",
        "get_profile has the figures; fix whatever writes the data, or mute the finding if that is normal for the topic.",
    ),
    "idle_connector": KindOfFinding(
        "connector",
        "warning for a sink, info for a source",
        "The connector was running `idle_days` ago and is running now, but moved nothing in between: none of a source's "
        "topics received a record; records wait for a sink whose group has not moved.",
        "Check whether the source has new data and the connector may read it; delete the connector if nobody needs it.",
        "idle_days",
    ),
    "silent_topic": KindOfFinding(
        "topic",
        "info",
        "No record came in between two readings at least `silent_seconds` apart, though a running source connector feeds "
        "the topic or records came in before.",
        "Check whether its producers are running and have anything to send.",
        "silent_seconds",
    ),
    "missing_schema": KindOfFinding(
        "topic",
        "info",
        "The estate has a schema registry, but no subject in it describes the topic's values.",
        "Register a schema under the topic's name with -value, or mute the kind for topics that need none.",
    ),
    "unread_topic": KindOfFinding(
        "topic",
        "info",
        "Records came in during the last `idle_days`, but neither then nor now does a consumer group or sink read the topic; "
        "no known cluster link or MirrorMaker copies it to another cluster of the estate. Mirror topics are excepted: they stand by "
        "for their source, read or not, and its cluster shows whether anybody needs the data. Consumers without a group are not seen.",
        "Ask its owner who needs it; stop writing to it, or mute the finding if it is read without a group.",
        "idle_days",
    ),
    "unused_topic": KindOfFinding(
        "topic",
        "info",
        "The topic holds records, but none came in during the last `idle_days`, and neither then nor now does a consumer group "
        "or sink read it; no known cluster link or MirrorMaker copies it to another cluster of the estate. Mirror topics are excepted.",
        "Ask its owner whether it can be deleted.",
        "idle_days",
    ),
    "empty_topic": KindOfFinding(
        "topic",
        "info",
        "The topic holds no records, and none came in during the last `idle_days`. Mirror topics are excepted.",
        "Delete it, or find out why its producers do not write.",
        "idle_days",
    ),
    "skewed_partitions": KindOfFinding(
        "topic",
        "info",
        "One partition holds more than `skew_factor` times the mean of the others, in a topic of at least `skew_records` "
        "records.",
        "Look for a key that most records share, or for producers that write to one partition.",
        "skew_factor, skew_records",
    ),
    "abandoned_group": KindOfFinding(
        "consumer_group",
        "info",
        "The group has no members and no lag, and has not moved for `idle_days`.",
        "Delete it if nobody needs it.",
        "idle_days",
    ),
    "orphaned_group": KindOfFinding(
        "consumer_group",
        "info",
        "None of the topics that the group reads exists any longer.",
        "Stop its consumers and delete it, or create the topics again.",
    ),
    "orphaned_subject": KindOfFinding(
        "schema",
        "info",
        "The subject is named after a topic that does not exist now and did not `idle_days` ago, in this cluster or another "
        "with the same registry, and no other schema refers to it.",
        "Delete the subject once no records need its schema, or create the topic.",
        "idle_days",
    ),
    "redundant_acl": KindOfFinding(
        "acl",
        "info",
        "Another ACL allows the same and more. Those for describe and describe_configs do not count, since Kafka's own tool adds "
        "them to every read and write.",
        "Delete it, or the wider one if that is not intended.",
    ),
    "unmatched_acl": KindOfFinding(
        "acl",
        "info",
        "The ACL allows something on topics or groups, none of which exists now or did `idle_days` ago, when the ACL already "
        "existed. Only where the estate's patterns leave out nothing that it may match.",
        "Delete it if nothing with that name is planned.",
        "idle_days",
    ),
    "unused_principal": KindOfFinding(
        "principal",
        "info",
        "Every ACL that allows the principal something is an unmatched one. They are counted here instead of one by one.",
        "Delete its ACLs and its credentials if nobody uses it any longer.",
        "idle_days",
    ),
}
