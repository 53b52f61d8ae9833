"""How near a group is to losing records: how much of what its topics still hold it has yet to read, and how
much longer the next record to read is kept."""

from collections.abc import Iterable, Mapping

from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup
from mesh_assets.inventory.lag import next_record
from mesh_assets.inventory.records import GroupTopicRate, Topic
from mesh_assets.metrics.time_lag import TimeLag


def group_topics(
    groups: Iterable[ConsumerGroup],
    topics: Iterable[Topic],
    *,
    time_lags: Mapping[tuple[str, str], TimeLag],
) -> tuple[GroupTopicRate, ...]:
    """A row for each group and topic with lag or lost records, in their order. `time_lags`: by group and topic."""
    by_name = {topic.name: topic for topic in topics}
    rows = []
    for group in groups:
        offsets_by_topic: dict[str, list[tuple[CommittedOffset, int | None]]] = {}
        for offset in group.offsets or ():
            lost_records = offset.lost_records
            if offset.lag_records or lost_records:
                offsets_by_topic.setdefault(offset.topic, []).append((offset, lost_records))
        for name, ones in offsets_by_topic.items():
            topic = by_name.get(name)
            lag = time_lags.get((group.group_id, name))
            seconds = None if lag is None else lag.seconds
            offsets = [offset for offset, _ in ones]
            lost = [records for _, records in ones if records is not None]
            rows.append(
                GroupTopicRate(
                    group_id=group.group_id,
                    topic=name,
                    lag_records=sum(one.lag_records or 0 for one in offsets),
                    lost_records=sum(lost) if lost else None,
                    retention_used_percent=_used_percent(offsets, topic),
                    lag_seconds=seconds,
                    retention_left_seconds=_left_seconds(seconds, topic),
                )
            )
    return tuple(rows)


def _used_percent(offsets: Iterable[CommittedOffset], topic: Topic | None) -> float | None:
    """On the partition where it is largest. A log that has lost nothing yet is not near its retention,
    however much of it is unread; a log that is only compacted loses nothing because of its age."""
    if topic is None or not _is_deleted_from(topic):
        return None
    shares = [share for offset in offsets if offset.start and (share := _used_share(offset)) is not None]
    return round(100 * max(shares), 1) if shares else None


def _used_share(offset: CommittedOffset) -> float | None:
    if offset.committed is None or not offset.start or offset.end is None:
        return None
    following = next_record(committed=offset.committed, start=offset.start, end=offset.end)
    held = offset.end - offset.start
    if following is None:
        return None
    return (offset.end - following) / held if held else float(bool(offset.lost_records))


def _left_seconds(lag_seconds: float | None, topic: Topic | None) -> float | None:
    if lag_seconds is None or topic is None or not _is_deleted_from(topic):
        return None
    retention = (topic.config or {}).get("retention.ms")
    if retention is None or not retention.isdecimal():  # -1: for ever
        return None
    return round(max(0.0, int(retention) / 1000 - lag_seconds), 1)


def _is_deleted_from(topic: Topic) -> bool:
    """Whether retention removes records; False without configs, when this is not known."""
    return topic.details.cleanup_policy is not None and "delete" in topic.details.cleanup_policy
