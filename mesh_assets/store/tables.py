"""Parquet tables of the newest document, for pandas, DuckDB and the like. They are derived from it and can be
made again.

They are under `tables/<table>/cluster_id=<id>/data.parquet`, so one pattern reads all clusters: `SELECT *
FROM read_parquet('.mesh/tables/topics/*/*.parquet', hive_partitioning = true)`. Changes are kept, one file
per sequence.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.lag import lag_reason
from mesh_assets.inventory.records import Record
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore

_STAMP = [
    ("sequence", pa.int64()),
    ("discovery_timestamp", pa.timestamp("us", tz="UTC")),
    ("cluster", pa.string()),
]
_STRINGS = pa.list_(pa.string())
_INTS = pa.list_(pa.int32())

SCHEMAS: dict[str, pa.Schema] = {
    name: pa.schema([*_STAMP, *columns])
    for name, columns in {
        "topics": [
            ("topic", pa.string()),
            ("topic_id", pa.string()),
            ("partitions", pa.int32()),
            ("replication_factor", pa.int32()),
            ("cleanup_policy", pa.string()),
            ("message_count", pa.int64()),
            ("message_count_is", pa.string()),
            ("records_in_per_second", pa.float64()),
            ("records_out_per_second", pa.float64()),
            ("bytes_in_per_second", pa.float64()),
            ("bytes_out_per_second", pa.float64()),
            ("retained_bytes", pa.int64()),
            ("value_subjects", _STRINGS),
            ("connectors", _STRINGS),
        ],
        "partitions": [
            ("topic", pa.string()),
            ("partition", pa.int32()),
            ("leader", pa.int32()),
            ("replicas", _INTS),
            ("isr", _INTS),
            ("earliest", pa.int64()),
            ("latest", pa.int64()),
        ],
        "topic_configs": [
            ("topic", pa.string()),
            ("config", pa.string()),
            ("value", pa.string()),
            ("overridden", pa.bool_()),
        ],
        "connectors": [
            ("connector", pa.string()),
            ("connect", pa.string()),
            ("type", pa.string()),
            ("connector_class", pa.string()),
            ("status", pa.string()),
            ("tasks", pa.int32()),
            ("failed_tasks", pa.int32()),
            ("records_in_per_second", pa.float64()),
            ("records_out_per_second", pa.float64()),
            ("bytes_in_per_second", pa.float64()),
            ("bytes_out_per_second", pa.float64()),
            ("dead_letter_records", pa.int64()),
            ("topics", _STRINGS),
            ("id", pa.string()),
        ],
        "schemas": [
            ("subject", pa.string()),
            ("version", pa.int32()),
            ("id", pa.int64()),
            ("schema_type", pa.string()),
            ("compatibility", pa.string()),
            ("mode", pa.string()),
            ("naming_strategy", pa.string()),
            ("definition", pa.string()),
            ("properties", pa.map_(pa.string(), pa.string())),
            ("tags", pa.map_(pa.string(), _STRINGS)),
            ("rules", _STRINGS),
        ],
        "consumer_groups": [
            ("consumer_group", pa.string()),
            ("type", pa.string()),
            ("state", pa.string()),
            ("members", pa.int32()),
            ("topics", _STRINGS),
            ("lag_records", pa.int64()),
            ("lag_seconds", pa.float64()),
            ("lag_seconds_at_least", pa.float64()),
            ("records_committed_per_second", pa.float64()),
            ("lost_records", pa.int64()),
            ("retention_used_percent", pa.float64()),
            ("retention_left_seconds", pa.float64()),
            ("epoch", pa.int32()),
            ("assignor", pa.string()),
        ],
        "group_topics": [
            ("consumer_group", pa.string()),
            ("topic", pa.string()),
            ("lag_records", pa.int64()),
            ("lost_records", pa.int64()),
            ("retention_used_percent", pa.float64()),
            ("lag_seconds", pa.float64()),
            ("retention_left_seconds", pa.float64()),
        ],
        "committed_offsets": [
            ("consumer_group", pa.string()),
            ("topic", pa.string()),
            ("partition", pa.int32()),
            ("committed", pa.int64()),
            ("end", pa.int64()),
            ("lag_records", pa.int64()),
            ("start", pa.int64()),
            ("lag_is", pa.string()),
        ],
        "changes": [
            ("kind", pa.string()),
            ("resource_type", pa.string()),
            ("resource", pa.string()),
            ("field", pa.string()),
            ("before", pa.string()),
            ("after", pa.string()),
            ("severity", pa.string()),
            ("sentence", pa.string()),
        ],
    }.items()
}

_IN_AND_OUT = (
    "records_in_per_second",
    "records_out_per_second",
    "bytes_in_per_second",
    "bytes_out_per_second",
)

Row = tuple[Any, ...]


def write_tables(objects: ObjectStore, document: Document, changes: Sequence[Change]) -> dict[str, int]:
    """Writes all tables of `document` over the cluster's earlier ones, and its changes next to the earlier
    changes; the number of rows by table. Raises StoreError."""
    folder = f"cluster_id={safe(document.cluster.id)}"
    rows: dict[str, list[Row]] = {
        "topics": list(_topics(document)),
        "partitions": [
            (topic.name, p.partition, p.leader, p.replicas, p.isr, p.earliest, p.latest)
            for topic in document.topics
            for p in topic.partitions
        ],
        "topic_configs": [
            (topic.name, name, value, name in topic.config_overrides)
            for topic in document.topics
            for name, value in (topic.config or {}).items()
        ],
        "connectors": list(_connectors(document)),
        "schemas": [
            (
                s.subject,
                s.version,
                s.id,
                s.schema_type,
                s.compatibility.value,
                s.mode.value,
                s.naming_strategy,
                s.definition,
                *_contract(s.contract),
            )
            for s in document.schemas
        ],
        "consumer_groups": list(_consumer_groups(document)),
        "group_topics": [msgspec.structs.astuple(row) for row in document.metrics.group_topics]
        if document.metrics
        else [],
        "committed_offsets": [
            (group.group_id, o.topic, o.partition, o.committed, o.end, o.lag_records, o.start, lag_reason(o))
            for group in document.consumer_groups
            for o in group.offsets or ()
        ],
    }
    for name, table_rows in rows.items():
        objects.put(f"tables/{name}/{folder}/data.parquet", _parquet(name, document, table_rows))
    if changes:
        change_rows = [
            (c.kind, c.resource_type, c.resource, c.field, c.before, c.after, c.severity, c.sentence)
            for c in changes
        ]
        objects.put(
            f"tables/changes/{folder}/{document.sequence:08d}.parquet",
            _parquet("changes", document, change_rows),
        )
        rows["changes"] = change_rows
    return {name: len(table_rows) for name, table_rows in rows.items()}


def _topics(document: Document) -> Iterator[Row]:
    rates = {rate.topic: rate for rate in document.metrics.topics} if document.metrics else {}
    for topic in document.topics:
        details = topic.details
        yield (
            topic.name,
            topic.id,
            details.partitions,
            details.replication_factor,
            details.cleanup_policy,
            details.message_count,
            details.message_count_is,
            *_rates(rates.get(topic.name), *_IN_AND_OUT, "retained_bytes"),
            topic.schema.value_subjects,
            topic.connectors,
        )


def _contract(contract: DataContract | None) -> Row:
    """Properties, tags by path, and rules as JSON text; null where they are unknown."""
    if contract is None:
        return None, None, None
    rules = [msgspec.json.encode(rule).decode() for rule in contract.rules]
    return list(contract.properties.items()), list(contract.tags.items()), rules


def _connectors(document: Document) -> Iterator[Row]:
    rates = (
        {(rate.connector, rate.connect): rate for rate in document.metrics.connectors}
        if document.metrics
        else {}
    )
    for c in document.connectors:
        yield (
            c.name,
            c.connect,
            c.type,
            c.connector_class,
            c.status,
            len(c.tasks),
            c.failed_tasks,
            *_rates(rates.get((c.name, c.connect)), *_IN_AND_OUT, "dead_letter_records"),
            [topic.name for topic in c.topics],
            c.id,
        )


def _consumer_groups(document: Document) -> Iterator[Row]:
    rates = {rate.group_id: rate for rate in document.metrics.consumer_groups} if document.metrics else {}
    for group in document.consumer_groups:
        members = None if group.members is None else len(group.members)
        known = _rates(
            rates.get(group.group_id), "lag_seconds", "lag_seconds_at_least", "records_committed_per_second"
        )
        yield (
            group.group_id,
            group.type,
            group.state,
            members,
            group.topics,
            group.total_lag_records,
            *known,
            group.lost_records,
            *_rates(rates.get(group.group_id), "retention_used_percent", "retention_left_seconds"),
            group.epoch,
            group.assignor,
        )


def _rates(record: Record | None, *names: str) -> Row:
    return tuple(None if record is None else getattr(record, name) for name in names)


def _parquet(name: str, document: Document, rows: Iterable[Row]) -> bytes:
    schema = SCHEMAS[name]
    columns: list[list[Any]] = [[] for _ in schema.names[len(_STAMP) :]]
    count = 0
    for row in rows:
        count += 1
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    stamp: list[list[Any]] = [
        [document.sequence] * count,
        [document.discovery_timestamp] * count,
        [document.cluster.name] * count,
    ]
    arrays = [
        pa.array(values, type=field.type) for values, field in zip([*stamp, *columns], schema, strict=True)
    ]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()
