"""A fleet of clusters under Dagster's daemon, on Postgres, with runs in processes of their own: does it keep up?

    python -m bench.fleet                                  300 clusters, of which 20 hang and 20 fail; 20 minutes
    python -m bench.fleet --clusters 30 --hanging 3 --failing 3 --minutes 5 --speed 30
    python -m bench.fleet --kill                           and each role is killed, Postgres restarts, the store refuses

Real: Postgres, the daemon, webserver and code server as processes, the queue, a process for each run, the reader of Kafka's
protocol over sockets, the Kafka broker that takes the events, and the snapshots and changes in it. Simulated:
the clusters (`bench/fleet/brokers.py`). Left out: the start of a run's process. Only shorter intervals
compress time (`--speed`): clocks run normally. Exits with 1 when anything was lost, doubled or late.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.fleet.brokers import cluster_name
from bench.fleet.day import live
from bench.fleet.hub import hub, published
from bench.fleet.roles import TREE, Installation, installation
from bench.fleet.telling import USUAL_INTERVAL, tell
from bench.three_brokers import registry
from mesh_assets_tests.processes import CommandProcess

_USUAL_SCHEDULE_MINUTES = 360
_PROCESSES = 4


def main() -> int:
    arguments = parse()
    # As in the image. The roles are forked, and glibc reads its settings where a process begins: before the first of them.
    os.environ |= dict(re.findall(r"\b(MALLOC_\w+)=(\d+)", (TREE / "Dockerfile").read_text()))
    interval = max(5, round(USUAL_INTERVAL / arguments.speed))
    every = max(2, round(_USUAL_SCHEDULE_MINUTES / arguments.speed))
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            with (
                hub(folder) as events,
                registry() as schemas,
                brokers(arguments.clusters - 1, arguments.topics) as (ports, orders),
                installation(folder, interval=interval, runs_at_once=arguments.runs_at_once) as made,
            ):
                write_estate(folder / "estate.yaml", ports, events, schemas)
                discover_first(made, arguments.clusters, seconds=arguments.first_minutes * 60)
                odd = random.Random(16).sample(range(len(ports)), arguments.hanging + arguments.failing)
                made.schedule_every(every, minutes=arguments.minutes)
                day = live(made, arguments, orders, odd, interval)
                return tell(made, arguments, day, published(events), odd, interval, every)
        finally:
            if arguments.keep:
                subprocess.run(["cp", "-r", name, arguments.keep], check=True)


@contextmanager
def brokers(count: int, topics: int) -> Iterator[tuple[dict[str, int], "subprocess.Popen[str]"]]:
    """The ports of the clusters, by name, and where to send orders."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.fleet.brokers", str(count), str(topics)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline()), process
        finally:
            process.kill()


def write_estate(path: Path, ports: dict[str, int], events: str, schemas: str) -> None:
    clusters: dict[str, object] = {
        name: {"kafka": {"bootstrap_servers": f"127.0.0.1:{port}"}} for name, port in ports.items()
    }
    clusters["hub"] = {"kafka": {"bootstrap_servers": events}, "schema_registry": {"url": schemas}}
    path.write_text(yaml.safe_dump({"clusters": clusters, "events": {"cluster": "hub"}}))


def discover_first(made: Installation, clusters: int, *, seconds: float) -> None:
    """All are healthy and known when the day begins, to Dagster as well, so that nothing is left to
    report."""
    began = time.monotonic()
    _discover(made, ["hub"], seconds=seconds)  # it creates the topics that the others publish to
    names = [cluster_name(number) for number in range(clusters - 1)]
    _discover(made, *(names[place::_PROCESSES] for place in range(_PROCESSES)), seconds=seconds)
    took = time.monotonic() - began
    shutil.rmtree(made.folder / "store" / "unreported")
    print(
        f"{clusters} clusters discovered by {_PROCESSES} `mesh-assets discover` in {took:.0f} s", flush=True
    )


def _discover(made: Installation, *parts: list[str], seconds: float) -> None:
    """Each part in a process of its own."""
    processes = [
        CommandProcess(
            ["discover", *(f"--cluster={name}" for name in names)],
            folder=made.folder,
            environment=made.environment,
        )
        for names in parts
        if names
    ]
    for process in processes:
        done = process.end(within_seconds=seconds)
        if done.returncode:
            raise SystemExit(f"the first discovery failed:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clusters", type=int, default=300, help="in all, one of them the real one that takes the events"
    )
    parser.add_argument("--topics", type=int, default=30, help="of each cluster")
    parser.add_argument("--hanging", type=int, default=20)
    parser.add_argument("--failing", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=20.0, help="of the clock")
    parser.add_argument("--speed", type=float, default=5.0, help="by how much intervals are shortened")
    parser.add_argument("--runs-at-once", type=int, default=4, help="what the queue lets run")
    parser.add_argument(
        "--change-seconds", type=float, default=10.0, help="between two topics that are created somewhere"
    )
    parser.add_argument(
        "--first-minutes", type=float, default=20.0, help="that the first discovery of all may take"
    )
    parser.add_argument("--kill", action="store_true", help="every role, Postgres, the store")
    parser.add_argument("--settle-minutes", type=float, default=5.0, help="at most, after the end")
    parser.add_argument("--keep", help="a folder that gets a copy of all logs")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit("stopped")
    )  # which also stops everything it has started
    sys.exit(main())
