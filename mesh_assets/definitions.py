"""The code location: composes the assets, jobs, schedules and sensors over the estate's clusters."""

import dagster as dg

from mesh_assets.defs.discovery import cluster_partitions, discovery_job, discovery_schedule
from mesh_assets.defs.esm.asset import mappings_asset
from mesh_assets.defs.esm.jobs import mapping_jobs, validation_job
from mesh_assets.defs.esm.resource import MappingAccess
from mesh_assets.defs.inventory import inventory_assets
from mesh_assets.defs.resources import EstateResource, SectionIOManager, StoreResource
from mesh_assets.defs.sensors.changes import (
    connector_failures_sensor,
    resource_changes_sensor,
    schema_changes_sensor,
)
from mesh_assets.defs.sensors.metrics_anomalies import metrics_anomalies_sensor
from mesh_assets.defs.sensors.trigger_queue import trigger_queue_sensor
from mesh_assets.defs.snapshot import snapshot_assets
from mesh_assets.estate.file import load_estate


@dg.definitions
def defs() -> dg.Definitions:
    """Raises EstateError when the estate file is missing or wrong: the UI shows its sentence."""
    partitions = cluster_partitions(load_estate())
    store = StoreResource()
    return dg.Definitions(
        assets=[inventory_assets(partitions), snapshot_assets(partitions), mappings_asset()],
        jobs=[discovery_job(), *mapping_jobs(), validation_job()],
        schedules=[discovery_schedule(partitions)],
        sensors=[
            schema_changes_sensor(partitions),
            connector_failures_sensor(partitions),
            resource_changes_sensor(partitions),
            metrics_anomalies_sensor(partitions),
            trigger_queue_sensor(partitions),
        ],
        resources={
            "estate": EstateResource(),
            "store": store,
            "sections": SectionIOManager(store),
            "mapping_access": MappingAccess(),
        },
    )
