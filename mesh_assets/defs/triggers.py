"""What triggers discoveries: the schedule, and the sensors that notice changes."""

from collections.abc import Iterator

import dagster as dg

from mesh_assets.defs.resources import StoreResource
from mesh_assets.defs.sensors.changes import change_sensors
from mesh_assets.defs.sensors.discovery_reports import discovery_reports_sensor
from mesh_assets.defs.sensors.metrics_anomalies import metrics_anomalies_sensor
from mesh_assets.defs.sensors.trigger_queue import trigger_queue_sensor
from mesh_assets.fleet.in_force import estate_in_force
from mesh_assets.inventory.changes import Trigger
from mesh_assets.runs.estate_file import ESTATE_FILE, tick
from mesh_assets.runs.find_clusters import find_clusters_job, find_clusters_schedule
from mesh_assets.runs.partitions import ClusterPartitions
from mesh_assets.runs.requests import discovery_sensor, interval_seconds
from mesh_assets.runs.tags import DISCOVERY_JOB, trigger_tags


@dg.definitions
def triggers() -> dg.Definitions:
    """Raises EstateError when the estate file is missing or wrong."""
    partitions = ClusterPartitions()
    return dg.Definitions(
        jobs=[find_clusters_job()],
        schedules=[discovery_schedule(partitions), find_clusters_schedule()],
        sensors=[
            *change_sensors(partitions),
            metrics_anomalies_sensor(partitions),
            trigger_queue_sensor(partitions),
            discovery_reports_sensor(partitions),
            estate_file_sensor(),
        ],
    )


def estate_file_sensor() -> dg.SensorDefinition:
    @discovery_sensor(
        name=ESTATE_FILE,
        interval_seconds=interval_seconds(30),
        description="Every 30 seconds: discovers clusters that are added to the estate; fails while the estate file is broken.",
    )
    def sensor(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.SensorResult:
        result, notes = tick(context.instance, estate_in_force(), store.store(), cursor=context.cursor)
        for note in notes:
            context.log.warning(note)
        return result

    return sensor


def discovery_schedule(partitions: dg.StaticPartitionsDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="discovery_schedule",
        job_name=DISCOVERY_JOB,
        cron_schedule="0 */6 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every 6 hours, one run per cluster, no matter what the sensors have seen; the run queue limits how many run at once.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        for cluster in partitions.get_partition_keys():
            yield dg.RunRequest(
                run_key=f"{cluster}:{context.scheduled_execution_time.isoformat()}",
                partition_key=cluster,
                tags=trigger_tags(Trigger(type="schedule")),
            )

    return schedule
