"""Reports of assets, which belong to no run, on Dagster's default storages: SQLite in files and in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.components.reporting import keep_event
from mesh_assets.estate.retention import Kept
from mesh_assets.runs.report_pruning import prune_reports

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ORDERS, USERS = dg.AssetKey(["kafka", "orders"]), dg.AssetKey(["kafka", "users"])


@pytest.fixture(params=["files", "memory"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    if request.param == "memory":
        with dg.DagsterInstance.ephemeral() as made:
            yield made
    else:
        with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
            yield made


def report(
    instance: dg.DagsterInstance, key: dg.AssetKey, *, days_ago: float, partition: str | None = None
) -> None:
    event = dg.AssetMaterialization(key, partition=partition, tags={"dagster/data_version": str(days_ago)})
    keep_event(instance, event, "a report", at=NOW - timedelta(days=days_ago))


def ages(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[str]:
    """The remaining ones, newest first."""
    found = instance.fetch_materializations(key, limit=100).records
    return [str((one.asset_materialization.tags or {})["dagster/data_version"]) for one in found]  # type: ignore[union-attr]


def test_old_reports_are_pruned_but_the_newest_of_each_asset_and_partition_stays_however_old(
    instance: dg.DagsterInstance,
) -> None:
    for days in (200, 150, 100, 10, 1):
        report(instance, ORDERS, days_ago=days)
    for days in (300, 250):
        report(instance, USERS, days_ago=days)
        report(instance, USERS, days_ago=days + 1, partition="warehouse")

    assert prune_reports(instance, Kept(days=90), clock=NOW) == 5
    assert ages(instance, ORDERS) == ["10", "1"][::-1]
    assert sorted(ages(instance, USERS)) == ["250", "251"]
    assert prune_reports(instance, Kept(days=90), clock=NOW) == 0
    assert instance.get_latest_materialization_event(USERS) is not None


def test_what_a_run_made_is_left_to_the_runs_and_a_fast_clock_removes_nothing(
    instance: dg.DagsterInstance,
) -> None:
    @dg.asset(key=ORDERS)
    def orders() -> None: ...

    dg.materialize([orders], instance=instance)
    report(instance, ORDERS, days_ago=2)
    report(instance, ORDERS, days_ago=1)

    assert prune_reports(instance, Kept(days=90), clock=NOW + timedelta(days=10_000)) == 0
    assert prune_reports(instance, Kept(newest=1), clock=NOW) == 0
    assert len(instance.fetch_materializations(ORDERS, limit=100).records) == 3


def test_pruning_reports_stops_in_time_and_continues_next_time(instance: dg.DagsterInstance) -> None:
    for days in (200, 150, 1):
        report(instance, ORDERS, days_ago=days)

    assert prune_reports(instance, Kept(days=90), clock=NOW, seconds=-1.0) == 0
    assert prune_reports(instance, Kept(days=90), clock=NOW) == 2
