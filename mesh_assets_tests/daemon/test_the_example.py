"""Another team's project, whose asset runs only when records arrive in a topic on a real broker.

This file's name makes the daemon's other tests come first: the run continues meanwhile.
"""

import time

import dagster as dg
import pytest

from mesh_assets_tests.daemon.running import IN_TIME, Daemon
from mesh_assets_tests.example import TOTALS

pytestmark = pytest.mark.sandbox


def runs_of_totals(daemon: Daemon) -> list[dg.RunRecord]:
    with daemon.instance() as instance:
        return [
            record
            for record in instance.get_run_records()
            if TOTALS in (record.dagster_run.asset_selection or ())
        ]


def test_records_are_followed_by_exactly_one_run(daemon: Daemon) -> None:
    """The topic was created, discovered and empty before the daemon looked. From record to result takes less than a minute,
    unless the machine is busy."""
    while not (ended := [one.end_time for one in runs_of_totals(daemon) if one.end_time is not None]):
        assert time.time() < daemon.record_at + IN_TIME, runs_of_totals(daemon)
        time.sleep(0.5)
    daemon.wait_for_evaluations(count=2, after=ended[0])

    [run] = runs_of_totals(daemon)
    with daemon.instance() as instance:
        event = instance.get_latest_materialization_event(TOTALS)
    assert event is not None
    made = event.asset_materialization
    assert made is not None
    assert (run.dagster_run.status, made.metadata["up_to_offset"].value) == (dg.DagsterRunStatus.SUCCESS, 1)
    assert run.create_timestamp.timestamp() > daemon.record_at
