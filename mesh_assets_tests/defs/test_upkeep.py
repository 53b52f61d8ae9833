"""The job `store_upkeep`, and which of Dagster's own data it removes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.definitions import defs
from mesh_assets.estate.retention import Kept, Retention
from mesh_assets.runs.pruning import RUNS_AT_LEAST, prune_runs
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.upkeep.stored import ID, a_history

ESTATE = """clusters: {warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}
retention: {documents: {days: 12}}
"""


def _run(
    instance: dg.DagsterInstance,
    job: str,
    *,
    partition: str = "a",
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
) -> str:
    run = dg.DagsterRun(job_name=job, status=status, tags={"dagster/partition": partition})
    instance.add_run(run)
    return run.run_id


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventoryStore:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))
    return InventoryStore(FolderStore(tmp_path / "store"))


def test_the_job_prunes_the_store_by_the_estate_and_says_what_it_did(
    store: InventoryStore, instance: dg.DagsterInstance
) -> None:
    keys = a_history(store, 16)
    definitions = defs()
    result = definitions.resolve_job_def("store_upkeep").execute_in_process(instance=instance)
    assert result.success
    assert [entry.key for entry in store.list_documents(ID)] == keys[3:]
    [metadata] = [
        event.step_output_data.metadata for event in result.all_events if event.is_successful_output
    ]
    assert {name: value.value for name, value in metadata.items()} == {
        "objects_removed": 6,
        "bytes_removed": metadata["bytes_removed"].value,
        "documents_packed": 0,
        "runs_removed": 0,
        "reports_removed": 0,
        "not_judged": 0,
    }
    schedule = definitions.resolve_schedule_def("store_upkeep_schedule")
    assert (schedule.cron_schedule, schedule.job_name) == ("50 4 * * *", "store_upkeep")


def test_of_each_job_and_partition_the_newest_runs_stay_and_the_oldest_go(
    instance: dg.DagsterInstance,
) -> None:
    of_a = [_run(instance, "discovery", partition="a") for _ in range(RUNS_AT_LEAST + 5)]
    of_b = [_run(instance, "discovery", partition="b") for _ in range(3)]
    assert prune_runs(instance, Kept(newest=12), clock=datetime.now(UTC), but="") == 3
    left = {record.dagster_run.run_id for record in instance.get_run_records()}
    assert left == {*of_a[3:], *of_b}
    assert prune_runs(instance, Kept(newest=1), clock=datetime.now(UTC), but="") == 2
    assert {record.dagster_run.run_id for record in instance.get_run_records()} == {*of_a[5:], *of_b}


def test_by_default_scheduled_runs_stay_for_the_time_and_no_job_accumulates_many_more() -> None:
    kept = Retention().dagster_runs
    assert kept.days is not None
    assert kept.newest is not None
    of_the_schedule = 4 * kept.days
    assert of_the_schedule < kept.newest < 1.5 * of_the_schedule


def test_recent_runs_stay_whatever_the_clock_says(instance: dg.DagsterInstance) -> None:
    for _ in range(RUNS_AT_LEAST + 2):
        _run(instance, "analysis")
    ahead = datetime.now(UTC) + timedelta(days=10_000)
    assert prune_runs(instance, Kept(days=1), clock=ahead, but="") == 0
    assert prune_runs(instance, Kept(days=1e-9), clock=ahead, but="") == 2


def test_the_run_of_an_assets_newest_materialization_stays(instance: dg.DagsterInstance) -> None:
    @dg.asset
    def orders() -> None: ...

    made = dg.materialize([orders], instance=instance)
    for _ in range(RUNS_AT_LEAST + 1):
        _run(instance, made.dagster_run.job_name, partition="")
    assert prune_runs(instance, Kept(newest=1), clock=datetime.now(UTC), but="") == 1
    assert instance.get_run_by_id(made.run_id) is not None


def test_a_partition_stays_made_however_many_runs_have_failed_since(instance: dg.DagsterInstance) -> None:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
    def topics() -> None: ...

    for key in "aab":
        made = dg.materialize([topics], instance=instance, partition_key=key)
    for _ in range(RUNS_AT_LEAST):
        _run(instance, made.dagster_run.job_name, status=dg.DagsterRunStatus.FAILURE)
    assert prune_runs(instance, Kept(newest=1), clock=datetime.now(UTC), but="") == 1
    assert instance.get_materialized_partitions(topics.key) == {"a", "b"}


@pytest.mark.slow
def test_check_results_of_a_run_go_with_it_and_those_of_others_stay(
    instance: dg.DagsterInstance,
) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("complete", asset="orders")])
    def orders() -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
        yield dg.Output(None)
        yield dg.AssetCheckResult(passed=True)

    runs = [dg.materialize([orders], instance=instance).run_id for _ in range(RUNS_AT_LEAST + 2)]
    key = dg.AssetCheckKey(dg.AssetKey("orders"), "complete")

    assert prune_runs(instance, Kept(newest=1), clock=datetime.now(UTC), but="") == 2

    left = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    assert {one.run_id for one in left} == set(runs[2:])


def test_pruning_stops_in_time_and_continues_next_time(instance: dg.DagsterInstance) -> None:
    for _ in range(RUNS_AT_LEAST + 3):
        _run(instance, "analysis")

    assert prune_runs(instance, Kept(newest=1), clock=datetime.now(UTC), but="", seconds=-1.0) == 0
    assert prune_runs(instance, Kept(newest=1), clock=datetime.now(UTC), but="") == 3


def test_unfinished_runs_stay(instance: dg.DagsterInstance) -> None:
    for _ in range(RUNS_AT_LEAST + 2):
        instance.add_run(dg.DagsterRun(job_name="discovery", status=dg.DagsterRunStatus.STARTED))
    assert prune_runs(instance, Kept(newest=1), clock=datetime.now(UTC), but="") == 0
