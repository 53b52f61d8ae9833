"""`examples/downstream`: a project of another team, whose asset runs when records arrive and not otherwise."""

import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mesh_assets.components.reporting import report_records, section_ends
from mesh_assets.inventory.sections import TopicsSection
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import FRESH, a_document, a_topic
from mesh_assets_tests.example import TOPIC, TOTALS, example_in
from mesh_assets_tests.published import publish


@pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")
@pytest.mark.filterwarnings("ignore:.*is currently in (beta|preview)")
def test_records_request_a_run_of_their_dependents_and_nothing_else_does(
    instance: dg.DagsterInstance, location: str, tmp_path: Path
) -> None:
    """From the example's files, on a store that a discovery filled, evaluated as Dagster's daemon does."""
    store = InventoryStore(open_store(location))
    publish(store, a_document(topics=(a_topic(TOPIC), a_topic("others"))))
    with example_in(tmp_path / "project", store=location):
        from downstream.definitions import defs  # type: ignore[import-not-found]

        definitions = defs()

        def report() -> int:
            section = TopicsSection(
                cluster_id="lkc-1", state=FRESH, records=(a_topic(TOPIC), a_topic("others"))
            )
            return report_records(
                instance,
                store.objects,
                lambda: section_ends(section),
                cluster="warehouse",
                cluster_id="lkc-1",
                seconds=60,
            ).reported

        def requested(cursor: Any) -> tuple[int, Any]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", dg.BetaWarning)
                result = dg.evaluate_automation_conditions(definitions, instance=instance, cursor=cursor)
            return result.total_requested, result.cursor

        before, cursor = requested(None)
        told = report()
        arrived, cursor = requested(cursor)
        again = report()
        quiet, _ = requested(cursor)

    assert {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()} == {
        TOTALS.to_user_string(),
        f"warehouse/topics/{TOPIC}",
    }
    assert (before, told, arrived, again, quiet) == (0, 1, 1, 0, 0)
