"""`schema_changes`, `connector_failures`, `resource_changes`: look at all clusters, keep what was found in the inbox, ask for runs."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from msgspec.structs import replace

from mesh_assets.collecting.clients import open_clients
from mesh_assets.collecting.sections import OpenClients
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.sensors.run_requests import Launches, requests_for
from mesh_assets.defs.sensors.ticks import interval_seconds
from mesh_assets.estate.model import Cluster
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
from mesh_assets.sensing.sweep import (
    SWEEP_LIMITS,
    SweepLimits,
    Swept,
    in_turn,
    sweep,
)
from mesh_assets.store.inventories import InventoryStore

# A tick of an observing sensor: look at all clusters, keep what was found in the inbox, ask for runs.

# The reason of a skip is one line in the UI; with tens of clusters it must stay one.
_REASONS_SHOWN = 10
_REASON_CHARACTERS = 200
_WRITES_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """What makes one observing sensor: its name, its look, its interval; the seams that tests put fakes in."""

    name: str
    observe: Observe
    interval_seconds: int
    description: str
    clients: OpenClients = open_clients
    pace: SweepLimits = SWEEP_LIMITS


def observing_sensor(observing: Observing, partitions: dg.StaticPartitionsDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name=observing.name,
        job_name="discovery",
        minimum_interval_seconds=observing.interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=observing.description,
    )
    def sensor(
        context: dg.SensorEvaluationContext, estate: EstateResource, store: StoreResource
    ) -> dg.SensorResult:
        known = estate.estate().clusters
        # A cluster that came into the estate file since the definitions were loaded has no partition to run
        # on.
        clusters = {name: known[name] for name in partitions.get_partition_keys() if name in known}
        return tick(
            context.instance, clusters, observing, store=store.store(), cursor=decode_cursor(context.cursor)
        )

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
    def look(name: str) -> ObservedCluster:
        return observe_cluster(
            clusters[name],
            observing.observe,
            store=store,
            cursor=cursor.clusters.get(name, AT_REST),
            now=clock(),
            interval_seconds=observing.interval_seconds,
            clients=observing.clients,
        )

    swept = sweep(
        in_turn(list(clusters), unreached=cursor.unreached, hung=cursor.hung), look, limits=observing.pace
    )
    new = _keep(swept, store, source=observing.name, now=clock())
    launches = requests_for(instance, clusters, store, now=clock())
    return dg.SensorResult(
        run_requests=launches.requests,
        cursor=encode_cursor(_next_cursor(cursor, swept, clusters)),
        skip_reason=None if launches.requests else _skip_reason(swept, launches, new),
    )


def _keep(swept: Swept[ObservedCluster], store: InventoryStore, *, source: str, now: datetime) -> int:
    """Puts what was found into the inbox; how much of it is new there. What a newer document has overtaken
    counts as not reached.

    `now` is later than every look: a run that had begun to read before must not take for dealt with what it
    cannot have seen.
    """

    def keep(sight: ObservedCluster) -> int | None:
        return keep_causes(sight, store, source=source, now=now)

    # In a bucket each takes some 50 ms, and all clusters may have changed at once.
    with ThreadPoolExecutor(max_workers=_WRITES_AT_ONCE, thread_name_prefix="mesh-inbox") as pool:
        kept = dict(zip(swept.seen, pool.map(keep, swept.seen.values()), strict=True))
    for name in [name for name, new in kept.items() if new is None]:
        del swept.seen[name]  # with its cursor: what it says has not been told
        swept.unreached.append(name)
    return sum(new or 0 for new in kept.values())


def _next_cursor(
    cursor: SensorCursor, swept: Swept[ObservedCluster], clusters: dict[str, Cluster]
) -> SensorCursor:
    states: dict[str, ClusterCursor] = {
        name: state for name, state in cursor.clusters.items() if name in clusters
    }
    states.update({name: sight.cursor for name, sight in swept.seen.items()})
    # A registry that has lost its bulk list would be read subject by subject, too long for a tick, again and
    # again.
    states.update({name: replace(states[name], bulk=False) for name in swept.hung if name in states})
    still_hung = [name for name in cursor.hung if name in swept.unreached]
    return SensorCursor(
        unreached=tuple(swept.unreached), hung=tuple(sorted({*swept.hung, *still_hung})), clusters=states
    )


def _skip_reason(swept: Swept[ObservedCluster], launches: Launches, new: int) -> str:
    """`98 of 100 clusters seen, nothing new; payments: …; …`: shortly, what was seen and what was not and
    why."""
    reasons: dict[str, Sequence[str]] = {
        name: sight.notes for name, sight in swept.seen.items() if sight.notes
    }
    reasons |= {name: (reason,) for name, reason in swept.failed.items()}
    reasons |= dict.fromkeys(swept.hung, ("did not answer in time",))
    reasons |= dict.fromkeys(swept.unreached, ("not reached, comes first in the next tick",))
    reasons |= {name: (*reasons.get(name, ()), why) for name, why in launches.waiting.items()}
    seen = len(swept.seen)
    total = seen + len(swept.failed) + len(swept.hung) + len(swept.unreached)
    start = f"{seen} of {total} clusters looked at, {f'{new} new in the inbox' if new else 'nothing new'}"
    by_text = Counter(text for texts in reasons.values() for text in texts)
    shown = [
        f"{name}: {_shortened('; '.join(texts))}" for name, texts in sorted(reasons.items())[:_REASONS_SHOWN]
    ]
    more = len(reasons) - len(shown)
    if more > 0:
        shown.append(f"and {more} more clusters ({len(by_text)} different reasons)")
    return "; ".join([start, *shown])


def _shortened(text: str) -> str:
    return text if len(text) <= _REASON_CHARACTERS else f"{text[: _REASON_CHARACTERS - 1]}…"


# `schema_changes`: subjects that come, go, or get a new version, level or mode.


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


# `connector_failures`: connectors and tasks that fail, and those that recover.


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


# `resource_changes`: what comes and goes, and topics whose partitions or configs change.


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
