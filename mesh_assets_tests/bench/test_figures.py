"""What the fleet's bench reports as wrong: it must find what it looks for."""

import os
import subprocess
import sys
import time

import dagster as dg
import pytest

from bench.fleet.costs import Costs
from bench.fleet.figures import gaps, growth, longest_gap_in, runs_of, wrong_with
from bench.fleet.hub import Published
from bench.fleet.kills import Outage
from bench.fleet.looks import Look

MOMENT = "2026-11-29T06:00:00+00:00"


def looks(*began: float, cluster: str = "a") -> list[Look]:
    return [Look(sensor="s", cluster=cluster, began=one, seconds=0.1) for one in began]


def test_a_gap_lies_between_two_looks_or_before_the_end() -> None:
    found = gaps([*looks(0, 60, 120), *looks(0, 50, cluster="b")], {"a", "b"}, until=200)

    assert (found.count, found.longest, found.clusters) == (5, 150, 2)


def test_a_gap_around_an_outage_is_left_out() -> None:
    outage = Outage(what="the daemon killed", began=70, ended=75)

    found = gaps(looks(0, 60, 240, 300), {"a"}, until=310, outages=[outage])

    assert (found.count, found.longest) == (3, 60)


def test_the_cost_of_an_outage_is_the_longest_gap_during_it_or_its_aftermath() -> None:
    outage = Outage(what="the daemon killed", began=70, ended=75)
    seen = [*looks(0, 60, 240, 900), *looks(0, 71, 100, cluster="b"), *looks(0, 800, cluster="elsewhere")]

    assert longest_gap_in(seen, {"a", "b"}, outage) == 180
    assert longest_gap_in([], {"a"}, outage) == 0


def test_cpu_seconds_are_the_days_and_include_killed_processes() -> None:
    busy = "while True: pass"
    costs = Costs()
    first = subprocess.Popen([sys.executable, "-c", busy])
    try:
        costs.look({"role": first.pid})
        deadline = time.monotonic() + 30
        while costs.by_name()["role"] == 0.0 and time.monotonic() < deadline:
            costs.look({"role": first.pid})
    finally:
        first.kill()
        first.wait()
    spent = costs.by_name()["role"]
    assert spent > 0
    costs.look({"role": first.pid})
    assert costs.by_name()["role"] == spent
    costs.look({"role": os.getpid()})
    assert costs.by_name()["role"] > spent, "a role that was started anew has spent all in the day"


def test_missing_or_doubled_snapshots_and_changes_are_found() -> None:
    published = Published()
    published.sequences["x"] = [1, 2, 4]
    published.sequences["y"] = [1, 1, 2]
    published.created["x", "twice"] = 2
    published.created["x", "once"] = 1

    wrong = wrong_with(published, {("x", "twice"): 1.0, ("x", "once"): 1.0, ("y", "never"): 1.0})

    assert wrong == [
        "x: snapshot 4 follows 2",
        "y: snapshot 1 follows 1",
        "x: the creation of twice was published 2 times",
        "y: the creation of never was published 0 times",
    ]


def a_discovery(
    instance: dg.DagsterInstance,
    cluster: str,
    span: tuple[float, float],
    *,
    scheduled: bool = False,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
) -> dg.DagsterRun:
    tags = {"dagster/partition": cluster} | ({"dagster/run_key": f"{cluster}:{MOMENT}"} if scheduled else {})
    run = dg.DagsterRun(job_name="discovery", status=dg.DagsterRunStatus.NOT_STARTED, tags=tags)
    instance.add_run(run)
    for event, at in (("PIPELINE_START", span[0]), ("PIPELINE_SUCCESS", span[1])):
        if status is dg.DagsterRunStatus.SUCCESS or event == "PIPELINE_START":
            entry = dg.EventLogEntry(  # type: ignore[no-untyped-call]
                error_info=None,
                level=10,
                user_message="",
                run_id=run.run_id,
                timestamp=float(at),
                job_name="discovery",
                dagster_event=dg.DagsterEvent(event_type_value=event, job_name="discovery"),
            )
            instance.handle_new_event(entry)
    return run


@pytest.fixture
def day(instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """Two clusters, each with one successful scheduled run."""
    a_discovery(instance, "a", (10, 12), scheduled=True)
    a_discovery(instance, "b", (11, 14), scheduled=True)
    return instance


def test_a_good_day_has_nothing_wrong(day: dg.DagsterInstance) -> None:
    assert runs_of(day, ["a", "b"], began=0, ended=2e10).all_wrong == []


def test_overlapping_runs_of_a_cluster_are_found(day: dg.DagsterInstance) -> None:
    a_discovery(day, "b", (13, 15))

    assert runs_of(day, ["a", "b"], began=0, ended=2e10).all_wrong == [
        "two runs of b at the same time, 13 s after the beginning"
    ]


def test_a_run_that_the_schedule_requested_twice_or_never_is_found(day: dg.DagsterInstance) -> None:
    a_discovery(day, "a", (20, 21), scheduled=True)

    assert runs_of(day, ["a", "b", "c"], began=0, ended=2e10).all_wrong == [
        f"a:{MOMENT} ran 2 times",
        f"the schedule's tick of {MOMENT} has no run of c, 1 in all",
    ]


def test_a_run_that_never_ends_is_found(day: dg.DagsterInstance) -> None:
    run = a_discovery(day, "a", (20, 0), status=dg.DagsterRunStatus.STARTED)

    [wrong] = runs_of(day, ["a", "b"], began=0, ended=2e10).all_wrong
    assert wrong == f"run {run.run_id[:8]} of discovery is still STARTED"


def test_growth_compares_the_first_tenth_after_a_moment_with_the_last() -> None:
    level = [(float(second), 100_000_000) for second in range(100)]
    climbs = [(float(second), 100_000_000 + second * 1_000_000) for second in range(100)]

    assert growth(level, after=20) == (100.0, 100.0, 0.0)
    found = growth(climbs, after=0)
    assert found is not None
    assert found[2] > 50
    assert growth(level[:20], after=0) is None
