"""Our values for Dagster's own chart: judged by the kept part of its schema, and equal to `dagster.yaml` where they say the same."""

import re
from typing import Any

import pytest
import yaml

from mesh_assets_tests.deploy.dagster_chart import (
    VALUES,
    instance_faults,
    reduced,
    schema_of_values,
    unknown_keys,
    value_faults,
)
from mesh_assets_tests.deploy.helm import DEPLOY, merge, read

ROOT = DEPLOY.parent


def test_the_chart_accepts_the_values() -> None:
    assert value_faults(read(*VALUES), schema_of_values()) == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"dagsterDaemon": {"resource": {}}}, "'resource' was unexpected"),
    ({"dagsterDaemon": {"sensors": {"numWorkers": "eight"}}}, "'eight' is not"),
    ({"runLauncher": {"type": "DockerRunLauncher"}}, "'DockerRunLauncher' is not one of"),
    (
        {"computeLogManager": {"config": {"s3ComputeLogManager": {"buckets": "a"}}}},
        "'buckets' was unexpected",
    ),
]


@pytest.mark.parametrize(("values", "complaint"), WRONG, ids=[complaint for _, complaint in WRONG])
def test_a_value_that_the_chart_does_not_accept_is_found(values: dict[str, Any], complaint: str) -> None:
    wrong = read(*VALUES)
    merge(wrong, values)
    faults = value_faults(wrong, schema_of_values())
    assert len(faults) == 1, faults
    assert complaint in faults[0] or "is not valid under any of the given schemas" in faults[0]


def test_limits_and_logs_are_those_of_every_other_instance() -> None:
    values, instance = read(*VALUES), yaml.safe_load((ROOT / "dagster.yaml").read_text())
    daemon = values["dagsterDaemon"]
    queue = daemon["runCoordinator"]["config"]["customRunCoordinator"]["config"]
    assert (instance["concurrency"]["runs"] | instance["run_coordinator"]["config"]).items() <= queue.items()
    assert daemon["runMonitoring"]["maxRuntimeSeconds"] == instance["run_monitoring"]["max_runtime_seconds"]
    for kind in ("sensors", "schedules"):
        assert daemon[kind] == {
            "useThreads": instance[kind]["use_threads"],
            "numWorkers": instance[kind]["num_workers"],
            "numSubmitWorkers": instance[kind]["num_submit_workers"],
        }
    retries = values["scheduler"]["config"]["daemonScheduler"]["maxTickRetries"]
    assert retries == instance["scheduler"]["config"]["max_tick_retries"]
    assert values["pythonLogs"] == {
        "managedPythonLoggers": instance["python_logs"]["managed_python_loggers"],
        "pythonLogLevel": instance["python_logs"]["python_log_level"],
    }
    for kind, ticks in instance["retention"].items():
        assert ticks["purge_after_days"].items() <= values["retention"][kind]["purgeAfterDays"].items(), kind


def test_the_charts_version_is_dagsters_version_in_the_image() -> None:
    [installed] = re.findall(r"^dagster==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    for place in (VALUES[0], ROOT / "docs" / "deployment.md"):
        named = re.findall(r"--version (\d+\.\d+\.\d+)", place.read_text(encoding="utf-8"))
        assert named, place
        assert set(named) == {installed}, place


def test_a_run_is_bounded_and_nothing_runs_as_root() -> None:
    values = read(*VALUES)
    code = values["dagster-user-deployments"]["deployments"][0]
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    for bounded in (values["dagsterWebserver"], values["dagsterDaemon"], code, launcher):
        assert set(bounded["resources"]) == {"requests", "limits"}
        assert bounded["securityContext"]["readOnlyRootFilesystem"] is True
    for pod in (values["dagsterWebserver"], values["dagsterDaemon"], code):
        assert pod["podSecurityContext"]["runAsNonRoot"] is True


def test_the_kept_part_of_a_schema_judges_like_the_whole() -> None:
    whole: dict[str, Any] = {
        "$defs": {"Probe": {"type": "object", "properties": {"period": {"type": "integer"}, "path": {}}}},
        "properties": {
            "probe": {"anyOf": [{"$ref": "#/$defs/Probe"}, {"type": "null"}]},
            "hosts": {"type": "array", "items": {"type": "string", "title": "Host"}},
            "free": {"type": "object", "additionalProperties": True},
        },
        "required": ["free"],
    }
    values = {"probe": {"period": 3}, "hosts": ["a"]}
    kept = reduced(whole, values, whole)
    assert value_faults(values, kept) == []
    assert value_faults({"hosts": [1]}, kept) == ["$.hosts[0]: 1 is not of type 'string'"]
    assert len(value_faults({"probe": {"perod": 3}}, kept)) == 1
    assert list(unknown_keys(whole, {"prob": 1, "hosts": ["a"], "free": {"b": 1}}, whole)) == ["$.prob"]


def test_an_instance_that_dagster_would_not_accept_is_found() -> None:
    good = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert instance_faults(good) == []
    [fault] = instance_faults({**good, "run_quue": {}})
    assert 'unexpected config entry "run_quue"' in fault
    [fault] = instance_faults({"telemetry": {"enable": False}})
    assert 'unexpected config entry "enable"' in fault
    logs = {
        "module": "dagster_aws.s3",
        "class": "S3ComputeLogManager",
        "config": {"bucket": "a", "prefx": "b"},
    }
    [fault] = instance_faults({"compute_logs": logs})
    assert 'unexpected config entry "prefx"' in fault
