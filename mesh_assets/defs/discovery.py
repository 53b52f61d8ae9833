"""A discovery as Dagster runs it: one partition a cluster, the job, and its schedule every 6 hours."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mesh_assets.defs.inventory import INVENTORY_KEYS
from mesh_assets.defs.run_tags import trigger_tags
from mesh_assets.defs.snapshot import SNAPSHOT_KEYS
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.triggers import Trigger

if TYPE_CHECKING:
    # what define_asset_job returns; Dagster does not export its name
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

# One partition a cluster, by its name in the estate; read when the definitions load.


def cluster_partitions(estate: Estate) -> dg.StaticPartitionsDefinition:
    return dg.StaticPartitionsDefinition(list(estate.clusters))


# The jobs by name.


def discovery_job() -> "UnresolvedAssetJobDefinition":
    """Collect the five inventories of a cluster, find the changes, publish the snapshot. Two short steps, so
    one process."""
    return dg.define_asset_job(
        "discovery",
        selection=dg.AssetSelection.assets(*INVENTORY_KEYS, *SNAPSHOT_KEYS),
        executor_def=dg.in_process_executor,
        description="Reads everything of a cluster and publishes it as one event. Tags mesh/trigger… say why.",
    )


# The schedule: a discovery of every cluster every 6 hours, whatever the sensors have seen.


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
