"""What is usual for every series of a cluster, derived from the history once an hour and kept in
`readings/<cluster_id>/usual.bin`.

It comes from the same hour of the week (an hour either side, one and two weeks ago) where a series has enough
readings there, else from the same hour of the last three days, else from the last 24 hours as far as known. A
derived object: lost or of another version, it is computed again.
"""

import zlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from mesh_assets.anomalies.anomaly import Anomalies
from mesh_assets.anomalies.connectors import ConnectorLink
from mesh_assets.anomalies.statistics import (
    Basis,
    UsualLag,
    UsualRate,
    usual_lag,
    usual_rate,
)
from mesh_assets.inventory.records import UNDECODABLE
from mesh_assets.readings.history import (
    READINGS_A_CHUNK,
    Chunk,
    ChunkEntry,
    Column,
)
from mesh_assets.readings.reading import resource_of
from mesh_assets.readings.window import Cadence, spacing
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore

_BASES: tuple[Basis, ...] = ("week", "day", "recent")
_AROUND = timedelta(hours=1)
_RECENT_READINGS = 288  # a day at five minutes
# While the history is young, every reading changes what is usual, and recomputing it is cheap.
_YOUNG_CHUNKS = 3
_MOST_CHUNKS = 48
_PEAK_HALVES_SECONDS = 86_400.0
_NEW_USUAL_SECONDS = 86_400.0


