"""Time lag: how long ago the end of the log was where a group is now. It comes from kept readings of the end,
and from nothing else.

The end passed an offset at some time between two readings; in between, records are assumed to have arrived
evenly. If two readings are too far apart for that, or the history begins later, there is a lower bound and no
guess.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property, partial

import numpy as np
from numpy.typing import NDArray

from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.lag import next_record
from mesh_assets.inventory.records import Record
from mesh_assets.readings.ends import KeptEnds
from mesh_assets.readings.history import Column
from mesh_assets.readings.reading import place_name, series_name

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


_UNKNOWN = TimeLag(seconds=None, at_least_seconds=None)
_NOTHING_WAITS = TimeLag(seconds=0.0, at_least_seconds=None)


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
    waiting = _Waiting(read_at, topic_ids)
    waits = {group.group_id: _waits(group, waiting) for group in groups}
    of_rows = waiting.search(kept, earlier)
    by_group: dict[str, TimeLag] = {}
    by_topic: dict[tuple[str, str], TimeLag] = {}
    for group_id, topics in waits.items():
        lags = [
            _slowest([one if isinstance(one, TimeLag) else of_rows[one] for one in ones])
            for ones in topics.values()
        ]
        by_topic.update(zip([(group_id, topic) for topic in topics], lags, strict=True))
        if lags:
            by_group[group_id] = _slowest(lags)
    return TimeLags(groups=by_group, topics=by_topic)


def _waits(group: ConsumerGroup, waiting: "_Waiting") -> dict[str, list[TimeLag | int]]:
    """For one group, by topic: its lag on each partition, or the row of the record that waits there, whose age is its lag."""
    waits: dict[str, list[TimeLag | int]] = {}
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
            ones.append(waiting.add((offset.topic, offset.partition), following, end))
    return waits


_Ends = NDArray[np.int64]
_NOT_KNOWN = -1


class _Waiting:
    """Records that wait, a row for each, and how far back their ages have been looked for. Use it once."""

    def __init__(self, now: datetime, topic_ids: Mapping[str, str | None]) -> None:
        self._now = now
        self._topic_ids = topic_ids
        self._places: list[Place] = []
        self._offsets: list[int] = []
        self._ends: list[int] = []

    def add(self, place: Place, offset: int, end: int) -> int:
        """`end`: that of the log now, which is beyond the offset."""
        self._places.append(place)
        self._offsets.append(offset)
        self._ends.append(end)
        return len(self._places) - 1

    def search(self, kept: KeptEnds | None, earlier: EndReading | None) -> list[TimeLag]:
        """The age of each row's record. Raises StoreError."""
        offsets, later_ends = np.array(self._offsets, np.int64), np.array(self._ends, np.int64)
        found: dict[int, TimeLag] = {}
        moments = [self._now]
        # The oldest reading so far that lies beyond the record: its place in `moments`; its end is in `later_ends`.
        later = np.zeros(len(offsets), np.intp)
        pending = np.arange(len(offsets))
        oldest = kept.oldest() if kept is not None and len(pending) else None
        if oldest is not None and (earlier is None or oldest[0] <= earlier.read_at):
            # Groups that nobody uses any more lag from before the kept history. Its oldest object shows that, so the
            # others need not be read.
            moments.append(oldest[0])
            ends = self._kept_ends(*oldest[1:], pending)
            # An end beyond today's: the log has been cut since, so we must follow it back step by step.
            before = (ends > self._last_wanted(offsets)) & (ends <= later_ends)
            later[before] = 1
            pending = pending[~before]
        for read_at, ends_of in self._backwards(kept, earlier) if len(pending) else ():
            if not len(pending):
                break
            if read_at >= self._now:
                continue
            ends = ends_of(pending)
            # Where the log was cut, anything earlier is a different log.
            known, cut = ends != _NOT_KNOWN, ends > later_ends[pending]
            passed = known & ~cut & (offsets[pending] >= ends)
            for row, end in zip(pending[passed].tolist(), ends[passed].tolist(), strict=True):
                found[row] = _between(
                    self._offsets[row],
                    (read_at, end),
                    (moments[later[row]], int(later_ends[row])),
                    now=self._now,
                )
            beyond = known & ~cut & ~passed
            later[pending[beyond]] = len(moments)
            later_ends[pending[beyond]] = ends[beyond]
            moments.append(read_at)
            pending = pending[~cut & ~passed]
        bounds = [self._bound(moment) for moment in moments]
        return [found.get(row) or bounds[at] for row, at in enumerate(later.tolist())]

    def _last_wanted(self, offsets: _Ends) -> _Ends:
        """For each row, the last offset at which any group waits on its partition."""
        numbers: dict[Place, int] = {}
        partitions = np.array([numbers.setdefault(place, len(numbers)) for place in self._places], np.intp)
        last = np.zeros(len(numbers), np.int64)
        np.maximum.at(last, partitions, offsets)
        return last[partitions]

    def _bound(self, later_at: datetime) -> TimeLag:
        """What is known of records that were there at that time already."""
        seconds = round((self._now - later_at).total_seconds(), 1) or None
        return TimeLag(seconds=None, at_least_seconds=seconds)

    def _backwards(
        self, kept: KeptEnds | None, earlier: EndReading | None
    ) -> Iterator[tuple[datetime, Callable[[NDArray[np.intp]], _Ends]]]:
        """All readings, newest first: the time, and a function that gives the ends of rows then."""
        for read_at, columns, index in kept.backwards() if kept is not None else ():
            if earlier is not None and earlier.read_at >= read_at:
                yield earlier.read_at, partial(self._earlier_ends, earlier)
                earlier = None
            yield read_at, partial(self._kept_ends, columns, index)
        if earlier is not None:
            yield earlier.read_at, partial(self._earlier_ends, earlier)

    def _earlier_ends(self, earlier: EndReading, rows: NDArray[np.intp]) -> _Ends:
        places, nothing = self._places, dict[int, int]()
        return np.array(
            [
                earlier.ends.get(topic, nothing).get(partition, _NOT_KNOWN)
                for topic, partition in map(places.__getitem__, rows.tolist())
            ],
            np.int64,
        )

    def _kept_ends(self, columns: Mapping[str, Column], index: int, rows: NDArray[np.intp]) -> _Ends:
        names = self._names
        of_rows = (columns.get(names[row]) for row in rows.tolist())
        ends = [None if column is None else column[index] for column in of_rows]
        return np.array([_NOT_KNOWN if end is None else end for end in ends], np.int64)

    @cached_property
    def _names(self) -> Sequence[str]:
        """Of the rows' partitions, in kept readings."""

        @cache
        def series(topic: str) -> str:
            return series_name(topic, self._topic_ids.get(topic) or "")

        return [place_name(series(topic), partition) for topic, partition in self._places]


def _between(
    offset: int, before: tuple[datetime, int], later: tuple[datetime, int], *, now: datetime
) -> TimeLag:
    """The age of the record at that offset, which the end passed between the two readings."""
    apart = (later[0] - before[0]).total_seconds()
    after = apart * (offset - before[1]) / (later[1] - before[1])
    lag = (now - before[0]).total_seconds() - after
    if apart <= max(_CLOSE_SECONDS, _SHARE_OF_LAG * lag):
        return TimeLag(seconds=round(lag, 1), at_least_seconds=None)
    return TimeLag(seconds=None, at_least_seconds=round((now - later[0]).total_seconds(), 1))


def _slowest(lags: list[TimeLag]) -> TimeLag:
    first = lags[0]  # usually of all
    if first.at_least_seconds != 0 and lags.count(first) == len(lags):
        return first
    known = [lag.seconds for lag in lags if lag.seconds is not None]
    if len(known) == len(lags):
        return TimeLag(seconds=max(known), at_least_seconds=None)
    bounds = [*known, *(lag.at_least_seconds for lag in lags if lag.at_least_seconds is not None)]
    return TimeLag(seconds=None, at_least_seconds=max(bounds, default=0.0) or None)
