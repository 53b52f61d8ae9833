"""What the UI shows of a published snapshot and its changes."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import msgspec

from mesh_assets.defs.section_metadata import TABLE_ROWS
from mesh_assets.inventory.changes import Change
from mesh_assets.snapshot.report import DiscoveryReport


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
