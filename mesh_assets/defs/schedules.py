"""The schedule: a discovery of every cluster every 6 hours, whatever the sensors have seen."""

from collections.abc import Iterator

import dagster as dg

from mesh_assets.defs.triggers import trigger_tags
from mesh_assets.inventory.triggers import Trigger


def discovery_schedule(partitions: dg.StaticPartitionsDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="discovery_schedule",
        job_name="discovery",
        cron_schedule="0 */6 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every 6 hours, each cluster; one run a cluster, bounded by the run queue.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        for cluster in partitions.get_partition_keys():
            yield dg.RunRequest(
                run_key=f"{cluster}:{context.scheduled_execution_time.isoformat()}",
                partition_key=cluster,
                tags=trigger_tags(Trigger(type="schedule")),
            )

    return schedule
