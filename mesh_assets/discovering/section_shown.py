"""What the UI shows of a section: counts, what reading it cost, the first records, and whether it is complete."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mesh_assets.discovering.shown import Cell, Column, Moment, Shown, ShownCheck, table
from mesh_assets.inventory.access_records import Access, Acl
from mesh_assets.inventory.broker_records import Brokers, ClusterBroker
from mesh_assets.inventory.cluster_link_records import ClusterLinks, MirrorTopic
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.key_figures import key_figures
from mesh_assets.inventory.records import (
    Connector,
    Metrics,
    Schema,
    Topic,
    TopicRate,
)
from mesh_assets.inventory.sections import (
    AccessSection,
    BrokersSection,
    ClusterLinksSection,
    ConnectorsSection,
    ConsumerGroupsSection,
    MetricsSection,
    SchemasSection,
    Section,
    SectionName,
    TopicsSection,
    TransactionsSection,
)
from mesh_assets.inventory.transaction_records import OpenTransaction, Transactions
from mesh_assets.store.inventories import section_name

_NAMES_SHOWN = 5

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Column(Generic[R]):
    name: str
    type: str
    value: Callable[[R], Cell]
    description: str | None = None


_TOPICS: tuple[_Column[Topic], ...] = (
    _Column("topic", "string", lambda topic: topic.name),
    _Column("partitions", "int", lambda topic: topic.details.partitions),
    _Column("replication_factor", "int", lambda topic: topic.details.replication_factor),
    _Column("cleanup_policy", "string", lambda topic: topic.details.cleanup_policy),
    _Column(
        "message_count", "int", lambda topic: topic.details.message_count, "Latest minus earliest offsets."
    ),
    _Column("overridden_configs", "int", lambda topic: len(topic.config_overrides)),
)
_CONNECTORS: tuple[_Column[Connector], ...] = (
    _Column("connector", "string", lambda connector: connector.name),
    _Column("type", "string", lambda connector: connector.type),
    _Column("status", "string", lambda connector: connector.status),
    _Column("tasks", "int", lambda connector: len(connector.tasks)),
    _Column("failed_tasks", "int", lambda connector: connector.failed_tasks),
    _Column(
        "topics",
        "string",
        lambda connector: ", ".join(topic.name for topic in connector.topics[:_NAMES_SHOWN]),
        f"The first {_NAMES_SHOWN}.",
    ),
    _Column("id", "string", lambda connector: connector.id),
)
_SCHEMAS: tuple[_Column[Schema], ...] = (
    _Column("subject", "string", lambda schema: schema.subject),
    _Column("version", "int", lambda schema: schema.version, "The latest."),
    _Column("id", "int", lambda schema: schema.id),
    _Column("type", "string", lambda schema: schema.schema_type),
    _Column("compatibility", "string", lambda schema: schema.compatibility.value or "unknown"),
    _Column("references", "int", lambda schema: len(schema.references)),
    _Column(
        "owner",
        "string",
        lambda schema: None if schema.contract is None else schema.contract.owner,
        "As its data contract says.",
    ),
    _Column("rules", "int", lambda schema: None if schema.contract is None else len(schema.contract.rules)),
)
_CONSUMER_GROUPS: tuple[_Column[ConsumerGroup], ...] = (
    _Column("group_id", "string", lambda group: group.group_id),
    _Column("type", "string", lambda group: group.type),
    _Column("state", "string", lambda group: group.state),
    _Column("members", "int", lambda group: None if group.members is None else len(group.members)),
    _Column(
        "topics", "string", lambda group: ", ".join(group.topics[:_NAMES_SHOWN]), f"The first {_NAMES_SHOWN}."
    ),
    _Column("lag_records", "int", lambda group: group.total_lag_records),
)
_METRICS: tuple[_Column[TopicRate], ...] = (
    _Column("topic", "string", lambda rate: rate.topic),
    _Column("message_count", "int", lambda rate: rate.message_count),
    _Column("records_in_per_second", "float", lambda rate: rate.records_in_per_second),
    _Column("records_out_per_second", "float", lambda rate: rate.records_out_per_second),
    _Column("bytes_in_per_second", "float", lambda rate: rate.bytes_in_per_second),
    _Column("bytes_out_per_second", "float", lambda rate: rate.bytes_out_per_second),
    _Column("retained_bytes", "int", lambda rate: rate.retained_bytes),
)
_BROKERS: tuple[_Column[ClusterBroker], ...] = (
    _Column("broker", "int", lambda broker: broker.id),
    _Column("host", "string", lambda broker: broker.host),
    _Column("port", "int", lambda broker: broker.port),
    _Column("rack", "string", lambda broker: broker.rack),
    _Column("fenced", "bool", lambda broker: broker.fenced, "Registered, but serving nothing."),
)
_ACLS: tuple[_Column[Acl], ...] = (
    _Column("principal", "string", lambda acl: acl.principal),
    _Column("permission", "string", lambda acl: acl.permission),
    _Column("operation", "string", lambda acl: acl.operation),
    _Column("resource_type", "string", lambda acl: acl.resource_type),
    _Column("resource", "string", lambda acl: acl.resource),
    _Column("pattern", "string", lambda acl: acl.pattern),
    _Column("host", "string", lambda acl: acl.host),
)
_TRANSACTIONS: tuple[_Column[OpenTransaction], ...] = (
    _Column("topic", "string", lambda one: one.topic),
    _Column("partition", "int", lambda one: one.partition),
    _Column("start_offset", "int", lambda one: one.start_offset),
    _Column("transactional_id", "string", lambda one: one.transactional_id),
    _Column("producer_id", "int", lambda one: one.producer_id),
    _Column("hanging", "string", lambda one: one.hanging, "Why it will not end by itself."),
)
_MIRROR_TOPICS: tuple[_Column[MirrorTopic], ...] = (
    _Column("mirror_topic", "string", lambda one: one.name),
    _Column("link", "string", lambda one: one.link),
    _Column("source_topic", "string", lambda one: one.source_topic),
    _Column("status", "string", lambda one: one.status),
    _Column("lag_records", "int", lambda one: one.lag_records, "What the source has and the mirror lacks."),
)
_COLUMNS: Mapping[SectionName, tuple[_Column[Any], ...]] = {
    "topics": _TOPICS,
    "connectors": _CONNECTORS,
    "schemas": _SCHEMAS,
    "consumer_groups": _CONSUMER_GROUPS,
    "metrics": _METRICS,
    "brokers": _BROKERS,
    "access": _ACLS,
    "transactions": _TRANSACTIONS,
    "cluster_links": _MIRROR_TOPICS,
}


def section_columns(name: SectionName) -> tuple[Column, ...]:
    """The columns of a section's table in the UI: one row per record, in `metrics` one per topic,
    in `access` one per ACL, in `transactions` one per open transaction of a partition, in `cluster_links` one per mirror topic."""
    return tuple(Column(column.name, column.type, column.description) for column in _COLUMNS[name])


def section_metadata(section: Section) -> dict[str, Shown]:
    """Metadata of a materialization: status, cost, the first records as a table, and their number if they were
    read. A materialization is for one cluster, so this counts its partition."""
    name, state, cost = section_name(section), section.state, section.cost
    records = _rows_of(section)
    metadata: dict[str, Shown] = {"status": state.status}
    if state.status == "fresh" and records is not None:
        metadata["dagster/partition_row_count"] = len(records)
    if state.collected_at is not None:
        metadata["collected_at"] = Moment(state.collected_at)
    if state.error is not None:
        metadata["error"] = state.error
    metadata.update(_figures(section))
    metadata.update(
        table(
            "records",
            records or (),
            lambda record: {column.name: column.value(record) for column in _COLUMNS[name]},
            columns=section_columns(name),
        )
    )
    metadata.update(
        seconds=cost.seconds,
        kafka_requests=cost.kafka_requests,
        http_requests=cost.http_requests,
        level_requests=cost.level_requests,
    )
    metadata.update({f"seconds/{phase}": seconds for phase, seconds in cost.phases.items()})
    return metadata


def complete_check(section: Section) -> ShownCheck:
    """Fails for a stale section, for one that lacks a part, and for metrics whose offsets are fresh but that lack
    another source."""
    state = section.state
    missing = (
        section.records.errors if isinstance(section, MetricsSection) and section.records is not None else ()
    )
    return ShownCheck(
        key=f"inventory/{section_name(section)}",
        name="complete",
        passed=state.status != "stale" and state.error is None and not missing,
        description=state.error or "; ".join(missing) or None,
        metadata={
            "status": state.status,
            **({"collected_at": Moment(state.collected_at)} if state.collected_at else {}),
        },
    )


def _rows_of(section: Section) -> Sequence[Any] | None:
    """One for each row of the table; None where their number is not known."""
    match section:
        case MetricsSection():
            return () if section.records is None else section.records.topics
        case BrokersSection():
            return None if section.records is None else section.records.brokers
        case AccessSection():
            return None if section.records is None else section.records.acls
        case TransactionsSection():
            return None if section.records is None else section.records.open_transactions
        case ClusterLinksSection():
            return None if section.records is None else section.records.mirror_topics
        case _:
            return section.records


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
        case BrokersSection():
            return {} if section.records is None else _broker_figures(section.records)
        case AccessSection():
            return {} if section.records is None else _access_figures(section.records)
        case TransactionsSection():
            return {} if section.records is None else _transaction_figures(section.records)
        case ClusterLinksSection():
            return {} if section.records is None else _link_figures(section.records)


def _broker_figures(brokers: Brokers) -> dict[str, int | float | str]:
    levels = {one.name: one.level for one in brokers.features.features} if brokers.features else {}
    figures: dict[str, int | float | str | None] = {
        "controller": brokers.controller,
        "fenced": brokers.fenced,
        "voters": None if brokers.quorum is None else len(brokers.quorum.voters),
        "metadata_version_level": levels.get("metadata.version"),
        "configs_set": None
        if brokers.configs is None
        else len({entry.name for entry in brokers.configs.entries if entry.source != "default"}),
    }
    return _known(figures) | _reasons(brokers.unknown)


def _access_figures(access: Access) -> dict[str, int | float | str]:
    figures: dict[str, int | float | str | None] = {
        "acls": None if access.acls is None else len(access.acls),
        "principals": None if access.acls is None else len({acl.principal for acl in access.acls}),
        "client_quotas": None if access.quotas is None else len(access.quotas),
        "scram_users": None if access.scram_users is None else len(access.scram_users),
    }
    return _known(figures) | _reasons(access.unknown)


def _transaction_figures(transactions: Transactions) -> dict[str, int | float | str]:
    opened = transactions.open_transactions
    figures: dict[str, int | float | str | None] = {
        "transactional_ids": transactions.total_transactional_ids,
        "open_transactions": transactions.total_open_transactions,
        "hanging_transactions": None if opened is None else len(transactions.hanging),
    }
    return _known(figures) | _reasons(transactions.unknown)


def _link_figures(known: ClusterLinks) -> dict[str, int | float | str]:
    mirrors = known.mirror_topics
    active = None if mirrors is None else sum(1 for one in mirrors if one.status == "ACTIVE")
    figures: dict[str, int | float | str | None] = {
        "cluster_links": None if known.links is None else len(known.links),
        "mirror_topics": None if mirrors is None else len(mirrors),
        "active_mirror_topics": active,
        "largest_mirror_lag_records": max(
            (one.lag_records for one in mirrors or () if one.lag_records is not None), default=None
        ),
    }
    return _known(figures) | _reasons(known.unknown)


def _reasons(unknown: Mapping[str, str]) -> dict[str, int | float | str]:
    return {f"unknown/{part}": reason for part, reason in unknown.items()}


def _known(figures: Mapping[str, int | float | str | None]) -> dict[str, int | float | str]:
    return {name: value for name, value in figures.items() if value is not None}


def _metrics_figures(metrics: Metrics) -> dict[str, int | float | str]:
    """The known figures, with their sources; those that no source gives are left out."""
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
    return _known(figures)
