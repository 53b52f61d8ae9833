"""Where the log of each partition ended, and when: the basis of time lags. Kept for partitions that a group
has committed on.

Every reading of the last day (five minutes apart) is kept, and one an hour of the last 14 days: a lag of days
need not be known to the minute. Both are kept in chunks, like all readings, under `ends/recent/<cluster_id>/`
and `ends/hourly/<cluster_id>/`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from mesh_assets.readings.history import (
    KEPT,
    ChunkEntry,
    Column,
    NewestChunk,
    ReadingHistory,
)
from mesh_assets.readings.reading import Reading
from mesh_assets.store.objects import ObjectStore

RECENT = timedelta(days=1)
_HOURLY_SECONDS = 3_600.0


class KeptEnds:
    """The kept ends of one cluster.

    Every method raises StoreError when the store fails.
    """

    def __init__(self, objects: ObjectStore, cluster_id: str) -> None:
        self._recent = ReadingHistory(objects, cluster_id, folder="ends/recent", kept=RECENT)
        self._hourly = ReadingHistory(objects, cluster_id, folder="ends/hourly", kept=KEPT)

    def additions(self, reading: Reading) -> list[Callable[[], None]]:
        """The writes that keep the reading's ends: always with the recent ones, and once an hour with the
        hourly ones.
        """
        ends = Reading(
            read_at=reading.read_at,
            ends=reading.places,
            commits={},
            lags={},
            topics=frozenset(),
            groups=frozenset(),
        )
        return [
            *_additions(self._recent, ends, apart_seconds=0.0),
            *_additions(self._hourly, ends, apart_seconds=_HOURLY_SECONDS),
        ]

    def backwards(self) -> Iterator[tuple[datetime, Mapping[str, Column], int]]:
        """Every kept reading, newest first, loaded lazily: its time, its columns by place, and its index in
        them.
        """
        recent = self._recent.entries()
        yield from _backwards(self._recent, recent)
        oldest = recent[0].began_at if recent else None
        yield from _backwards(
            self._hourly,
            [entry for entry in self._hourly.entries() if oldest is None or entry.began_at < oldest],
            before=oldest,
        )

    def oldest(self) -> tuple[datetime, Mapping[str, Column], int] | None:
        """The oldest kept reading; None when there is none."""
        for history in (self._hourly, self._recent):
            for chunk in history.load(history.entries()[:1]):
                return datetime.fromtimestamp(chunk.times[0], UTC), chunk.ends, 0
        return None


def _additions(
    history: ReadingHistory, reading: Reading, *, apart_seconds: float
) -> list[Callable[[], None]]:
    entries = history.entries()
    now = reading.read_at.timestamp()
    # Usually too soon, which is known without the columns.
    if apart_seconds and (last := history.newest_time(entries)) is not None and now - last < apart_seconds:
        return []
    newest = history.newest(entries)
    if newest is not None and now - newest.chunk.times[-1] < apart_seconds:
        return []
    extended: NewestChunk = history.extended(newest, reading)
    writes = [lambda: history.keep(extended)]
    if extended.version is None:
        writes.append(lambda: history.prune([*entries, extended.entry], now=reading.read_at))
    return writes


def _backwards(
    history: ReadingHistory, entries: list[ChunkEntry], *, before: datetime | None = None
) -> Iterator[tuple[datetime, Mapping[str, Column], int]]:
    for entry in reversed(entries):
        for chunk in history.load([entry]):
            for index in range(len(chunk.times) - 1, -1, -1):
                moment = datetime.fromtimestamp(chunk.times[index], UTC)
                if before is None or moment < before:
                    yield moment, chunk.ends, index
