"""What the newest document and newer kept readings say about topics, consumer groups, connectors and
partitions."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup
from mesh_assets.inventory.lag import lag_reason
from mesh_assets.inventory.records import ConnectorRate, GroupRate, GroupTopicRate, Topic, TopicRate
from mesh_assets.service.cluster_series import lag_of, share
from mesh_assets.service.exposition import Samples, and_labels, labels
from mesh_assets.service.kept_readings import NewestReading
from mesh_assets.service.selection import LeftOut

_NOTHING_COMMITTED = ("never_committed", "expired")


def add_resources(
    samples: Samples, document: Document, *, cluster: str, newest: NewestReading | None, left: LeftOut
) -> None:
    """`newest`: if it is newer than what the document says about topics and groups."""
    own = labels(cluster=cluster)
    _add_topics(samples, document, own, newest, left)
    _add_groups(samples, document, own, newest, left)
    _add_group_topics(samples, document, own, newest, left)
    _add_connectors(samples, document, own, left)
    _add_partitions(samples, document, own, left)


def _add_topics(
    samples: Samples, document: Document, of_cluster: str, newest: NewestReading | None, left: LeftOut
) -> None:
    rates: dict[str, TopicRate] = (
        {} if document.metrics is None else {rate.topic: rate for rate in document.metrics.topics}
    )
    for topic in left.chosen("topics", document.topics, lambda one: left.topic(one.name)):
        own = and_labels(of_cluster, topic=topic.name)
        details = topic.details
        if topic.error is None:
            samples.add("mesh_topic_partitions", own, details.partitions)
            samples.add("mesh_topic_replication_factor", own, details.replication_factor)
            behind = leaderless = 0
            for one in topic.partitions:
                behind += len(one.isr) < len(one.replicas)
                leaderless += one.leader is None
            samples.add("mesh_topic_under_replicated_partitions", own, behind)
            samples.add("mesh_topic_leaderless_partitions", own, leaderless)
        samples.add("mesh_topic_records", own, details.message_count)
        _add_storage(samples, topic, own, rates.get(topic.name))
        _add_topic_rates(samples, topic, own, rates.get(topic.name), newest)


def _add_storage(samples: Samples, topic: Topic, own: str, rate: TopicRate | None) -> None:
    storage = topic.storage
    retained = None if rate is None else rate.retained_bytes
    if storage is not None:
        retained = storage.leader_bytes if retained is None else retained
        samples.add("mesh_topic_replica_bytes", own, storage.replica_bytes)
        samples.add("mesh_topic_oldest_record_timestamp_seconds", own, storage.oldest_record_at)
        samples.add("mesh_topic_newest_record_timestamp_seconds", own, storage.newest_record_at)
    samples.add("mesh_topic_retained_bytes", own, retained)


def _add_topic_rates(
    samples: Samples, topic: Topic, own: str, rate: TopicRate | None, newest: NewestReading | None
) -> None:
    arriving = None if newest is None else newest.records_in_per_second(topic)
    if arriving is None and rate is not None:
        arriving = rate.records_in_per_second
    samples.add("mesh_topic_records_in_per_second", own, arriving)
    if rate is not None:
        samples.add("mesh_topic_records_out_per_second", own, rate.records_out_per_second)
        samples.add("mesh_topic_bytes_in_per_second", own, rate.bytes_in_per_second)
        samples.add("mesh_topic_bytes_out_per_second", own, rate.bytes_out_per_second)


def _add_groups(
    samples: Samples, document: Document, of_cluster: str, newest: NewestReading | None, left: LeftOut
) -> None:
    rates: dict[str, GroupRate] = (
        {} if document.metrics is None else {rate.group_id: rate for rate in document.metrics.consumer_groups}
    )
    selected = left.chosen("consumer_groups", document.consumer_groups, lambda one: left.group(one.group_id))
    for group in selected:
        own = and_labels(of_cluster, group=group.group_id)
        samples.add("mesh_consumer_group_state", and_labels(own, type=group.type, state=group.state), 1)
        samples.add("mesh_consumer_group_members", own, None if group.members is None else len(group.members))
        lag = lag_of(group.group_id, group.total_lag_records, newest)
        samples.add("mesh_consumer_group_lag_records", own, lag)
        samples.add("mesh_consumer_group_unknown_lag_partitions", own, _unknown(group.offsets or ()) or None)
        samples.add("mesh_consumer_group_lost_records", own, group.lost_records)
        committed = None if newest is None else newest.groups.get(group.group_id)
        rate = rates.get(group.group_id)
        if rate is not None:
            committed = rate.records_committed_per_second if committed is None else committed
            _add_time_lag(samples, rate, own, caught_up=_caught_up(group.group_id, newest))
        samples.add("mesh_consumer_group_records_committed_per_second", own, committed)


def _add_time_lag(samples: Samples, rate: GroupRate, own: str, *, caught_up: bool) -> None:
    if caught_up:  # by a reading after the document; its earlier lag is over
        samples.add("mesh_consumer_group_lag_seconds", own, 0)
        return
    samples.add("mesh_consumer_group_lag_seconds", own, rate.lag_seconds)
    samples.add("mesh_consumer_group_lag_at_least_seconds", own, rate.lag_seconds_at_least)
    samples.add("mesh_consumer_group_estimated_max_lag_seconds", own, rate.estimated_max_lag_seconds)
    samples.add("mesh_consumer_group_retention_used_ratio", own, share(rate.retention_used_percent))
    samples.add("mesh_consumer_group_retention_left_seconds", own, rate.retention_left_seconds)


def _caught_up(group_id: str, newest: NewestReading | None) -> bool:
    return newest is not None and newest.lags.get(group_id) == 0


def _unknown(offsets: Sequence[CommittedOffset]) -> int:
    return sum(1 for one in offsets if one.lag_records is None and lag_reason(one) not in _NOTHING_COMMITTED)


def _add_group_topics(
    samples: Samples, document: Document, of_cluster: str, newest: NewestReading | None, left: LeftOut
) -> None:
    near: dict[tuple[str, str], GroupTopicRate] = (
        {}
        if document.metrics is None
        else {(rate.group_id, rate.topic): rate for rate in document.metrics.group_topics}
    )
    if not left.wants("group_topics"):
        left.left("group_topics", "not_chosen", sum(len(group.topics) for group in document.consumer_groups))
        return
    pairs = [
        (group, topic, offsets)
        for group in document.consumer_groups
        for topic, offsets in _by_topic(group).items()
    ]
    selected = left.chosen(
        "group_topics", pairs, lambda one: left.group(one[0].group_id) and left.topic(one[1])
    )
    for group, topic, offsets in selected:
        own = and_labels(of_cluster, group=group.group_id, topic=topic)
        if _caught_up(group.group_id, newest):
            samples.add("mesh_consumer_group_topic_lag_records", own, 0)
            continue
        known = [one.lag_records for one in offsets if one.lag_records is not None]
        samples.add(
            "mesh_consumer_group_topic_lag_records",
            own,
            sum(known) if known and not _unknown(offsets) else None,
        )
        rate = near.get((group.group_id, topic))
        if rate is not None:
            samples.add("mesh_consumer_group_topic_lost_records", own, rate.lost_records or None)
            samples.add("mesh_consumer_group_topic_lag_seconds", own, rate.lag_seconds)
            samples.add(
                "mesh_consumer_group_topic_retention_used_ratio", own, share(rate.retention_used_percent)
            )
            samples.add("mesh_consumer_group_topic_retention_left_seconds", own, rate.retention_left_seconds)


def _by_topic(group: ConsumerGroup) -> dict[str, list[CommittedOffset]]:
    found: defaultdict[str, list[CommittedOffset]] = defaultdict(list)
    for offset in group.offsets or ():
        found[offset.topic].append(offset)
    return found


def _add_connectors(samples: Samples, document: Document, of_cluster: str, left: LeftOut) -> None:
    rates: dict[tuple[str, str], ConnectorRate] = (
        {}
        if document.metrics is None
        else {(rate.connect, rate.connector): rate for rate in document.metrics.connectors}
    )
    for connector in left.chosen("connectors", document.connectors):
        own = and_labels(of_cluster, connect=connector.connect, connector=connector.name)
        about = and_labels(own, type=connector.type, **{"class": connector.connector_class or ""})
        samples.add("mesh_connector_info", about, 1)
        samples.add("mesh_connector_state", and_labels(own, state=connector.status), 1)
        for state, count in sorted(Counter(task.state for task in connector.tasks).items()):
            samples.add("mesh_connector_tasks", and_labels(own, state=state), count)
        rate = rates.get((connector.connect, connector.name))
        if rate is None:
            continue
        for name in (
            "records_in_per_second",
            "records_out_per_second",
            "bytes_in_per_second",
            "bytes_out_per_second",
            "dead_letter_records",
        ):
            samples.add(f"mesh_connector_{name}", own, getattr(rate, name))


def _add_partitions(samples: Samples, document: Document, of_cluster: str, left: LeftOut) -> None:
    """Partitions count one by one, both those of topics and those that groups have positions on."""
    if not left.wants("partitions"):
        left.left("partitions", "not_chosen", sum(len(topic.partitions) for topic in document.topics))
        return
    of_topics = [(topic, one) for topic in document.topics for one in topic.partitions]
    for topic, one in left.chosen("partitions", of_topics, lambda pair: left.topic(pair[0].name)):
        own = and_labels(of_cluster, topic=topic.name, partition=one.partition)
        samples.add("mesh_topic_partition_start_offset", own, one.earliest)
        samples.add("mesh_topic_partition_end_offset", own, one.latest)
        samples.add("mesh_topic_partition_bytes", own, one.bytes)
    of_groups = [(group, one) for group in document.consumer_groups for one in group.offsets or ()]
    for group, offset in left.chosen(
        "partitions", of_groups, lambda pair: left.group(pair[0].group_id) and left.topic(pair[1].topic)
    ):
        own = and_labels(of_cluster, group=group.group_id, topic=offset.topic, partition=offset.partition)
        samples.add("mesh_consumer_group_partition_lag_records", own, offset.lag_records)
