"""Discovery as Dagster runs it: a partition for each cluster, the assets and the job."""

import dagster as dg

from mesh_assets.defs.inventory import INVENTORY_KEYS, inventory_assets
from mesh_assets.defs.resources import discovery_resources
from mesh_assets.defs.snapshot import SNAPSHOT_KEYS, snapshot_assets
from mesh_assets.estate.file import load_estate

DISCOVERY_JOB = "discovery"


@dg.definitions
def discovery() -> dg.Definitions:
    """Raises EstateError when the estate file is missing or wrong."""
    return _discovery()


def discovery_job() -> dg.JobDefinition:
    """The job as `definitions.py` has it, for who runs it in this process: sensors, mappings and what they import would
    take another half a second. Raises EstateError when the estate file is missing or wrong."""
    defs = dg.Definitions.merge(_discovery(), dg.Definitions(resources=discovery_resources()))
    return defs.resolve_job_def(DISCOVERY_JOB)


def _discovery() -> dg.Definitions:
    partitions = cluster_partitions()
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


def cluster_partitions() -> dg.StaticPartitionsDefinition:
    """One for each cluster of the estate. Raises EstateError when the estate file is missing or wrong."""
    return dg.StaticPartitionsDefinition(list(load_estate().clusters))
