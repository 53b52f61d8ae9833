"""The assets `analysis/*`, over all clusters, their job, and the sensor that runs it after snapshots with changes."""

import hashlib
from collections.abc import Mapping

import dagster as dg
import msgspec

from mesh_assets.components.mounted import keep_mounted, own_definitions
from mesh_assets.defs.belonging import domains_asset, relationships_asset
from mesh_assets.defs.data_quality import (
    DATA_QUALITY_KEY,
    data_quality_asset,
    profiling_job,
    profiling_schedule,
)
from mesh_assets.defs.findings import findings_asset, findings_schedule
from mesh_assets.defs.lineage import lineage_asset
from mesh_assets.defs.products import data_products_asset
from mesh_assets.defs.report import report_asset
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.usual_gaps import USUAL_GAPS_KEY, usual_gaps_asset, usual_gaps_schedule
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.wording import listed
from mesh_assets.runs.failures import masking_failures
from mesh_assets.runs.requests import interval_seconds
from mesh_assets.store.pointers import Pointer
from mesh_assets.store.results import latest_pointers

ANALYSIS_JOB = "analysis"
GROUP = "analysis"
_INTERVAL_SECONDS = 60


@dg.definitions
def analysis() -> dg.Definitions:
    return dg.Definitions(
        assets=[
            lineage_asset(),
            relationships_asset(),
            domains_asset(),
            findings_asset(),
            data_products_asset(),
            report_asset(),
            usual_gaps_asset(),
            data_quality_asset(),
        ],
        jobs=[
            dg.define_asset_job(
                ANALYSIS_JOB,
                selection=dg.AssetSelection.groups(GROUP)
                - dg.AssetSelection.assets(USUAL_GAPS_KEY, DATA_QUALITY_KEY),
                description="What follows from the newest documents of all clusters. Reads them from the store.",
            ),
            profiling_job(),
        ],
        schedules=[findings_schedule(), usual_gaps_schedule(), profiling_schedule()],
        sensors=[analysis_sensor()],
    )


class Analysed(Record, frozen=True, kw_only=True):
    """The snapshot of a cluster that an analysis was asked for."""

    cluster_id: str
    sequence: int


def analysis_sensor() -> dg.SensorDefinition:
    """It looks at the store, not at Dagster's events, so it also sees what `mesh-assets discover` published."""

    @dg.sensor(
        name="analysis_sensor",
        job_name=ANALYSIS_JOB,
        minimum_interval_seconds=interval_seconds(_INTERVAL_SECONDS),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs the job `analysis` after snapshots whose inventory changed; after one that changed nothing, it does not.",
    )
    @masking_failures
    def sensor(
        context: dg.SensorEvaluationContext, estate: EstateResource, store: StoreResource
    ) -> dg.SensorResult:
        clusters = estate.estate().clusters
        # Here and not where the definitions load, since looking at a project must not write into its store.
        keep_mounted(store.store().objects, own_definitions(clusters))
        return tick(latest_pointers(store.store(), clusters), cursor=context.cursor)

    return sensor


def tick(latest: Mapping[str, Pointer | None], *, cursor: str | None) -> dg.SensorResult:
    """A run if a cluster was discovered for the first time, is another one under its name, or has a snapshot with
    changes that no run was asked for. Of several snapshots since the last tick only the newest says how much it
    changed, so they count as changed."""
    before = _decoded(cursor)
    now = {
        name: Analysed(cluster_id=pointer.cluster_id, sequence=pointer.sequence)
        for name, pointer in latest.items()
        if pointer is not None
    }
    if not now:
        return dg.SensorResult(skip_reason="no cluster of the estate has been discovered yet")
    changed = sorted(
        name
        for name, pointer in latest.items()
        if pointer is not None and _has_changed(before.get(name), pointer)
    )
    changed += sorted(before.keys() - now.keys())  # it left the estate
    text = msgspec.json.encode(now, order="sorted").decode()
    if not changed:
        return dg.SensorResult(skip_reason="nothing changed since the last analysis", cursor=text)
    key = hashlib.sha256(text.encode()).hexdigest()
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key, tags={"mesh/changed": listed(changed)})], cursor=text
    )


def _has_changed(before: Analysed | None, pointer: Pointer) -> bool:
    if before is None or before.cluster_id != pointer.cluster_id or pointer.sequence < before.sequence:
        return True
    return pointer.sequence > before.sequence + 1 or (
        pointer.sequence == before.sequence + 1 and pointer.changes > 0
    )


def _decoded(cursor: str | None) -> dict[str, Analysed]:
    """A cursor of another version counts as none: one more run does no harm."""
    if not cursor:
        return {}
    try:
        return msgspec.json.decode(cursor, type=dict[str, Analysed])
    except UNDECODABLE:
        return {}
