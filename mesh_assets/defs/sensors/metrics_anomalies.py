"""`metrics_anomalies`: each tick takes a reading of every cluster and asks CloudWatch for its alarms.

An anomaly goes to the inbox once, until it ends.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from mesh_assets.anomalies.watch import Watched, watch_cluster
from mesh_assets.collecting.clients import OpenClients, open_clients
from mesh_assets.components.reporting import reading_ends, wake_dependents
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.errors import StoreError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.wording import counted
from mesh_assets.readings.window import USUAL_INTERVAL_SECONDS
from mesh_assets.runs.requests import (
    Launches,
    between_rounds,
    clusters_with_partition,
    discovery_sensor,
    interval_seconds,
    reasons_text,
    requests_for,
)
from mesh_assets.sensing.alarms import ReadAlarms, WatchedAlarms, watch_alarms
from mesh_assets.sensing.cursor import SensorCursor, decode_cursor, encode_cursor
from mesh_assets.sensing.observations.observation import in_a_hurry
from mesh_assets.sensing.rounds import moved_on, tick_seconds, turn_of
from mesh_assets.sensing.sweep import SWEEP_LIMITS, SweepLimits, Swept, sweep
from mesh_assets.store.inventories import InventoryStore

_KEPT_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """The interval, and how long a tick may spend reporting topics to Dagster. Tests replace the rest."""

    interval_seconds: int
    clients: OpenClients = open_clients
    alarms: ReadAlarms | None = None
    limits: SweepLimits = SWEEP_LIMITS
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    report_seconds: float = 0.0


def metrics_anomalies_sensor(partitions: dg.StaticPartitionsDefinition) -> dg.SensorDefinition:
    seconds = interval_seconds(int(USUAL_INTERVAL_SECONDS))

    @discovery_sensor(
        name="metrics_anomalies",
        interval_seconds=tick_seconds(seconds),
        description="Every 5 minutes, the offsets of all topics and groups: topics gone silent, rates that spike or drop, lag that grows, "
        "connectors that run but move nothing, against what is usual at that hour; and CloudWatch's alarms, where the estate names them.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, estate: EstateResource, store: StoreResource
    ) -> dg.SensorResult:
        cursor = decode_cursor(context.cursor)
        if resting := between_rounds(cursor, seconds):
            return resting
        clusters = clusters_with_partition(estate.estate(), partitions)
        watching = Watching(interval_seconds=seconds, report_seconds=estate.estate().asset_reports.seconds)
        result, log = tick(context.instance, clusters, watching, store=store.store(), cursor=cursor)
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
    """The tick's result, and a line for each anomaly or alarm that began or ended.

    Raises StoreError when the inbox cannot be read.
    """

    def watch(name: str) -> Watched:
        return watch_cluster(
            in_a_hurry(clusters[name]),
            store,
            interval_seconds=watching.interval_seconds,
            now=watching.now,
            clients=watching.clients,
        )

    def watch_its_alarms(name: str) -> WatchedAlarms:
        return watch_alarms(clusters[name], store, read=watching.alarms, now=watching.now)

    began, turn = turn_of(
        cursor,
        list(clusters),
        now=watching.now().timestamp(),
        interval_seconds=watching.interval_seconds,
    )
    # Concurrently and independently: neither waits for the other or fails with it.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="mesh-alarms") as pool:
        with_alarms = [name for name in turn if clusters[name].alarms is not None]
        sweeping_alarms = pool.submit(
            sweep, with_alarms, watch_its_alarms, limits=watching.limits, slow=cursor.hung
        )
        swept = sweep(turn, watch, limits=watching.limits, slow=cursor.hung)
        alarms = sweeping_alarms.result()
    _keep(swept)
    _keep(alarms)
    woken = _wake(instance, swept, store, seconds=watching.report_seconds)
    launches = requests_for(instance, clusters, store, now=watching.now())
    result = dg.SensorResult(
        run_requests=launches.requests,
        cursor=encode_cursor(moved_on(cursor, swept, clusters, began=began, more=launches.more)),
        skip_reason=None if launches.requests else _skip_reason(swept, alarms, launches),
    )
    return result, [*_log(swept), *_alarms_log(alarms), *woken]


def _keep(swept: Swept[Watched] | Swept[WatchedAlarms]) -> None:
    """Stores what was seen. Clusters whose readings or alarms cannot be stored count as failed."""

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


def _wake(
    instance: dg.DagsterInstance, swept: Swept[Watched], store: InventoryStore, *, seconds: float
) -> list[str]:
    """Reports topics that are assets and have new records, for at most `seconds` in all; a line for each cluster for which
    something was reported, waits or failed."""
    lines = []
    deadline = time.monotonic() + seconds
    for name, watched in swept.seen.items():
        if watched.reading is not None:
            line = wake_dependents(
                instance,
                store,
                partial(reading_ends, watched.reading),
                cluster=name,
                cluster_id=watched.cluster_id,
                seconds=max(0.0, deadline - time.monotonic()),
                discovery=False,
            )
            lines += [] if line is None else [line]
    return lines


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
    """By cluster: why its alarms are unknown."""
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
    reasons |= dict.fromkeys(swept.unreached, "not reached, comes in the next tick")
    texts: dict[str, Sequence[str]] = {name: (why,) for name, why in reasons.items()}
    for more in (_alarm_reasons(alarms), launches.waiting):
        texts |= {name: (*texts.get(name, ()), why) for name, why in more.items()}
    read = len(swept.seen) - len(skipped)
    total = len(swept.seen) + len(swept.failed) + len(swept.hung) + len(swept.unreached)
    begun = sum(len(watched.begun) for watched in swept.seen.values())
    news = f"{counted(begun, 'anomaly', 'anomalies')} began" if begun else "nothing unusual began"
    return "; ".join([f"{read} of {counted(total, 'cluster')} read, {news}", *reasons_text(texts)])
