"""A fleet of clusters under Dagster's daemon, on Postgres, with runs in processes of their own: does it keep up?

    python -m bench.fleet                                  300 clusters, of which 20 hang and 20 fail; 20 minutes
    python -m bench.fleet --clusters 30 --hanging 3 --failing 3 --minutes 5 --speed 30
    python -m bench.fleet --kill                           and each role is killed, Postgres restarts, the store refuses

Real: Postgres, the daemon, webserver and code server as processes, the queue, a process for each run, the reader of Kafka's
protocol over sockets, the Kafka broker that takes the events, and the snapshots and changes in it. Made up: the clusters
(`bench/fleet/brokers.py`). Left out: the start of a run's process. Time is compressed by shorter intervals alone (`--speed`):
clocks go as they go. Exits with 1 when anything was lost, doubled or late.
"""

# ruff: noqa: T201  (it prints its result)
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import yaml

from bench.fleet import figures
from bench.fleet.brokers import cluster_name
from bench.fleet.hub import Published, hub, published
from bench.fleet.kills import Outage, outages_of, suffer
from bench.fleet.looks import read_looks
from bench.fleet.roles import Installation, installation
from bench.three_brokers import registry
from mesh_assets.estate.retention import Kept
from mesh_assets.runs.pruning import prune_runs
from mesh_assets.sensing.rounds import tick_seconds
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.processes import CommandProcess

_USUAL_INTERVAL, _USUAL_SCHEDULE_MINUTES = 300, 360
_WATCHED = ("daemon", "webserver", "code server")
# What the UI asks for while somebody looks at its pages of runs, automation and health.
_QUESTION = """{ runsOrError(limit: 25) { ... on Runs { results { id status tags { key value } } } }
  instance { daemonHealth { allDaemonStatuses { daemonType healthy } } }
  workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"""


@dataclass
class Day:
    """What was done and seen. `created`: when each topic was, by cluster id and name. `memory`: bytes by role and moment."""

    began: float = 0.0
    ended: float = 0.0
    created: dict[tuple[str, str], float] = field(default_factory=dict)
    memory: dict[str, list[tuple[float, int]]] = field(
        default_factory=lambda: {name: [] for name in _WATCHED}
    )
    rows: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)


def main() -> int:
    arguments = parse()
    interval = max(5, round(_USUAL_INTERVAL / arguments.speed))
    every = max(2, round(_USUAL_SCHEDULE_MINUTES / arguments.speed))
    every = min(every, max(2, int(arguments.minutes / 3)))
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            with (
                hub(folder) as events,
                registry() as schemas,
                brokers(arguments.clusters - 1, arguments.topics) as (ports, orders),
                installation(
                    folder, interval=interval, cron=f"*/{every} * * * *", runs_at_once=arguments.runs_at_once
                ) as made,
            ):
                write_estate(folder / "estate.yaml", ports, events, schemas)
                discover_first(made, arguments.clusters)
                odd = random.Random(16).sample(range(len(ports)), arguments.hanging + arguments.failing)
                day = live(made, arguments, orders, odd, interval)
                return tell(made, arguments, day, published(events), odd, interval, every)
        finally:
            if arguments.keep:
                subprocess.run(["cp", "-r", name, arguments.keep], check=True)


# --- the fleet


