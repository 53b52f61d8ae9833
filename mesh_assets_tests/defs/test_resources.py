"""Sections pass from step to step through the store, by run."""

from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.defs.resources import SectionIOManager, StoreResource
from mesh_assets.inventory.sections import Section, TopicsSection
from mesh_assets_tests.documents import FRESH, a_topic

SECTION = TopicsSection(cluster_id="lkc-1", state=FRESH, records=(a_topic(),))
PARTITIONS = dg.StaticPartitionsDefinition(["warehouse", "payments"])


@dg.multi_asset(
    outs={"topics": dg.AssetOut(key_prefix="inventory", io_manager_key="sections", is_required=False)},
    partitions_def=PARTITIONS,
    can_subset=True,
)
def collected() -> TopicsSection:
    return SECTION


def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selection: list[str], partition: str = "warehouse"
) -> list[Section | None]:
    loaded: list[Section | None] = []

    @dg.asset(
        ins={"topics": dg.AssetIn(key=["inventory", "topics"], input_manager_key="sections")},
        partitions_def=PARTITIONS,
    )
    def reader(topics: TopicsSection | None) -> None:
        loaded.append(topics)

    monkeypatch.setenv("MESH_STORE", str(tmp_path))
    result = dg.materialize(
        [collected, reader],
        selection=selection,
        partition_key=partition,
        resources={"sections": SectionIOManager(StoreResource())},
    )
    assert result.success
    return loaded


def test_a_section_of_the_same_run_arrives_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(tmp_path, monkeypatch, ["inventory/topics", "reader"]) == [SECTION]


def test_a_section_of_an_earlier_run_is_not_taken_for_one_of_this_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, monkeypatch, ["inventory/topics"])

    assert run(tmp_path, monkeypatch, ["reader"]) == [None]
