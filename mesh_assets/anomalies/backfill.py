"""Readings from before the first one, made from the platform's own history, so that what is usual is known at
once.

Record counts by topic, in steps as long as the sensor's interval, become end offsets of topics, of which only the
differences matter. Groups have no such history. A gap is left between the last step and the first real
reading, since it is unknown what arrived in it.
"""

from datetime import UTC, datetime, timedelta

from mesh_assets.metrics.measurements import Asked, MetricsReader, RecordCounts
from mesh_assets.readings.history import READINGS_A_CHUNK, Chunk, Column
from mesh_assets.readings.reading import Reading, resource_of
from mesh_assets.readings.window import USUAL_INTERVAL_SECONDS, Cadence

# A day of 1,000 topics, or less time for more topics: that many points are about 20 MB, and a tick has a minute.
_MOST_POINTS = 288_000
# Beyond the readings being judged, which do not count towards what is usual.
_BEYOND_MINIMUM = 12
_MOST_STEPS = 287


def wanted_since(cadence: Cadence, *, oldest: datetime | None, now: datetime) -> bool:
    """Whether the history is still too young to judge by, at an interval that platforms have steps for.

    `oldest`: the time of its first reading.
    """
    young = timedelta(seconds=cadence.minimum_readings * cadence.interval_seconds)
    return cadence.interval_seconds == USUAL_INTERVAL_SECONDS and (oldest is None or now - oldest < young)


def chunks_before(
    reading: Reading, platform: MetricsReader, *, cluster_id: str, cadence: Cadence, oldest: datetime | None
) -> list[Chunk]:
    """The readings before `oldest` (None: before `reading`), oldest first; none where the platform has no
    history.

    Raises PlatformError when the platform cannot be asked.
    """
    series = {resource_of(name): name for name in reading.ends}
    if not series:
        return []
    step = int(cadence.interval_seconds)
    steps = min(_MOST_STEPS, max(cadence.minimum_readings + _BEYOND_MINIMUM, _MOST_POINTS // len(series)))
    last = (oldest or reading.read_at).timestamp() - cadence.farthest_seconds - 1
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
    """Ends counted backwards from the topic's newest end. A step without a count leaves one value open, so
    that no step spans it.
    """
    column: Column = [newest]
    level = newest
    for count in reversed(counts.topics[topic]):
        level -= count or 0
        column.append(None if count is None else level)
    return column[::-1]
