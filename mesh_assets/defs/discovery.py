"""Discovery as Dagster runs it: a partition for each cluster, the assets and the job."""

import dagster as dg

from mesh_assets.defs.inventory import INVENTORY_KEYS, inventory_assets
from mesh_assets.defs.snapshot import SNAPSHOT_KEYS, snapshot_assets
from mesh_assets.runs.partitions import ClusterPartitions
from mesh_assets.runs.tags import DISCOVERY_JOB


@dg.definitions
def discovery() -> dg.Definitions:
    """Raises EstateError when the estate file is missing or wrong."""
    partitions = ClusterPartitions()
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
    )
