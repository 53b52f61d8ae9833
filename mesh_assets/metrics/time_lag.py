"""Time lag: how long ago the end of the log was where a group is now. It comes from kept readings of the end,
and from nothing else.

The end passed an offset at some time between two readings; in between, records are assumed to have arrived
evenly. If two readings are too far apart for that, or the history begins later, there is a lower bound and no
guess.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from mesh_assets.inventory.groups import CommittedOffset, ConsumerGroup
from mesh_assets.inventory.lag import next_record
from mesh_assets.inventory.records import Record
from mesh_assets.readings.ends import KeptEnds
from mesh_assets.readings.history import Column
from mesh_assets.readings.reading import place_name

Place = tuple[str, int]
"""A topic and a partition."""

# Two readings locate a moment well enough if they are this close (three ticks of the sensor), or a tenth of
# the lag apart.
_CLOSE_SECONDS = 900.0
_SHARE_OF_LAG = 0.1


class TimeLag(Record, frozen=True, kw_only=True):
    """A group's time lag, on its slowest partition. `seconds` None: unknown; then `at_least_seconds` is a
    lower bound, or None."""

    seconds: float | None
    at_least_seconds: float | None


class TimeLags(Record, frozen=True, kw_only=True):
    """By group, and by group and topic."""

    groups: dict[str, TimeLag]
    topics: dict[tuple[str, str], TimeLag]


class EndReading(Record, frozen=True, kw_only=True):
    """The ends of the log at one moment, by topic and partition."""

    read_at: datetime
    ends: dict[Place, int]


@dataclass(slots=True)
class _Passed:
    """When the end of one partition passed the offsets `wanted` (ascending). `later`: the oldest reading so
    far, which lies beyond all of them."""

    wanted: list[int]
    later_at: datetime
    later_end: int
    found: dict[int, TimeLag] = field(default_factory=dict)


def time_lags(
    groups: Iterable[ConsumerGroup],
    *,
    now: EndReading,
    topic_ids: Mapping[str, str | None],
    kept: KeptEnds | None = None,
    earlier: EndReading | None = None,
) -> TimeLags:
    """The lag of every group that has committed anything. `kept`: the sensor's readings. `earlier`: that of
    the previous document.

    Raises StoreError if the kept readings cannot be read.
    """
    groups = tuple(groups)
    searched = _searched(groups, now)
    _search(searched, now, topic_ids, kept, earlier)
    by_group: dict[str, TimeLag] = {}
    by_topic: dict[tuple[str, str], TimeLag] = {}
    for group in groups:
        lags = _by_topic(group, now, searched)
        for topic, ones in lags.items():
            by_topic[group.group_id, topic] = _slowest(ones)
        if lags:
            by_group[group.group_id] = _slowest([lag for ones in lags.values() for lag in ones])
    return TimeLags(groups=by_group, topics=by_topic)


def _searched(groups: Iterable[ConsumerGroup], now: EndReading) -> dict[Place, _Passed]:
    wanted: dict[Place, set[int]] = {}
    for group in groups:
        for offset in group.offsets or ():
            end = now.ends.get((offset.topic, offset.partition))
            following = _following(offset, end)
            if following is not None and end is not None and following < end:
                wanted.setdefault((offset.topic, offset.partition), set()).add(following)
    return {
        place: _Passed(sorted(offsets), now.read_at, now.ends[place]) for place, offsets in wanted.items()
    }


def _following(offset: CommittedOffset, end: int | None) -> int | None:
    """The group's next record, whose age is its lag; None without a commit on this topic, or beyond the
    end."""
    if offset.committed is None or end is None or offset.lag_is == "topic_recreated":
        return None
    return next_record(committed=offset.committed, start=offset.start, end=end)


def _search(
    searched: dict[Place, _Passed],
    now: EndReading,
    topic_ids: Mapping[str, str | None],
    kept: KeptEnds | None,
    earlier: EndReading | None,
) -> None:
    pending = dict(searched)
    names = {place: place_name(place[0], topic_ids.get(place[0]) or "", place[1]) for place in searched}
    oldest = kept.oldest() if kept is not None and pending else None
    if oldest is not None and (earlier is None or oldest[0] <= earlier.read_at):
        # Groups that are no longer in use lag further back than the history goes: one object shows that, so
        # the others need not be read.
        read_at, columns, index = oldest
        for place in list(pending):
            end = _kept_end(columns, names, index, place)
            # An end beyond today's: the log has been cut since, so we must follow it back step by step.
            if end is not None and pending[place].wanted[-1] < end <= pending[place].later_end:
                pending.pop(place).later_at = read_at
    if not pending:
        return
    for read_at, ends in _backwards(kept, earlier, names):
        if not pending:
            return
        if read_at >= now.read_at:
            continue
        for place in list(pending):
            end = ends(place)
            if end is not None and not _step_back(pending[place], end, read_at, now.read_at):
                del pending[place]


def _backwards(
    kept: KeptEnds | None, earlier: EndReading | None, names: Mapping[Place, str]
) -> Iterator[tuple[datetime, Callable[[Place], int | None]]]:
    """All readings, newest first: the time, and a function that gives the end of a partition then."""
    for read_at, columns, index in kept.backwards() if kept is not None else ():
        if earlier is not None and earlier.read_at >= read_at:
            yield earlier.read_at, earlier.ends.get
            earlier = None
        yield read_at, partial(_kept_end, columns, names, index)
    if earlier is not None:
        yield earlier.read_at, earlier.ends.get


def _kept_end(
    columns: Mapping[str, Column], names: Mapping[Place, str], index: int, place: Place
) -> int | None:
    column = columns.get(names[place])
    return None if column is None else column[index]


def _step_back(passed: _Passed, end: int, read_at: datetime, now: datetime) -> bool:
    """Adds an older reading; False when there is nothing left to look for."""
    if end > passed.later_end:
        return False  # the log was cut: anything earlier is a different log
    while passed.wanted and passed.wanted[-1] >= end:
        offset = passed.wanted.pop()
        apart = (passed.later_at - read_at).total_seconds()
        after = apart * (offset - end) / (passed.later_end - end)
        lag = (now - read_at).total_seconds() - after
        surely = (now - passed.later_at).total_seconds()
        known = apart <= max(_CLOSE_SECONDS, _SHARE_OF_LAG * lag)
        passed.found[offset] = TimeLag(
            seconds=round(lag, 1) if known else None, at_least_seconds=None if known else round(surely, 1)
        )
    passed.later_at, passed.later_end = read_at, end
    return bool(passed.wanted)


def _by_topic(
    group: ConsumerGroup, now: EndReading, searched: Mapping[Place, _Passed]
) -> dict[str, list[TimeLag]]:
    by_topic: dict[str, list[TimeLag]] = {}
    for offset in group.offsets or ():
        if offset.committed is None:
            continue
        lags = by_topic.setdefault(offset.topic, [])
        place = (offset.topic, offset.partition)
        end = now.ends.get(place)
        following = _following(offset, end)
        if end is None or following is None:
            lags.append(TimeLag(seconds=None, at_least_seconds=None))
        elif following == end:
            lags.append(TimeLag(seconds=0.0, at_least_seconds=None))
        else:
            passed = searched[place]
            bound = round((now.read_at - passed.later_at).total_seconds(), 1) or None
            lags.append(passed.found.get(following) or TimeLag(seconds=None, at_least_seconds=bound))
    return by_topic


def _slowest(lags: Sequence[TimeLag]) -> TimeLag:
    known = [lag.seconds for lag in lags if lag.seconds is not None]
    if len(known) == len(lags):
        return TimeLag(seconds=max(known), at_least_seconds=None)
    bounds = [*known, *(lag.at_least_seconds for lag in lags if lag.at_least_seconds is not None)]
    return TimeLag(seconds=None, at_least_seconds=max(bounds, default=0.0) or None)
