"""What asks for discoveries in time: the schedule, and the sensors that notice changes."""

from collections.abc import Iterator

import dagster as dg

from mesh_assets.defs.discovery import cluster_partitions
from mesh_assets.defs.sensors.changes import change_sensors
from mesh_assets.defs.sensors.discovery_reports import discovery_reports_sensor
from mesh_assets.defs.sensors.metrics_anomalies import metrics_anomalies_sensor
from mesh_assets.defs.sensors.trigger_queue import trigger_queue_sensor
from mesh_assets.inventory.changes import Trigger
from mesh_assets.runs.tags import DISCOVERY_JOB, trigger_tags


@dg.definitions
def triggers() -> dg.Definitions:
    """Raises EstateError when the estate file is missing or wrong."""
    partitions = cluster_partitions()
    return dg.Definitions(
        schedules=[discovery_schedule(partitions)],
        sensors=[
            *change_sensors(partitions),
            metrics_anomalies_sensor(partitions),
            trigger_queue_sensor(partitions),
            discovery_reports_sensor(partitions),
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
