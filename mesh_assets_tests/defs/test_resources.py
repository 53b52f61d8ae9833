"""What the UI shows of the resources, and how sections pass from step to step, by run."""

from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.defs.resources import (
    EstateResource,
    StoreResource,
    estate_resource,
    section_io_manager,
    store_resource,
)
from mesh_assets.inventory.sections import Section, TopicsSection
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
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


def run(instance: dg.DagsterInstance, tmp_path: Path, selection: list[str]) -> list[Section | None]:
    loaded: list[Section | None] = []

    @dg.asset(
        ins={"topics": dg.AssetIn(key=["inventory", "topics"], input_manager_key="sections")},
        partitions_def=PARTITIONS,
    )
    def reader(topics: TopicsSection | None) -> None:
        loaded.append(topics)

    result = dg.materialize(
        [collected, reader],
        selection=selection,
        partition_key="warehouse",
        instance=instance,
        resources={"sections": section_io_manager, "store": StoreResource(location=str(tmp_path))},
    )
    assert result.success
    return loaded


def test_a_section_of_the_same_run_arrives_unchanged(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    assert run(instance, tmp_path, ["inventory/topics", "reader"]) == [SECTION]


def test_a_section_of_an_earlier_run_does_not_count_as_one_of_this_run(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run(instance, tmp_path, ["inventory/topics"])

    assert run(instance, tmp_path, ["reader"]) == [None]


def test_what_a_failed_run_read_is_in_the_store_for_the_run_that_resumes_it(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    @dg.asset(
        ins={"topics": dg.AssetIn(key=["inventory", "topics"], input_manager_key="sections")},
        partitions_def=PARTITIONS,
    )
    def reader(topics: TopicsSection | None) -> None:
        raise dg.Failure(f"has {topics is not None}")

    result = dg.materialize(
        [collected, reader],
        partition_key="warehouse",
        instance=instance,
        resources={"sections": section_io_manager, "store": StoreResource(location=str(tmp_path))},
        raise_on_error=False,
    )

    kept = InventoryStore(open_store(str(tmp_path))).get_section(result.run_id, "warehouse", "topics")
    assert (result.success, kept) == (False, SECTION)


def shown(resource: dg.ConfigurableResource) -> dict[str, object]:  # type: ignore[type-arg]
    """The values that Dagster's UI lists for a resource."""
    definitions = dg.Definitions(resources={"it": resource})
    [top_level] = definitions.get_repository_def().get_top_level_resources().values()
    return dict(top_level.config_schema.default_value)


def test_a_set_variable_is_shown_by_name_and_read_when_a_run_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESH_ESTATE", "mine.yaml")
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "one"))
    estate, store = estate_resource(), store_resource()
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "two"))

    assert shown(estate) == {"path": {"env": "MESH_ESTATE"}}
    with dg.build_resources({"store": store}) as resources:
        assert resources.store.location == str(tmp_path / "two")


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variables_the_defaults_apply(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MESH_ESTATE", "MESH_STORE"):
        monkeypatch.delenv(variable, raising=False)
        if value is not None:
            monkeypatch.setenv(variable, value)

    assert (estate_resource(), store_resource()) == (
        EstateResource(path="estate.yaml"),
        StoreResource(location=".mesh"),
    )
