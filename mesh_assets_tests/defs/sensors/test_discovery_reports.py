"""What Dagster shows of discoveries outside its runs: the same as a run would have shown, at the time of the discovery."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

# Private, but what the UI queries (Dagster 1.13).
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from msgspec.structs import replace

from mesh_assets.components.reporting import keep_event
from mesh_assets.defs.inventory import inventory_assets
from mesh_assets.defs.resources import EstateResource, StoreResource, report_io_manager, section_io_manager
from mesh_assets.defs.sensors.discovery_reports import discovery_reports_sensor, tick
from mesh_assets.defs.snapshot import CHANGES_KEY, SNAPSHOT_KEY, snapshot_assets
from mesh_assets.discovering.discovery import discover_cluster
from mesh_assets.discovering.unreported import Unreported, keep_unreported, unreported_keys
from mesh_assets.errors import UnreachableError
from mesh_assets.estate.file import parse_estate
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.sections import SECTION_NAMES, Section, SectionName
from mesh_assets.joining.join import empty_section
from mesh_assets.snapshot.report import DiscoveryReport
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.discovering.a_report import REPORT
from mesh_assets_tests.discovering.faked import SECTIONS, a_change
from mesh_assets_tests.documents import MOMENT

TEXT = """clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}
  payments: {kafka: {bootstrap_servers: "127.0.0.1:2"}}
