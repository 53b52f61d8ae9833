"""A discovery as one call: what it leaves for Dagster, and what sensors learn meanwhile."""

import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.discovering.discovery import discover_cluster
from mesh_assets.discovering.under_way import who_discovers
from mesh_assets.discovering.unreported import (
    MOST_KEPT,
    Unreported,
    keep_unreported,
    read_unreported,
    unreported_keys,
)
from mesh_assets.errors import MeshError, StoreError, UnreachableError
from mesh_assets.estate.file import parse_estate
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.sections import Section, SectionName
from mesh_assets.masking.unexpected import UnexpectedError
from mesh_assets.snapshot.report import OUTSIDE, DiscoveryReport
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.discovering.a_report import REPORT
from mesh_assets_tests.discovering.faked import SECTIONS, a_change

ESTATE = parse_estate('clusters: {warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}', source="estate")
MANUAL = Trigger(type="manual")


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    return InventoryStore(open_store(str(tmp_path)))


def kept(store: InventoryStore) -> list[Unreported]:
    keys = [key for keys in unreported_keys(store.objects).values() for key in keys]
    return [found[0] for key in keys if (found := read_unreported(store.objects, key)) is not None]


@pytest.fixture
def _faked(monkeypatch: pytest.MonkeyPatch) -> None:
    def collect(*_: Any, **__: Any) -> dict[SectionName, Section]:
        return dict(SECTIONS)

    def publish(
        _estate: Any, name: str, _collected: Mapping[SectionName, Section], **told: Any
    ) -> tuple[DiscoveryReport, Sequence[Any], None]:
        return replace(REPORT, cluster=name, run_id=told["run_id"]), (a_change(),), None

    monkeypatch.setattr("mesh_assets.discovering.discovery.collect_sections", collect)
    monkeypatch.setattr("mesh_assets.discovering.discovery.publish_discovery", publish)


@pytest.mark.usefixtures("_faked")
def test_a_published_snapshot_is_kept_for_dagster_with_an_id_in_place_of_a_runs(
    store: InventoryStore,
) -> None:
    report = discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)

    [one] = kept(store)
    assert (one.cluster, one.sequence, one.run_id, one.moment) == (
        "warehouse",
        REPORT.sequence,
        report.run_id,
        REPORT.discovery_timestamp,
    )
    assert report.run_id.startswith(OUTSIDE)
    assert [asset.key for asset in one.assets] == [
        "inventory/topics",
        "inventory/metrics",
        "changes",
        "discovery_snapshot",
    ]


def test_sensors_know_of_a_discovery_while_it_reads_and_not_afterwards(
    store: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def collect(*_: Any, **__: Any) -> dict[SectionName, Section]:
        seen.append(who_discovers(store.objects, "warehouse", now=datetime.now(UTC)))
        raise UnreachableError("127.0.0.1:1 does not answer")

    monkeypatch.setattr("mesh_assets.discovering.discovery.collect_sections", collect)
    with pytest.raises(UnreachableError):
        discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)

    assert seen[0] is not None
    assert seen[0].run_id.startswith(OUTSIDE)
    assert who_discovers(store.objects, "warehouse", now=datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("error", "raised", "sentence"),
    [
        (
            UnreachableError("no answer, password=s3cr3t-Value_42"),
            UnreachableError,
            "no answer, password=********",
        ),
        (KeyError("s3cr3t"), UnexpectedError, "unexpected KeyError"),
    ],
    ids=["foreseen", "unforeseen"],
)
def test_the_reason_for_publishing_nothing_is_kept_for_dagster_masked(
    error: Exception,
    raised: type[MeshError],
    sentence: str,
    store: InventoryStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def collect(*_: Any, **__: Any) -> dict[SectionName, Section]:
        raise error

    monkeypatch.setattr("mesh_assets.discovering.discovery.collect_sections", collect)
    with pytest.raises(raised):
        discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)

    [one] = kept(store)
    assert one.failure is not None
    assert one.failure.startswith(sentence)
    assert one.assets == ()


@pytest.mark.usefixtures("_faked")
def test_a_snapshot_is_published_whether_or_not_dagster_can_be_informed(
    store: InventoryStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr("mesh_assets.discovering.discovery.keep_unreported", refuse)
    with caplog.at_level(logging.WARNING):
        report = discover_cluster(ESTATE, "warehouse", store=store, trigger=MANUAL)

    assert report.sequence == REPORT.sequence
    assert "snapshot 4 is published, but Dagster will not show it: the disk is full" in caplog.text


def test_a_cluster_that_the_estate_does_not_have_is_refused(store: InventoryStore) -> None:
    with pytest.raises(MeshError, match=r"no cluster 'nowhere' \(it has: warehouse\)"):
        discover_cluster(ESTATE, "nowhere", store=store, trigger=MANUAL)


def test_the_newest_and_one_failure_are_kept_while_nothing_informs_dagster(store: InventoryStore) -> None:
    for sequence in range(1, MOST_KEPT + 4):
        one = Unreported(
            cluster="warehouse", cluster_id="lkc-1", sequence=sequence, run_id="x", moment=datetime.now(UTC)
        )
        keep_unreported(store.objects, one)
        keep_unreported(store.objects, replace(one, failure=f"failure {sequence}"))

    published = [one.sequence for one in kept(store) if one.failure is None]
    assert published == list(range(4, MOST_KEPT + 4))
    assert [one.failure for one in kept(store) if one.failure is not None] == [f"failure {MOST_KEPT + 3}"]


def test_a_damaged_one_is_moved_aside_and_stops_no_other(store: InventoryStore) -> None:
    one = Unreported(
        cluster="warehouse", cluster_id="lkc-1", sequence=2, run_id="x", moment=datetime.now(UTC)
    )
    keep_unreported(store.objects, one)
    store.objects.put("unreported/warehouse/lkc-1/000000000001.json", b"damaged")

    assert kept(store) == [one]
    assert [len(keys) for keys in unreported_keys(store.objects).values()] == [1]
    assert store.objects.list("quarantine/unreported/") != []


@pytest.mark.slow
def test_before_a_discovery_begins_to_read_it_imports_nothing_heavy_that_it_does_not_need_for_that() -> None:
    code = "import sys, mesh_assets.cli.discover; sys.exit(not {'dagster', 'pandas', 'pyarrow', 'rich'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
