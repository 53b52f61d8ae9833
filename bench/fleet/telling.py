"""Prints the results of a fleet's day, and what is wrong with them."""

# ruff: noqa: T201  (it prints its result)
import argparse
import os
from collections.abc import Collection, Sequence
from contextlib import chdir
from datetime import UTC, datetime

import dagster as dg

from bench.fleet import figures
from bench.fleet.brokers import cluster_name
from bench.fleet.day import Day
from bench.fleet.hub import Published
from bench.fleet.looks import Look, read_looks
from bench.fleet.roles import Installation
from mesh_assets.estate.retention import Kept, Retention
from mesh_assets.runs.pruning import prune_runs
from mesh_assets.sensing.rounds import tick_seconds

USUAL_INTERVAL = 300
_RUNS_A_DAY = 4
"""Of the schedule, for each cluster."""


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
        f"{arguments.minutes:.0f} minutes, compressed {USUAL_INTERVAL / interval:.1f} times: {simulated:.1f} hours of ticks; "
        f"sensors every {interval} s, the schedule every {every} minutes, once at least, {arguments.runs_at_once} runs at once\n"
    )
    wrong: list[str] = []
    late: list[str] = []
    # The daemon looks at its sensors every 5 s, and a tick continues where the last one ended.
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
    of_code_server = day.costs.by_name().get("code server", 0.0)
    print(
        f"\na look at a healthy cluster: median {lasted[len(lasted) // 2]:.2f} s, p99 {lasted[int(len(lasted) * 0.99)]:.2f} s; "
        f"{of_code_server / len(looks) * 1_000:.0f} ms of the code server's CPU per look, including everything else it does"
    )
    with chdir(made.folder), dg.DagsterInstance.from_config(str(made.folder)) as instance:
        runs = figures.runs_of(instance, healthy, began=day.began, ended=day.ended)
        tell_runs(runs)
        wrong += runs.all_wrong
        delays = figures.delays(found, day.created)
        if delays:
            print(
                f"\n{len(day.created)} topics created: published after {delays[len(delays) // 2]:.0f} s (median), "
                f"{delays[-1]:.0f} s at most; {sum(map(len, found.sequences.values())):,} snapshots in the topic"
            )
        wrong += figures.wrong_with(found, day.created)
        wrong += tell_memory(day, first=3_600 / arguments.speed)
        tell_costs(day, speed=USUAL_INTERVAL / interval)
        tell_rows(made, instance, day, clusters=arguments.clusters)
    tell_outages(day, looks, healthy, runs.failed)
    wrong += day.wrong
    print("\n" + ("\n".join(f"WRONG: {line}" for line in wrong) or "nothing lost, nothing doubled"))
    print("\n".join(f"LATE: {line}" for line in late) or "nothing late")
    return 1 if wrong or late else 0


def tell_runs(runs: figures.Runs) -> None:
    print(
        "\nruns: "
        + "; ".join(
            f"{count:,} {job} {status.lower()}" for (job, status), count in sorted(runs.by_job.items())
        )
    )
    if runs.seconds_queued:
        queued = runs.seconds_queued
        print(f"  from request to start: median {queued[len(queued) // 2]:.0f} s, at most {queued[-1]:.0f} s")


def tell_memory(day: Day, *, first: float) -> list[str]:
    wrong = []
    print("\nmemory in MB, after the first simulated hour and at the end:")
    for name, samples in day.memory.items():
        grown = figures.growth(samples, after=day.began + first)
        if grown is None:
            print(f"  {name}: too short to tell; {samples[-1][1] / 1e6:.0f} at the end")
            continue
        print(f"  {name:12}{grown[0]:8.0f}{grown[1]:8.0f}{grown[2]:+8.1f} %")
        # A killed process starts over.
        if grown[2] > 5 and not day.outages:
            wrong.append(f"the memory of the {name} grew by {grown[2]:.1f} %")
    return wrong


def tell_costs(day: Day, *, speed: float) -> None:
    """Work that depends on clusters and intervals scales with the speed; a role's base load does not."""
    seconds = day.ended - day.began
    print(
        f"\nCPU seconds in {seconds / 60:.0f} minutes, the share of a core, and an hour at the real pace at most:"
    )
    spent = day.costs.by_name()
    for name, cpu in sorted(spent.items(), key=lambda one: -one[1]):
        print(f"  {name:18}{cpu:9.0f}{cpu / seconds:9.2f}{cpu / seconds * 3_600 / speed:9.0f}")
    print(f"  {'all':18}{sum(spent.values()):9.0f}{sum(spent.values()) / seconds:9.2f}")
    loads = sorted(day.loads)
    print(
        f"  {os.cpu_count()} cores; the machine's load, including anything else it did: {loads[len(loads) // 2]:.1f} in the median, "
        f"{loads[-1]:.1f} at most"
    )


def tell_rows(made: Installation, instance: dg.DagsterInstance, day: Day, *, clusters: int) -> None:
    """What a run leaves behind, which retention bounds: all runs except the newest of each job and cluster
    are removed."""
    before, sizes = figures.rows(made.postgres.execute), figures.sizes(made.postgres.execute)
    began = datetime.now(UTC)
    removed = prune_runs(instance, Kept(newest=1), clock=began, but="", at_least=1)
    took = (datetime.now(UTC) - began).total_seconds()
    after = figures.rows(made.postgres.execute)
    print(
        f"\nthe database: rows at first, at the end, and when of each job and cluster only the newest run is kept ({removed:,} removed, "
        f"{took:.0f} s); MB at the end"
    )
    for table in before:
        size = before["bytes"] if table == "bytes" else sizes[table]
        print(
            f"  {table:24}{day.rows[0][1][table]:14,}{before[table]:14,}{after[table]:14,}{size / 1e6:9.1f}"
        )
    kept = Retention().dagster_runs
    if removed and kept.days is not None and kept.newest is not None:
        of_runs = ("event_logs", "asset_check_executions", "runs", "run_tags")
        left = sum(before[table] - after[table] for table in of_runs) / removed
        a_row = sum(sizes[table] for table in of_runs) / sum(before[table] for table in of_runs)
        runs = clusters * kept.newest
        print(
            f"  a run leaves {left:.0f} rows of {a_row:,.0f} bytes, indexes included: {clusters} clusters, of each of which the newest "
            f"{kept.newest} runs stay, for {kept.days:.0f} days at most, hold {runs * left * a_row / 1e9:.1f} GB and no more; "
            f"two weeks of {_RUNS_A_DAY} a day are {clusters * _RUNS_A_DAY * 14 * left * a_row / 1e9:.1f} GB"
        )


def tell_outages(day: Day, looks: Sequence[Look], healthy: Collection[str], failed: Sequence[float]) -> None:
    """`failed`: when runs failed."""
    for outage in day.outages:
        late = figures.longest_gap_in(looks, healthy, outage)
        ends = outage.ended + figures.AFTERMATH
        runs = sum(outage.began <= at < ends for at in failed)
        at = f"{datetime.fromtimestamp(outage.began, UTC):%H:%M:%S}"
        print(
            f"{at} {outage.what}, for {outage.ended - outage.began:.0f} s: at most {late:.0f} s between two looks at a healthy "
            f"cluster, {runs} failed runs until {figures.AFTERMATH:.0f} s later"
        )
