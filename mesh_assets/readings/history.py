"""The readings of the last 14 days, twelve per object: `readings/<cluster_id>/<day>/<time>.bin`.

A tick rewrites the newest chunk (at most twelve readings, however long the history) and reads the three
newest. The chunks of a whole day, or of the same hour a week ago, are read once an hour, to compute what is
usual.
"""

import itertools
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

import msgspec

from mesh_assets.errors import StoreError
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.readings.reading import Reading
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore, StoredObject

KEPT = timedelta(days=14)
READINGS_A_CHUNK = 12
_CHUNK_TIME = "%Y-%m-%d/%H-%M-%S-%fZ.bin"
_CHUNK_NAME = re.compile(r"(\d{4}-\d\d-\d\d)/(\d\d)-(\d\d)-(\d\d)-(\d{6})Z\.bin", re.ASCII)
# Level 1 takes 9,000 topics from 0.8 MB to 0.3 MB in 15 ms; higher levels save a tenth more at five times the
# cost.
_COMPRESSION = 1

Column = list[int | None]
"""One value for each of the chunk's readings; None: absent or not read."""


class Chunk(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Up to twelve readings in a row, by series. `times` are seconds since 1970."""

    times: list[float]
    ends: dict[str, Column]
    commits: dict[str, Column]
    lags: dict[str, Column]


class ChunkEntry(Record, frozen=True, kw_only=True):
    """A chunk as a listing shows it. `began_at`: the time of its first reading."""

    key: str
    began_at: datetime


class NewestChunk(Record, frozen=True, kw_only=True):
    """The chunk that readings are added to. `version`: the one that was read; None when it is not in the
    store yet.
    """

    entry: ChunkEntry
    chunk: Chunk
    version: str | None


class _Times(msgspec.Struct, array_like=True, gc=False):
    """A chunk without its columns."""

    times: list[float]


_decoder = msgspec.msgpack.Decoder(Chunk)
_times_decoder = msgspec.msgpack.Decoder(_Times)
Content = TypeVar("Content")


class ReadingHistory:
    """The readings of one cluster under `folder`, kept for as long as `kept` says.

    Every method raises StoreError when the store fails.
    """

    def __init__(
        self, objects: ObjectStore, cluster_id: str, *, folder: str = "readings", kept: timedelta = KEPT
    ) -> None:
        self._objects = objects
        self._folder = f"{folder}/{safe(cluster_id)}/"
        self._kept = kept

    @property
    def location(self) -> str:
        """As a person would type it."""
        return self._objects.location(self._folder.rstrip("/"))

    def entries(self) -> list[ChunkEntry]:
        """All chunks, oldest first."""
        listed = (_entry(self._folder, found.key) for found in self._objects.list(self._folder))
        return sorted((entry for entry in listed if entry is not None), key=lambda entry: entry.began_at)

    def written(self, day: datetime) -> list[tuple[ChunkEntry, StoredObject]]:
        """The chunks that began on that day (UTC), oldest first, as the store lists them: one day's names,
        not weeks' worth."""
        listed = self._objects.list(f"{self._folder}{day.astimezone(UTC):%Y-%m-%d}/")
        return [(entry, found) for found in listed if (entry := _entry(self._folder, found.key)) is not None]

    def load(self, entries: Sequence[ChunkEntry]) -> list[Chunk]:
        """The chunks of these entries, without those pruned since they were listed."""
        return [found[0] for entry in entries if (found := self._get(entry.key, _decoder)) is not None]

    def newest(self, entries: Sequence[ChunkEntry]) -> "NewestChunk | None":
        """The last chunk in its current state; None when there is none."""
        found = self._get(entries[-1].key, _decoder) if entries else None
        return None if found is None else NewestChunk(entry=entries[-1], chunk=found[0], version=found[1])

    def newest_time(self, entries: Sequence[ChunkEntry]) -> float | None:
        """When the last reading was taken, in seconds since 1970, without the columns of its chunk: that takes a fifth of the
        time. None when there is none."""
        found = self._get(entries[-1].key, _times_decoder) if entries else None
        return None if found is None else found[0].times[-1]

    def extended(self, newest: "NewestChunk | None", reading: Reading) -> "NewestChunk":
        """The newest chunk with the reading added, or a new chunk when that one is full. Nothing is written."""
        if newest is not None and len(newest.chunk.times) < READINGS_A_CHUNK:
            return NewestChunk(
                entry=newest.entry, chunk=_extended(newest.chunk, reading), version=newest.version
            )
        key = f"{self._folder}{reading.read_at.astimezone(UTC).strftime(_CHUNK_TIME)}"
        chunk = _extended(Chunk(times=[], ends={}, commits={}, lags={}), reading)
        return NewestChunk(entry=ChunkEntry(key=key, began_at=reading.read_at), chunk=chunk, version=None)

    def keep(self, newest: "NewestChunk") -> None:
        """Overwrites the version that the chunk extends.

        Raises ConflictError when another process has written in the meantime.
        """
        if newest.version is None:
            self._objects.put_new(newest.entry.key, _encode(newest.chunk))
        else:
            self._objects.put_if(newest.entry.key, _encode(newest.chunk), newest.version)

    def entry_of(self, chunk: Chunk) -> ChunkEntry:
        """The entry under which a chunk of earlier readings belongs."""
        began_at = datetime.fromtimestamp(chunk.times[0], UTC)
        return ChunkEntry(key=f"{self._folder}{began_at.strftime(_CHUNK_TIME)}", began_at=began_at)

    def insert(self, chunk: Chunk) -> None:
        """Writes a chunk of earlier readings."""
        self._objects.put(self.entry_of(chunk).key, _encode(chunk))

    def prune(self, entries: Sequence[ChunkEntry], *, now: datetime) -> None:
        """Removes the chunks whose readings have all expired."""
        # A chunk ends where the next begins, so the last chunk that began before the limit still holds newer
        # readings.
        old = [
            entry
            for entry, following in itertools.pairwise(entries)
            if following.began_at <= now - self._kept
        ]
        for entry in old:
            self._objects.delete(entry.key)

    def _get(self, key: str, decoder: msgspec.msgpack.Decoder[Content]) -> tuple[Content, str] | None:
        found = self._objects.get(key)
        if found is None:
            return None
        try:
            return decoder.decode(zlib.decompress(found[0])), found[1]
        except (*UNDECODABLE, zlib.error) as error:
            raise StoreError(
                f"{self._objects.location(key)} is not a chunk of readings of this version: {error}; remove it"
            ) from error


def _encode(chunk: Chunk) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(chunk), _COMPRESSION)


