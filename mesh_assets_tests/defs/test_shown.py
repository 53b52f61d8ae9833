"""What the assets hand on and show: the report as the snapshot's value, and tables of the first records."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mesh_assets.defs.resources import EstateResource, StoreResource, report_io_manager, section_io_manager
from mesh_assets.defs.section_metadata import shown_metadata, table_schema
from mesh_assets.defs.snapshot import SNAPSHOT_KEY, snapshot_assets
from mesh_assets.discovering.section_shown import section_columns, section_metadata
from mesh_assets.inventory.sections import SECTION_NAMES, TopicsSection
from mesh_assets_tests.discovering.a_report import REPORT
from mesh_assets_tests.documents import FRESH, a_topic
from mesh_assets_tests.estates import TWO_CLUSTERS

PARTITIONS = dg.StaticPartitionsDefinition(["warehouse", "payments"])


def topics(count: int) -> TopicsSection:
    return TopicsSection(
        cluster_id="lkc-1", state=FRESH, records=tuple(a_topic(f"topic-{number}") for number in range(count))
    )


@dg.multi_asset(
    outs={
        name: dg.AssetOut(key_prefix="inventory", io_manager_key="sections", is_required=False)
        for name in SECTION_NAMES
    },
    partitions_def=PARTITIONS,
    can_subset=True,
)
def collected() -> Iterator[dg.Output[TopicsSection]]:
    yield dg.Output(topics(1), output_name="topics")


def test_the_report_is_the_snapshots_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "estate.yaml").write_text(TWO_CLUSTERS)
    published: list[tuple[str, list[str]]] = []

    def publish(
        _estate: Any, name: str, sections: dict[str, Any], **_more: Any
    ) -> tuple[Any, tuple[()], None]:
        published.append((name, list(sections)))
        return REPORT, (), None

    monkeypatch.setattr("mesh_assets.discovering.discovery.publish_discovery", publish)

    result = dg.materialize(
        [collected, snapshot_assets(PARTITIONS)],
        selection=["inventory/topics", "changes", "discovery_snapshot"],
        partition_key="warehouse",
        resources={
            "estate": EstateResource(path=str(tmp_path / "estate.yaml")),
            "store": StoreResource(location=str(tmp_path / "store")),
            "sections": section_io_manager,
            "reports": report_io_manager,
        },
    )

    assert published == [("warehouse", ["topics"])]
    assert result.asset_value(SNAPSHOT_KEY) is REPORT


def test_a_tables_rows_have_the_columns_of_the_asset() -> None:
    metadata = shown_metadata(section_metadata(topics(2)))
    table = metadata["records (all)"]

    assert metadata["dagster/partition_row_count"] == 2
    assert "dagster/row_count" not in metadata, "that would be the rows of all partitions"
    assert table.schema == table_schema(section_columns("topics"))
    assert list(table.records[0].data) == [column.name for column in table.schema.columns]


def test_a_long_table_is_cut_and_says_so() -> None:
    table = shown_metadata(section_metadata(topics(201)))["records (first 200 of 201)"]

    assert len(table.records) == 200


def test_a_section_without_records_has_no_table() -> None:
    assert not any(name.startswith("records") for name in section_metadata(topics(0)))
