"""The job `profiling`: what its checks say about an estate that can be sampled, cannot, or allows nothing."""

import json
from pathlib import Path

import dagster as dg
import pytest
from msgspec.structs import replace

from mesh_assets.definitions import defs
from mesh_assets.defs import data_quality
from mesh_assets.estate.policy import Policy
from mesh_assets.expectations.records import expectation_results
from mesh_assets.expectations.rules import Judging, policy_rules
from mesh_assets.profiling import estate as profiling_estate
from mesh_assets.profiling.records import DataQuality
from mesh_assets.profiling.results import profile_results
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.profiling.logs import InMemory, Log, a_record, numbered, profile

MARKER = "very-private-words"
ESTATE = """
clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1", timeout_seconds: 1}, allow_message_reading: [%s]}
"""


def a_world() -> InMemory:
    values = [{"id": f"{MARKER}{n}", **({} if n == 7 else {"note": MARKER})} for n in range(40)]
    records = [a_record(json.dumps(one).encode(), key=b"%d" % n) for n, one in enumerate(values)]
    return InMemory({"orders": Log(numbered(records))})


def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance, *, allowed: str
) -> dg.ExecuteInProcessResult:
    (folder / "estate.yaml").write_text(ESTATE % allowed)
    monkeypatch.setenv("MESH_ESTATE", str(folder / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(folder / "store"))
    return defs().resolve_job_def("profiling").execute_in_process(instance=instance, raise_on_error=False)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, str]]:
    return {
        one.check_name: (one.passed, one.description or "") for one in result.get_asset_check_evaluations()
    }


def kept(folder: Path) -> DataQuality:
    found = profile_results(InventoryStore(FolderStore(folder / "store"))).get()
    assert found is not None
    return found.result


def test_faults_fail_their_checks_and_no_value_is_in_the_run_or_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    world = a_world()
    whole = profiling_estate.profile_estate
    monkeypatch.setattr(
        profiling_estate,
        "profile_estate",
        lambda *of, **named: whole(*of, **{**named, "open_clients": world.open}),
    )
    result = run(tmp_path, monkeypatch, instance, allowed='"*"')
    assert result.success
    found = checks(result)
    assert found["incomplete_field"] == (
        False,
        "warehouse: orders: note is missing or null in 1 of 40 records",
    )
    assert {name for name, (passed, _) in found.items() if not passed} == {"incomplete_field"}
    assert kept(tmp_path).profile("warehouse", "orders") is not None
    store = InventoryStore(FolderStore(tmp_path / "store"))
    assert expectation_results(store).get() is not None
    events = [str(one) for one in instance.all_logs(result.run_id)]
    assert [one for one in events if MARKER in one] == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if MARKER.encode() in path.read_bytes()] == []


def test_expectations_without_a_judged_sample_have_not_passed() -> None:
    expected = {"metric": "rowCount", "mustBeGreaterThan": 0}
    policy = Policy.model_validate(
        {
            "expectations": [
                {"name": "all", **expected},
                {"name": "failed", **expected, "topics": {"include": ["t1"]}},
                {"name": "nowhere", **expected, "topics": {"include": ["ordres"]}},
            ]
        }
    )
    judging = Judging(lambda cluster, topic: policy_rules(policy, cluster, topic))
    (one,) = profile(a_world(), on_sample=judging).profiles
    failed = replace(one, topic="t1", error="has no leader", faults=())
    quality = DataQuality(profiles=(one, failed), overlaps=(), unprofiled=(), not_allowed=0)
    found = data_quality.expectations_check(judging, quality, policy)
    assert not found.passed
    assert (found.description or "").splitlines() == [
        "memory: t1: not judged by all, failed: has no leader",
        "nowhere of the policy: selects no topic that was sampled; see whether its patterns are right and "
        "allow_message_reading includes the topics",
    ]


@pytest.mark.slow
def test_an_unreachable_cluster_fails_one_check_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    result = run(tmp_path, monkeypatch, instance, allowed='"*"')
    assert result.success
    found = checks(result)
    assert {name for name, (passed, _) in found.items() if not passed} == {"sampled"}
    assert "127.0.0.1:1" in found["sampled"][1]


def test_an_estate_that_allows_nothing_is_not_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    result = run(tmp_path, monkeypatch, instance, allowed="")
    assert result.success
    assert all(passed for passed, _ in checks(result).values())
    assert [one.nothing_allowed for one in kept(tmp_path).unprofiled] == [True]


def test_the_schedule_runs_once_a_day() -> None:
    schedule = data_quality.profiling_schedule()
    assert (schedule.cron_schedule, schedule.job_name) == ("15 4 * * *", "profiling")


def test_a_long_list_of_faults_is_cut_and_counted() -> None:
    (one,) = profile(a_world()).profiles
    many = tuple(replace(one, topic=f"t{number}") for number in range(30))
    quality = DataQuality(profiles=many, overlaps=(), unprofiled=(), not_allowed=0)
    found = {check.check_name: check for check in data_quality.fault_checks(quality)}
    assert (found["incomplete_field"].description or "").endswith("and 10 more")
    assert found["wrong_type"].description == "none in 30 topics"