@contextmanager
def brokers(count: int, topics: int) -> Iterator[tuple[dict[str, int], "subprocess.Popen[str]"]]:
    """The ports of the clusters, by name, and where to send orders."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.fleet.brokers", str(count), str(topics)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline()), process
        finally:
            process.kill()


def order(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def write_estate(path: Path, ports: dict[str, int], events: str, schemas: str) -> None:
    clusters: dict[str, object] = {
        name: {"kafka": {"bootstrap_servers": f"127.0.0.1:{port}"}} for name, port in ports.items()
    }
    clusters["hub"] = {"kafka": {"bootstrap_servers": events}, "schema_registry": {"url": schemas}}
    path.write_text(yaml.safe_dump({"clusters": clusters, "events": {"cluster": "hub"}}))


def discover_first(made: Installation, clusters: int) -> None:
    """All are well, and known, when the day begins."""
    began = time.monotonic()
    done = CommandProcess(["discover"], folder=made.folder, environment=made.environment).end(
        within_seconds=900
    )
    if done.returncode:
        raise SystemExit(f"the first discovery failed:\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")
    print(
        f"{clusters} clusters discovered by one `mesh-assets discover` in {time.monotonic() - began:.0f} s",
        flush=True,
    )


# --- the day


def live(
    made: Installation,
    arguments: argparse.Namespace,
    orders: "subprocess.Popen[str]",
    odd: Sequence[int],
    interval: int,
) -> Day:
    for place, number in enumerate(odd):
        failing = place - arguments.hanging
        order(orders, f"{'hang' if failing < 0 else ('refuse', 'wrong')[failing % 2]} {number}")
    day = Day()
    healthy = [number for number in range(arguments.clusters - 1) if number not in odd]
    with made.running():
        day.began = time.time()
        day.ended = day.began + arguments.minutes * 60
        # What comes too late to be noticed and published before the end would count as lost.
        last_change = day.ended - 3 * interval - 60
        kills = killing(made, day, last_change) if arguments.kill else None
        chance = random.Random(7)
        next_change = day.began + interval
        next_sample = day.began
        while (now := time.time()) < day.ended:
            if next_change <= now < last_change:
                number = chance.choice(healthy)
                topic = f"new-{len(day.created):04}"
                order(orders, f"create {number} {topic}")
                day.created[f"fleet-{number:04}", topic] = now
                next_change = now + arguments.change_seconds
            if now >= next_sample:
                sample(made, day, now)
                next_sample += 10
            time.sleep(0.2)
        if kills is not None:
            kills.join()
        settle(made, day, {cluster_name(number) for number in healthy}, seconds=arguments.settle_minutes * 60)
    return day


def settle(made: Installation, day: Day, healthy: set[str], *, seconds: float) -> None:
    """What was created or asked for in the day is published, or is lost: until then, or for so long."""
    store = InventoryStore(open_store(str(made.folder / "store")))
    began = time.monotonic()
    with chdir(made.folder), dg.DagsterInstance.from_config(str(made.folder)) as instance:
        while time.monotonic() - began < seconds:
            runs = figures.runs_of(instance, healthy, began=day.began, ended=day.ended)
            if not runs.unfinished and not runs.missing and not missing_topics(store, day):
                break
            time.sleep(10)
    print(
        f"all that was asked for in the day was done {time.monotonic() - began:.0f} s after its end",
        flush=True,
    )


def missing_topics(store: InventoryStore, day: Day) -> set[tuple[str, str]]:
    known = set()
    for cluster_id in {cluster_id for cluster_id, _ in day.created}:
        document = store.latest_document(cluster_id)
        known |= set() if document is None else {(cluster_id, topic.name) for topic in document.topics}
    return day.created.keys() - known


def sample(made: Installation, day: Day, now: float) -> None:
    for name in _WATCHED:
        try:
            day.memory[name].append((now, made.roles[name].memory()))
        except Exception as error:  # it is being killed at this moment
            print(f"  {name}: {type(error).__name__}", flush=True)
    threading.Thread(target=made.ask, args=(_QUESTION,), daemon=True).start()
    if not day.rows or now - day.rows[-1][0] >= 60:
        try:
            day.rows.append((now, figures.rows(made.postgres.execute)))
        except Exception as error:  # Postgres is being restarted
            print(f"  Postgres: {type(error).__name__}", flush=True)


def killing(made: Installation, day: Day, until: float) -> threading.Thread:
    """One thing after the other, spread over the first part of the day."""
    kinds = outages_of(made)
    pause = (until - day.began) / (len(kinds) + 1)

    def go_wrong() -> None:
        for number, (what, outage) in enumerate(kinds, start=1):
            time.sleep(max(0.0, day.began + number * pause - time.time()))
            day.outages.append(suffer(what, outage))
            print(f"  {datetime.now(UTC):%H:%M:%S} {what}", flush=True)

    thread = threading.Thread(target=go_wrong)
    thread.start()
    return thread


# --- what came of it


def tell(
    made: Installation,
    arguments: argparse.Namespace,
    day: Day,
    found: Published,
    odd: Sequence[int],
    interval: int,
    every: int,
) -> int:
    names = [cluster_name(number) for number in range(arguments.clusters - 1)] + ["hub"]
    hanging = {cluster_name(number) for number in odd[: arguments.hanging]}
    failing = {cluster_name(number) for number in odd[arguments.hanging :]}
    healthy = {name for name in names if name not in hanging | failing}
    simulated = arguments.minutes * arguments.speed / 60
    print(
        f"\n{len(healthy)} healthy clusters, {len(hanging)} that hang, {len(failing)} that fail; {arguments.topics} topics each\n"
        f"{arguments.minutes:.0f} minutes, compressed {_USUAL_INTERVAL / interval:.1f} times: {simulated:.1f} hours of ticks; "
        f"sensors every {interval} s, the schedule every {every} minutes, {arguments.runs_at_once} runs at once\n"
    )
    wrong: list[str] = []
    late: list[str] = []
    # The daemon looks at its sensors every 5 s, and a tick of theirs goes on where the last one ended.
    allowed = interval + tick_seconds(interval) + 10
    looks = read_looks(made.looks)
    print(
        f"{'seconds between two looks at a cluster':44}{'clusters':>9}{'looks':>8}{'median':>8}{'p99':>8}{'max':>8}"
    )
    for sensor in sorted({look.sensor for look in looks}):
        of_sensor = [look for look in looks if look.sensor == sensor]
        for kind, clusters in (("healthy", healthy), ("hanging", hanging), ("failing", failing)):
            if not clusters:
                continue
            gaps = figures.gaps(of_sensor, clusters, until=day.ended, outages=day.outages)
            print(
                f"  {sensor + ', ' + kind:42}{gaps.clusters:9}{gaps.count:8,}{gaps.median:8.1f}{gaps.p99:8.1f}{gaps.longest:8.1f}"
            )
            if gaps.clusters < len(clusters):
                wrong.append(
                    f"{sensor} never looked at {len(clusters) - gaps.clusters} of the {kind} clusters"
                )
            if gaps.longest > allowed:
                late.append(
                    f"{sensor}: {gaps.longest:.0f} s between two looks at a {kind} cluster, {allowed} are allowed"
                )
        if day.outages:
            over = figures.gaps(of_sensor, healthy, until=day.ended)
            print(
                f"  {sensor + ', healthy, with the outages':42}{over.clusters:9}{over.count:8,}{'':16}{over.longest:8.1f}"
            )
    lasted = sorted(look.seconds for look in looks if look.cluster in healthy)
    print(
        f"\na look at a healthy cluster: median {lasted[len(lasted) // 2]:.2f} s, p99 {lasted[int(len(lasted) * 0.99)]:.2f} s"
    )
    with chdir(made.folder), dg.DagsterInstance.from_config(str(made.folder)) as instance:
        wrong += tell_runs(instance, healthy, day)
        delays = figures.delays(found, day.created)
        if delays:
            print(
                f"\n{len(day.created)} topics created: published after {delays[len(delays) // 2]:.0f} s (median), "
                f"{delays[-1]:.0f} s at most; {sum(map(len, found.sequences.values())):,} snapshots in the topic"
            )
        wrong += figures.wrong_with(found, day.created)
        wrong += tell_memory(day, first=3_600 / arguments.speed)
        tell_rows(made, instance, day)
    for outage in day.outages:
        print(
            f"{datetime.fromtimestamp(outage.began, UTC):%H:%M:%S} {outage.what}, for {outage.ended - outage.began:.0f} s"
        )
    print(
        "\n"
        + ("\n".join(f"WRONG: {line}" for line in wrong) or "nothing lost, nothing doubled, nothing late")
    )
    return 1 if wrong else 0


def tell_runs(instance: dg.DagsterInstance, healthy: set[str], day: Day) -> list[str]:
    runs = figures.runs_of(instance, healthy, began=day.began, ended=day.ended)
    print(
        "\nruns: "
        + "; ".join(
            f"{count:,} {job} {status.lower()}" for (job, status), count in sorted(runs.by_job.items())
        )
    )
    if runs.seconds_queued:
        queued = runs.seconds_queued
        print(f"  from request to start: median {queued[len(queued) // 2]:.0f} s, at most {queued[-1]:.0f} s")
    return runs.all_wrong


def tell_memory(day: Day, *, first: float) -> list[str]:
    wrong = []
    print("\nmemory in MB, after the first simulated hour and at the end:")
    for name, samples in day.memory.items():
        grown = figures.growth(samples, after=day.began + first)
        if grown is None:
            print(f"  {name}: too short to tell; {samples[-1][1] / 1e6:.0f} at the end")
            continue
        print(f"  {name:12}{grown[0]:8.0f}{grown[1]:8.0f}{grown[2]:+8.1f} %")
        # A process that was killed begins anew.
        if grown[2] > 5 and not day.outages:
            wrong.append(f"the memory of the {name} grew by {grown[2]:.1f} %")
    return wrong


def tell_rows(made: Installation, instance: dg.DagsterInstance, day: Day) -> None:
    """And what `store_upkeep` takes away when only the newest ten runs of each job and cluster are kept."""
    before = figures.rows(made.postgres.execute)
    began = time.monotonic()
    removed = prune_runs(instance, Kept(newest=1), clock=datetime.now(UTC), but="")
    took = time.monotonic() - began
    after = figures.rows(made.postgres.execute)
    print(
        f"\nthe database: rows at first, at the end, and after `store_upkeep` with the fewest runs kept ({removed:,} removed, {took:.0f} s)"
    )
    for table in before:
        first = day.rows[0][1][table]
        print(f"  {table:24}{first:14,}{before[table]:14,}{after[table]:14,}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clusters", type=int, default=300, help="all in all, one of them the real one that takes the events"
    )
    parser.add_argument("--topics", type=int, default=30, help="of each cluster")
    parser.add_argument("--hanging", type=int, default=20)
    parser.add_argument("--failing", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=20.0, help="of the clock")
    parser.add_argument("--speed", type=float, default=5.0, help="by how much intervals are shortened")
    parser.add_argument("--runs-at-once", type=int, default=8, help="what the queue lets run")
    parser.add_argument(
        "--change-seconds", type=float, default=10.0, help="between two topics that are created somewhere"
    )
    parser.add_argument("--kill", action="store_true", help="every role, Postgres, the store")
    parser.add_argument("--settle-minutes", type=float, default=5.0, help="at most, after the end")
    parser.add_argument("--keep", help="a folder that gets a copy of all logs")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and so does all that it has started
    sys.exit(main())
