"""The assets `analysis/*`, over all clusters, their job, and the sensor that runs it after snapshots with changes."""

import dagster as dg

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
from mesh_assets.runs.analysis_requests import ANALYSIS_JOB, request_analysis
from mesh_assets.runs.failures import masking_failures
from mesh_assets.runs.requests import interval_seconds

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
                description="What can be derived from the newest documents of all clusters. Reads them from the store.",
            ),
            profiling_job(),
        ],
        schedules=[findings_schedule(), usual_gaps_schedule(), profiling_schedule()],
        sensors=[analysis_sensor()],
    )


def analysis_sensor() -> dg.SensorDefinition:
    """Looks at the store, not at Dagster's events, so it also sees what `mesh-assets discover` published."""

    @dg.sensor(
        name="analysis_sensor",
        job_name=ANALYSIS_JOB,
        minimum_interval_seconds=interval_seconds(_INTERVAL_SECONDS),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs the job `analysis` after snapshots whose inventory changed, and not after one that changed nothing.",
    )
    @masking_failures
    def sensor(
        context: dg.SensorEvaluationContext, estate: EstateResource, store: StoreResource
    ) -> dg.SensorResult:
        clusters = estate.estate().clusters
        # Here and not where the definitions load, since looking at a project must not write to its store.
        keep_mounted(store.store().objects, own_definitions(clusters))
        return request_analysis(context.instance, store.store(), clusters, cursor=context.cursor)

    return sensor
