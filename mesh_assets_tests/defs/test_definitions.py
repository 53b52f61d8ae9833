"""What Dagster sees: the names that users and other projects rely on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from mesh_assets.definitions import defs
from mesh_assets.defs.resources import store_resource
from mesh_assets.errors import EstateError
from mesh_assets.estate.findings import FINDING_KINDS
from mesh_assets.fleet import in_force
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.profiling.records import FaultKind
from mesh_assets.runs.partitions import ClusterPartitions
from mesh_assets_tests.estates import TWO_CLUSTERS


@pytest.fixture
def definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    (tmp_path / "estate.yaml").write_text(TWO_CLUSTERS)
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))
    return defs()


def test_the_definitions_load_and_have_the_agreed_names(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)

    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert keys == {
        "inventory/topics",
        "inventory/connectors",
        "inventory/schemas",
        "inventory/consumer_groups",
        "inventory/metrics",
        "inventory/brokers",
        "inventory/access",
        "inventory/transactions",
        "inventory/cluster_links",
        "changes",
        "discovery_snapshot",
        "esm/event_source_mappings",
        "analysis/lineage",
        "analysis/relationships",
        "analysis/domains",
        "analysis/findings",
        "analysis/data_products",
        "analysis/usual_gaps",
        "analysis/data_quality",
        "analysis/report",
    }
    checks = {check.to_user_string() for check in definitions.resolve_asset_graph().asset_check_keys}
    assert checks == {
        "discovery_snapshot:current",
        *(f"analysis/findings:{kind}" for kind in FINDING_KINDS),
        *(f"analysis/data_quality:{name}" for name in (*get_args(FaultKind), "sampled", "expectations")),
        "analysis/report:written",
        *(f"esm/event_source_mappings:{name}" for name in ("enabled", "last_result_ok", "not_lagging")),
        *(f"inventory/{name}:complete" for name in SECTION_NAMES),
    }


def test_there_is_one_partition_per_cluster(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("discovery")

    assert job.partitions_def is not None
    assert list(job.partitions_def.get_partition_keys()) == ["warehouse", "payments"]


def test_the_schedule_runs_every_six_hours_and_requests_a_run_of_each_cluster(
    definitions: dg.Definitions,
) -> None:
    schedule = definitions.resolve_schedule_def("discovery_schedule")
    moment = datetime(2026, 11, 23, 18, tzinfo=UTC)

    with dg.build_schedule_context(
        scheduled_execution_time=moment, repository_def=definitions.get_repository_def()
    ) as context:
        tick = schedule.evaluate_tick(context)

    assert schedule.cron_schedule == "0 */6 * * *"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert [(request.partition_key, request.tags["mesh/trigger"]) for request in tick.run_requests or ()] == [
        ("warehouse", "schedule"),
        ("payments", "schedule"),
    ]
    assert len({request.run_key for request in tick.run_requests or ()}) == 2


def test_loaded_definitions_follow_the_estate_file(
    definitions: dg.Definitions,
    tmp_path: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a permanent code server: Dagster checks the partition of each run that a tick requests."""
    monkeypatch.setattr(in_force, "_SECONDS_BETWEEN_LOOKS", 0.0)
    sensor = definitions.resolve_sensor_def("estate_file")
    schedule = definitions.resolve_schedule_def("discovery_schedule")
    repository = definitions.get_repository_def()

    def tick(cursor: str | None) -> SensorExecutionData:
        resources = {"store": store_resource()}
        with dg.build_sensor_context(
            instance, cursor=cursor, repository_def=repository, resources=resources
        ) as context:
            return sensor.evaluate_tick(context)

    def scheduled() -> list[str | None]:
        with dg.build_schedule_context(
            instance, datetime(2026, 11, 23, 18, tzinfo=UTC), repository_def=repository
        ) as context:
            return [request.partition_key for request in schedule.evaluate_tick(context).run_requests or ()]

    cursor = tick(None).cursor
    (tmp_path / "estate.yaml").write_text(TWO_CLUSTERS.replace("payments", "orders"))

    [request] = tick(cursor).run_requests or ()
    assert request.partition_key == "orders"
    assert scheduled() == ["warehouse", "orders"]

    (tmp_path / "estate.yaml").write_text("clusters: [")
    assert scheduled() == ["warehouse", "orders"]
    with pytest.raises(EstateError, match="the last good estate stays in force, with 2 clusters"):
        tick(cursor)
    in_force._of_this_process.cache_clear()
    assert list(ClusterPartitions().get_partition_keys()) == ["warehouse", "orders"]


def test_a_wrong_estate_stops_loading_with_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "nowhere.yaml"))

    with pytest.raises(EstateError, match="there is no estate file"):
        defs()


def test_no_output_is_kept_in_memory_alone(definitions: dg.Definitions) -> None:
    """Dagster refuses such outputs where each step has a process of its own, as in `dagster asset materialize`."""
    assert dg.mem_io_manager not in (definitions.resources or {}).values()


@pytest.mark.slow
def test_a_run_on_an_unreachable_cluster_fails_and_writes_nothing(
    definitions: dg.Definitions, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    result = definitions.resolve_job_def("discovery").execute_in_process(
        instance=instance, partition_key="warehouse", raise_on_error=False
    )

    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_key == "inventory"
    assert "127.0.0.1:1" in str(failure.step_failure_data.error)
    assert not (tmp_path / "store").exists()


def test_the_freshness_of_the_snapshot_follows_its_schedule(definitions: dg.Definitions) -> None:
    policies = {
        spec.key.to_user_string(): spec.freshness_policy for spec in definitions.resolve_all_asset_specs()
    }

    assert {key for key, policy in policies.items() if policy is not None} == {"discovery_snapshot"}
    assert policies["discovery_snapshot"] == dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=13), warn_window=timedelta(hours=7)
    )


def test_columns_are_those_of_the_contracts_and_the_tables_shown(definitions: dg.Definitions) -> None:
    columns = {
        spec.key.to_user_string(): spec.metadata["dagster/column_schema"].columns
        for spec in definitions.resolve_all_asset_specs()
        if "dagster/column_schema" in spec.metadata
    }

    assert [column.name for column in columns["inventory/consumer_groups"]] == [
        "group_id",
        "type",
        "state",
        "members",
        "topics",
        "lag_records",
    ]
    types = {column.name: column.type for column in columns["changes"]}
    assert (types["id"], types["discovery_timestamp"], types["field"]) == (
        "string",
        "timestamp-millis",
        "string",
    )
    assert [column.name for column in columns["changes"] if column.constraints.nullable][:2] == [
        "field",
        "before",
    ]
    assert {column.name: column.type for column in columns["discovery_snapshot"]}["trigger"] == "Trigger"
