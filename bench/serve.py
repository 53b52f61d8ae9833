"""What a scrape of `mesh-assets serve` costs: 9,000 topics, 36,000 partitions, 2,199 groups, with kept readings.

    python -m bench.serve                    the whole estate of `bench/discover.py`, its store in a folder
    python -m bench.serve --scale 0.1        to try it
    python -m bench.serve --profile          where the time of one look goes, in this process
    python -m bench.serve --clusters 300     that many clusters of 300 topics and 80 groups, in this process

The server is a process of its own. `first`: it has read nothing yet. `changed`: there is a new document.
`again`: there is none, and the answer is kept. Prometheus' own client library reads all of it.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import gzip
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from bench import discover
from bench.from_memory import CLUSTER_ID
from mesh_assets.readings.history import ReadingHistory
from mesh_assets.readings.reading import Reading, series_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store


def main() -> int:
    arguments = parse()
    if arguments.clusters:
        fleet(arguments.clusters)
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-serve-") as folder:
        print("two discoveries", file=sys.stderr)
        for _ in range(2):
            discover.discover(Path(folder), arguments)
        keep_readings(Path(folder))
        if arguments.profile:
            profile(Path(folder))
            return 0
        with serving(Path(folder)) as (url, process):
            print(f"{'':10}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'MB sent':>9}")
            body = scrape("first", url, process)
            scrape("again", url, process)
            discover.discover(Path(folder), arguments)
            time.sleep(1.1)  # the server looks again after a second
            scrape("changed", url, process)
            scrape("again", url, process)
    text = gzip.decompress(body).decode()
    began = time.process_time()
    families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    samples = sum(len(family.samples) for family in families)
    print(
        f"{text.count(chr(10)):,} lines, {len(text.encode()) / 1e6:.1f} MB; prometheus_client reads {samples:,} samples of "
        f"{len(families)} families, in {time.process_time() - began:.1f} s"
    )
    return 0


def keep_readings(folder: Path) -> None:
    """Two of them, five minutes apart, later than the document."""
    store = InventoryStore(open_store(str(folder / "store")))
    document = store.document_at(CLUSTER_ID)
    history = ReadingHistory(store.objects, CLUSTER_ID)
    for number in (1, 2):
        groups = document.consumer_groups
        reading = Reading(
            read_at=datetime.now(UTC) + timedelta(minutes=5 * number - 5),
            ends={series_name(one.name, one.id or ""): 12 + number * 300 for one in document.topics},
            commits={series_name(one.group_id, "all"): 4 + number for one in groups},
            lags={one.group_id: 8 + number for one in groups},
            topics=frozenset(one.name for one in document.topics),
            groups=frozenset(one.group_id for one in groups),
        )
        history.keep(history.extended(history.newest(history.entries()), reading))


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(discover.TREE),
        "MESH_ESTATE": str(folder / "estate.yaml"),
        "MESH_STORE": str(folder / "store"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "mesh_assets.cli.main", "serve", "--port", "0", "--refresh", "1"],
        env=environment,
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        url = next(word for word in said.split() if word.startswith("http"))
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def scrape(name: str, url: str, process: psutil.Process) -> bytes:
    asked = urllib.request.Request(f"{url}/metrics", headers={"Accept-Encoding": "gzip"})
    before, began = sum(process.cpu_times()[:2]), time.perf_counter()
    with urllib.request.urlopen(asked) as answer:
        body: bytes = answer.read()
    wall = time.perf_counter() - began
    cpu = sum(process.cpu_times()[:2]) - before
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    print(f"{name:10}{wall:9.3f}{cpu:9.2f}{peak:9.0f}{len(body) / 1e6:9.2f}")
    return body


def profile(folder: Path) -> None:
    import cProfile
    import pstats

    from mesh_assets.fleet.in_force import estate_in_force
    from mesh_assets.service.scrape import Scrape
    from mesh_assets.service.selection import Selection

    store = InventoryStore(open_store(str(folder / "store")))
    scrape_of = Scrape(estate_in_force(folder / "estate.yaml").lately, lambda: store, selection=Selection())
    profiler = cProfile.Profile()
    profiler.runcall(scrape_of.answer)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def fleet(clusters: int) -> None:
    """A first look at all of them, and one that finds nothing new."""
    from mesh_assets.estate.file import parse_estate
    from mesh_assets.fleet.in_force import InForce
    from mesh_assets.inventory.document import ClusterIdentity, encode_document
    from mesh_assets.service.scrape import Scrape
    from mesh_assets.service.selection import Selection
    from mesh_assets.store import layout
    from mesh_assets.store.pointers import EventPosition, WriteAhead, encode
    from mesh_assets_tests.documents import a_document, a_group, a_topic

    names = [f"cluster-{number:03}" for number in range(clusters)]
    lines = [f'  {name}: {{kafka: {{bootstrap_servers: "127.0.0.1:1"}}}}' for name in names]
    estate = InForce(estate=parse_estate("\n".join(("clusters:", *lines)), source="estate.yaml"))
    with tempfile.TemporaryDirectory(prefix="bench-serve-") as folder:
        store = InventoryStore(open_store(folder))
        for name in names:
            document = a_document(
                cluster=ClusterIdentity(id=f"id-{name}", name=name),
                topics=tuple(a_topic(f"topic-{number:03}", partitions=4) for number in range(300)),
                consumer_groups=tuple(a_group(f"group-{number:02}") for number in range(80)),
            )
            key = layout.document_key(document.cluster.id, document.discovery_timestamp, 1)
            written = WriteAhead(
                run_id="bench",
                sequence=1,
                discovery_timestamp=document.discovery_timestamp,
                document=store.put_document(key, encode_document(document)),
                changes=(),
                triggers=(),
            )
            position = EventPosition(topic="discovery-events", partition=0, offset=0)
            pointer = written.pointer(document, cluster=name, event=position, ids=None)
            store.objects.put(layout.latest_key(document.cluster.id), encode(pointer))
            store.remember_cluster(name, document.cluster.id)
        own = psutil.Process()
        scrape_of = Scrape(lambda: estate, lambda: store, selection=Selection(), refresh_seconds=1e-9)
        for kind in ("first", "again"):
            before, began = sum(own.cpu_times()[:2]), time.perf_counter()
            answer = scrape_of.answer()
            cpu, wall = sum(own.cpu_times()[:2]) - before, time.perf_counter() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            sizes = f"{answer.bytes / 1e6:.1f} MB, {len(answer.compressed) / 1e6:.1f} MB compressed"
            print(f"{clusters} clusters, {kind}: {wall:.2f} s, {cpu:.2f} CPU s, peak {peak:.0f} MB, {sizes}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="of 9,000 topics and 2,199 groups")
    parser.add_argument("--clusters", type=int, default=0, help="small ones instead of a large one")
    parser.add_argument("--profile", action="store_true", help="the functions that take the most time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
