"""Times a tick of `metrics_anomalies`, without reading the cluster.

    python bench/anomalies.py [--topics N] [--groups N] [--days N]

It writes a history of that many days into a folder (a temporary one unless named), one chunk of twelve
readings per hour, then measures an ordinary tick (list, read three chunks, judge, write one), the hourly tick
that recomputes what is usual, and the size of the store.
"""

# ruff: noqa: T201 - a script speaks to its user

import argparse
import math
import random
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mesh_assets.anomalies.usual import get_usuals
from mesh_assets.anomalies.watch import Watch
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.estate.model import Cluster
from mesh_assets.readings.history import (
    READINGS_A_CHUNK,
    Chunk,
    ChunkEntry,
    NewestChunk,
    ReadingHistory,
)
from mesh_assets.readings.reading import Reading, series_name
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore

CLUSTER_ID = "lkc-bench"
INTERVAL = 300.0


class Estate:
    """Topics with daily seasons and noise, groups that lag a little behind."""

    def __init__(self, topics: int, groups: int) -> None:
        self.random = random.Random(1)
        self.names = [series_name(f"team-{n % 90:02}.domain.topic-{n:05}", f"id-{n}") for n in range(topics)]
        self.rates = [10 ** self.random.uniform(-2, 3) for _ in range(topics)]
        self.ends = [self.random.randrange(10**6, 10**9) for _ in range(topics)]
        self.groups = [f"group-{n:05}" for n in range(groups)]
        self.group_series = [series_name(group, "places") for group in self.groups]

    def pass_by(self, now: datetime, seconds: float) -> None:
        season = 1 + 0.5 * math.cos((now.hour + now.minute / 60 - 14) / 24 * 2 * math.pi)
        noise = [self.random.uniform(0.8, 1.2) for _ in range(97)]
        self.ends = [
            end + round(rate * season * noise[index % 97] * seconds)
            for index, (end, rate) in enumerate(zip(self.ends, self.rates, strict=True))
        ]

    def reading(self, now: datetime) -> Reading:
        ends = dict(zip(self.names, self.ends, strict=True))
        lags = {group: self.random.randrange(2_000) for group in self.groups}
        commits = {series: self.ends[n] - lags[self.groups[n]] for n, series in enumerate(self.group_series)}
        return Reading(
            read_at=now,
            ends=ends,
            commits=commits,
            lags=lags,
            topics=frozenset(name.rpartition("/")[0] for name in self.names),
            groups=frozenset(self.groups),
        )


def write_history(history: ReadingHistory, estate: Estate, *, start: datetime, end: datetime) -> None:
    now = start
    while now < end:
        began_at = now
        readings = []
        for _ in range(READINGS_A_CHUNK):
            estate.pass_by(now, INTERVAL)
            readings.append(estate.reading(now))
            now += timedelta(seconds=INTERVAL)
        chunk = Chunk(
            times=[reading.read_at.timestamp() for reading in readings],
            ends={name: [reading.ends[name] for reading in readings] for name in estate.names},
            commits={name: [reading.commits[name] for reading in readings] for name in estate.group_series},
            lags={name: [reading.lags[name] for reading in readings] for name in estate.groups},
        )
        first = history.extended(None, readings[0]).entry
        history.keep(
            NewestChunk(entry=ChunkEntry(key=first.key, began_at=began_at), chunk=chunk, version=None)
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--topics", type=int, default=9_000)
    parser.add_argument("--groups", type=int, default=2_200)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--ticks", type=int, default=36)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        store = InventoryStore(FolderStore(folder))
        history = ReadingHistory(store.objects, CLUSTER_ID)
        estate = Estate(arguments.topics, arguments.groups)
        now = datetime(2026, 11, 16, tzinfo=UTC)
        write_history(history, estate, start=now - timedelta(days=arguments.days), end=now)
        sizes = [entry.bytes for entry in store.objects.list("readings/")]
        print(f"{arguments.topics:,} topics, {arguments.groups:,} groups, {arguments.days} days")
        print(f"  the history                  {sum(sizes) / 1e6:8.0f} MB   {len(sizes)} chunks")
        print(f"  a chunk                      {statistics.median(sizes) / 1e3:8.0f} kB")
        cluster = Cluster(name="bench", kafka=KafkaConnection(bootstrap_servers="127.0.0.1:9092"))
        ordinary: list[float] = []
        deriving: list[float] = []
        begun = 0
        for _ in range(arguments.ticks):
            estate.pass_by(now, INTERVAL)
            reading = estate.reading(now)
            known = get_usuals(store.objects, CLUSTER_ID)
            start = time.perf_counter()
            watched = Watch(cluster, CLUSTER_ID, store, interval_seconds=INTERVAL).judge(
                reading, running=lambda: None
            )
            watched.keep()
            seconds = time.perf_counter() - start
            begun += len(watched.begun)
            after = get_usuals(store.objects, CLUSTER_ID)
            derived = known is None or (after is not None and after.computed_at != known.computed_at)
            (deriving if derived else ordinary).append(seconds)
            now += timedelta(seconds=INTERVAL)
        usual = next(
            entry.bytes for entry in store.objects.list("readings/") if entry.key.endswith("usual.bin")
        )
        print(f"  usual.bin                    {usual / 1e3:8.0f} kB")
        print(
            f"  an ordinary tick             {statistics.median(ordinary) * 1e3:8.0f} ms   worst {max(ordinary) * 1e3:.0f} ms"
        )
        print(
            f"  the tick that recomputes     {statistics.median(deriving) * 1e3:8.0f} ms   worst {max(deriving) * 1e3:.0f} ms, once an hour"
        )
        print(
            f"  false alarms {begun}; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB"
        )


if __name__ == "__main__":
    main()
