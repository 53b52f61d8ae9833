"""What the UI shows of a section: counts, cost, status, and a table of the first records."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from mesh_assets.inventory.key_figures import key_figures
from mesh_assets.inventory.records import Metrics
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    ConsumerGroupsSection,
    MetricsSection,
    SchemasSection,
    Section,
    TopicsSection,
)

# The table goes into the event log, which is no store: the document holds everything.
TABLE_ROWS = 200

Row = Mapping[str, str | int | float | bool | None]


def section_metadata(section: Section) -> dict[str, Any]:
    """Dagster metadata of a materialization: `dagster/row_count`, status, cost and a table of at most
    TABLE_ROWS rows."""
    rows = list(_rows(section))
    state, cost = section.state, section.cost
    metadata: dict[str, Any] = {"dagster/row_count": len(rows), "status": state.status}
    if state.collected_at is not None:
        metadata["collected_at"] = dg.MetadataValue.timestamp(state.collected_at)
    if state.error is not None:
        metadata["error"] = state.error
    metadata.update(_figures(section))
    if rows:
        shown = f"first {TABLE_ROWS} of {len(rows)}" if len(rows) > TABLE_ROWS else "all"
        metadata[f"records ({shown})"] = dg.MetadataValue.table(
            [dg.TableRecord(dict(row)) for row in rows[:TABLE_ROWS]]
        )
    metadata.update(
        seconds=cost.seconds,
        kafka_calls=cost.kafka_calls,
        http_requests=cost.http_requests,
        level_requests=cost.level_requests,
    )
    metadata.update({f"seconds/{phase}": seconds for phase, seconds in cost.phases.items()})
    return metadata


def _figures(section: Section) -> dict[str, int | float | str]:
    match section:
        case TopicsSection():
            return {
                "partitions": sum(topic.details.partitions for topic in section.records),
                "excluded_topics": section.excluded,
            }
        case ConnectorsSection():
            return {
                "active": sum(1 for connector in section.records if connector.active),
                "failed_tasks": sum(connector.failed_tasks for connector in section.records),
            }
        case SchemasSection():
            return {
                "compatibility": (section.registry.compatibility if section.registry else None) or "unknown"
            }
        case ConsumerGroupsSection():
            return {
                "lag_records": sum(group.total_lag_records or 0 for group in section.records),
                "members": sum(len(group.members or ()) for group in section.records),
            }
        case MetricsSection():
            return {} if section.records is None else _metrics_figures(section.records)


def _metrics_figures(metrics: Metrics) -> dict[str, int | float | str]:
    """What is known of it, with its sources; what no source tells is left out."""
    known = key_figures(metrics)
    lag = "lag_seconds_at_least" if known.slowest_lag_is_at_least else "lag_seconds"
    figures: dict[str, int | float | str | None] = {
        "records_in_per_second": known.records_in_per_second,
        "records_out_per_second": known.records_out_per_second,
        "bytes_in_per_second": known.bytes_in_per_second,
        "bytes_out_per_second": known.bytes_out_per_second,
        "retained_bytes": known.retained_bytes,
        "load_percent": known.load_percent,
        "connections": known.connections,
        "slowest_group": known.slowest_group,
        lag: known.slowest_lag_seconds,
        "window_seconds": metrics.window_seconds,
        "under_replicated": metrics.partition_health.under_replicated,
        "leaderless": metrics.partition_health.leaderless,
        "offline": metrics.partition_health.offline,
        "brokers": len(metrics.brokers),
        "sources": metrics.source,
        "source_errors": "; ".join(known.errors) or None,
    }
    return {name: value for name, value in figures.items() if value is not None}


def _rows(section: Section) -> Iterable[Row]:
    match section:
        case TopicsSection():
            for topic in section.records:
                details = topic.details
                yield {
                    "topic": topic.name,
                    "partitions": details.partitions,
                    "replication_factor": details.replication_factor,
                    "cleanup_policy": details.cleanup_policy,
                    "messages": details.message_count,
                    "overridden_configs": len(topic.config_overrides),
                }
        case ConnectorsSection():
            for connector in section.records:
                yield {
                    "connector": connector.name,
                    "type": connector.type,
                    "status": connector.status,
                    "tasks": len(connector.tasks),
                    "failed_tasks": connector.failed_tasks,
                    "topics": ", ".join(topic.name for topic in connector.topics[:5]),
                    "id": connector.id,
                }
        case SchemasSection():
            for schema in section.records:
                yield {
                    "subject": schema.subject,
                    "version": schema.version,
                    "id": schema.id,
                    "type": schema.schema_type,
                    "compatibility": schema.compatibility.value or "unknown",
                    "references": len(schema.references),
                }
        case ConsumerGroupsSection():
            for group in section.records:
                yield {
                    "group": group.group_id,
                    "type": group.type,
                    "state": group.state,
                    "members": None if group.members is None else len(group.members),
                    "topics": ", ".join(group.topics[:5]),
                    "lag_records": group.total_lag_records,
                }
        case MetricsSection():
            for rate in section.records.topics if section.records else ():
                yield {
                    "topic": rate.topic,
                    "messages": rate.message_count,
                    "records_in_per_second": rate.records_in_per_second,
                    "records_out_per_second": rate.records_out_per_second,
                    "bytes_in_per_second": rate.bytes_in_per_second,
                    "bytes_out_per_second": rate.bytes_out_per_second,
                    "retained_bytes": rate.retained_bytes,
                }
