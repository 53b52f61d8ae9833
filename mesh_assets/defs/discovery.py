"""Discovery as Dagster runs it: a partition for each cluster, the job, its schedule and its sensors."""

from collections.abc import Iterator

import dagster as dg

from mesh_assets.defs.inventory import INVENTORY_KEYS, inventory_assets
from mesh_assets.defs.run_tags import trigger_tags
from mesh_assets.defs.sensors.changes import change_sensors
from mesh_assets.defs.sensors.metrics_anomalies import metrics_anomalies_sensor
from mesh_assets.defs.sensors.run_requests import DISCOVERY_JOB
from mesh_assets.defs.sensors.trigger_queue import trigger_queue_sensor
from mesh_assets.defs.snapshot import SNAPSHOT_KEYS, snapshot_assets
from mesh_assets.estate.file import load_estate
from mesh_assets.inventory.changes import Trigger


@dg.definitions
def discovery() -> dg.Definitions:
    """Raises EstateError when the estate file is missing or wrong."""
    partitions = dg.StaticPartitionsDefinition(list(load_estate().clusters))
    return dg.Definitions(
        # Of all jobs, and of assets that somebody materializes by hand: a process for each of the short steps
        # would cost seconds of imports.
        executor=dg.in_process_executor,
        assets=[inventory_assets(partitions), snapshot_assets(partitions)],
        jobs=[
            dg.define_asset_job(
                DISCOVERY_JOB,
                selection=dg.AssetSelection.assets(*INVENTORY_KEYS, *SNAPSHOT_KEYS),
                description="Reads everything about a cluster and publishes it as one event. The tags mesh/trigger… say why.",
            )
        ],
        schedules=[discovery_schedule(partitions)],
        sensors=[
            *change_sensors(partitions),
            metrics_anomalies_sensor(partitions),
            trigger_queue_sensor(partitions),
        ],
    )


def discovery_schedule(partitions: dg.StaticPartitionsDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="discovery_schedule",
        job_name=DISCOVERY_JOB,
        cron_schedule="0 */6 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every 6 hours, one run per cluster, whatever the sensors have seen; the run queue bounds how many run at once.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        for cluster in partitions.get_partition_keys():
            yield dg.RunRequest(
                run_key=f"{cluster}:{context.scheduled_execution_time.isoformat()}",
                partition_key=cluster,
                tags=trigger_tags(Trigger(type="schedule")),
            )

    return schedule
