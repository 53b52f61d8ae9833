"""The consumer groups as records: what they have committed, joined with the end offsets of the same reading."""

from collections.abc import Iterable, Mapping

from mesh_assets.inventory.records import CommittedOffset, ConsumerGroup, GroupMember
from mesh_assets.platforms.kafka import values
from mesh_assets.platforms.kafka.values import CommittedPartition, OffsetsReading

EndOffsets = Mapping[tuple[str, int], int]


def group_records(
    groups: Iterable[values.ConsumerGroup], *, offsets: OffsetsReading
) -> tuple[ConsumerGroup, ...]:
    ends = {
        (topic, partition.partition): partition.latest
        for topic, partitions in offsets.topics.items()
        for partition in partitions
        if partition.latest is not None
    }
    return tuple(_record(group, ends) for group in groups)


def _record(group: values.ConsumerGroup, ends: EndOffsets) -> ConsumerGroup:
    members = None if group.members is None else tuple(_member(member) for member in group.members)
    offsets = None if group.offsets is None else tuple(_offset(offset, ends) for offset in group.offsets)
    lags = [offset.lag_records for offset in offsets or () if offset.lag_records is not None]
    failed = next((offset.error for offset in group.offsets or () if offset.error is not None), None)
    return ConsumerGroup(
        group_id=group.group_id,
        type=group.type,
        protocol_type=group.protocol_type,
        state=group.state,
        coordinator=group.coordinator,
        members=members,
        offsets=offsets,
        topics=tuple(
            sorted(
                {offset.topic for offset in offsets or ()}
                | {topic for member in members or () for topic in member.assignment}
            )
        ),
        total_lag_records=sum(lags) if lags else None,
        error=group.error or failed,
    )


def _member(member: values.GroupMember) -> GroupMember:
    return GroupMember(
        member_id=member.member_id,
        client_id=member.client_id,
        host=member.host,
        group_instance_id=member.group_instance_id,
        assignment=member.assignment,
    )


def _offset(offset: CommittedPartition, ends: EndOffsets) -> CommittedOffset:
    end = ends.get((offset.topic, offset.partition))
    # Commits are read after the end offsets, so a fast consumer can be past the end that was read. That is no
    # lag, not a negative one.
    lag = None if offset.committed is None or end is None else max(0, end - offset.committed)
    return CommittedOffset(
        topic=offset.topic, partition=offset.partition, committed=offset.committed, end=end, lag_records=lag
    )
