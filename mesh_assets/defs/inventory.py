"""`inventory/*`: the inventories of a cluster, read at the same time in one step."""

from collections.abc import Iterator

import dagster as dg

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.defs.failures import masking_failures
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.run_tags import note_process
from mesh_assets.defs.section_metadata import section_columns, section_metadata
from mesh_assets.inventory.sections import SECTION_NAMES, MetricsSection, Section, SectionName
from mesh_assets.readings.ends import KeptEnds
from mesh_assets.sensing.handover import begin_collection
from mesh_assets.snapshot.lock import host_clock
from mesh_assets.snapshot.reader import newest_sequence
from mesh_assets.store.fingerprints import fingerprint_key

INVENTORY_KEYS = [dg.AssetKey(["inventory", name]) for name in SECTION_NAMES]

_DESCRIPTIONS: dict[SectionName, str] = {
    "topics": "Every topic: partitions with leader, replicas, ISR and offsets; all configs; message counts.",
    "connectors": "Every connector of every Connect endpoint: state, tasks with traces, masked config, topics.",
    "schemas": "The latest version of every subject: definition, references, compatibility, mode.",
    "consumer_groups": "Every consumer group: state, members with assignments, committed offsets and lag.",
    "metrics": "Records and bytes in and out per second, lag in records and in time, load, partition health; "
    "each figure with its source.",
    "brokers": "Every broker, fenced ones too: configs with their source, features with their levels, the controller quorum.",
    "access": "Who may do what: ACLs, client quotas, users with SCRAM credentials.",
    "transactions": "Transactional ids, the producers that are active on topics, open and hanging transactions.",
}
# The part of a cluster's estate entry that says where the section is read from.
_READ_FROM: dict[SectionName, str] = {
    "topics": "kafka",
    "connectors": "connect",
    "schemas": "schema_registry",
    "consumer_groups": "kafka",
    "metrics": "metrics",
    "brokers": "kafka",
    "access": "kafka",
    "transactions": "kafka",
}


def inventory_assets(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="inventory",
        group_name="inventory",
        partitions_def=partitions,
        can_subset=True,
        # Not `specs`: with those an output can carry no value.
        outs={
            name: dg.AssetOut(
                key_prefix="inventory",
                is_required=False,
                io_manager_key="sections",
                description=_DESCRIPTIONS[name],
                kinds={"kafka"},
                tags={"mesh/read_from": _READ_FROM[name]},
                metadata={"dagster/column_schema": section_columns(name)},
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
        """What is known of the cluster, section by section, read at the same time."""
        note_process(context.instance, context.run.run_id)
        selected = context.op_execution_context.selected_output_names
        wanted = [name for name in SECTION_NAMES if name in selected]
        stored = store.store()
        sections = collect_sections(
            estate.cluster(context.partition_key),
            wanted,
            previous=lambda cluster_id: stored.latest_document(cluster_id, again=True),
            history=lambda cluster_id: KeptEnds(stored.objects, cluster_id),
            begin=lambda cluster_id: begin_collection(
                stored,
                context.partition_key,
                cluster_id,
                newest_in_topic=lambda: newest_sequence(
                    estate.estate(), context.partition_key, cluster_id=cluster_id
                ),
                clock=host_clock(),
            ),
            fingerprint_key=lambda: fingerprint_key(stored.objects),
        )
        for section_name in wanted:
            section = sections[section_name]
            yield dg.Output(section, output_name=section_name, metadata=section_metadata(section))
            yield complete_check(section_name, section)

    return inventory


def complete_check(name: SectionName, section: Section) -> dg.AssetCheckResult:
    """Fails for a stale section, for one that lacks a part, and for metrics that are fresh by their offsets but
    lack another source."""
    state = section.state
    missing = (
        section.records.errors if isinstance(section, MetricsSection) and section.records is not None else ()
    )
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(["inventory", name]),
        check_name="complete",
        passed=state.status != "stale" and state.error is None and not missing,
        severity=dg.AssetCheckSeverity.ERROR,
        description=state.error or "; ".join(missing) or None,
        metadata={
            "status": state.status,
            **(
                {"collected_at": dg.MetadataValue.timestamp(state.collected_at)} if state.collected_at else {}
            ),
        },
    )
