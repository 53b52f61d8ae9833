"""The project's code location, instrumented: it records each visit of a sensor to a cluster, and compresses
the schedule.

In the bench, Dagster loads this instead of `mesh_assets.definitions`. `FLEET_LOOKS` names the file,
`FLEET_CRON` the schedule.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import dagster as dg
import msgspec

from bench.fleet.looks import Look
from mesh_assets.defs import triggers
from mesh_assets.defs.sensors import changes, metrics_anomalies

_looks = os.open(os.environ["FLEET_LOOKS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _noted(
    visit: Callable[..., Any], sensor: Callable[..., str], cluster: Any, *rest: Any, **more: Any
) -> Any:
    began, failed = time.time(), None
    try:
        return visit(cluster, *rest, **more)
    except Exception as error:
        failed = str(error)[:120]
        raise
    finally:
        look = Look(
            sensor=sensor(*rest),
            cluster=cluster.name,
            began=began,
            seconds=round(time.time() - began, 3),
            failed=failed,
        )
        os.write(_looks, msgspec.json.encode(look) + b"\n")


_SENSORS = {
    "observe_schemas": "schema_changes",
    "observe_connectors": "connector_failures",
    "observe_resources": "resource_changes",
}
_changes: Any = changes
_changes.observe_cluster = partial(
    _noted, _changes.observe_cluster, lambda observe: _SENSORS[observe.__name__]
)
_metrics: Any = metrics_anomalies
_metrics.watch_cluster = partial(_noted, _metrics.watch_cluster, lambda _store: "metrics_anomalies")


def _compressed(schedule: Callable[..., dg.ScheduleDefinition], partitions: Any) -> dg.ScheduleDefinition:
    plain = dg.schedule
    _dagster: Any = dg
    _dagster.schedule = lambda **settings: plain(**settings | {"cron_schedule": os.environ["FLEET_CRON"]})
    try:
        return schedule(partitions)
    finally:
        _dagster.schedule = plain


_triggers: Any = triggers
_triggers.discovery_schedule = partial(_compressed, triggers.discovery_schedule)

from mesh_assets.definitions import defs as defs  # noqa: E402 - the pencil comes first
