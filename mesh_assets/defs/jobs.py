"""The jobs by name."""

import dagster as dg

from mesh_assets.defs.assets.inventory import INVENTORY_KEYS
from mesh_assets.defs.assets.snapshot import SNAPSHOT_KEYS


def discovery_job(partitions: dg.PartitionsDefinition) -> dg.UnresolvedAssetJobDefinition:
    """Collect the five inventories of a cluster, find the changes, publish the snapshot. Two short steps, so one process."""
    return dg.define_asset_job(
        "discovery",
        selection=dg.AssetSelection.assets(*INVENTORY_KEYS, *SNAPSHOT_KEYS),
        partitions_def=partitions,
        executor_def=dg.in_process_executor,
        description="Reads everything of a cluster and publishes it as one event. Tags mesh/trigger… say why.",
    )
