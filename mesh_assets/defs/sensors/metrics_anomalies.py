"""`metrics_anomalies`: a reading of every cluster each tick, and CloudWatch's alarms about it; what is
unusual goes to the inbox, once until it ends."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from mesh_assets.anomalies.watch import OpenClients, Watched, watch_cluster
from mesh_assets.collecting.clients import open_clients
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.sensors.run_requests import Launches, requests_for
from mesh_assets.defs.sensors.ticks import interval_seconds
from mesh_assets.errors import StoreError
from mesh_assets.estate.model import Cluster
from mesh_assets.readings.cadence import USUAL_INTERVAL_SECONDS
from mesh_assets.sensing.alarms import ReadAlarms, WatchedAlarms, watch_alarms
from mesh_assets.sensing.cursor import SensorCursor, decode_cursor, encode_cursor
from mesh_assets.sensing.observations.observation import in_a_hurry
from mesh_assets.sensing.sweep import (
    SWEEP_LIMITS,
    SweepLimits,
    Swept,
    in_turn,
    sweep,
)
from mesh_assets.store.inventories import InventoryStore

_KEPT_AT_ONCE = 8
_REASONS_SHOWN = 10
_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """The interval, and the seams that tests put fakes in."""

    interval_seconds: float
    clients: OpenClients = open_clients
    alarms: ReadAlarms | None = None
    pace: SweepLimits = SWEEP_LIMITS
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def metrics_anomalies_sensor(partitions: dg.StaticPartitionsDefinition) -> dg.SensorDefinition:
    seconds = interval_seconds(int(USUAL_INTERVAL_SECONDS))

    @dg.sensor(
        name="metrics_anomalies",
        job_name="discovery",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Every 5 minutes, the offsets of all topics and groups: topics gone silent, rates that spike or drop, lag that grows, "
        "connectors that run and move nothing, against what is usual at that hour; and CloudWatch's alarms, where the estate names them.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, estate: EstateResource, store: StoreResource
    ) -> dg.SensorResult:
        known = estate.estate().clusters
        # A cluster that came into the estate file since the definitions were loaded has no partition to run
        # on.
        clusters = {name: known[name] for name in partitions.get_partition_keys() if name in known}
        watching = Watching(interval_seconds=seconds)
        result, log = tick(
            context.instance, clusters, watching, store=store.store(), cursor=decode_cursor(context.cursor)
        )
        for line in log:
            context.log.info(line)
        return result

    return sensor


def tick(
    instance: dg.DagsterInstance,
    clusters: Mapping[str, Cluster],
    watching: Watching,
    *,
    store: InventoryStore,
    cursor: SensorCursor,
) -> tuple[dg.SensorResult, list[str]]:
    """The tick's result, and a line for each anomaly or alarm that began or ended. Raises StoreError when the
    inbox cannot be read."""

    def look(name: str) -> Watched:
        return watch_cluster(
            in_a_hurry(clusters[name]),
            store,
            interval_seconds=watching.interval_seconds,
            now=watching.now,
            clients=watching.clients,
        )

    def look_for_alarms(name: str) -> WatchedAlarms:
        return watch_alarms(clusters[name], store, read=watching.alarms, now=watching.now)

    # At the same time, and apart: neither waits for the other, nor fails with it.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="mesh-alarms") as pool:
        with_alarms = [name for name, cluster in clusters.items() if cluster.alarms is not None]
        sweeping_alarms = pool.submit(sweep, with_alarms, look_for_alarms, limits=watching.pace)
        swept = sweep(
            in_turn(list(clusters), unreached=cursor.unreached, hung=cursor.hung), look, limits=watching.pace
        )
        alarms = sweeping_alarms.result()
    _keep(swept)
    _keep(alarms)
    launches = requests_for(instance, clusters, store, now=watching.now())
    still_hung = [name for name in cursor.hung if name in swept.unreached]
    result = dg.SensorResult(
        run_requests=launches.requests,
        cursor=encode_cursor(
            SensorCursor(unreached=tuple(swept.unreached), hung=tuple(sorted({*swept.hung, *still_hung})))
        ),
        skip_reason=None if launches.requests else _skip_reason(swept, alarms, launches),
    )
    return result, [*_log(swept), *_alarms_log(alarms)]


def _keep(swept: Swept[Watched] | Swept[WatchedAlarms]) -> None:
    """Writes what was seen. A cluster whose readings or alarms cannot be kept has failed, like one that
    cannot be read."""

    def keep(name: str) -> tuple[str, str | None]:
        try:
            swept.seen[name].keep()
        except StoreError as error:
            return name, str(error)
        return name, None

    with ThreadPoolExecutor(max_workers=_KEPT_AT_ONCE, thread_name_prefix="mesh-readings") as pool:
        kept = list(pool.map(keep, swept.seen))
    for name, error in kept:
        if error is not None:
            del swept.seen[name]
            swept.failed[name] = error


def _log(swept: Swept[Watched]) -> list[str]:
    begun = [
        f"{name}: {anomaly.sentence}" for name, watched in swept.seen.items() for anomaly in watched.begun
    ]
    ended = [
        f"{name}: over since {anomaly.ended_at:%H:%M:%S} UTC: {anomaly.sentence}"
        for name, watched in swept.seen.items()
        for anomaly in watched.ended
    ]
    return begun + ended


def _alarms_log(alarms: Swept[WatchedAlarms]) -> list[str]:
    return [f"{name}: {line}" for name, seen in alarms.seen.items() for line in (*seen.begun, *seen.ended)]


def _alarm_reasons(alarms: Swept[WatchedAlarms]) -> dict[str, str]:
    """Cluster → why its alarms are not known."""
    skipped = {name: seen.skipped for name, seen in alarms.seen.items() if seen.skipped is not None}
    failed = {name: f"its alarms could not be read: {why}" for name, why in alarms.failed.items()}
    return (
        skipped
        | failed
        | dict.fromkeys((*alarms.hung, *alarms.unreached), "CloudWatch did not answer in time")
    )


def _skip_reason(swept: Swept[Watched], alarms: Swept[WatchedAlarms], launches: Launches) -> str:
    skipped = {name: watched.skipped for name, watched in swept.seen.items() if watched.skipped is not None}
    reasons = skipped | swept.failed | dict.fromkeys(swept.hung, "did not answer in time")
    reasons |= dict.fromkeys(swept.unreached, "not reached, comes first in the next tick")
    for more in (_alarm_reasons(alarms), launches.waiting):
        reasons |= {name: f"{reasons[name]}; {why}" if name in reasons else why for name, why in more.items()}
    read = len(swept.seen) - len(skipped)
    total = len(swept.seen) + len(swept.failed) + len(swept.hung) + len(swept.unreached)
    begun = sum(len(watched.begun) for watched in swept.seen.values())
    news = f"{begun} anomalies began" if begun else "nothing unusual began"
    shown = [f"{name}: {_shortened(text)}" for name, text in sorted(reasons.items())[:_REASONS_SHOWN]]
    rest = [f"and {len(reasons) - len(shown)} more clusters"] if len(reasons) > len(shown) else []
    return "; ".join([f"{read} of {total} clusters read, {news}", *shown, *rest])


def _shortened(text: str) -> str:
    return text if len(text) <= _REASON_CHARACTERS else f"{text[: _REASON_CHARACTERS - 1]}…"
