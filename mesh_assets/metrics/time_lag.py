"""Time lag: how long ago the end of the log was where a group is now. It comes from kept readings of the end,
and from nothing else.

The end passed an offset at some time between two readings; in between, records are assumed to have arrived
evenly. If two readings are too far apart for that, or the history begins later, there is a lower bound and no
guess.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from mesh_assets.inventory.groups import ConsumerGroup
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
    ends: dict[str, dict[int, int]]

    def end(self, place: Place) -> int | None:
        ends = self.ends.get(place[0])
        return None if ends is None else ends.get(place[1])


@dataclass(slots=True)
class _Passed:
    """When the end of one partition passed the offsets `wanted` (ascending). `later`: the oldest reading so
    far, which lies beyond all of them."""

    later_at: datetime
    later_end: int
    wanted: list[int]
    found: dict[int, TimeLag] | None = None


_Waits = dict[str, "list[TimeLag | tuple[_Passed, int]]"]
"""For one group, by topic: its lag on each partition, or the record that waits there, whose age is its
lag."""


def time_lags(
    groups: Iterable[ConsumerGroup],
    *,
    read_at: datetime,
    topic_ids: Mapping[str, str | None],
    kept: KeptEnds | None = None,
    earlier: EndReading | None = None,
) -> TimeLags:
    """The lag of every group that has committed anything, as it was read. `kept`: the sensor's readings.
    `earlier`: that of the previous document.

    Raises StoreError if the kept readings cannot be read.
    """
    searched: dict[Place, _Passed] = {}
    waits = {group.group_id: _waits(group, read_at, searched) for group in groups}
    for passed in searched.values():
        if len(passed.wanted) > 1:
            passed.wanted = sorted(set(passed.wanted))
    _search(searched, read_at, topic_ids, kept, earlier)
    by_group: dict[str, TimeLag] = {}
    by_topic: dict[tuple[str, str], TimeLag] = {}
    bounds: dict[datetime, TimeLag] = {}
    for group_id, topics in waits.items():
        lags = [
            _slowest(
                [
                    one
                    if isinstance(one, TimeLag)
                    else (one[0].found and one[0].found.get(one[1]))
                    or bounds.get(one[0].later_at)
                    or _bound(one[0].later_at, read_at, bounds)
                    for one in ones
                ]
            )
            for ones in topics.values()
        ]
        by_topic.update(zip([(group_id, topic) for topic in topics], lags, strict=True))
        if lags:
            by_group[group_id] = _slowest(lags)
    return TimeLags(groups=by_group, topics=by_topic)


_UNKNOWN = TimeLag(seconds=None, at_least_seconds=None)
_NOTHING_WAITS = TimeLag(seconds=0.0, at_least_seconds=None)


def _waits(group: ConsumerGroup, read_at: datetime, searched: dict[Place, _Passed]) -> _Waits:
    waits: _Waits = {}
    for offset in group.offsets or ():
        committed, end = offset.committed, offset.end
        if committed is None:
            continue
        following = (
            None
            if end is None or offset.lag_is == "topic_recreated"
            else next_record(committed=committed, start=offset.start, end=end)
        )
        ones = waits.setdefault(offset.topic, [])
        if end is None or following is None:
            ones.append(_UNKNOWN)
        elif following == end:
            ones.append(_NOTHING_WAITS)
        else:
            place = offset.topic, offset.partition
            passed = searched.get(place)
            if passed is None:
                passed = searched[place] = _Passed(read_at, end, [following])
            else:
                passed.wanted.append(following)
            ones.append((passed, following))
    return waits


def _bound(later_at: datetime, read_at: datetime, bounds: dict[datetime, TimeLag]) -> TimeLag:
    """What is known of records that were there at that time already: made once for each time."""
    seconds = round((read_at - later_at).total_seconds(), 1) or None
    bound = bounds[later_at] = TimeLag(seconds=None, at_least_seconds=seconds)
    return bound


class _Names(dict[Place, str]):
    """For the partitions in kept readings."""

    def __init__(self, topic_ids: Mapping[str, str | None]) -> None:
        self._topic_ids = topic_ids

    def __missing__(self, place: Place) -> str:
        name = self[place] = place_name(place[0], self._topic_ids.get(place[0]) or "", place[1])
        return name


def _search(
    searched: dict[Place, _Passed],
    now: datetime,
    topic_ids: Mapping[str, str | None],
    kept: KeptEnds | None,
    earlier: EndReading | None,
) -> None:
    pending = dict(searched)
    names = _Names(topic_ids)
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
        if read_at >= now:
            continue
        for place in list(pending):
            end = ends(place)
            if end is not None and not _step_back(pending[place], end, read_at, now):
                del pending[place]


def _backwards(
    kept: KeptEnds | None, earlier: EndReading | None, names: Mapping[Place, str]
) -> Iterator[tuple[datetime, Callable[[Place], int | None]]]:
    """All readings, newest first: the time, and a function that gives the end of a partition then."""
    for read_at, columns, index in kept.backwards() if kept is not None else ():
        if earlier is not None and earlier.read_at >= read_at:
            yield earlier.read_at, earlier.end
            earlier = None
        yield read_at, partial(_kept_end, columns, names, index)
    if earlier is not None:
        yield earlier.read_at, earlier.end


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
        passed.found = passed.found or {}
        passed.found[offset] = TimeLag(
            seconds=round(lag, 1) if known else None, at_least_seconds=None if known else round(surely, 1)
        )
    passed.later_at, passed.later_end = read_at, end
    return bool(passed.wanted)


def _slowest(lags: list[TimeLag]) -> TimeLag:
    first = lags[0]  # usually of all
    if first.at_least_seconds != 0 and lags.count(first) == len(lags):
        return first
    known = [lag.seconds for lag in lags if lag.seconds is not None]
    if len(known) == len(lags):
        return TimeLag(seconds=max(known), at_least_seconds=None)
    bounds = [*known, *(lag.at_least_seconds for lag in lags if lag.at_least_seconds is not None)]
    return TimeLag(seconds=None, at_least_seconds=max(bounds, default=0.0) or None)
