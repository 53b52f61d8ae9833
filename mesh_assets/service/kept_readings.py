"""What a cluster's newest kept readings say: sensors take one every few minutes, while discoveries come every
few hours."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec import field

from mesh_assets.inventory.records import Record, Topic
from mesh_assets.readings.history import ChunkEntry, Column, ReadingHistory
from mesh_assets.readings.reading import resource_of, series_name
from mesh_assets.store.objects import ObjectStore

# As for the document's own rates: closer together, a single record more or less decides; farther apart, it is
# not a current rate.
_CLOSEST_SECONDS = 30.0
_FARTHEST_SECONDS = 1_800.0


class NewestReading(Record, frozen=True, kw_only=True):
    """`lags`: records by group, for those that were read completely. `topics`: records per second by series
    (a topic and its id), `groups`: committed per second, both from the two newest readings; a topic or group
    that went back has none."""

    read_at: datetime
    lags: dict[str, int]
    topics: dict[str, float] = field(default_factory=dict)
    groups: dict[str, float] = field(default_factory=dict)

    def records_in_per_second(self, topic: Topic) -> float | None:
        return self.topics.get(series_name(topic.name, topic.id or ""))


class RecentReadings:
    """The readings of a cluster of today and yesterday (UTC). Raises StoreError when the store fails."""

    def __init__(self, objects: ObjectStore, cluster_id: str, *, now: datetime) -> None:
        self._history = ReadingHistory(objects, cluster_id)
        days = (now - timedelta(days=1), now)
        self._chunks = [one for day in days for one in self._history.written(day)]

    @property
    def version(self) -> tuple[str, datetime, int] | None:
        """Changes whenever there is a newer reading; None: there is none."""
        if not self._chunks:
            return None
        entry, written = self._chunks[-1]
        return entry.key, written.modified_at, written.bytes

    def newest(self) -> NewestReading | None:
        """None: there is none."""
        entries: list[ChunkEntry] = [entry for entry, _ in self._chunks[-2:]]
        chunks = [one for one in self._history.load(entries) if one.times]
        if not chunks:
            return None
        newest = chunks[-1]
        read_at = datetime.fromtimestamp(newest.times[-1], UTC)
        lags = {group: column[-1] for group, column in newest.lags.items()}
        known = {group: lag for group, lag in lags.items() if lag is not None}
        before = newest if len(newest.times) > 1 else chunks[0] if len(chunks) > 1 else None
        if before is None:
            return NewestReading(read_at=read_at, lags=known)
        seconds = newest.times[-1] - before.times[-2 if before is newest else -1]
        if not _CLOSEST_SECONDS <= seconds <= _FARTHEST_SECONDS:
            return NewestReading(read_at=read_at, lags=known)
        topics = _per_second(newest.ends, None if before is newest else before.ends, seconds)
        groups = _per_second(newest.commits, None if before is newest else before.commits, seconds)
        return NewestReading(
            read_at=read_at,
            lags=known,
            topics=topics,
            groups={resource_of(series): rate for series, rate in groups.items()},
        )


def _per_second(
    columns: Mapping[str, Column], before: Mapping[str, Column] | None, seconds: float
) -> dict[str, float]:
    """`before`: the columns of the previous chunk; None: both readings are in one."""
    rates = {}
    for series, column in columns.items():
        earlier = column[-2] if before is None else before[series][-1] if series in before else None
        value = column[-1]
        if value is not None and earlier is not None and value >= earlier:
            rates[series] = round((value - earlier) / seconds, 3)
    return rates
