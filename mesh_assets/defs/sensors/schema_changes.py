"""`schema_changes`: subjects that come, go, or get a new version, level or mode."""

import dagster as dg

from mesh_assets.defs.sensors.intervals import interval_seconds
from mesh_assets.defs.sensors.tick import Observing, observing_sensor
from mesh_assets.sensing.observations.schemas import observe_schemas


def schema_changes_sensor(partitions: dg.StaticPartitionsDefinition) -> dg.SensorDefinition:
    return observing_sensor(
        Observing(
            name="schema_changes",
            observe=observe_schemas,
            interval_seconds=interval_seconds(300),
            description="Every 5 minutes, all registries: subjects created, deleted or with a new version, compatibility or mode.",
        ),
        partitions,
    )
