"""The job `analysis`: when it runs, and what its lineage says."""

from pathlib import Path

import dagster as dg
import pytest
from msgspec.structs import replace

from mesh_assets.answering.belonging import domain_results, relationship_results
from mesh_assets.answering.estate_lineage import lineage_results
from mesh_assets.answering.known_products import cost_results, product_results
from mesh_assets.definitions import defs
from mesh_assets.errors import StoreError
from mesh_assets.inventory.document import Document
from mesh_assets.runs.analysis_requests import request_analysis, requested_after
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import Pointer
from mesh_assets.store.results import latest_pointers
from mesh_assets_tests.documents import a_document
from mesh_assets_tests.mcp_server.served import today
from mesh_assets_tests.published import publish
from mesh_assets_tests.relationships.estates import a_cluster, avro
from mesh_assets_tests.runs.recorded import a_run

pytestmark = pytest.mark.slow

ESTATE = 'clusters:\n  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}\n  payments: {kafka: {bootstrap_servers: "127.0.0.1:2"}}\n'


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventoryStore:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))
    return InventoryStore(FolderStore(tmp_path / "store"))


@pytest.fixture
def pointer(store: InventoryStore) -> Pointer:
    """Up to the first snapshot of a cluster."""
    publish(store, a_document())
    found = latest_pointers(store, ["warehouse"])["warehouse"]
    assert found is not None
    return replace(found, sequence=7)


def after(pointer: Pointer | None, cursor: str | None) -> dg.SensorResult:
    return requested_after({"warehouse": pointer, "payments": None}, cursor=cursor)


def test_nothing_runs_before_the_first_discovery() -> None:
    result = after(None, None)

    assert not result.run_requests
    assert "discovered yet" in str(result.skip_reason)


def test_the_first_snapshot_is_analysed_once(pointer: Pointer) -> None:
    first = after(pointer, None)
    again = after(pointer, first.cursor)

    assert [request.tags["mesh/changed"] for request in first.run_requests or ()] == ["warehouse"]
    assert not again.run_requests
    assert "nothing changed" in str(again.skip_reason)


@pytest.mark.parametrize(
    ("fields", "runs"),
    [
        ({"sequence": 8, "changes": 0}, False),
        ({"sequence": 8, "changes": 3}, True),
        ({"sequence": 9, "changes": 0}, True),  # what 8 changed is unknown here
        ({"sequence": 1, "cluster_id": "another", "changes": 0}, True),
        ({"sequence": 3, "changes": 0}, True),  # the store was restored from a backup
    ],
)
def test_a_snapshot_is_analysed_if_its_inventory_changed(
    pointer: Pointer, fields: dict[str, object], runs: bool
) -> None:
    cursor = after(pointer, None).cursor
    later = replace(pointer, **fields)

    result = after(later, cursor)

    assert bool(result.run_requests) is runs
    assert not after(later, result.cursor).run_requests


def test_changes_after_an_unchanged_snapshot_are_analysed(pointer: Pointer) -> None:
    unchanged = replace(pointer, sequence=8, changes=0)
    cursor = after(unchanged, after(pointer, None).cursor).cursor

    assert after(replace(pointer, sequence=9, changes=1), cursor).run_requests


def test_a_cluster_that_leaves_the_estate_is_noticed(pointer: Pointer) -> None:
    both = {"warehouse": pointer, "payments": replace(pointer, cluster="payments", cluster_id="other")}
    cursor = requested_after(both, cursor=None).cursor

    [request] = requested_after({"warehouse": pointer}, cursor=cursor).run_requests or ()
    assert request.tags["mesh/changed"] == "payments"


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED])
def test_while_a_run_waits_or_runs_no_other_is_requested_and_afterwards_one_for_everything_new(
    store: InventoryStore, instance: dg.DagsterInstance, pointer: Pointer, status: dg.DagsterRunStatus
) -> None:
    assert pointer.cluster == "warehouse"
    run = a_run(instance, "", status, job="analysis")

    waits = request_analysis(instance, store, ["warehouse", "payments"], cursor="{}")
    instance.report_run_failed(run)
    after_it = request_analysis(instance, store, ["warehouse", "payments"], cursor=waits.cursor)

    assert (waits.run_requests, waits.cursor) == ([], "{}")
    assert f"run {run.run_id[:8]} is {status.value.lower()}" in str(waits.skip_reason)
    assert [request.tags["mesh/changed"] for request in after_it.run_requests or ()] == ["warehouse"]


def test_a_cursor_of_another_version_costs_one_run(pointer: Pointer) -> None:
    assert after(pointer, '{"warehouse": 7}').run_requests


def test_the_asset_keeps_the_graph_with_its_documents_and_shows_what_is_missing(
    store: InventoryStore, instance: dg.DagsterInstance
) -> None:
    publish(store, today())

    result = defs().resolve_job_def("analysis").execute_in_process(instance=instance)

    kept = lineage_results(store).get()
    assert kept is not None
    assert [(one.cluster, one.sequence) for one in kept.documents] == [
        ("warehouse", today().sequence),
        ("payments", None),
    ]
    assert "cluster payments has not been discovered yet" in kept.result.gaps
    assert any("no source for them" in gap for gap in kept.result.gaps)  # no AWS account is named
    [materialization] = [
        one
        for one in result.asset_materializations_for_node("analysis__lineage")
        if one.asset_key == dg.AssetKey(["analysis", "lineage"])
    ]
    metadata = {key: value.value for key, value in materialization.metadata.items()}
    assert (metadata["topics"], metadata["edges"]) == (3, len(kept.result.edges))
    assert "payments has not been discovered yet" in str(metadata["gaps"])
    assert "lineage (all)" in metadata


