"""`discovery_reports`: reports to Dagster what `mesh-assets discover` published, or why it failed, as if a run had.

Materializations, checks and observations without a run, dated when they happened, so that freshness is judged by that.
"""

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import dagster as dg

from mesh_assets.components.refreshing import refresh_states
from mesh_assets.components.reporting import Ends, keep_event, section_ends, wake_dependents
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.section_metadata import check_evaluation, shown_metadata
from mesh_assets.defs.snapshot import SNAPSHOT_KEY
from mesh_assets.discovering.unreported import Unreported, read_unreported, unreported_keys
from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.sections import TopicsSection
from mesh_assets.runs.failures import masking_failures
from mesh_assets.runs.requests import clusters_with_partition, interval_seconds
from mesh_assets.store.inventories import InventoryStore

_INTERVAL_SECONDS = 30
# Of the minute that a tick has; the rest waits for the next one.
_SECONDS = 30.0


def discovery_reports_sensor(partitions: dg.StaticPartitionsDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name="discovery_reports",
        minimum_interval_seconds=interval_seconds(_INTERVAL_SECONDS),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Every 30 s, the store: shows what `mesh-assets discover` published outside Dagster's runs.",
    )
    @masking_failures
    def sensor(
        context: dg.SensorEvaluationContext, estate: EstateResource, store: StoreResource
    ) -> dg.SkipReason:
        known = estate.estate()
        lines, failed = tick(
            context.instance, known, clusters_with_partition(known, partitions), store=store.store()
        )
        for line in lines:
            context.log.info(line)
        if failed:
            raise StoreError("; ".join(failed))
        return dg.SkipReason("; ".join(lines) if lines else "nothing was discovered outside of runs")

    return sensor


def tick(
    instance: dg.DagsterInstance,
    estate: Estate,
    partitions: Collection[str],
    *,
    store: InventoryStore,
    seconds: float = _SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[list[str], list[str]]:
    """Reports what waits, for at most `seconds`. Returns a line for each discovery, and one for each cluster whose records
    in the store cannot be read: it waits, and delays no other. A cluster without a partition is not reported until the
    definitions are reloaded; one that has left the estate, never.

    Raises StoreError, and MeshError when Dagster cannot keep a report, which a later tick then repeats.
    """
    ends = clock() + seconds
    lines: list[str] = []
    failed: list[str] = []
    for keys in unreported_keys(store.objects).values():
        published: list[Unreported] = []
        try:
            for key in keys:
                if clock() >= ends:
                    return [*lines, "the rest waits for the next tick"], failed
                found = read_unreported(store.objects, key)
                if found is None:
                    continue
                one, version = found
                if one.cluster in estate.clusters and one.cluster not in partitions:
                    continue
                if one.cluster in estate.clusters:
                    lines.append(_report(instance, one, store=store))
                    published += [one] if one.failure is None else []
                try:
                    store.objects.delete_if(key, version)
                except ConflictError:  # a later failure has the same key, or it was removed as too old
                    lines.append(f"{one.cluster}: what came meanwhile waits for the next tick")
            if published:
                lines += _tell_components(instance, estate, published, store=store)
        except StoreError as error:
            failed.append(str(error))
    return lines, failed


def _report(instance: dg.DagsterInstance, one: Unreported, *, store: InventoryStore) -> str:
    if one.failure is not None:
        what = f"that the discovery {one.run_id} of {one.cluster} failed"
        observation = dg.AssetObservation(
            SNAPSHOT_KEY,
            partition=one.cluster,
            description=one.failure,
            metadata={"failed": one.failure, "trigger": one.trigger, "discovery": one.run_id},
        )
        keep_event(instance, observation, what, at=one.moment)
        return f"{one.cluster}: discovery {one.run_id} failed: {one.failure}"
    if _is_overtaken(instance, one, store=store):
        return f"{one.cluster}: snapshot {one.sequence} is not shown: Dagster shows a newer one"
    what = f"snapshot {one.sequence} of {one.cluster}"
    for asset in one.assets:
        materialization = dg.AssetMaterialization(
            dg.AssetKey(asset.key.split("/")),
            partition=one.cluster,
            metadata=shown_metadata(asset.metadata),
        )
        keep_event(instance, materialization, what, at=one.moment)
    for check in one.checks:
        keep_event(instance, check_evaluation(check), what, at=one.moment)
    return f"{one.cluster}: snapshot {one.sequence} is shown"


def _is_overtaken(instance: dg.DagsterInstance, one: Unreported, *, store: InventoryStore) -> bool:
    """Whether Dagster knows that snapshot or a later one: the UI takes whatever is reported last for the newest. The same
    goes for a cluster that has been replaced by a different one under its name."""
    if store.cluster_id(one.cluster) != one.cluster_id:
        return True
    found = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=SNAPSHOT_KEY, asset_partitions=[one.cluster]), limit=1
    ).records
    if not found or found[0].asset_materialization is None:
        return False
    report = found[0].asset_materialization.metadata.get("report")
    shown: Any = report.data if isinstance(report, dg.JsonMetadataValue) else None
    return (
        isinstance(shown, dict)
        and shown.get("cluster_id") == one.cluster_id
        and shown.get("sequence", 0) >= one.sequence
    )


def _tell_components(
    instance: dg.DagsterInstance, estate: Estate, published: Sequence[Unreported], *, store: InventoryStore
) -> list[str]:
    """What a run does after publishing: topics with new records wake whatever depends on them, and components that show
    the cluster are refreshed."""
    newest = published[-1]
    woken = wake_dependents(
        instance,
        store,
        partial(_ends, store, newest.cluster_id),
        cluster=newest.cluster,
        cluster_id=newest.cluster_id,
        seconds=estate.asset_reports.seconds,
    )
    changed = any(one.changes for one in published)
    refreshed = refresh_states(instance, store, clusters=[newest.cluster]) if changed else []
    return [*([] if woken is None else [woken]), *refreshed]


def _ends(store: InventoryStore, cluster_id: str) -> Ends:
    document = store.latest_document(cluster_id)
    if document is None:
        return Ends(ends=(), topics=None)
    state = document.sections["topics"]
    return section_ends(TopicsSection(cluster_id=cluster_id, state=state, records=document.topics))
