"""Readings of the time before the first one, from the history that a platform keeps of its own, so that what
is usual is known at once.

Counts of records by topic, in steps as long as the sensor's interval, become ends of topics: of those only
the differences are ever looked at. Groups have no such history. Between the last step and the first real
reading a gap is left, in which nobody knows what came.
"""

from datetime import UTC, datetime, timedelta

from mesh_assets.collecting.metrics.measurements import Asked, MetricsReader, RecordCounts
from mesh_assets.readings.cadence import USUAL_INTERVAL_SECONDS, Cadence
from mesh_assets.readings.history import READINGS_A_CHUNK, Chunk, Column
from mesh_assets.readings.reading import Reading, resource_of

# A day of 1,000 topics, or less of more: an answer of so many points is some 20 MB, and a tick has a minute.
_MOST_POINTS = 288_000
# Beyond the readings that are being judged, which are no part of what is usual.
_BEYOND_MINIMUM = 12
_MOST_STEPS = 287


def wanted_since(pace: Cadence, *, oldest: datetime | None, now: datetime) -> bool:
    """Whether the history is too young to speak, and the interval one that platforms have steps for.
    `oldest`: its first reading."""
    young = timedelta(seconds=pace.minimum_readings * pace.interval_seconds)
    return pace.interval_seconds == USUAL_INTERVAL_SECONDS and (oldest is None or now - oldest < young)


def chunks_before(
    reading: Reading, platform: MetricsReader, *, cluster_id: str, pace: Cadence, oldest: datetime | None
) -> list[Chunk]:
    """The readings before `oldest` (None: before `reading`), the oldest first; none where the platform has no
    history.

    Raises PlatformError.
    """
    series = {resource_of(name): name for name in reading.ends}
    if not series:
        return []
    step = int(pace.interval_seconds)
    steps = min(_MOST_STEPS, max(pace.minimum_readings + _BEYOND_MINIMUM, _MOST_POINTS // len(series)))
    last = (oldest or reading.read_at).timestamp() - pace.farthest_seconds - 1
    end = datetime.fromtimestamp(last // step * step, UTC)
    counts = platform.record_counts(
        Asked(cluster_id=cluster_id, topics=tuple(sorted(series))),
        begin=end - timedelta(seconds=steps * step),
        end=end,
        step_seconds=step,
    )
    if not counts.topics:
        return []
    times = [counts.ends_at[0] - step, *counts.ends_at]
    columns = {
        name: _ends(counts, topic, reading.ends[name])
        for topic, name in series.items()
        if topic in counts.topics
    }
    return [
        Chunk(
            times=times[start : start + READINGS_A_CHUNK],
            ends={name: column[start : start + READINGS_A_CHUNK] for name, column in columns.items()},
            commits={},
            lags={},
        )
        for start in range(0, len(times), READINGS_A_CHUNK)
    ]


def _ends(counts: RecordCounts, topic: str, newest: int) -> Column:
    """Backwards from where the topic stands now. Before a step that is not told, one place is left open: no
    step reaches over it."""
    column: Column = [newest]
    level = newest
    for count in reversed(counts.topics[topic]):
        level -= count or 0
        column.append(None if count is None else level)
    return column[::-1]
