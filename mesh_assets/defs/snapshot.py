"""`discovery_snapshot` and `changes`: sections joined, compared and published in one step, and what the UI shows of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import msgspec

from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.run_tags import is_from_inbox, trigger_of_run
from mesh_assets.defs.section_metadata import TABLE_ROWS
from mesh_assets.errors import MeshError
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.sections import SECTION_NAMES, Section, SectionName, SectionState
from mesh_assets.snapshot.discovery import publish_discovery
from mesh_assets.snapshot.notifications import notify
from mesh_assets.snapshot.report import DiscoveryReport

# `discovery_snapshot` and `changes`: sections joined, compared and published in one step; neither event
# goes
# without the other.

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


# What the UI shows of a published snapshot and its changes.


def snapshot_metadata(report: DiscoveryReport) -> dict[str, Any]:
    """Dagster metadata: the event's place and size, counts, trigger, document, and the whole report."""
    event, summary = report.event, report.summary
    return {
        "sequence": report.sequence,
        "trigger": str(report.trigger),
        "event": f"{event.topic}[{event.partition}]@{event.offset}",
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "bytes": event.bytes,
        "compressed_bytes": event.compressed_bytes,
        "approximate_tokens": event.approximate_tokens,
        "claim_check": event.claim_check,
        "document": report.inventory_location,
        "seconds": report.seconds,
        "http_requests": report.http_requests,
        "kafka_calls": report.kafka_calls,
        **{name: value for name, value in msgspec.to_builtins(summary).items() if value is not None},
        **(
            {"notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in report.notes))}
            if report.notes
            else {}
        ),
        "report": dg.MetadataValue.json(msgspec.to_builtins(report)),
    }


def changes_metadata(report: DiscoveryReport, changes: Sequence[Change]) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "dagster/row_count": len(changes),
        "sequence": report.sequence,
        "baseline": report.total_changes is None,
    }
    if changes:
        shown = f"first {TABLE_ROWS} of {len(changes)}" if len(changes) > TABLE_ROWS else "all"
        metadata[f"changes ({shown})"] = dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "severity": change.severity,
                        "kind": change.kind,
                        "resource_type": change.resource_type,
                        "resource": change.resource,
                        "sentence": change.sentence,
                    }
                )
                for change in changes[:TABLE_ROWS]
            ]
        )
    return metadata
