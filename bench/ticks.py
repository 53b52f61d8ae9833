"""What a tick of the sensors costs on a large estate, without brokers.

    python -m bench.ticks                 9,000 topics, 36,000 partitions, 2,199 groups, ten ticks of each
    python -m bench.ticks --scale 0.1     to try it
    python -m bench.ticks --profile       with the functions that take the most time

One discovery writes the store; then a process that lives on, as Dagster's does, ticks with Kafka's answers from memory and
nothing changed. CPU seconds of the tick's own work: `bench/estate.py` shows what reading over the wire costs.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import gc
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.discover import discover
from bench.from_memory import GROUPS, PARTITIONS, TOPICS, TOPICS_A_GROUP, MemoryKafka
from mesh_assets.anomalies.watch import watch_cluster
from mesh_assets.collecting.clients import ClusterClients
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.estate.model import Cluster
from mesh_assets.sensing.cursor import AT_REST
from mesh_assets.sensing.observations.observation import observe_cluster
from mesh_assets.sensing.observations.resources import observe_resources
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore

_INTERVAL_SECONDS = 300


def main() -> int:
    arguments = parse()
    groups = round(GROUPS * arguments.scale)
    topics = max(round(TOPICS * arguments.scale), groups * TOPICS_A_GROUP)
    with tempfile.TemporaryDirectory(prefix="bench-ticks-") as folder:
        written = argparse.Namespace(scale=arguments.scale, profile=False)
        discover(Path(folder), written)
        store = InventoryStore(FolderStore(Path(folder) / "store"))
        kafka = MemoryKafka(topics=topics, partitions=PARTITIONS, groups=groups)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        ticks = Ticks(store, kafka)
        found = {
            name: [cpu_of(tick) for _ in range(arguments.ticks)]
            for name, tick in (
                ("resource_changes", ticks.resource_changes),
                ("metrics_anomalies", ticks.metrics_anomalies),
            )
        }
        if arguments.profile:
            profile(ticks)
    head = f"{topics:,} topics, {groups:,} groups; CPU s of a tick"
    print(f"{head:50}" + f"{'first':>10}{'median':>10}{'worst':>10}")
    for name, seconds in found.items():
        later = seconds[1:] or seconds
        print(f"{name:50}{seconds[0]:10.3f}{statistics.median(later):10.3f}{max(later):10.3f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak {peak:.0f} MB, of which the estate in memory and the imports {before:.0f} MB")
    return 0


class Ticks:
    """The clusters' work in both sensors, five minutes apart by their own clock."""

    def __init__(self, store: InventoryStore, kafka: MemoryKafka) -> None:
        self._store = store
        self._kafka = kafka
        self._cluster = Cluster(name="bench", kafka=KafkaConnection(bootstrap_servers="127.0.0.1:1"))
        self._cursor = AT_REST
        self._now = datetime.now(UTC)

    def resource_changes(self) -> None:
        observed = observe_cluster(
            self._cluster,
            observe_resources,
            store=self._store,
            cursor=self._cursor,
            now=self._moved_on(),
            interval_seconds=_INTERVAL_SECONDS,
            clients=self._clients,
        )
        self._cursor = observed.cursor
        if observed.causes or observed.notes:
            raise SystemExit(f"expected nothing changed, found {observed.causes[:3]} {observed.notes[:3]}")

    def metrics_anomalies(self) -> None:
        self._moved_on()
        watched = watch_cluster(
            self._cluster,
            self._store,
            interval_seconds=_INTERVAL_SECONDS,
            now=lambda: self._now,
            clients=self._clients,
        )
        if watched.skipped:
            raise SystemExit(f"expected a reading: {watched.skipped}")
        watched.keep()

    def _moved_on(self) -> datetime:
        self._now += timedelta(seconds=_INTERVAL_SECONDS)
        self._kafka.read_at = self._now
        return self._now

    @contextmanager
    def _clients(self, _: Cluster) -> Iterator[ClusterClients]:
        yield ClusterClients(kafka=self._kafka, registry=None, connect=(), metrics=None)


def cpu_of(tick: Callable[[], None]) -> float:
    gc.collect()
    began = time.process_time()
    tick()
    return time.process_time() - began


def profile(ticks: Ticks) -> None:
    import cProfile
    import pstats

    for tick in (ticks.resource_changes, ticks.metrics_anomalies):
        profiled = cProfile.Profile()
        profiled.runcall(tick)
        pstats.Stats(profiled, stream=sys.stderr).sort_stats("tottime").print_stats(25)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ticks", type=int, default=10)
    parser.add_argument("--scale", type=float, default=1.0, help="of 9,000 topics and 2,199 groups")
    parser.add_argument("--profile", action="store_true", help="the most expensive functions, on stderr")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
