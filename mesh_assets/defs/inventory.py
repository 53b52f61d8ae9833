"""`inventory/*`: the inventories of a cluster, read at the same time in one step."""

from collections.abc import Iterator

import dagster as dg

from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.section_metadata import check_result, shown_metadata, table_schema
from mesh_assets.discovering.discovery import collect_cluster
from mesh_assets.discovering.section_shown import complete_check, section_columns, section_metadata
from mesh_assets.inventory.sections import SECTION_NAMES, Section, SectionName
from mesh_assets.runs.failures import masking_failures
from mesh_assets.runs.tags import note_process

INVENTORY_KEYS = [dg.AssetKey(["inventory", name]) for name in SECTION_NAMES]

_DESCRIPTIONS: dict[SectionName, str] = {
    "topics": "Every topic: partitions with leader, replicas, ISR and offsets; all configs; message counts.",
    "connectors": "Every connector of every Connect endpoint: state, tasks with traces, masked config, topics.",
    "schemas": "The latest version of every subject: definition, references, compatibility, mode.",
    "consumer_groups": "Every consumer group: state, members with assignments, committed offsets and lag.",
    "metrics": "Records and bytes in and out per second, lag in records and in time, load, partition health; "
    "each figure with its source.",
    "brokers": "Every broker, including fenced ones: configs with their source, features with their levels, the controller quorum.",
    "access": "Who may do what: ACLs, client quotas, users with SCRAM credentials.",
    "transactions": "Transactional ids, the producers that are active on topics, open and hanging transactions.",
    "cluster_links": "Links to other clusters, and the topics here that mirror topics there, with state and lag.",
}
# The part of a cluster's estate entry that says where to read the section from.
_READ_FROM: dict[SectionName, str] = {
    "topics": "kafka",
    "connectors": "connect",
    "schemas": "schema_registry",
    "consumer_groups": "kafka",
    "metrics": "metrics",
    "brokers": "kafka",
    "access": "kafka",
    "transactions": "kafka",
    "cluster_links": "kafka_rest",
}


def inventory_assets(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="inventory",
        group_name="inventory",
        partitions_def=partitions,
        can_subset=True,
        # Not `specs`: with those an output cannot have a value.
        outs={
            name: dg.AssetOut(
                key_prefix="inventory",
                is_required=False,
                io_manager_key="sections",
                description=_DESCRIPTIONS[name],
                kinds={"kafka"},
                tags={"mesh/read_from": _READ_FROM[name]},
                metadata={"dagster/column_schema": table_schema(section_columns(name))},
            )
            for name in SECTION_NAMES
        },
        check_specs=[
            dg.AssetCheckSpec(
                "complete",
                asset=key,
                description="This run read the whole section; a stale one holds the last good data.",
            )
            for key in INVENTORY_KEYS
        ],
    )
    @masking_failures
    def inventory(
        context: dg.AssetExecutionContext, estate: EstateResource, store: StoreResource
    ) -> Iterator[dg.Output[Section] | dg.AssetCheckResult]:
        """What is known about the cluster, section by section, read at the same time."""
        note_process(context.instance, context.run.run_id)
        selected = context.op_execution_context.selected_output_names
        wanted = [name for name in SECTION_NAMES if name in selected]
        sections = collect_cluster(estate.estate(), context.partition_key, wanted, store=store.store())
        for section_name in wanted:
            section = sections[section_name]
            metadata = shown_metadata(section_metadata(section))
            yield dg.Output(section, output_name=section_name, metadata=metadata)
            yield check_result(complete_check(section))

    return inventory