def test_the_job_keeps_products_with_their_tables_and_shows_them(
    store: InventoryStore, instance: dg.DagsterInstance
) -> None:
    orders = avro("orders-value", ("order_id", "string"), ("user_id", "string"))
    users = avro("users-value", ("user_id", "string"), ("name", "string"))
    publish(store, a_cluster(users, orders, topics=("users", "orders", "noise")))

    result = defs().resolve_job_def("analysis").execute_in_process(instance=instance)

    kept = product_results(store).get()
    assert kept is not None
    [product] = kept.result.products
    [materialization] = result.asset_materializations_for_node("analysis__data_products")
    metadata = {key: value.value for key, value in materialization.metadata.items()}
    assert (metadata["candidates"], metadata["topics"], metadata["outside"]) == (1, 2, 1)
    assert metadata["tables"] == {
        "data_products": 1,
        "data_product_topics": 2,
        "costs": len(cost_results(store).get().result.rows),  # type: ignore[union-attr]
    }
    assert "payments has not been discovered yet" in str(metadata["notes"])
    assert product.costs is not None
    assert store.objects.get("tables/data_products/data.parquet") is not None


def test_an_unreadable_document_fails_the_run_and_leaves_the_last_result(
    store: InventoryStore, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0.0)
    key = publish(store, today())
    job = defs().resolve_job_def("analysis")
    assert job.execute_in_process(instance=instance).success
    kept = store.objects.get("analysis/lineage.json")
    store.objects.delete(key)

    result = job.execute_in_process(instance=instance, raise_on_error=False)

    assert not result.success
    assert store.objects.get("analysis/lineage.json") == kept


def test_all_parts_of_a_run_share_one_decoding_of_a_document(
    store: InventoryStore, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, a_document())
    job = defs().resolve_job_def("analysis")  # loading it shows the document's things, with its own store
    decoded: list[str] = []
    decode = InventoryStore._decoded

    def counting(self: InventoryStore, key: str, data: bytes) -> Document:
        decoded.append(key)
        return decode(self, key, data)

    monkeypatch.setattr(InventoryStore, "_decoded", counting)
    kept = {"lineage", "relationships", "domains", "findings", "data_products", "report"}

    result = job.execute_in_process(instance=instance)

    assert {event.asset_key.path[-1] for event in result.get_asset_materialization_events()} >= kept  # type: ignore[union-attr]
    assert len(decoded) == 1


def test_relationships_and_domains_are_kept_beside_the_lineage_and_shown(
    store: InventoryStore, instance: dg.DagsterInstance
) -> None:
    schemas = (avro("users-value", ("user_id", "string")), avro("visits-value", ("userId", "string")))
    publish(store, a_cluster(*schemas, topics=("users", "visits", "noise")))

    result = defs().resolve_job_def("analysis").execute_in_process(instance=instance)

    relationships, domains = relationship_results(store).get(), domain_results(store).get()
    assert relationships is not None
    assert domains is not None
    assert relationships.documents == domains.documents
    assert [entity.topics for entity in relationships.result.entities] == [("users", "visits")]
    assert [one.name for one in domains.result.domains] == ["around user"]
    shown = {
        name: {key: value.value for key, value in one.metadata.items()}
        for name in ("relationships", "domains")
        for one in result.asset_materializations_for_node(f"analysis__{name}")
    }
    assert (shown["relationships"]["relationships"], shown["relationships"]["fields"]) == (1, 2)
    assert "entities (all)" in shown["relationships"]
    assert "not read (all)" in shown["relationships"]
    assert (shown["domains"]["by_community"], shown["domains"]["without_domain"]) == (2, 1)
    assert "without a domain (all)" in shown["domains"]


def test_the_report_is_written_beside_the_results_and_its_location_is_shown(
    store: InventoryStore, instance: dg.DagsterInstance
) -> None:
    publish(store, today())

    result = defs().resolve_job_def("analysis").execute_in_process(instance=instance)

    page = store.objects.get("analysis/report.html")
    assert page is not None
    assert page[0].startswith(b"<!doctype html>")
    [materialization] = result.asset_materializations_for_node("report")
    assert materialization.metadata["report"].value == store.objects.location("analysis/report.html")
    assert materialization.metadata["bytes"].value == len(page[0])
    assert "payments has not been discovered yet" in str(materialization.metadata["missing_or_old"].value)


def test_an_unwritable_report_fails_its_check_and_not_the_analysis(
    store: InventoryStore, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, today())

    def full(*_: object) -> str:
        raise StoreError("the disk of the store is full; password=hunter2")

    monkeypatch.setattr("mesh_assets.defs.report.keep_report", full)
    result = defs().resolve_job_def("analysis").execute_in_process(instance=instance)

    assert result.success
    [check] = [one for one in result.get_asset_check_evaluations() if one.check_name == "written"]
    assert not check.passed
    assert "disk of the store is full" in (check.description or "")
    assert "hunter2" not in (check.description or "")
    assert store.objects.get("analysis/report.html") is None
