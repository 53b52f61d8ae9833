"""The results of a fleet's day: gaps between looks, runs, memory, rows of the database; and what is wrong
with them."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import dagster as dg

from bench.fleet.hub import Published
from bench.fleet.kills import Outage
from bench.fleet.looks import Look

# The aftermath of an outage is not yet normal: a tick that failed, the daemon's 60 s between two looks at a
# code server.
AFTERMATH = 75.0
_TABLES = ("event_logs", "asset_check_executions", "runs", "run_tags", "job_ticks", "snapshots")


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Seconds between the starts of two looks of a sensor at a cluster, over all clusters of a kind."""

    count: int
    median: float
    p99: float
    longest: float
    clusters: int


def gaps(
    looks: Iterable[Look], clusters: Collection[str], *, until: float, outages: Sequence[Outage] = ()
) -> Gaps:
    """Including the end: a cluster that is no longer looked at has a gap up to `until`. Gaps that an outage
    falls into are left out."""
    began: dict[str, list[float]] = defaultdict(list)
    for look in looks:
        if look.cluster in clusters and look.began <= until:
            began[look.cluster].append(look.began)
    found = sorted(
        later - earlier
        for moments in began.values()
        for earlier, later in pairwise([*sorted(moments), until])
        if not any(earlier < one.ended + AFTERMATH and later > one.began for one in outages)
    )
    if not found:
        return Gaps(count=0, median=0, p99=0, longest=0, clusters=len(began))
    return Gaps(
        count=len(found),
        median=statistics.median(found),
        p99=found[min(len(found) - 1, int(len(found) * 0.99))],
        longest=found[-1],
        clusters=len(began),
    )


def longest_gap_in(looks: Iterable[Look], clusters: Collection[str], outage: Outage) -> float:
    """Seconds between two looks of a sensor at one of the clusters with the outage or its aftermath in
    between; 0: none."""
    began: dict[tuple[str, str], list[float]] = defaultdict(list)
    for look in looks:
        if look.cluster in clusters:
            began[look.sensor, look.cluster].append(look.began)
    return max(
        (
            later - earlier
            for moments in began.values()
            for earlier, later in pairwise(sorted(moments))
            if earlier < outage.ended + AFTERMATH and later > outage.began
        ),
        default=0.0,
    )


# --- runs


@dataclass(frozen=True, kw_only=True)
class Runs:
    by_job: Counter[tuple[str, str]]
    """By job and status."""
    doubled: list[str]
    missing: list[str]
    unfinished: list[str]
    """Of those created in the day."""
    seconds_queued: list[float]
    """Of discoveries: from the request to the start."""
    failed: list[float]
    """When failed runs of all jobs ended; seconds since 1970."""

    @property
    def all_wrong(self) -> list[str]:
        return [*self.doubled, *self.missing, *self.unfinished]


def runs_of(instance: dg.DagsterInstance, clusters: Collection[str], *, began: float, ended: float) -> Runs:
    """`clusters`: the healthy ones; each must have a run for each tick of the schedule between the two
    moments."""
    records = instance.get_run_records()
    by_job = Counter((one.dagster_run.job_name, one.dagster_run.status.value) for one in records)
    unfinished = [
        f"run {one.dagster_run.run_id[:8]} of {one.dagster_run.job_name} is still {one.dagster_run.status.value}"
        for one in records
        if not one.dagster_run.is_finished and one.create_timestamp.timestamp() < ended
    ]
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    keys: Counter[str] = Counter()
    queued = []
    for one in records:
        if one.dagster_run.job_name != "discovery":
            continue
        if key := one.dagster_run.tags.get("dagster/run_key"):
            keys[key] += 1
        if one.start_time is not None:
            spans[one.dagster_run.tags["dagster/partition"]].append(
                (one.start_time, one.end_time or float("inf"))
            )
            queued.append(one.start_time - one.create_timestamp.timestamp())
    doubled = [f"{key} ran {count} times" for key, count in keys.items() if count > 1]
    for cluster, of_cluster in spans.items():
        for (_, earlier_ended), (later_began, _) in pairwise(sorted(of_cluster)):
            if later_began < earlier_ended:
                doubled.append(
                    f"two runs of {cluster} at the same time, {later_began - began:.0f} s after the beginning"
                )
    absent = []
    ticked = {key.partition(":")[2] for key in keys}
    for moment in sorted(ticked):
        if datetime.fromisoformat(moment).timestamp() > ended:
            continue
        missing = [cluster for cluster in clusters if f"{cluster}:{moment}" not in keys]
        if missing:
            absent.append(
                f"the schedule's tick of {moment} has no run of {', '.join(missing[:5])}, {len(missing)} in all"
            )
    if not ticked:
        absent.append("the schedule never ticked")
    return Runs(
        by_job=by_job,
        doubled=doubled,
        missing=absent,
        unfinished=unfinished,
        seconds_queued=sorted(queued),
        failed=[
            one.end_time or one.update_timestamp.timestamp()
            for one in records
            if one.dagster_run.status is dg.DagsterRunStatus.FAILURE
        ],
    )


# --- what was published


def wrong_with(published: Published, created: Mapping[tuple[str, str], float]) -> list[str]:
    """`created`: when which topics were created, by cluster id and name: each must have been published as created once."""
    wrong = []
    for cluster_id, sequences in published.sequences.items():
        for earlier, later in pairwise(sequences):
            if later != earlier + 1:
                wrong.append(f"{cluster_id}: snapshot {later} follows {earlier}")
    for (cluster_id, topic), _ in created.items():
        if (count := published.created[cluster_id, topic]) != 1:
            wrong.append(f"{cluster_id}: the creation of {topic} was published {count} times")
    return wrong


def delays(published: Published, created: Mapping[tuple[str, str], float]) -> list[float]:
    """From the creation of each topic to the snapshot that has it."""
    return sorted(
        published.moments[place] - at for place, at in created.items() if place in published.moments
    )


# --- the database


def rows(execute: Callable[[str], list[tuple[Any, ...]]]) -> dict[str, int]:
    """For each table that grows; `bytes`: of the whole database."""
    counted = {table: int(execute(f"select count(*) from {table}")[0][0]) for table in _TABLES}
    return counted | {"bytes": int(execute("select pg_database_size('postgres')")[0][0])}


def sizes(execute: Callable[[str], list[tuple[Any, ...]]]) -> dict[str, int]:
    """Bytes of each of these tables, with indexes and out-of-line storage."""
    return {table: int(execute(f"select pg_total_relation_size('{table}')")[0][0]) for table in _TABLES}


def growth(samples: Sequence[tuple[float, int]], *, after: float) -> tuple[float, float, float] | None:
    """Memory in MB: the median of the first tenth after that moment and of the last tenth, and by how many percent it grew. None:
    too short to tell."""
    later = [held for at, held in samples if at >= after]
    tenth = len(later) // 10
    if tenth < 3:
        return None
    first, last = statistics.median(later[:tenth]), statistics.median(later[-tenth:])
    return first / 1e6, last / 1e6, (last / first - 1) * 100
