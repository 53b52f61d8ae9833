"""What the UI shows of a snapshot and its changes, and whether the snapshot is current."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from mesh_assets.discovering.shown import Json, Markdown, Shown, ShownCheck, table
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.sections import SectionName, SectionState
from mesh_assets.snapshot.report import DiscoveryReport

SNAPSHOT, CHANGES = "discovery_snapshot", "changes"
OLDEST_HOURS = 12


def current_check(sections: Mapping[SectionName, SectionState], *, now: datetime) -> ShownCheck:
    """Judges by when each section was read; a materialization may hold old last good data."""
    old = [
        name
        for name, state in sections.items()
        if state.status != "not_configured"
        and (state.collected_at is None or now - state.collected_at > timedelta(hours=OLDEST_HOURS))
    ]
    return ShownCheck(
        key=SNAPSHOT,
        name="current",
        passed=not old,
        description=f"older than {OLDEST_HOURS} hours or never read: {', '.join(old)}" if old else None,
    )


def snapshot_metadata(report: DiscoveryReport) -> dict[str, Shown]:
    """The event's place and size, counts, trigger, document, and the whole report."""
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
        "kafka_requests": report.kafka_requests,
        **{name: value for name, value in msgspec.to_builtins(summary).items() if value is not None},
        **({"notes": Markdown("\n".join(f"- {note}" for note in report.notes))} if report.notes else {}),
        "report": Json(msgspec.to_builtins(report)),
    }


def changes_metadata(report: DiscoveryReport, changes: Sequence[Change]) -> dict[str, Shown]:
    """The number of changes, since which snapshot, and the first of them as a table."""
    return {
        "dagster/partition_row_count": len(changes),
        "sequence": report.sequence,
        "baseline": report.total_changes is None,
        **table(
            "changes",
            changes,
            lambda change: {
                "severity": change.severity,
                "kind": change.kind,
                "resource_type": change.resource_type,
                "resource": change.resource,
                "sentence": change.sentence,
            },
        ),
    }
