"""How far a group is behind on a partition, and the cases in which no number of records says so.

A committed offset need not be in the log: retention removes records that a group has not read, and a topic that was
recreated or truncated ends before what the group committed on the old one.
"""

from collections.abc import Collection, Iterable

from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup, LagIs
from mesh_assets.inventory.wording import counted, listed


def next_record(*, committed: int, start: int | None, end: int) -> int | None:
    """The offset of the record that the group reads next; None if the log ends before what it committed."""
    if committed > end:
        return None
    return committed if start is None else max(committed, start)


def lag_records(*, committed: int | None, start: int | None, end: int | None) -> int | None:
    """The records that wait for the group; removed records do not wait.

    None if the group has committed nothing or is beyond the end, or if the end is unknown.
    """
    if committed is None or end is None:
        return None
    following = next_record(committed=committed, start=start, end=end)
    return None if following is None else end - following


def lag_is(*, committed: int | None, start: int | None, end: int | None) -> LagIs:
    """What `lag_records` of the same offsets means, as far as they alone show."""
    if committed is None:
        return "never_committed"
    if end is None:
        return "end_unknown"
    if committed > end:
        return "beyond_end"
    return "records_lost" if start is not None and committed < start else "known"


def lag_reason(offset: CommittedOffset) -> LagIs:
    """What the record's lag means, even if an earlier version wrote it."""
    return offset.lag_is or lag_is(committed=offset.committed, start=offset.start, end=offset.end)


def beyond_end(offsets: Iterable[CommittedOffset]) -> list[str]:
    """The partitions that end before what the group committed on them."""
    return _where(o for o in offsets if o.committed is not None and o.end is not None and o.committed > o.end)


_KNOWN_OR_NONE: Collection[LagIs] = ("known", "records_lost", "never_committed", "expired")


def is_lag_unknown(group: ConsumerGroup) -> bool:
    """Whether the group's total lag leaves out anything that could not be read or is beyond an end."""
    return group.offsets is None or any(
        offset.lag_records is None and lag_reason(offset) not in _KNOWN_OR_NONE for offset in group.offsets
    )


def lag_notes(offsets: Iterable[CommittedOffset]) -> tuple[str, ...]:
    """What a number of records cannot express about these positions, one sentence each."""
    by_reason: dict[LagIs, list[CommittedOffset]] = {}
    for offset in offsets:
        if offset.lag_is != "known":  # true of nearly all, and there is nothing to say of them
            by_reason.setdefault(lag_reason(offset), []).append(offset)
    notes = []
    for reason, note in _NOTES.items():
        if found := by_reason.get(reason):
            places = _where(found)
            lost = sum(
                o.start - o.committed for o in found if o.start is not None and o.committed is not None
            )
            notes.append(
                note.format(
                    records=counted(lost, "record"),
                    partitions=f"{counted(len(places), 'partition')} ({listed(places)})",
                )
            )
    return tuple(notes)


_NOTES: dict[LagIs, str] = {
    "beyond_end": "beyond the end of {partitions}: the topic was recreated or truncated, and it is unknown what the group does there",
    "topic_recreated": "committed on an earlier topic of the same name: {partitions}; it is unknown what waits on the present one",
    "records_lost": "{records} removed by retention before the group read them",
    "never_committed": "nothing committed on {partitions}",
    "expired": "no longer committed on {partitions}: Kafka dropped what had been committed there after "
    "offsets.retention.minutes, or somebody deleted it",
    "end_unknown": "the end of {partitions} could not be read",
    "unreadable": "what the group committed on {partitions} could not be read",
    "not_counted": "the brokers do not count the lag of a share group before Kafka 4.3: {partitions}",
}


def _where(offsets: Iterable[CommittedOffset]) -> list[str]:
    return [f"{offset.topic}[{offset.partition}]" for offset in offsets]
