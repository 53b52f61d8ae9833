"""`discovery_snapshot` and `changes`: sections joined, compared and published in one step; neither event goes
without the other."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.sensors.tags import is_from_inbox
from mesh_assets.defs.snapshot_metadata import changes_metadata, snapshot_metadata
from mesh_assets.defs.triggers import trigger_of_run
from mesh_assets.errors import MeshError
from mesh_assets.inventory.sections import SECTION_NAMES, Section, SectionName, SectionState
from mesh_assets.snapshot.discovery import publish_discovery
from mesh_assets.snapshot.notifications import notify

SNAPSHOT_KEY = dg.AssetKey("discovery_snapshot")
CHANGES_KEY = dg.AssetKey("changes")
SNAPSHOT_KEYS = [CHANGES_KEY, SNAPSHOT_KEY]
OLDEST_HOURS = 12


def snapshot_assets(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="snapshot",
        group_name="discovery",
        partitions_def=partitions,
        pool="kafka",
        ins={
            name: dg.AssetIn(key=["inventory", name], input_manager_key="sections") for name in SECTION_NAMES
        },
        outs={
            "changes": dg.AssetOut(
                dagster_type=dg.Nothing,
                kinds={"kafka", "avro"},
                description="What differs from the previous snapshot, each a ChangeEvent on discovery-changes.",
            ),
            "discovery_snapshot": dg.AssetOut(
                dagster_type=dg.Nothing,
                kinds={"kafka", "avro"},
                description="The complete state of the cluster, one DiscoveryEvent on discovery-events (key: cluster id).",
            ),
        },
        check_specs=[
            dg.AssetCheckSpec(
                "current",
                asset=SNAPSHOT_KEY,
                description=f"No section is older than {OLDEST_HOURS} hours, two intervals of the schedule; a stale section keeps its age.",
            )
        ],
    )
    def snapshot(
        context: dg.AssetExecutionContext,
        estate: EstateResource,
        store: StoreResource,
        **sections: Section | None,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        collected = {name: section for name in SECTION_NAMES if (section := sections[name]) is not None}
        if not collected:
            raise MeshError(
                "a snapshot needs at least one inventory of the same run: launch the job `discovery`, or select inventory/* with it"
            )
        report, changes = publish_discovery(
            estate.estate(),
            context.partition_key,
            collected,
            store=store.store(),
            run_id=context.run.run_id,
            trigger=trigger_of_run(context.run.tags),
            from_inbox=is_from_inbox(context.run.tags),
        )
        notify(estate.estate(), report, changes)
        store.store().drop_sections(context.run.run_id)
        store.store().prune_sections(
            now=datetime.now(UTC)
        )  # those of runs that failed and were never repeated
        yield dg.MaterializeResult(asset_key=CHANGES_KEY, metadata=changes_metadata(report, changes))
        yield dg.MaterializeResult(asset_key=SNAPSHOT_KEY, metadata=snapshot_metadata(report))
        yield current_check(report.sections, now=report.discovery_timestamp)

    return snapshot


def current_check(sections: Mapping[SectionName, SectionState], *, now: datetime) -> dg.AssetCheckResult:
    """Freshness by when a section was really read, which a materialization with the last good data does not
    tell."""
    old = [
        name
        for name, state in sections.items()
        if state.status != "not_configured"
        and (state.collected_at is None or now - state.collected_at > timedelta(hours=OLDEST_HOURS))
    ]
    return dg.AssetCheckResult(
        asset_key=SNAPSHOT_KEY,
        check_name="current",
        passed=not old,
        description=f"older than {OLDEST_HOURS} hours or never read: {', '.join(old)}" if old else None,
    )
