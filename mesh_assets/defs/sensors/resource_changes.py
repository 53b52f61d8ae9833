"""`resource_changes`: what comes and goes, and topics whose partitions or configs change."""

import dagster as dg

from mesh_assets.defs.sensors.intervals import interval_seconds
from mesh_assets.defs.sensors.tick import Observing, observing_sensor
from mesh_assets.sensing.observations.resources import observe_resources


def resource_changes_sensor(partitions: dg.StaticPartitionsDefinition) -> dg.SensorDefinition:
    return observing_sensor(
        Observing(
            name="resource_changes",
            observe=observe_resources,
            interval_seconds=interval_seconds(300),
            description="Every 5 minutes: topics, connectors, subjects, groups created or deleted; partition counts and configs of topics.",
        ),
        partitions,
    )
