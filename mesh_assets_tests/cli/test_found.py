"""`mesh-assets estate find`: the plan as people and programs see it, and what it leaves behind."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner, Result

from mesh_assets.cli import estate as command
from mesh_assets.cli.estate import estate
from mesh_assets.fleet import looking
from mesh_assets.fleet.loading import load_estate
from mesh_assets.runs import find_clusters
from mesh_assets.runs.find_clusters import find_clusters_job, find_clusters_schedule
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.fleet.clouds import ESTATE, Clouds, lkc, msk

Find = Callable[..., Result]


@pytest.fixture
def clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clouds:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))
    clouds = Clouds(
        msk=[msk("orders"), msk("test-1")], environments_={"env-1": ("prod", [lkc("lkc-1", "Sales EU")])}
    )
    look = partial(looking.look_for_clusters, msk=clouds.list_msk, control_plane=clouds.control_plane)
    monkeypatch.setattr(looking, "look_for_clusters", look)
    monkeypatch.setattr(find_clusters, "look_for_clusters", look)
    return clouds


def find(*arguments: str) -> Result:
    return CliRunner().invoke(estate, ["find", *arguments], catch_exceptions=False)


def test_the_plan_is_a_table_with_reasons_and_what_to_do(clouds: Clouds) -> None:
    shown = find()
    assert shown.exit_code == 0
    heading, *lines = shown.output.splitlines()
    assert heading.split() == ["rule", "cluster", "id"]
    assert [line.split()[:3] for line in lines[:2]] == [["ADD", "eu", "msk-orders"], ["skipped", "eu", "-"]]
    assert lines[2:] == [
        "    its name 'test-1' is not among the rule's names",
        *(line for line in lines if line.startswith("ADD      cc    Sales-EU    lkc-1")),
        "",
        "2 clusters found, 2 changes. To take them in: mesh-assets estate find --apply",
    ]
    assert list(load_estate().clusters) == ["central"]
    assert clouds.msk


def test_apply_takes_them_in_and_a_second_time_changes_nothing(clouds: Clouds) -> None:
    assert find("--apply").output.endswith("2 clusters found, 2 changes applied.\n")
    assert list(load_estate().clusters) == ["central", "msk-orders", "Sales-EU"]
    assert find("--apply").output.endswith("2 clusters found; nothing changes.\n")

    clouds.msk = []
    assert find("--apply", "--forget-missing").output.endswith("1 cluster found, 1 change applied.\n")
    assert list(load_estate().clusters) == ["central", "Sales-EU"]


def test_estate_check_names_those_that_are_missing(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "check_estate", lambda *_: ())
    find("--apply")
    assert "Missing" not in CliRunner().invoke(estate, ["check"]).output

    clouds.msk = []
    find("--apply")
    shown = CliRunner().invoke(estate, ["check"]).output
    assert "Missing in the clouds\n  msk-orders (arn:aws:kafka:" in shown


def test_a_failed_list_is_reported_and_fails_the_command(clouds: Clouds) -> None:
    find("--apply")
    clouds.failing = {"msk"}

    shown = find()
    assert shown.exit_code == 1
    assert (
        "The list of rule eu is not complete, so missing clusters are not removed:\n  msk does not answer\n"
        in shown.output
    )

    answer = json.loads(find("--json").output)
    assert (answer["applied"], answer["failures"]) == (False, {"eu": ["msk does not answer"]})
    assert {(step["action"], step["cluster"]) for step in answer["clusters"]} == {
        ("unknown", "msk-orders"),
        ("unchanged", "Sales-EU"),
    }


def test_the_job_keeps_what_it_finds_warns_about_missing_clusters_and_fails_with_a_list(
    clouds: Clouds, capfd: pytest.CaptureFixture[str]
) -> None:
    assert find_clusters_job().execute_in_process().success
    assert list(load_estate().clusters) == ["central", "msk-orders", "Sales-EU"]

    clouds.msk = [msk("new")]
    clouds.failing = {"environments"}
    result = find_clusters_job().execute_in_process(raise_on_error=False)

    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert "rule cc: environments does not answer" in str(failure.step_failure_data.error)
    assert sorted(load_estate().clusters) == ["Sales-EU", "central", "msk-new", "msk-orders"]
    assert "is missing since" in capfd.readouterr().err


def test_the_schedule_is_off_until_someone_switches_it_on() -> None:
    schedule = find_clusters_schedule()
    assert (schedule.default_status, schedule.cron_schedule) == (
        dg.DefaultScheduleStatus.STOPPED,
        "17 * * * *",
    )


@pytest.mark.sandbox
def test_the_stand_in_for_confluent_cloud_is_found_and_can_be_reached(
    endpoints: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = yaml.safe_load(endpoints.estate_file.read_text())["clusters"]["data-mesh-cluster"]
    key = {name: named["control_plane"][name] for name in ("username", "password")}
    kafka = {name: named["kafka"][name] for name in ("username", "password")}
    rule = {"kind": "confluent_cloud", "name": "all", "url": named["control_plane"]["url"], **key}
    registry = {name: named["schema_registry"][name] for name in ("username", "password")}
    rule["cluster"] = {"kafka": kafka, "schema_registry": registry}
    (tmp_path / "estate.yaml").write_text(yaml.safe_dump({"found": {"rules": [rule]}}))
    (tmp_path / ".env").write_text((endpoints.estate_file.parent / ".env").read_text())
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(os, "environ", os.environ.copy())  # the variables of the `.env` stay in this test

    assert find("--apply").exit_code == 0

    [found] = load_estate().clusters.values()
    assert (found.cluster_id, found.environment and found.environment.id) == (
        named["cluster_id"],
        named["environment"]["id"],
    )
    assert found.kafka.bootstrap_servers == named["kafka"]["bootstrap_servers"]
    assert found.schema_registry is not None
    assert found.schema_registry.url == named["schema_registry"]["url"]
    checked = CliRunner().invoke(estate, ["check", "--json"])
    states = {one["system"]: one["state"] for one in json.loads(checked.output)}
    expected = dict.fromkeys(("kafka", "schema registry", "connect"), "ok")
    assert {system: states.get(system) for system in expected} == expected, checked.output
