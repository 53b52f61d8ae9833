"""`discovery_snapshot` and `changes`: sections joined, compared and published in one step, so that neither
event goes out alone; and the job `discovery`, which also includes the assets they come from.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg

from mesh_assets.components.refreshing import refresh_states
from mesh_assets.components.reporting import section_ends, wake_dependents
from mesh_assets.defs.inventory import INVENTORY_KEYS, inventory_assets
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.section_metadata import check_result, shown_metadata
from mesh_assets.discovering.discovery import publish_cluster
from mesh_assets.discovering.snapshot_shown import (
    CHANGES,
    OLDEST_HOURS,
    SNAPSHOT,
    changes_metadata,
    current_check,
    snapshot_metadata,
)
from mesh_assets.errors import MeshError
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.events.avro_form import schema_text
from mesh_assets.inventory.sections import SECTION_NAMES, Section, TopicsSection
from mesh_assets.runs.failures import masking_failures
from mesh_assets.runs.partitions import ClusterPartitions
from mesh_assets.runs.tags import DISCOVERY_JOB, is_from_inbox, trigger_of_run

SNAPSHOT_KEY = dg.AssetKey(SNAPSHOT)
CHANGES_KEY = dg.AssetKey(CHANGES)
SNAPSHOT_KEYS = [CHANGES_KEY, SNAPSHOT_KEY]


def snapshot_assets(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="snapshot",
        partitions_def=partitions,
        ins={
            name: dg.AssetIn(key=["inventory", name], input_manager_key="sections") for name in SECTION_NAMES
        },
        specs=[
            dg.AssetSpec(
                CHANGES_KEY,
                deps=INVENTORY_KEYS,
                group_name="discovery",
                kinds={"kafka", "avro"},
                tags={"mesh/topic": CHANGES_TOPIC},
                description=f"The differences from the previous snapshot, each a ChangeEvent on {CHANGES_TOPIC}.",
                metadata={"dagster/column_schema": event_columns("change_event")},
            ),
            dg.AssetSpec(
                SNAPSHOT_KEY,
                deps=INVENTORY_KEYS,
                group_name="discovery",
                kinds={"kafka", "avro"},
                tags={"mesh/topic": EVENTS_TOPIC},
                description=f"The complete state of the cluster, one DiscoveryEvent on {EVENTS_TOPIC} (key: cluster id).",
                metadata={"dagster/column_schema": event_columns("discovery_event")},
                # The schedule publishes every 6 hours: one missed run warns, two fail, with an hour's grace.
                # Dagster judges the asset by its newest partition; the check `current` judges each
                # cluster.
                freshness_policy=dg.FreshnessPolicy.time_window(
                    fail_window=timedelta(hours=13), warn_window=timedelta(hours=7)
                ),
            ).with_io_manager_key("reports"),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "current",
                asset=SNAPSHOT_KEY,
                description=f"No section is older than {OLDEST_HOURS} hours, two intervals of the schedule; "
                "a stale section keeps its age.",
            )
        ],
    )
    @masking_failures
    def snapshot(
        context: dg.AssetExecutionContext,
        estate: EstateResource,
        store: StoreResource,
        **sections: Section | None,
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        collected = {name: section for name in SECTION_NAMES if (section := sections[name]) is not None}
        if not collected:
            raise MeshError(
                "a snapshot needs at least one inventory of the same run: launch the job `discovery`, or select inventory/* with it"
            )
        report, changes = publish_cluster(
            estate.estate(),
            context.partition_key,
            collected,
            store=store.store(),
            run_id=context.run.run_id,
            trigger=trigger_of_run(context.run.tags),
            from_inbox=is_from_inbox(context.run.tags),
        )
        topics = collected.get("topics")
        if isinstance(topics, TopicsSection):
            woken = wake_dependents(
                context.instance,
                store.store(),
                partial(section_ends, topics),
                cluster=report.cluster,
                cluster_id=report.cluster_id,
                seconds=estate.estate().asset_reports.seconds,
            )
            if woken is not None:
                context.log.info(woken)
        if changes:
            for line in refresh_states(context.instance, store.store(), clusters=[report.cluster]):
                context.log.info(line)
        store.store().drop_sections(context.run.run_id)
        store.store().prune_sections(now=datetime.now(UTC))  # from runs that failed and were never retried
        yield dg.MaterializeResult(
            asset_key=CHANGES_KEY, metadata=shown_metadata(changes_metadata(report, changes))
        )
        yield dg.MaterializeResult(
            asset_key=SNAPSHOT_KEY, metadata=shown_metadata(snapshot_metadata(report)), value=report
        )
        yield check_result(current_check(report.sections, now=report.discovery_timestamp))

    return snapshot


@dg.definitions
def discovery() -> dg.Definitions:
    """Raises EstateError when the estate file is missing or wrong."""
    partitions = ClusterPartitions()
    return dg.Definitions(
        # For all jobs, and for assets materialized by hand: a process for each of the short steps would cost
        # seconds of imports.
        executor=dg.in_process_executor,
        assets=[inventory_assets(partitions), snapshot_assets(partitions)],
        jobs=[
            dg.define_asset_job(
                DISCOVERY_JOB,
                selection=dg.AssetSelection.assets(*INVENTORY_KEYS, *SNAPSHOT_KEYS),
                description="Reads everything about a cluster and publishes it as one event. The tags mesh/trigger… say why.",
            )
        ],
    )


def event_columns(schema: str) -> dg.TableSchema:
    """The top-level fields of an event, from its Avro contract."""
    fields = json.loads(schema_text(schema))["fields"]
    return dg.TableSchema(
        [
            dg.TableColumn(
                field["name"],
                _type_text(field["type"]),
                description=field.get("doc"),
                constraints=dg.TableColumnConstraints(nullable="null" in field["type"]),
            )
            for field in fields
        ]
    )


def _type_text(avro: Any) -> str:
    match avro:
        case list():
            return " | ".join(_type_text(branch) for branch in avro if branch != "null")
        case {"logicalType": logical}:
            return str(logical)
        case {"type": "array", "items": items}:
            return f"array<{_type_text(items)}>"
        case {"type": "map", "values": values}:
            return f"map<{_type_text(values)}>"
        case {"name": name}:
            return str(name)
        case _:
            return str(avro)