"""
ESTATE = parse_estate(TEXT, source="estate")
PARTITIONS = dg.StaticPartitionsDefinition(["warehouse", "payments"])
MANUAL = Trigger(type="manual")


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    store = InventoryStore(open_store(str(tmp_path / "store")))
    store.remember_cluster("warehouse", REPORT.cluster_id)
    return store


@pytest.fixture(autouse=True)
def _faked(monkeypatch: pytest.MonkeyPatch) -> None:
    def collect(_cluster: Any, wanted: Sequence[SectionName], **_: Any) -> dict[SectionName, Section]:
        return {name: section for name, section in SECTIONS.items() if name in wanted}

    def publish(
        _estate: Any, name: str, _collected: Mapping[SectionName, Section], **_: Any
    ) -> tuple[DiscoveryReport, Sequence[Any], None]:
        return replace(REPORT, cluster=name), (a_change(),), None

    monkeypatch.setattr("mesh_assets.discovering.discovery.collect_sections", collect)
    monkeypatch.setattr("mesh_assets.discovering.discovery.publish_discovery", publish)


def waiting(store: InventoryStore) -> int:
    return sum(len(keys) for keys in unreported_keys(store.objects).values())


def tell(instance: dg.DagsterInstance, store: InventoryStore, **other: Any) -> list[str]:
    lines, failed = tick(instance, ESTATE, ["warehouse"], store=store, **other)
    assert failed == []
    return lines


TOPICS_KEY, METRICS_KEY = dg.AssetKey(["inventory", "topics"]), dg.AssetKey(["inventory", "metrics"])
CHECKS = ((TOPICS_KEY, "complete"), (METRICS_KEY, "complete"), (SNAPSHOT_KEY, "current"))


def shown(instance: dg.DagsterInstance) -> dict[str, tuple[Any, ...]]:
    """What the UI shows of each asset and check of the cluster: partition, metadata, result."""
    found: dict[str, tuple[Any, ...]] = {}
    for key in (TOPICS_KEY, METRICS_KEY, CHANGES_KEY, SNAPSHOT_KEY):
        [record] = instance.fetch_materializations(key, limit=10).records
        made = record.asset_materialization
        assert made is not None
        found[key.to_user_string()] = (made.partition, made.metadata, made.description)
    for key, name in CHECKS:
        check = dg.AssetCheckKey(key, name)
        [execution] = instance.event_log_storage.get_asset_check_execution_history(check, limit=10)
        assert execution.event is not None
        assert execution.event.dagster_event is not None
        judged = execution.event.dagster_event.asset_check_evaluation_data
        found[check.to_user_string()] = (
            judged.partition,
            judged.passed,
            judged.severity,
            judged.description,
            judged.metadata,
        )
    return found


def test_dagster_shows_a_discovery_as_it_would_a_run(
    instance: dg.DagsterInstance, store: InventoryStore, tmp_path: Path
) -> None:
    (tmp_path / "estate.yaml").write_text(TEXT)
    run = dg.materialize(
        [inventory_assets(PARTITIONS), snapshot_assets(PARTITIONS)],
        selection=["inventory/topics", "inventory/metrics", "changes", "discovery_snapshot"],
        partition_key="warehouse",
        instance=instance,
        resources={
            "estate": EstateResource(path=str(tmp_path / "estate.yaml")),
            "store": StoreResource(location=str(tmp_path / "store")),
            "sections": section_io_manager,
            "reports": report_io_manager,
        },
    )
    assert run.success
    of_a_run = shown(instance)
    instance.wipe()
    discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)

    assert tell(instance, store) == ["warehouse: snapshot 4 is shown"]

    assert shown(instance) == of_a_run
    assert waiting(store) == 0
    assert tell(instance, store) == []


def test_a_discovery_is_shown_as_of_its_own_time_so_that_freshness_is_judged_by_it(
    instance: dg.DagsterInstance, store: InventoryStore
) -> None:
    discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)
    tell(instance, store)

    event = instance.get_latest_materialization_event(SNAPSHOT_KEY)
    assert event is not None
    assert event.timestamp == REPORT.discovery_timestamp.timestamp()


def test_what_was_derived_from_its_own_inventories_is_not_out_of_date(
    instance: dg.DagsterInstance, store: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = SECTIONS["topics"]
    everything = {name: empty_section(name, section.cluster_id, section.state) for name in SECTION_NAMES}
    monkeypatch.setattr("mesh_assets.discovering.discovery.collect_sections", lambda *_, **__: everything)
    discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)
    tell(instance, store)

    graph = dg.Definitions(
        assets=[inventory_assets(PARTITIONS), snapshot_assets(PARTITIONS)],
        resources={name: dg.ResourceDefinition.none_resource() for name in ("estate", "store")}
        | {"sections": section_io_manager, "reports": report_io_manager},
    ).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    for key in (TOPICS_KEY, CHANGES_KEY, SNAPSHOT_KEY):
        assert resolver.get_status(key, "warehouse") is StaleStatus.FRESH, key


def test_an_older_snapshot_is_neither_shown_over_a_newer_one_nor_twice(
    instance: dg.DagsterInstance, store: InventoryStore
) -> None:
    discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)
    tell(instance, store)
    before = shown(instance)
    discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)

    assert tell(instance, store) == ["warehouse: snapshot 4 is not shown: Dagster shows a newer one"]

    assert shown(instance) == before
    assert waiting(store) == 0


def test_several_discoveries_without_a_daemon_are_shown_in_order(
    instance: dg.DagsterInstance, store: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequences = iter((9, 10, 11))

    def publish(_estate: Any, name: str, *_: Any, **__: Any) -> tuple[DiscoveryReport, Sequence[Any], None]:
        return replace(REPORT, cluster=name, sequence=next(sequences)), (), None

    monkeypatch.setattr("mesh_assets.discovering.discovery.publish_discovery", publish)
    for _ in range(3):
        discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)

    moments = iter((0.0, 0.0, 100.0))
    first = tell(instance, store, seconds=50.0, clock=lambda: next(moments))
    rest = tell(instance, store)

    assert first == ["warehouse: snapshot 9 is shown", "the rest waits for the next tick"]
    assert rest == ["warehouse: snapshot 10 is shown", "warehouse: snapshot 11 is shown"]


def test_a_failure_is_an_observation_with_its_reason(
    instance: dg.DagsterInstance, store: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collect(*_: Any, **__: Any) -> dict[SectionName, Section]:
        raise UnreachableError("127.0.0.1:1 does not answer")

    monkeypatch.setattr("mesh_assets.discovering.discovery.collect_sections", collect)
    with pytest.raises(UnreachableError):
        discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)

    [line] = tell(instance, store)

    assert line.endswith("failed: 127.0.0.1:1 does not answer")
    [record] = instance.fetch_observations(SNAPSHOT_KEY, limit=10).records
    observed = record.asset_observation
    assert observed is not None
    assert (observed.partition, observed.metadata["failed"].value) == (
        "warehouse",
        "127.0.0.1:1 does not answer",
    )
    assert instance.get_latest_materialization_event(SNAPSHOT_KEY) is None


def test_a_failure_during_the_report_of_another_is_reported_next(
    instance: dg.DagsterInstance, store: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Unreported(cluster="warehouse", run_id="1", moment=MOMENT, failure="the broker is away")
    second = replace(first, run_id="2", failure="the key is wrong")
    keep_unreported(store.objects, first)

    def keep_and_fail_again(*arguments: Any, **rest: Any) -> None:
        keep_event(*arguments, **rest)
        keep_unreported(store.objects, second)

    monkeypatch.setattr("mesh_assets.defs.sensors.discovery_reports.keep_event", keep_and_fail_again)
    assert [line.rpartition(": ")[2] for line in tell(instance, store)] == [
        "the broker is away",
        "what came meanwhile waits for the next tick",
    ]
    monkeypatch.undo()
    assert [line.rpartition(": ")[2] for line in tell(instance, store)] == ["the key is wrong"]
    assert waiting(store) == 0


def test_a_cluster_without_a_partition_waits_and_one_gone_or_replaced_is_dropped(
    instance: dg.DagsterInstance, store: InventoryStore
) -> None:
    for cluster, cluster_id in (("payments", "lkc-2"), ("gone", "lkc-3"), ("warehouse", "lkc-before")):
        one = Unreported(
            cluster=cluster,
            cluster_id=cluster_id,
            sequence=1,
            run_id="x",
            moment=REPORT.discovery_timestamp + timedelta(hours=1),
        )
        keep_unreported(store.objects, one)

    lines = tell(instance, store)

    assert lines == ["warehouse: snapshot 1 is not shown: Dagster shows a newer one"]
    assert list(unreported_keys(store.objects)) == ["payments"]


def test_a_cluster_with_a_damaged_record_waits_and_delays_no_other(
    instance: dg.DagsterInstance, store: InventoryStore
) -> None:
    damaged = Unreported(cluster="payments", cluster_id="lkc-2", sequence=1, run_id="x", moment=MOMENT)
    keep_unreported(store.objects, damaged)
    store.objects.put("clusters/payments.json", b"{")
    discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)

    lines, [failed] = tick(instance, ESTATE, ["payments", "warehouse"], store=store)

    assert lines == ["warehouse: snapshot 4 is shown"]
    assert "payments.json" in failed
    assert list(unreported_keys(store.objects)) == ["payments"]


def test_a_record_of_a_later_version_is_refused_and_stays(
    instance: dg.DagsterInstance, store: InventoryStore
) -> None:
    later = Unreported(
        format=99, cluster="warehouse", cluster_id=REPORT.cluster_id, sequence=9, run_id="x", moment=MOMENT
    )
    keep_unreported(store.objects, later)

    lines, [failed] = tick(instance, ESTATE, ["warehouse"], store=store)

    assert lines == []
    assert "has format 99" in failed
    assert waiting(store) == 1


def test_the_sensor_fails_its_tick_for_a_cluster_that_cannot_be_reported(
    instance: dg.DagsterInstance, store: InventoryStore, tmp_path: Path
) -> None:
    (tmp_path / "estate.yaml").write_text(TEXT)
    resources = {
        "estate": EstateResource(path=str(tmp_path / "estate.yaml")),
        "store": StoreResource(location=str(tmp_path / "store")),
    }
    later = Unreported(
        format=99, cluster="warehouse", cluster_id="lkc-1", sequence=9, run_id="x", moment=MOMENT
    )
    keep_unreported(store.objects, later)

    with (
        dg.build_sensor_context(instance=instance, resources=resources) as context,
        pytest.raises(Exception, match="has format 99"),
    ):
        discovery_reports_sensor(PARTITIONS).evaluate_tick(context)


def test_the_sensor_says_what_it_reported_or_that_there_was_nothing(
    instance: dg.DagsterInstance, store: InventoryStore, tmp_path: Path
) -> None:
    (tmp_path / "estate.yaml").write_text(TEXT)
    resources = {
        "estate": EstateResource(path=str(tmp_path / "estate.yaml")),
        "store": StoreResource(location=str(tmp_path / "store")),
    }
    discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)
    sensor = discovery_reports_sensor(PARTITIONS)
    said = []
    for _ in range(2):
        with dg.build_sensor_context(instance=instance, resources=resources) as context:
            said.append(sensor.evaluate_tick(context).skip_message)

    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert said == ["warehouse: snapshot 4 is shown", "nothing was discovered outside of runs"]
