"""The sensors as Dagster has them."""

import json
import time
from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.definitions import defs
from mesh_assets.defs.resources import estate_resource, store_resource
from mesh_assets.errors import MeshError
from mesh_assets.runs.requests import interval_seconds, pause_unit_seconds
from mesh_assets.sensing.cursor import SensorCursor, encode_cursor
from mesh_assets_tests.estates import TWO_CLUSTERS

TICKS = {"schema_changes": 30, "connector_failures": 18, "resource_changes": 30}
"""Seconds between two ticks: a tenth of the interval between two looks at a cluster."""


@pytest.fixture(autouse=True)
def _estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "estate.yaml").write_text(TWO_CLUSTERS)
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("MESH_SENSOR_INTERVAL_SECONDS", raising=False)


@pytest.mark.parametrize(("name", "seconds"), TICKS.items())
def test_each_sensor_runs_by_default_and_launches_discoveries(name: str, seconds: int) -> None:
    sensor = defs().resolve_sensor_def(name)

    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == seconds
    assert sensor.job_name == "discovery"


def test_one_variable_shortens_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_SENSOR_INTERVAL_SECONDS", "5")

    assert {defs().resolve_sensor_def(name).minimum_interval_seconds for name in TICKS} == {5}


@pytest.mark.parametrize("name", TICKS)
def test_a_tick_on_an_undiscovered_estate_makes_no_request_and_says_so(
    name: str, instance: dg.DagsterInstance
) -> None:
    definitions = defs()
    repository = definitions.get_repository_def()

    resources = {"estate": estate_resource(), "store": store_resource()}
    with dg.build_sensor_context(
        instance=instance, repository_def=repository, resources=resources
    ) as context:
        data = definitions.resolve_sensor_def(name).evaluate_tick(context)

    assert data.run_requests == []
    assert (
        data.skip_message
        == "2 of 2 clusters looked at, nothing new; payments: no discovery yet; warehouse: no discovery yet"
    )
    assert set(json.loads(data.cursor or "")) == {"began"}


@pytest.mark.parametrize("name", TICKS)
def test_a_tick_between_two_rounds_reads_nothing_not_even_the_estate(
    name: str, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    definitions = defs()
    cursor = encode_cursor(SensorCursor(began=time.time()))
    (tmp_path / "estate.yaml").unlink()

    with dg.build_sensor_context(
        instance=instance,
        repository_def=definitions.get_repository_def(),
        resources={"estate": estate_resource(), "store": store_resource()},
        cursor=cursor,
    ) as context:
        data = definitions.resolve_sensor_def(name).evaluate_tick(context)

    assert "all clusters were looked at, again at" in str(data.skip_message)
    assert (data.run_requests, data.cursor) == ([], cursor)


def test_one_variable_shortens_all_intervals_and_the_pauses_after_failures() -> None:
    assert (interval_seconds(300, environment={}), pause_unit_seconds(environment={})) == (300, 60)
    shortened = {"MESH_SENSOR_INTERVAL_SECONDS": "5"}
    assert (interval_seconds(300, environment=shortened), pause_unit_seconds(environment=shortened)) == (5, 1)


@pytest.mark.parametrize("text", ["0", "-5", "5s", "0.5"])
def test_an_invalid_interval_is_refused(text: str) -> None:
    with pytest.raises(MeshError, match="expected a whole number of seconds"):
        interval_seconds(300, environment={"MESH_SENSOR_INTERVAL_SECONDS": text})
