"""`connector_failures`: connectors and tasks that fail, and those that recover."""

import dagster as dg

from mesh_assets.defs.sensors.intervals import interval_seconds
from mesh_assets.defs.sensors.tick import Observing, observing_sensor
from mesh_assets.sensing.observations.connectors import observe_connectors


def connector_failures_sensor(partitions: dg.StaticPartitionsDefinition) -> dg.SensorDefinition:
    return observing_sensor(
        Observing(
            name="connector_failures",
            observe=observe_connectors,
            interval_seconds=interval_seconds(180),
            description="Every 3 minutes, all Connect endpoints: what failed, degraded or recovered, flaps counted.",
        ),
        partitions,
    )
