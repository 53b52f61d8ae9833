"""A large estate, and what reading it costs: kminion, this tree's reads, and whole discoveries, side by side.

    python -m bench.estate --kminion /path/to/kminion               5 pairs; takes about 15 minutes of a quiet machine
    python -m bench.estate --scale 0.1 --pairs 2                    to try it
    python -m bench.estate --kminion … --growth --other /other/tree

Three real brokers, 9,000 topics of 4 partitions, 2,199 groups with 16 committed partitions each (`--scale` makes them fewer).
A pair is every program once, one after the other; ratios are taken within pairs, so that other load on the
machine matters less. Brokers with many topics are never idle: their work is what they take beyond that.
`--growth`: at a quarter of the size first. `--other`: the discovery of another tree as well. Run it from the root of
the tree, with the extra packages of the sandbox.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import contextlib
import gc
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml
from confluent_kafka.admin import AdminClient  # type: ignore[attr-defined]

from bench.cost import TREE, Cost, Program, process
from bench.looks import looks
from bench.three_brokers import (
    PARTITIONS,
    TOPICS_A_GROUP,
    Brokers,
    fill,
    make_topics,
    registry,
    three_brokers,
)
from mesh_assets.platforms.kafka.reader import WireReader, leading_partitions
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets.sandbox.java import java_runtime
from mesh_assets.sandbox.progress import silent
from mesh_assets.sandbox.state import choose_free

TOPICS, GROUPS = 9_000, 2_199
_SECONDS = 600.0
_OWN_TOPICS = ("discovery-events", "discovery-changes")


# --- this tree's reads


def read_once(servers: str) -> dict[str, object]:
    """Everything, as a discovery reads it: in a process of its own."""
    gc.disable()
    began, cpu = time.perf_counter(), time.process_time()
    with WireReader({"bootstrap.servers": servers}, 60) as reader, ThreadPoolExecutor(3) as threads:
        metadata = reader.metadata()
        reading_configs = threads.submit(reader.configs, [topic.name for topic in metadata.topics])
        reading_offsets = threads.submit(reader.offsets, leading_partitions(metadata))
        reading_groups = threads.submit(reader.groups, lambda _: True)
        configs, offsets, groups = (
            reading_configs.result(),
            reading_offsets.result(),
            reading_groups.result().groups,
        )
        wall, used = time.perf_counter() - began, time.process_time() - cpu
        return {
            "wall": wall,
            "cpu": used,
            "requests": sum(reader.requests.values()),
            "read": f"{len(metadata.topics)} topics, {sum(map(len, offsets.topics.values()))} partitions, "
            f"{sum(len(one.values or ()) for one in configs.values())} configs, {len(groups)} groups, "
            f"{sum(len(group.offsets or ()) for group in groups)} commits",
        }


def this_reads(brokers: Brokers) -> Program:
    def run() -> Mapping[str, Cost]:
        whole, said = process(
            brokers, [sys.executable, "-m", "bench.estate", "--read", brokers.bootstrap_servers]
        )
        told = json.loads(said)
        print(f"  read: {told['read']}", file=sys.stderr)
        part = Cost(wall=told["wall"], cpu=told["cpu"], rss_mb=whole.rss_mb, requests=told["requests"])
        part.brokers_cpu, part.brokers_work = whole.brokers_cpu, whole.brokers_work
        return {"wire reads": part, "wire reads, process": whole}

    return run


# --- kminion's scrape


@contextlib.contextmanager
def kminion(binary: Path, folder: Path, brokers: Brokers) -> Iterator[Program]:
    port = choose_free(())
    config = folder / "kminion.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "kafka": {"brokers": brokers.bootstrap_servers.split(",")},
                "minion": {
                    "consumerGroups": {"enabled": True, "scrapeMode": "adminApi", "granularity": "partition"},
                    "topics": {"granularity": "partition"},
                },
                "exporter": {"host": "127.0.0.1", "port": port},
            }
        )
    )
    url = f"http://127.0.0.1:{port}/metrics"
    with (folder / "kminion.log").open("w") as log:
        child = subprocess.Popen(
            [str(binary)], env={**os.environ, "CONFIG_FILEPATH": str(config)}, stdout=log, stderr=log
        )
    try:
        used = psutil.Process(child.pid)

        def scrape() -> Mapping[str, Cost]:
            before, began, cpu = brokers.cpu_seconds(), time.perf_counter(), sum(used.cpu_times()[:2])
            with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
                lines = answer.read().count(b"\n")
            cost = Cost(wall=time.perf_counter() - began, cpu=sum(used.cpu_times()[:2]) - cpu)
            cost.with_brokers(brokers, before)
            peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child.pid}/status").read_text())
            cost.rss_mb = int(peak[1]) / 1024 if peak else None
            print(f"  kminion: {lines:,} lines", file=sys.stderr)
            return {"kminion": cost}

        deadline = time.monotonic() + 60
        while True:
            try:
                scrape()  # the first one opens its connections
                break
            except OSError as error:
                if time.monotonic() > deadline or child.poll() is not None:
                    said = (folder / "kminion.log").read_text()[-2_000:]
                    raise SystemExit(f"kminion does not answer ({error}): {said}") from error
                time.sleep(0.3)
        yield scrape
    finally:
        child.kill()
        child.wait()


# --- whole discoveries


def discoveries(name: str, tree: Path, folder: Path, brokers: Brokers, registry_url: str) -> Program:
    """The command line of a tree, twice: with nothing known yet, and with nothing changed."""
    folder.mkdir()
    shutil.copy(tree / "dagster.yaml", folder)
    cluster = {
        "environment": {"id": "bench", "name": "bench"},
        "kafka": {"bootstrap_servers": brokers.bootstrap_servers},
        "schema_registry": {"url": registry_url},
        "metrics": {"kind": "offsets"},
    }
    (folder / "estate.yaml").write_text(yaml.safe_dump({"clusters": {"bench": cluster}}))
    store = folder / "store"
    environment = {
        "PYTHONPATH": str(tree),
        "MESH_ESTATE": str(folder / "estate.yaml"),
        "MESH_STORE": str(store),
        "DAGSTER_HOME": str(folder),
    }
    main = "import sys; from mesh_assets.cli.main import main; sys.exit(main())"

    def run() -> Mapping[str, Cost]:
        shutil.rmtree(store, ignore_errors=True)
        forget_what_was_published(brokers.bootstrap_servers)
        costs: dict[str, Cost] = {}
        for label in (f"{name}, all new", f"{name}, unchanged"):
            command = [sys.executable, "-c", main, "discover", "--json"]
            costs[label], said = process(brokers, command, cwd=folder, environment=environment)
            [report] = json.loads(said)
            # Older trees counted calls to librdkafka, each of which could be many requests.
            costs[label].requests = report.get("kafka_requests")
            costs[f"{label}: request to pointer"] = Cost(wall=report["seconds"])
        return costs

    return run


def forget_what_was_published(servers: str) -> None:
    """This store would be refused what another one has published."""
    with AdminClient({"bootstrap.servers": servers}) as admin:
        there = [topic for topic in _OWN_TOPICS if topic in admin.list_topics(timeout=60).topics]
        for future in admin.delete_topics(there).values() if there else ():
            future.result(60)
        deadline = time.monotonic() + 60
        while any(topic in admin.list_topics(timeout=60).topics for topic in _OWN_TOPICS):
            if time.monotonic() > deadline:
                raise SystemExit(f"{', '.join(_OWN_TOPICS)} are still there 60 s after they were deleted")
            time.sleep(0.2)


# --- the estate, the pairs, the table


@dataclass
class Made:
    """How far the estate has come."""

    topics: int = 0
    groups: int = 0
    seconds: float = field(default=0.0)

    def grow(self, brokers: Brokers, scale: float) -> None:
        groups = max(1, round(GROUPS * scale))
        topics = max(round(TOPICS * scale), groups * TOPICS_A_GROUP)
        began = time.perf_counter()
        new_topics, new_groups = range(self.topics, topics), range(self.groups, groups)
        make_topics(brokers.bootstrap_servers, new_topics)
        with contextlib.closing(
            RunningCluster({"bootstrap.servers": brokers.bootstrap_servers}, 300)
        ) as cluster:
            cluster.run(
                lambda connections: fill(connections, new_topics, new_groups),
                doing="filling the estate",
                right="every right",
            )
        self.topics, self.groups, self.seconds = topics, groups, time.perf_counter() - began


def measure(programs: list[Program], pairs: int) -> list[dict[str, Cost]]:
    found = []
    for number in range(pairs):
        print(f"pair {number + 1} of {pairs}", file=sys.stderr)
        turns = programs if number % 2 == 0 else programs[::-1]
        found.append({name: cost for program in turns for name, cost in program().items()})
    return found


_FIGURES = ("wall", "cpu", "rss_mb", "brokers_cpu", "brokers_work", "requests")
_COMPARED = {"wall": "wall", "cpu": "CPU", "brokers_cpu": "brokers", "brokers_work": "their work"}


def table(pairs: list[dict[str, Cost]]) -> str:
    heads = ("wall s", "CPU s", "peak MB", "brokers' CPU s", "not idle s", "requests")
    ratios = [f"{one} ÷ kminion" for one in _COMPARED.values()] if "kminion" in pairs[0] else []
    lines = [
        f"{'medians':42}" + "".join(f"{head:>15}" for head in heads) + "".join(f"{one:>24}" for one in ratios)
    ]
    for name in sorted(pairs[0], key=lambda one: (one != "kminion", "wire" not in one, one)):
        cells = [f"{_number(median(pairs, name, figure)):>15}" for figure in _FIGURES]
        for figure in _COMPARED if ratios else ():
            cells.append(f"{_ratio(pairs, name, figure):>24}")
        lines.append(f"{name:42}" + "".join(cells))
    return "\n".join(lines)


def median(pairs: list[dict[str, Cost]], name: str, figure: str) -> float | None:
    values = [value for pair in pairs if (value := getattr(pair[name], figure)) is not None]
    return statistics.median(values) if values else None


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _ratio(pairs: list[dict[str, Cost]], name: str, figure: str) -> str:
    values = [
        getattr(pair[name], figure) / below
        for pair in pairs
        if getattr(pair[name], figure) is not None and (below := getattr(pair["kminion"], figure))
    ]
    if not values:
        return "-"
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def growth(small: list[dict[str, Cost]], large: list[dict[str, Cost]]) -> str:
    lines = [
        f"{'from a quarter to the full size':42}"
        + "".join(f"{head:>15}" for head in ("wall", "CPU", "memory"))
    ]
    for name in large[0]:
        times = []
        for figure in ("wall", "cpu", "rss_mb"):
            before, after = median(small, name, figure), median(large, name, figure)
            times.append("-" if not before or after is None else f"x {after / before:.2f}")
        lines.append(f"{name:42}" + "".join(f"{one:>15}" for one in times))
    return "\n".join(lines)


def main() -> int:
    arguments = parse()
    if arguments.read:
        print(json.dumps(read_once(arguments.read)))
        return 0
    # Ending this also ends the brokers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        brokers = stack.enter_context(three_brokers(java_runtime(silent()), folder))
        registry_url = stack.enter_context(registry())
        made, tables, found = Made(), [], []
        trees = {"discover": TREE} | ({"other tree's discover": arguments.other} if arguments.other else {})
        programs: list[Program] = [this_reads(brokers)]
        programs += [
            discoveries(name, tree, folder / f"work-{number}", brokers, registry_url)
            for number, (name, tree) in enumerate(trees.items())
            if not arguments.reads_only
        ]
        if not arguments.reads_only:
            programs.append(looks(folder / "work-0", brokers))
        for scale in (arguments.scale / 4, arguments.scale) if arguments.growth else (arguments.scale,):
            made.grow(brokers, scale)
            head = f"{made.topics:,} topics, {made.topics * PARTITIONS:,} partitions, {made.groups:,} groups"
            idle = brokers.measure_idle()
            print(f"{head}: made in {made.seconds:.0f} s; idle brokers: {idle:.2f} cores", file=sys.stderr)
            with contextlib.ExitStack() as running:
                before = (
                    [running.enter_context(kminion(arguments.kminion, folder, brokers))]
                    if arguments.kminion
                    else []
                )
                found.append(measure([*before, *programs], arguments.pairs))
            head = f"{head}, {arguments.pairs} pairs; idle, the brokers take {idle:.2f} CPU s a second"
            tables.append(f"{head}\n\n{table(found[-1])}")
        print("\n\n".join(tables + ([growth(*found)] if arguments.growth else [])))
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kminion", type=Path, help="kminion's binary, whose scrape is the yardstick")
    parser.add_argument("--other", type=Path, help="another tree, whose discovery runs alongside this one's")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of 9,000 topics and 2,199 groups")
    parser.add_argument("--growth", action="store_true", help="at a quarter of the scale first")
    parser.add_argument("--reads-only", action="store_true", help="no discoveries")
    parser.add_argument("--read", metavar="SERVERS", help="read once and print what it took; nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
