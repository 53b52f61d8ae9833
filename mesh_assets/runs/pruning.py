"""Removes ended runs and their rows in Dagster's event log, which would otherwise grow forever."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

# Private, and nothing public removes them (Dagster 1.13): `delete_run` leaves the evaluations of a run's
# checks behind forever.
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable

from mesh_assets.estate.retention import Kept

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
RUNS_AT_LEAST = 10
"""How many ended runs of a job and partition stay whatever the estate says: the newest materializations are
theirs, unless all of them failed."""
# A third of the time that a run may take (`max_runtime_seconds`). A run with its events takes about 20 ms in SQLite.
_SECONDS = 300.0
_PAGE = 500


def prune_runs(
    instance: dg.DagsterInstance,
    kept: Kept,
    *,
    clock: datetime,
    but: str,
    seconds: float = _SECONDS,
    at_least: int = RUNS_AT_LEAST,
) -> int:
    """Removes ended runs with their events; returns how many. Runs that made the newest materialization of an
    asset stay, and so do the newest `at_least` of each job and partition and the newest that succeeded: without it,
    Dagster forgets that the partition was ever made (findings/dagster-deleted-runs.sh). It takes at most `seconds`;
    the next call goes on from there. Events without a run: `report_pruning.py`."""
    spared = {
        but,
        *(
            record.asset_entry.last_materialization.run_id
            for record in instance.get_asset_records()
            if record.asset_entry.last_materialization is not None
        ),
    }
    of_a_kind: Counter[tuple[str, str]] = Counter()
    succeeded: set[tuple[str, str]] = set()
    going = []
    newest: datetime | None = None
    for record in _ended_runs(instance):
        run = record.dagster_run
        newest = newest or min(clock, record.create_timestamp.replace(tzinfo=UTC))
        kind = (run.job_name, run.tags.get("dagster/partition", ""))
        of_a_kind[kind] += 1
        newest_success = run.status is dg.DagsterRunStatus.SUCCESS and kind not in succeeded
        if newest_success:
            succeeded.add(kind)
        if run.run_id in spared or newest_success or of_a_kind[kind] <= at_least:
            continue
        too_old = kept.days is not None and record.create_timestamp.replace(tzinfo=UTC) < newest - timedelta(
            days=kept.days
        )
        if too_old or (kept.newest is not None and of_a_kind[kind] > kept.newest):
            going.append(run.run_id)
    ends, removed = time.monotonic() + seconds, 0
    oldest_first = going[::-1]
    for start in range(0, len(oldest_first), _PAGE):
        page = oldest_first[start : start + _PAGE]
        # First: nothing would ever ask for them again once their run is gone.
        _delete_evaluations(instance, page)
        for run_id in page:
            if time.monotonic() > ends:
                return removed
            instance.delete_run(run_id)
            removed += 1
    return removed


def _delete_evaluations(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Those of asset checks, made by these runs. A storage that does not keep them in tables has nothing to
    remove."""
    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            connection.execute(
                AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id.in_(run_ids))
            )


def _ended_runs(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    """Newest first."""
    cursor = None
    while page := instance.get_run_records(dg.RunsFilter(statuses=_ENDED), limit=_PAGE, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id