def _extended(chunk: Chunk, reading: Reading) -> Chunk:
    before = len(chunk.times)
    return Chunk(
        times=[*chunk.times, reading.read_at.timestamp()],
        ends=_with_column(chunk.ends, reading.ends, before),
        commits=_with_column(chunk.commits, reading.commits, before),
        lags=_with_column(chunk.lags, reading.lags, before),
    )


def _with_column(columns: Mapping[str, Column], values: Mapping[str, int], before: int) -> dict[str, Column]:
    grown = {series: [*column, values.get(series)] for series, column in columns.items()}
    for series, value in values.items():
        if series not in grown:
            grown[series] = [*[None] * before, value]
    return grown


@lru_cache(maxsize=1 << 16)
def _entry(folder: str, key: str) -> ChunkEntry | None:
    """None for anything that is not a chunk. Every look lists weeks of chunks, and the previous one listed
    nearly all of them."""
    # strptime takes ten times as long.
    found = _CHUNK_NAME.fullmatch(key.removeprefix(folder))
    if found is None:
        return None
    day, hour, minute, second, microsecond = found.groups()
    try:
        began_at = datetime.fromisoformat(f"{day}T{hour}:{minute}:{second}.{microsecond}+00:00")
    except ValueError:
        return None
    return ChunkEntry(key=key, began_at=began_at)
