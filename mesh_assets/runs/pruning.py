"""Runs that have ended, and their rows in Dagster's event log, which would grow for ever."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from mesh_assets.estate.retention import Kept

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
RUNS_AT_LEAST = 10
"""Ended runs of a job and partition that stay whatever the estate says: the newest materializations are theirs."""
# With their events about 20 ms each in SQLite: a tenth of the time that a run may take.
_MOST_AT_ONCE = 5_000
_PAGE = 500


def prune_runs(instance: dg.DagsterInstance, kept: Kept, *, clock: datetime, but: str) -> int:
    """Removes ended runs with their events; how many. Those stay that made the newest materialization of an asset, and of each
    job and partition the newest ten. At most 5,000 at once: the next time takes the rest. Events without a run stay: Dagster
    has no way to remove some of them."""
    spared = {
        but,
        *(
            record.asset_entry.last_materialization.run_id
            for record in instance.get_asset_records()
            if record.asset_entry.last_materialization is not None
        ),
    }
    of_a_kind: Counter[tuple[str, str]] = Counter()
    going = []
    newest: datetime | None = None
    for record in _ended_runs(instance):
        run = record.dagster_run
        newest = newest or min(clock, record.create_timestamp.replace(tzinfo=UTC))
        kind = (run.job_name, run.tags.get("dagster/partition", ""))
        of_a_kind[kind] += 1
        if run.run_id in spared or of_a_kind[kind] <= RUNS_AT_LEAST:
            continue
        too_old = kept.days is not None and record.create_timestamp.replace(tzinfo=UTC) < newest - timedelta(
            days=kept.days
        )
        if too_old or (kept.newest is not None and of_a_kind[kind] > kept.newest):
            going.append(run.run_id)
    oldest_first = going[::-1][:_MOST_AT_ONCE]
    for run_id in oldest_first:
        instance.delete_run(run_id)
    return len(oldest_first)


def _ended_runs(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    """Newest first."""
    cursor = None
    while page := instance.get_run_records(dg.RunsFilter(statuses=_ENDED), limit=_PAGE, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id
