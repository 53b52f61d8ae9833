"""`analysis/usual_gaps`: how long each topic usually waits for its next record."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.section_metadata import table_metadata
from mesh_assets.defs.snapshot import SNAPSHOT_KEY
from mesh_assets.readings.history import Chunk, ReadingHistory
from mesh_assets.readings.reading import resource_of
from mesh_assets.readings.usual_gaps import EstateGaps, usual_gaps
from mesh_assets.runs.failures import masking_failures
from mesh_assets.store.results import ResultStore, documents_read, latest_pointers

USUAL_GAPS_KEY = dg.AssetKey(["analysis", "usual_gaps"])


def usual_gaps_asset(*, retry_seconds: float = 5) -> dg.AssetsDefinition:
    @dg.asset(
        key=USUAL_GAPS_KEY,
        group_name="analysis",
        kinds={"kafka"},
        deps=[SNAPSHOT_KEY],
        description="How long each topic usually waits for its next record, from two weeks of readings: what freshness is judged by.",
        # Only reads, and replaces the result as a whole, so retrying is safe.
        retry_policy=dg.RetryPolicy(max_retries=1, delay=retry_seconds),
    )
    @masking_failures
    def gaps(estate: EstateResource, store: StoreResource) -> dg.MaterializeResult[None]:
        inventories = store.store()
        pointers = latest_pointers(inventories, estate.estate().clusters)
        found = {
            one.cluster_id: usual_gaps(_chunks(ReadingHistory(inventories.objects, one.cluster_id)))
            for one in pointers.values()
            if one is not None
        }
        result = EstateGaps(clusters=found)
        location = ResultStore(inventories, "usual_gaps", EstateGaps).put(
            result, documents=documents_read(pointers), made_at=datetime.now(UTC)
        )
        return dg.MaterializeResult(asset_key=USUAL_GAPS_KEY, metadata=_metadata(result, location))

    return gaps


def usual_gaps_schedule() -> dg.ScheduleDefinition:
    """Not part of the job `analysis`: two weeks of readings of 9,000 topics take 7 s of CPU, and say nearly the same each
    day."""
    return dg.ScheduleDefinition(
        name="usual_gaps_schedule",
        target=dg.AssetSelection.assets(USUAL_GAPS_KEY),
        cron_schedule="45 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Once a day.",
    )


def _chunks(history: ReadingHistory) -> Iterator[Chunk]:
    for entry in history.entries():
        yield from history.load([entry])


def _metadata(found: EstateGaps, location: str) -> dict[str, Any]:
    rows = [
        (cluster, resource_of(series), gap)
        for cluster, gaps in found.clusters.items()
        for series, gap in sorted(gaps.items(), key=lambda one: -one[1].longest_seconds)
    ]
    return {
        "dagster/row_count": len(rows),
        "result": location,
        **table_metadata(
            "usual gaps",
            rows,
            lambda row: {
                "cluster": row[0],
                "topic": row[1],
                "longest_seconds": row[2].longest_seconds,
                "gaps": row[2].gaps,
            },
        ),
    }