class Usuals(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`topics` by series, `commits` (records per second) and `lags` by group. `computed_at`: seconds since
    1970."""

    computed_at: float
    interval_seconds: float
    topics: dict[str, UsualRate]
    commits: dict[str, UsualRate]
    lags: dict[str, UsualLag]
    connectors: list[ConnectorLink]


class Samples:
    """Rates and lags by series, collected chunk by chunk."""

    def __init__(self, cadence: Cadence, unusual: Mapping[str, Sequence[tuple[float, float]]]) -> None:
        self.topics: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
        self.commits: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
        self.lags: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
        self.seconds = 0.0
        self._cadence = cadence
        self._unusual = unusual
        self._before: Chunk | None = None

    def add(self, chunk: Chunk) -> None:
        """Adds the next chunk in time."""
        before = self._before
        joined = before is not None and bool(before.times)
        times = [before.times[-1], *chunk.times] if before is not None and joined else chunk.times
        gaps = spacing(times, self._cadence)
        if not joined:
            gaps = [None, *gaps]
        self.seconds += times[-1] - times[0] if times else 0.0
        _add_rates(
            self.topics,
            self._usual(chunk),
            {} if before is None else before.ends,
            gaps,
            lambda series: series,
        )
        _add_rates(self.commits, chunk.commits, {} if before is None else before.commits, gaps, resource_of)
        for group, column in chunk.lags.items():
            self.lags[group].extend([value for value in column if value is not None])
        self._before = chunk

    def _usual(self, chunk: Chunk) -> Mapping[str, Column]:
        """The columns of topics, without readings taken during an anomaly."""
        if self._unusual.keys().isdisjoint(chunk.ends):
            return chunk.ends
        return chunk.ends | {
            series: [
                None if any(begin < time <= end for begin, end in spans) else value
                for time, value in zip(chunk.times, chunk.ends[series], strict=True)
            ]
            for series, spans in self._unusual.items()
            if series in chunk.ends
        }


def unusual_times(anomalies: Anomalies) -> dict[str, list[tuple[float, float]]]:
    """When each topic's rate was unusual, in seconds since 1970: these times do not count. After a day the
    unusual becomes usual.
    """
    spans: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for anomaly in (*anomalies.ended, *anomalies.open):
        if anomaly.kind in ("topic_silent", "rate_spike", "rate_drop"):
            begin = anomaly.began_at.timestamp()
            end = (
                begin + _NEW_USUAL_SECONDS
                if anomaly.ended_at is None
                else min(anomaly.ended_at.timestamp(), begin + _NEW_USUAL_SECONDS)
            )
            spans[anomaly.series].append((begin, end))
    return dict(spans)


def _add_rates(
    rates: Mapping[str, "array[float]"],
    columns: Mapping[str, Column],
    before: Mapping[str, Column],
    gaps: Sequence[float | None],
    name: Callable[[str], str],
) -> None:
    """`gaps` has one value more than the columns: `gaps[1]` is the step from the chunk before to this one's
    first reading.
    """
    steps = gaps[1:]
    for series, column in columns.items():
        earlier = before.get(series)
        previous = None if earlier is None else earlier[-1]
        found = []
        for seconds, value in zip(steps, column, strict=True):
            if seconds is not None and value is not None and previous is not None and value >= previous:
                found.append((value - previous) / seconds)
            previous = value
        if found:
            rates[name(series)].extend(found)


def compute_usuals(
    load: Callable[[Sequence[ChunkEntry]], list[Chunk]],
    entries: Sequence[ChunkEntry],
    *,
    cadence: Cadence,
    now: datetime,
    before: Usuals | None,
    connectors: list[ConnectorLink],
    anomalies: Anomalies,
) -> Usuals:
    """What is usual for the hour from `now` on.

    `load` returns the chunks of entries. `before`: what was usual until now.
    """
    topics: dict[str, UsualRate] = {}
    commits: dict[str, UsualRate] = {}
    lags: dict[str, UsualLag] = {}
    known = before or Usuals(now.timestamp(), cadence.interval_seconds, {}, {}, {}, [])
    fade = 0.5 ** ((now.timestamp() - known.computed_at) / _PEAK_HALVES_SECONDS)
    newest = load(entries[-1:])
    unusual = unusual_times(anomalies)
    for basis in _BASES:
        samples = Samples(cadence, unusual)
        for entry in _chunks_of(basis, entries, cadence=cadence, now=now):
            for chunk in load([entry]):  # one at a time: a day of 9,000 topics is 200 MB of Python numbers
                samples.add(chunk)
        least = cadence.minimum_readings * (2 if basis == "day" else 1)  # of more than one day
        margin = max(cadence.unusual_readings, cadence.silent_readings)

        def of_rate(
            rates: "array[float]", old: UsualRate | None, basis: Basis = basis, whole: float = samples.seconds
        ) -> UsualRate:
            seconds = min(whole, len(rates) * cadence.interval_seconds)
            return usual_rate(
                rates,
                interval_seconds=cadence.interval_seconds,
                basis=basis,
                seconds=seconds,
                before=old,
                fade=fade,
            )

        def of_lag(
            values: "array[float]", old: UsualLag | None, basis: Basis = basis, whole: float = samples.seconds
        ) -> UsualLag:
            seconds = min(whole, len(values) * cadence.interval_seconds)
            return usual_lag(values, basis=basis, seconds=seconds, before=old, fade=fade)

        for series, rates in samples.topics.items():
            if series not in topics and len(settled := _settled(rates, basis, margin)) >= least:
                topics[series] = of_rate(settled, known.topics.get(series))
        for group, rates in samples.commits.items():
            if group not in commits and len(settled := _settled(rates, basis, margin)) >= least:
                commits[group] = of_rate(settled, known.commits.get(group))
        for group, values in samples.lags.items():
            if (
                group not in lags
                and len(settled := values if basis != "recent" else values[: -cadence.lag_readings]) >= least
            ):
                lags[group] = of_lag(settled, known.lags.get(group))
        if all(chunk.ends.keys() <= topics.keys() and chunk.lags.keys() <= lags.keys() for chunk in newest):
            break
    return Usuals(now.timestamp(), cadence.interval_seconds, topics, commits, lags, connectors)


def _settled(samples: "array[float]", basis: Basis, margin: int) -> "array[float]":
    """Without the newest samples, which are being judged, and without a silence that may be under way."""
    if basis != "recent":
        return samples
    end = len(samples) - margin
    while end > 0 and samples[end - 1] == 0:
        end -= 1
    # For a series of nothing but zeros, silence is usual.
    return samples[:end] if end > 0 else samples


def _chunks_of(
    basis: Basis, entries: Sequence[ChunkEntry], *, cadence: Cadence, now: datetime
) -> list[ChunkEntry]:
    """The chunks to derive the usual from: around this hour on earlier days, or the last ones."""
    if basis == "recent":
        begin = now - timedelta(seconds=_RECENT_READINGS * cadence.interval_seconds)
        return _between(entries, begin, now)[-_MOST_CHUNKS:]
    days = (14, 7) if basis == "week" else (3, 2, 1)
    spans = [(now - timedelta(days=day) - _AROUND, now - timedelta(days=day) + 2 * _AROUND) for day in days]
    return [entry for begin, end in spans for entry in _between(entries, begin, end)][-_MOST_CHUNKS:]


def _between(entries: Sequence[ChunkEntry], begin: datetime, end: datetime) -> list[ChunkEntry]:
    """The chunks that begin between `begin` and `end`, both included."""
    return [entry for entry in entries if begin <= entry.began_at <= end]


# --- in the store


_decoder = msgspec.msgpack.Decoder(Usuals)


def must_be_computed(usuals: Usuals | None, *, chunks: int, cadence: Cadence, now: datetime) -> bool:
    """Whether to recompute it: once every twelve readings, and at every one while the history is young."""
    if usuals is None or usuals.interval_seconds != cadence.interval_seconds or chunks <= _YOUNG_CHUNKS:
        return True
    return not 0 <= now.timestamp() - usuals.computed_at < READINGS_A_CHUNK * cadence.interval_seconds


def get_usuals(objects: ObjectStore, cluster_id: str) -> Usuals | None:
    """What is usual, as last computed; None when it must be recomputed. Raises StoreError when the store fails."""
    found = objects.get(_key(cluster_id))
    if found is None:
        return None
    try:
        return _decoder.decode(zlib.decompress(found[0]))
    except (*UNDECODABLE, zlib.error):  # derived: recomputed
        return None


def put_usuals(objects: ObjectStore, cluster_id: str, usuals: Usuals) -> None:
    """Raises StoreError when the store fails."""
    objects.put(_key(cluster_id), zlib.compress(msgspec.msgpack.encode(usuals), 1))


def _key(cluster_id: str) -> str:
    return f"readings/{safe(cluster_id)}/usual.bin"
