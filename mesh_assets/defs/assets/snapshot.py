"""`discovery_snapshot` and `changes`: sections joined, compared and published in one step; neither event goes without the other."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.snapshot_metadata import changes_metadata, snapshot_metadata
from mesh_assets.defs.triggers import trigger_of_run
from mesh_assets.errors import MeshError
from mesh_assets.inventory.sections import SECTION_NAMES, Section
from mesh_assets.snapshot.discovery import publish_discovery

SNAPSHOT_KEY = dg.AssetKey("discovery_snapshot")
CHANGES_KEY = dg.AssetKey("changes")
SNAPSHOT_KEYS = [CHANGES_KEY, SNAPSHOT_KEY]


def snapshot_assets(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="snapshot",
        group_name="discovery",
        partitions_def=partitions,
        pool="kafka",
        ins={name: dg.AssetIn(key=["inventory", name], input_manager_key="sections") for name in SECTION_NAMES},
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
    )
    def snapshot(
        context: dg.AssetExecutionContext,
        estate: EstateResource,
        store: StoreResource,
        **sections: Section | None,
    ) -> Iterator[dg.MaterializeResult[None]]:
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
            run_id=context.run_id,
            triggers=(trigger_of_run(context.run_tags),),
        )
        store.store().drop_sections(context.run_id)
        store.store().prune_sections(now=datetime.now(UTC))  # those of runs that failed and were never repeated
        yield dg.MaterializeResult(asset_key=CHANGES_KEY, metadata=changes_metadata(report, changes))
        yield dg.MaterializeResult(asset_key=SNAPSHOT_KEY, metadata=snapshot_metadata(report))

    return snapshot
