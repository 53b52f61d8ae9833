"""How far a group is behind on a partition, and the answers that are no number of records.

A committed offset need not lie in the log: retention removes records that a group has not read, and a topic
that was created anew or cut ends before what the group committed on the old one.
"""

from collections.abc import Callable, Iterable

from mesh_assets.inventory.records import CommittedOffset, ConsumerGroup
from mesh_assets.inventory.wording import counted, listed


def next_record(*, committed: int, start: int | None, end: int) -> int | None:
    """The offset of the record that the group reads next; None if the log ends before what it committed."""
    if committed > end:
        return None
    return committed if start is None else max(committed, start)


def lag_records(*, committed: int | None, start: int | None, end: int | None) -> int | None:
    """The records that wait for the group; those that are no longer there do not wait.

    None if the group has committed nothing or stands beyond the end, or if the end is unknown.
    """
    if committed is None or end is None:
        return None
    following = next_record(committed=committed, start=start, end=end)
    return None if following is None else end - following


def beyond_end(offsets: Iterable[CommittedOffset]) -> list[str]:
    """The partitions that end before what the group committed on them."""
    return _where(offsets, lambda o: o.committed is not None and o.end is not None and o.committed > o.end)


def is_lag_unknown(group: ConsumerGroup) -> bool:
    """Whether the group's sum of lags leaves out what could not be read, or what it does beyond an end."""
    return group.offsets is None or any(
        offset.committed is not None and offset.lag_records is None for offset in group.offsets
    )


def lag_notes(offsets: Iterable[CommittedOffset]) -> tuple[str, ...]:
    """What a number of records cannot say about these positions, one sentence each."""
    every = tuple(offsets)
    beyond = beyond_end(every)
    removed = sum(
        o.start - o.committed
        for o in every
        if o.committed is not None and o.start is not None and o.committed < o.start
    )
    never = _where(every, lambda o: o.committed is None)
    notes = []
    if beyond:
        notes.append(
            f"beyond the end of {counted(len(beyond), 'partition')} ({listed(beyond)}): the topic was created anew or cut, and what "
            "the group does there is not known"
        )
    if removed:
        notes.append(f"{counted(removed, 'record')} removed by retention before the group read them")
    if never:
        notes.append(f"nothing committed on {counted(len(never), 'partition')} ({listed(never)})")
    return tuple(notes)


def _where(offsets: Iterable[CommittedOffset], holds: Callable[[CommittedOffset], bool]) -> list[str]:
    return [f"{offset.topic}[{offset.partition}]" for offset in offsets if holds(offset)]
