"""Consumer groups as records: what they have committed, joined with the log edges of the same reading and, where the
present says too little, with what the previous document knew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup, LagIs
from mesh_assets.inventory.lag import lag_is, lag_records
from mesh_assets.platforms.kafka import values
from mesh_assets.platforms.kafka.values import (
    CommittedPartition,
    OffsetsReading,
    PartitionOffsets,
    ShareOffset,
    TopicMetadata,
)

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class KnownBefore:
    """What the previous document says about groups. `recreated`: topics whose id has changed since."""

    groups: Mapping[str, ConsumerGroup]
    recreated: frozenset[str]


NOTHING_BEFORE = KnownBefore({}, frozenset())


def known_before(previous: Document | None, *, now: Iterable[TopicMetadata]) -> KnownBefore:
    """`now`: the topics as this reading found them. One whose id was or is unknown is taken to be the same."""
    if previous is None:
        return NOTHING_BEFORE
    ids = {topic.name: topic.id for topic in now if topic.id is not None}
    return KnownBefore(
        {group.group_id: group for group in previous.consumer_groups},
        frozenset(
            topic.name
            for topic in previous.topics
            if topic.id is not None and topic.name in ids and ids[topic.name] != topic.id
        ),
    )


def group_records(
    groups: Iterable[values.ConsumerGroup],
    *,
    offsets: OffsetsReading,
    before: KnownBefore = NOTHING_BEFORE,
) -> tuple[ConsumerGroup, ...]:
    """`offsets`: no older than the commits where a group is beyond the end (`ends_after`)."""
    edges = _Edges(offsets)
    return tuple(_group_record(group, edges, before) for group in groups)


class _Edges(dict[str, dict[int, PartitionOffsets]]):
    """By topic and partition, of topics that somebody asks for."""

    def __init__(self, offsets: OffsetsReading) -> None:
        self._topics = offsets.topics

    def __missing__(self, topic: str) -> dict[int, PartitionOffsets]:
        found = self[topic] = {
            one.partition: one for one in self._topics.get(topic, ())
        }  # sorted as they are read
        return found


def _group_record(group: values.ConsumerGroup, edges: _Edges, before: KnownBefore) -> ConsumerGroup:
    known = before.groups.get(group.group_id)
    earlier = _Earlier(known, before.recreated)
    positions: Iterable[CommittedPartition | ShareOffset] | None = (
        group.share if group.type == "share" else group.offsets
    )
    offsets = None if positions is None else _offsets(positions, edges, earlier)
    if known is not None and offsets == known.offsets:
        # Whatever compares the two later has nothing to do.
        offsets, lag, lost = known.offsets, known.total_lag_records, known.lost_records
    else:
        lags = [offset.lag_records for offset in offsets or () if offset.lag_records is not None]
        losses = [lost for offset in offsets or () if (lost := offset.lost_records) is not None]
        lag, lost = sum(lags) if lags else None, sum(losses) if losses else None
    failed = next((position.error for position in positions or () if position.error is not None), None)
    return ConsumerGroup(
        group_id=group.group_id,
        type=group.type,
        protocol_type=group.protocol_type,
        state=group.state,
        coordinator=group.coordinator,
        members=group.members,
        offsets=offsets,
        topics=tuple(
            sorted(
                {offset.topic for offset in offsets or ()}
                | {topic for member in group.members or () for topic in member.assignment}
            )
        ),
        total_lag_records=lag,
        error=group.error or failed,
        lost_records=lost,
        epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        assignor=group.assignor,
        topology=group.topology,
    )


class _Earlier:
    """Where the group was in the previous document. Indexed on first use: few groups need it."""

    def __init__(self, group: ConsumerGroup | None, recreated: frozenset[str]) -> None:
        self._group = group
        self._recreated = recreated
        self._offsets: dict[Place, CommittedOffset] | None = None
        self.matters = bool(recreated) or any(
            offset.lag_is == "topic_recreated" for offset in (group.offsets or () if group else ())
        )

    def _at(self, place: Place) -> CommittedOffset | None:
        if self._offsets is None:
            known = self._group.offsets or () if self._group is not None else ()
            self._offsets = {(offset.topic, offset.partition): offset for offset in known}
        return self._offsets.get(place)

    def is_of_another_topic(self, place: Place, committed: int) -> bool:
        """Whether this commit was, or may have been, made on an earlier topic of the same name: it existed before the
        topic was recreated and has not gone back since, as a commit on the new topic would."""
        offset = self._at(place)
        if offset is None or offset.committed is None:
            return False
        if place[0] in self._recreated:
            return committed >= offset.committed
        return offset.lag_is == "topic_recreated" and committed == offset.committed

    def had_committed(self, place: Place) -> bool:
        offset = self._at(place)
        if offset is None or place[0] in self._recreated or offset.lag_is == "topic_recreated":
            return False
        return offset.committed is not None or offset.lag_is == "expired"


def _offsets(
    positions: Iterable[CommittedPartition | ShareOffset], edges: _Edges, earlier: _Earlier
) -> tuple[CommittedOffset, ...]:
    """Adds the partitions on which the group has committed nothing, of topics on which it has committed something:
    records may be waiting there as well."""
    by_topic: dict[str, dict[int, CommittedPartition | ShareOffset]] = {}
    for position in positions:
        by_topic.setdefault(position.topic, {})[position.partition] = position
    return tuple(
        [
            _offset((topic, partition), positions_there.get(partition), there.get(partition), earlier)
            for topic, positions_there in sorted(by_topic.items())
            for there in (edges[topic],)
            for partition in _in_order(positions_there, there)
        ]
    )


def _in_order(positions: Mapping[int, object], edges: Mapping[int, object]) -> Iterable[int]:
    return edges if positions.keys() <= edges.keys() else sorted(positions.keys() | edges.keys())


def _offset(
    place: Place,
    position: CommittedPartition | ShareOffset | None,
    edges: PartitionOffsets | None,
    earlier: _Earlier,
) -> CommittedOffset:
    start, end = (None, None) if edges is None else (edges.earliest, edges.latest)
    if (
        isinstance(position, CommittedPartition)
        and position.committed is not None
        and start is not None
        and end is not None
        and start <= position.committed <= end
        and position.error is None
        and not earlier.matters
    ):  # as nearly all are: what follows would say the same in four times as long
        return CommittedOffset(
            topic=place[0],
            partition=place[1],
            committed=position.committed,
            start=start,
            end=end,
            lag_records=end - position.committed,
            lag_is="known",
        )
    shared = position if isinstance(position, ShareOffset) else None
    committed = position.committed if isinstance(position, CommittedPartition) else None
    if shared is not None:
        committed = shared.start
    reason: LagIs = lag_is(committed=committed, start=start, end=end)
    if position is not None and position.error is not None:
        reason = "unreadable"
    elif committed is None:
        reason = "expired" if earlier.had_committed(place) else "never_committed"
    elif earlier.matters and earlier.is_of_another_topic(place, committed):
        reason = "topic_recreated"
    lag = None if reason == "topic_recreated" else lag_records(committed=committed, start=start, end=end)
    if shared is not None and reason in ("known", "records_lost", "beyond_end", "end_unknown"):
        lag, reason = shared.lag_records, "known" if shared.lag_records is not None else "not_counted"
    return CommittedOffset(
        topic=place[0],
        partition=place[1],
        committed=committed,
        start=start,
        end=end,
        lag_records=lag,
        lag_is=reason,
    )
