"""`metrics_anomalies`: a reading of every cluster each tick; what is unusual in it goes to the inbox, once until it ends."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.sensors.intervals import interval_seconds
from mesh_assets.defs.sensors.run_requests import Launches, requests_for
from mesh_assets.errors import StoreError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.anomalies.pace import USUAL_INTERVAL_SECONDS
from mesh_assets.inventory.anomalies.watch import OpenClients, Watched, watch_cluster
from mesh_assets.inventory.clients import open_clients
from mesh_assets.inventory.observing.cursor import SensorCursor, decode_cursor, encode_cursor
from mesh_assets.inventory.observing.looking import in_a_hurry
from mesh_assets.inventory.observing.sweep import PACE, Pace, Swept, in_turn, sweep
from mesh_assets.inventory.store.inventories import InventoryStore

_KEPT_AT_ONCE = 8
_REASONS_SHOWN = 10
_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """The interval, and the seams that tests put fakes in."""

    interval_seconds: float
    clients: OpenClients = open_clients
    pace: Pace = PACE
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def metrics_anomalies_sensor(partitions: dg.StaticPartitionsDefinition) -> dg.SensorDefinition:
    seconds = interval_seconds(int(USUAL_INTERVAL_SECONDS))

    @dg.sensor(
        name="metrics_anomalies",
        job_name="discovery",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Every 5 minutes, the offsets of all topics and groups: topics gone silent, rates that spike or drop, lag that grows, "
        "connectors that run and move nothing, against what is usual at that hour.",
    )
    def sensor(context: dg.SensorEvaluationContext, estate: EstateResource, store: StoreResource) -> dg.SensorResult:
        known = estate.estate().clusters
        # A cluster that came into the estate file since the definitions were loaded has no partition to run on.
        clusters = {name: known[name] for name in partitions.get_partition_keys() if name in known}
        watching = Watching(interval_seconds=seconds)
        result, log = tick(context.instance, clusters, watching, store=store.store(), cursor=decode_cursor(context.cursor))
        for line in log:
            context.log.info(line)
        return result

    return sensor


def tick(
    instance: dg.DagsterInstance, clusters: Mapping[str, Cluster], watching: Watching, *, store: InventoryStore, cursor: SensorCursor
) -> tuple[dg.SensorResult, list[str]]:
    """The tick's result, and a line for each anomaly that began or ended. Raises StoreError when the inbox cannot be read."""

    def look(name: str) -> Watched:
        return watch_cluster(
            in_a_hurry(clusters[name]),
            store,
            interval_seconds=watching.interval_seconds,
            now=watching.now,
            clients=watching.clients,
        )

    swept = sweep(in_turn(list(clusters), unreached=cursor.unreached, hung=cursor.hung), look, pace=watching.pace)
    _keep(swept)
    launches = requests_for(instance, clusters, store, now=watching.now())
    still_hung = [name for name in cursor.hung if name in swept.unreached]
    result = dg.SensorResult(
        run_requests=launches.requests,
        cursor=encode_cursor(SensorCursor(unreached=tuple(swept.unreached), hung=tuple(sorted({*swept.hung, *still_hung})))),
        skip_reason=None if launches.requests else _skip_reason(swept, launches),
    )
    return result, _log(swept)


def _keep(swept: Swept[Watched]) -> None:
    """Writes what was seen. A cluster whose readings cannot be kept has failed, like one that cannot be read."""

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
    begun = [f"{name}: {anomaly.sentence}" for name, watched in swept.seen.items() for anomaly in watched.begun]
    ended = [
        f"{name}: over since {anomaly.ended_at:%H:%M:%S} UTC: {anomaly.sentence}"
        for name, watched in swept.seen.items()
        for anomaly in watched.ended
    ]
    return begun + ended


def _skip_reason(swept: Swept[Watched], launches: Launches) -> str:
    skipped = {name: watched.skipped for name, watched in swept.seen.items() if watched.skipped is not None}
    reasons = skipped | swept.failed | dict.fromkeys(swept.hung, "did not answer in time")
    reasons |= dict.fromkeys(swept.unreached, "not reached, comes first in the next tick")
    reasons |= {name: f"{reasons[name]}; {why}" if name in reasons else why for name, why in launches.waiting.items()}
    read = len(swept.seen) - len(skipped)
    total = len(swept.seen) + len(swept.failed) + len(swept.hung) + len(swept.unreached)
    begun = sum(len(watched.begun) for watched in swept.seen.values())
    news = f"{begun} anomalies began" if begun else "nothing unusual began"
    shown = [f"{name}: {_shortened(text)}" for name, text in sorted(reasons.items())[:_REASONS_SHOWN]]
    more = [f"and {len(reasons) - len(shown)} more clusters"] if len(reasons) > len(shown) else []
    return "; ".join([f"{read} of {total} clusters read, {news}", *shown, *more])


def _shortened(text: str) -> str:
    return text if len(text) <= _REASON_CHARACTERS else f"{text[: _REASON_CHARACTERS - 1]}…"
