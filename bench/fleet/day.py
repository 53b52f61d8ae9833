"""A fleet's day: clusters begin to hang and fail, topics are created, roles are killed; and what we see
meanwhile."""

# ruff: noqa: T201  (it says how the day goes)
import argparse
import os
import random
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from bench.fleet import figures
from bench.fleet.brokers import cluster_name
from bench.fleet.costs import Costs
from bench.fleet.kills import Outage, outages_of, suffer
from bench.fleet.roles import Installation
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store

WATCHED = ("daemon", "webserver", "code server")
# What the UI requests while somebody looks at its pages for runs, automation and health.
_QUESTION = """{ runsOrError(limit: 25) { ... on Runs { results { id status tags { key value } } } }
  instance { daemonHealth { allDaemonStatuses { daemonType healthy } } }
  workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"""


@dataclass
class Day:
    """What was done and seen. `created`: when each topic was, by cluster id and name. `memory`: bytes by role and moment."""

    began: float = 0.0
    ended: float = 0.0
    created: dict[tuple[str, str], float] = field(default_factory=dict)
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: {name: [] for name in WATCHED})
    rows: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    costs: Costs = field(default_factory=Costs)
    loads: list[float] = field(default_factory=list)
    """The load of the whole machine: figures mean little if it exceeds the number of cores."""
    wrong: list[str] = field(default_factory=list)


def order(process: "subprocess.Popen[str]", line: str) -> None:
    """To the simulated brokers."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


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
        # Anything too late to be noticed and published before the end would count as lost.
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
                sample(made, day, now, {**made.pids, "made-up clusters": orders.pid})
                next_sample += 10
            time.sleep(0.2)
        if kills is not None:
            kills.join()
        settle(made, day, {cluster_name(number) for number in healthy}, seconds=arguments.settle_minutes * 60)
    return day


def settle(made: Installation, day: Day, healthy: set[str], *, seconds: float) -> None:
    """Waits until everything created or requested in the day is published, but at most that long; the rest is
    lost."""
    store = InventoryStore(open_store(str(made.folder / "store")))
    began = time.monotonic()
    with chdir(made.folder), dg.DagsterInstance.from_config(str(made.folder)) as instance:
        while time.monotonic() - began < seconds:
            runs = figures.runs_of(instance, healthy, began=day.began, ended=day.ended)
            if not runs.unfinished and not runs.missing and not missing_topics(store, day):
                took = time.monotonic() - began
                print(f"everything requested in the day was done {took:.0f} s after its end", flush=True)
                return
            time.sleep(10)
    print(f"not everything requested in the day was done {seconds:.0f} s after its end", flush=True)


def missing_topics(store: InventoryStore, day: Day) -> set[tuple[str, str]]:
    known = set()
    for cluster_id in {cluster_id for cluster_id, _ in day.created}:
        document = store.latest_document(cluster_id)
        known |= set() if document is None else {(cluster_id, topic.name) for topic in document.topics}
    return day.created.keys() - known


def sample(made: Installation, day: Day, now: float, pids: Mapping[str, int]) -> None:
    day.costs.look(pids)
    day.loads.append(os.getloadavg()[0])
    for name in WATCHED:
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
            try:
                day.outages.append(suffer(what, outage))
            except Exception as error:  # this is what the bench is about, and the others are still to come
                day.wrong.append(f"{what}: {type(error).__name__}: {error}")
            print(f"  {datetime.now(UTC):%H:%M:%S} {what}", flush=True)

    thread = threading.Thread(target=go_wrong)
    thread.start()
    return thread
