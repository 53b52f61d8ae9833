"""`schema_changes`, `connector_failures`, `resource_changes`: compare clusters with their latest documents.

A tick observes the clusters, puts changes into the inbox, and asks for runs.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from msgspec.structs import replace

from mesh_assets.collecting.clients import OpenClients, open_clients
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.errors import StoreError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.wording import counted
from mesh_assets.runs.requests import (
    Launches,
    between_rounds,
    clusters_with_partition,
    discovery_sensor,
    interval_seconds,
    reasons_text,
    requests_for,
)
from mesh_assets.sensing.cursor import (
    AT_REST,
    ClusterCursor,
    SensorCursor,
    decode_cursor,
    encode_cursor,
)
from mesh_assets.sensing.handover import keep_causes
from mesh_assets.sensing.observations.connectors import observe_connectors
from mesh_assets.sensing.observations.observation import Observe, ObservedCluster, observe_cluster
from mesh_assets.sensing.observations.resources import observe_resources
from mesh_assets.sensing.observations.schemas import observe_schemas
from mesh_assets.sensing.rounds import moved_on, tick_seconds, turn_of
from mesh_assets.sensing.sweep import SWEEP_LIMITS, SweepLimits, Swept, sweep
from mesh_assets.store.inventories import InventoryStore

_WRITES_AT_ONCE = 16

# Name, what it observes, the usual interval in seconds, description.
_SENSORS: tuple[tuple[str, Observe, int, str], ...] = (
    (
        "schema_changes",
        observe_schemas,
        300,
        "Every 5 minutes, all registries: subjects created, deleted or with a new version, compatibility or mode.",
    ),
    (
        "connector_failures",
        observe_connectors,
        180,
        "Every 3 minutes, all Connect endpoints: what failed, degraded or recovered, flaps counted.",
    ),
    (
        "resource_changes",
        observe_resources,
        300,
        "Every 5 minutes: topics, connectors, subjects and groups created or deleted; partition counts; configs of topics and connectors.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """What makes each sensor different: its name, what it observes, its interval. Tests replace the rest."""

    name: str
    observe: Observe
    interval_seconds: int
    clients: OpenClients = open_clients
    limits: SweepLimits = SWEEP_LIMITS


def change_sensors(partitions: dg.StaticPartitionsDefinition) -> list[dg.SensorDefinition]:
    """Raises MeshError when MESH_SENSOR_INTERVAL_SECONDS is not a whole number of seconds."""
    return [
        _change_sensor(
            Observing(name=name, observe=observe, interval_seconds=interval_seconds(seconds)),
            description,
            partitions,
        )
        for name, observe, seconds, description in _SENSORS
    ]


def _change_sensor(
    observing: Observing, description: str, partitions: dg.StaticPartitionsDefinition
) -> dg.SensorDefinition:
    @discovery_sensor(
        name=observing.name,
        interval_seconds=tick_seconds(observing.interval_seconds),
        description=description,
    )
    def sensor(
        context: dg.SensorEvaluationContext, estate: EstateResource, store: StoreResource
    ) -> dg.SensorResult:
        cursor = decode_cursor(context.cursor)
        if resting := between_rounds(cursor, observing.interval_seconds):
            return resting
        clusters = clusters_with_partition(estate.estate(), partitions)
        return tick(context.instance, clusters, observing, store=store.store(), cursor=cursor)

    return sensor


def _utc_now() -> datetime:
    return datetime.now(UTC)


def tick(
    instance: dg.DagsterInstance,
    clusters: dict[str, Cluster],
    observing: Observing,
    *,
    store: InventoryStore,
    cursor: SensorCursor,
    clock: Callable[[], datetime] = _utc_now,
) -> dg.SensorResult:
    """One tick of the sensor: the rest of a round, or the next round. Raises StoreError when the store fails for every
    cluster."""

    def observe(name: str) -> ObservedCluster:
        return observe_cluster(
            clusters[name],
            observing.observe,
            store=store,
            cursor=cursor.clusters.get(name, AT_REST),
            now=clock(),
            interval_seconds=observing.interval_seconds,
            clients=observing.clients,
        )

    began, turn = turn_of(
        cursor, list(clusters), now=clock().timestamp(), interval_seconds=observing.interval_seconds
    )
    swept = sweep(turn, observe, limits=observing.limits, slow=cursor.hung)
    new = _keep(swept, store, source=observing.name, now=clock())
    launches = requests_for(instance, clusters, store, now=clock())
    return dg.SensorResult(
        run_requests=launches.requests,
        cursor=encode_cursor(_next_cursor(cursor, swept, clusters, began=began, more=launches.more)),
        skip_reason=None if launches.requests else _skip_reason(swept, launches, new),
    )


def _keep(swept: Swept[ObservedCluster], store: InventoryStore, *, source: str, now: datetime) -> int:
    """Puts what was found into the inbox and returns how much of it is new there. Clusters whose document has been
    replaced by a newer one meanwhile count as not reached, those whose inbox cannot be written as failed.
    """

    def keep(observed: ObservedCluster) -> int | StoreError | None:
        try:
            return keep_causes(observed, store, source=source, now=now)
        except StoreError as error:
            return error

    # In a bucket each takes about 50 ms, and all clusters may have changed at once.
    with ThreadPoolExecutor(max_workers=_WRITES_AT_ONCE, thread_name_prefix="mesh-inbox") as pool:
        kept = dict(zip(swept.seen, pool.map(keep, swept.seen.values()), strict=True))
    for name, new in kept.items():
        if isinstance(new, int):
            continue
        del swept.seen[name]  # and with it its cursor: the causes are yet to be reported
        if new is None:
            swept.unreached.append(name)
        else:
            swept.failed[name] = str(new)
    return sum(new for new in kept.values() if isinstance(new, int))


def _next_cursor(
    cursor: SensorCursor,
    swept: Swept[ObservedCluster],
    clusters: dict[str, Cluster],
    *,
    began: float,
    more: bool,
) -> SensorCursor:
    states: dict[str, ClusterCursor] = {
        name: state for name, state in cursor.clusters.items() if name in clusters
    }
    states.update({name: observed.cursor for name, observed in swept.seen.items()})
    # Otherwise a registry without a bulk list would be read subject by subject in every tick, which takes
    # longer than a tick may.
    states.update({name: replace(states[name], bulk=False) for name in swept.hung if name in states})
    return replace(moved_on(cursor, swept, clusters, began=began, more=more), clusters=states)


def _skip_reason(swept: Swept[ObservedCluster], launches: Launches, new: int) -> str:
    """`98 of 100 clusters looked at, nothing new; payments: …; …`: how far it got, and why no further."""
    reasons: dict[str, Sequence[str]] = {
        name: observed.notes for name, observed in swept.seen.items() if observed.notes
    }
    reasons |= {name: (reason,) for name, reason in swept.failed.items()}
    reasons |= dict.fromkeys(swept.hung, ("did not answer in time",))
    reasons |= dict.fromkeys(swept.unreached, ("not reached, comes in the next tick",))
    reasons |= {name: (*reasons.get(name, ()), why) for name, why in launches.waiting.items()}
    seen = len(swept.seen)
    total = seen + len(swept.failed) + len(swept.hung) + len(swept.unreached)
    start = f"{seen} of {counted(total, 'cluster')} looked at, {f'{new} new in the inbox' if new else 'nothing new'}"
    return "; ".join([start, *reasons_text(reasons)])
