"""The asset `analysis/findings`: what it keeps, shows and checks."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from msgspec.structs import replace

from mesh_assets.definitions import defs
from mesh_assets.defs.findings import FINDINGS_KEY
from mesh_assets.estate.findings import FINDING_KINDS
from mesh_assets.findings.history import findings_results
from mesh_assets.inventory.document import Document
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_topic
from mesh_assets_tests.published import publish

pytestmark = pytest.mark.slow

ESTATE = """clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}
  payments: {kafka: {bootstrap_servers: "127.0.0.1:2"}}
findings: {mute: [{kind: missing_schema, reason: "no schemas here"}]}
"""
ILL = a_document(
    topics=(a_topic("orders", config={"cleanup.policy": "delete"}),),
    connectors=(a_connector("shop", status="FAILED"),),
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventoryStore:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))
    return InventoryStore(FolderStore(tmp_path / "store"))


def run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = defs().resolve_job_def("analysis")
    return job.execute_in_process(instance=instance, asset_selection=[FINDINGS_KEY])


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    [event] = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def later(document: Document, *, days: float) -> Document:
    return replace(
        document, sequence=document.sequence + 1, discovery_timestamp=MOMENT + timedelta(days=days)
    )


def test_each_kind_has_a_check_that_fails_by_unmuted_findings(
    store: InventoryStore, instance: dg.DagsterInstance
) -> None:
    publish(store, ILL)

    result = run(instance)

    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert tuple(checks) == FINDING_KINDS
    assert [name for name, check in checks.items() if not check.passed] == ["failed_connector"]
    failed = checks["failed_connector"]
    assert failed.severity is dg.AssetCheckSeverity.ERROR
    assert str(failed.description).startswith("warehouse: shop: is FAILED; reads orders\nRead the trace")
    assert checks["missing_schema"].metadata["muted"].value == 1
    metadata = metadata_of(result)
    assert (metadata["critical"], metadata["muted"], metadata["not_discovered"]) == (1, 1, "payments")
    assert "findings (all)" in metadata


def test_the_next_run_says_since_when_and_what_was_resolved(
    store: InventoryStore, instance: dg.DagsterInstance
) -> None:
    publish(store, ILL)
    run(instance)
    publish(store, later(ILL, days=1))
    run(instance)
    kept = findings_results(store).get()
    assert kept is not None
    [cluster] = kept.result.clusters
    assert {one.since for one in cluster.findings} == {MOMENT}
    publish(store, later(replace(ILL, connectors=(), sequence=2), days=2))

    assert metadata_of(run(instance))["gone_lately"] == 1


def test_a_week_of_documents_shows_what_is_unused(
    store: InventoryStore, instance: dg.DagsterInstance
) -> None:
    alone = replace(ILL, connectors=())
    publish(store, alone)
    publish(store, later(alone, days=3))
    publish(store, later(replace(alone, sequence=2), days=7))

    result = run(instance)

    [unused] = [one for one in result.get_asset_check_evaluations() if not one.passed]
    assert unused.check_name == "unused_topic"
    assert unused.severity is dg.AssetCheckSeverity.WARN
    assert "orders: 10 records, none written since 2026-11-23 16:40 UTC" in str(unused.description)


def test_a_damaged_result_affects_the_times_and_not_the_run(
    store: InventoryStore, instance: dg.DagsterInstance
) -> None:
    publish(store, ILL)
    store.objects.put(findings_results(store).key, b"{")

    assert run(instance).success
    kept = findings_results(store).get()
    assert kept is not None
    assert len(kept.result.clusters) == 1
