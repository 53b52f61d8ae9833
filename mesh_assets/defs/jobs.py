"""The jobs by name."""

from typing import TYPE_CHECKING

import dagster as dg

from mesh_assets.defs.assets.inventory import INVENTORY_KEYS
from mesh_assets.defs.assets.snapshot import SNAPSHOT_KEYS

if TYPE_CHECKING:  # what define_asset_job returns; Dagster does not export its name
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def discovery_job() -> "UnresolvedAssetJobDefinition":
    """Collect the five inventories of a cluster, find the changes, publish the snapshot. Two short steps, so
    one process."""
    return dg.define_asset_job(
        "discovery",
        selection=dg.AssetSelection.assets(*INVENTORY_KEYS, *SNAPSHOT_KEYS),
        executor_def=dg.in_process_executor,
        description="Reads everything of a cluster and publishes it as one event. Tags mesh/trigger… say why.",
    )
