"""Parquet tables of the newest document, for pandas, DuckDB and the like. They are derived from it and can be
rebuilt.

They are under `tables/<table>/cluster_id=<id>/data.parquet`, so one pattern reads all clusters: `SELECT *
FROM read_parquet('.mesh/tables/topics/*/*.parquet', hive_partitioning = true)`. Changes are kept, one file
per sequence.

The first columns say which snapshot a table was made from. A table whose rows stay the same is not rewritten,
and keeps naming the snapshot since which they have been so; `latest.json` names the newest.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import pyarrow as pa

from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.lag import lag_reason
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.storage_records import TopicStorage
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore
from mesh_assets.tables import link_rows, transaction_rows
from mesh_assets.tables.cluster_rows import ROWS, Row
from mesh_assets.tables.columns import Texts, arrow_table, booleans, column, parquet, release_unused, texts
from mesh_assets.tables.schemas import SCHEMAS, STAMP
from mesh_assets.tables.unchanged import TablesWriting

R = TypeVar("R")

_IN_AND_OUT = (
    "records_in_per_second",
    "records_out_per_second",
    "bytes_in_per_second",
    "bytes_out_per_second",
)

Columns = dict[str, pa.Array]


def write_tables(
    objects: ObjectStore,
    document: Document,
    changes: Sequence[Change],
    *,
    stored: str = "",
    previous: tuple[str, Document] | None = None,
) -> dict[str, int]:
    """Overwrites the cluster's tables with those of `document`, and adds its changes next to the earlier
    ones; returns the number of rows by table. Raises StoreError.

    `stored`: the SHA-256 of the document, `previous`: the previous one and its SHA-256. A table with
    unchanged rows is not rewritten.
    """
    folder = f"cluster_id={safe(document.cluster.id)}"
    stamp = _stamp(document)
    writing = TablesWriting(objects, document.cluster.id)
    rows = writing.kept(previous, document)
    # One after the other: once in a file, a table's columns are freed.
    for name, make in _TABLES.items():
        if name not in rows:
            columns = make(document)
            rows[name] = len(next(iter(columns.values())))
            data = parquet(SCHEMAS[name], columns, stamp=stamp)
            objects.put(f"tables/{name}/{folder}/data.parquet", data)
    if stored:
        writing.end(stored, rows)
    if changes:
        columns = _of("changes", changes, lambda c: [getattr(c, name) for name in _names("changes")])
        data = parquet(SCHEMAS["changes"], columns, stamp=stamp)
        objects.put(f"tables/changes/{folder}/{document.sequence:08d}.parquet", data)
        rows["changes"] = len(changes)
    release_unused()
    return rows


def document_table(name: str, document: Document) -> pa.Table:
    """The document's rows in that table of SCHEMAS, except `changes`, which no document holds."""
    return arrow_table(SCHEMAS[name], _TABLES[name](document), stamp=_stamp(document))


def _stamp(document: Document) -> dict[str, int | str | datetime]:
    return {
        "sequence": document.sequence,
        "discovery_timestamp": document.discovery_timestamp,
        "cluster": document.cluster.name,
    }


def _names(table: str) -> list[str]:
    return list(SCHEMAS[table].names[len(STAMP) :])


def _of(table: str, records: Iterable[R], row: Callable[[R], Sequence[Any]]) -> Columns:
    """The columns of a table with one row per record."""
    rows = [row(record) for record in records]
    columns = zip(*rows, strict=True) if rows else [()] * len(_names(table))
    return {
        name: column(values, SCHEMAS[table].field(name).type)
        for name, values in zip(_names(table), columns, strict=True)
    }


def _fields_of(table: str, records: Sequence[Record], *, but: Sequence[str] = ()) -> Columns:
    """The columns after the first one, which are named after the records' fields."""
    return {
        name: column([*map(attrgetter(name), records)], SCHEMAS[table].field(name).type)
        for name in _names(table)[1:]
        if name not in but
    }


def _of_rows(table: str, rows: Callable[[Document], Iterable[Row]], document: Document) -> Columns:
    return _of(table, rows(document), lambda row: row)


def _topics(document: Document) -> Columns:
    """Column by column, as for every table with a row for each of thousands: a tuple for each row takes twice as long."""
    topics = document.topics
    known = {rate.topic: rate for rate in document.metrics.topics} if document.metrics else {}
    details, rates = [topic.details for topic in topics], [known.get(topic.name) for topic in topics]
    storage = [topic.storage for topic in topics]
    columns: dict[str, Sequence[Any]] = {
        "topic": _each("name", topics),
        "topic_id": _each("id", topics),
        **{name: _each(name, details) for name in _DETAILS},
        **{name: _each(name, rates) for name in (*_IN_AND_OUT, "retained_bytes")},
        "value_subjects": [topic.schema.value_subjects for topic in topics],
        "connectors": _each("connectors", topics),
        **{name: _each(name, storage) for name in ("replica_bytes", "oldest_record_at", "newest_record_at")},
        "reassigning_partitions": [*map(_moving, storage)],
    }
    return {name: column(columns[name], SCHEMAS["topics"].field(name).type) for name in _names("topics")}


_DETAILS = ("partitions", "replication_factor", "cleanup_policy", "message_count", "message_count_is")


def _each(name: str, records: Sequence[msgspec.Struct | None]) -> list[Any]:
    """That field of each; None where there is no record."""
    if None in records:
        return [None if record is None else getattr(record, name) for record in records]
    return [*map(attrgetter(name), records)]


def _moving(storage: TopicStorage | None) -> int | None:
    return None if storage is None or storage.reassignments is None else len(storage.reassignments)


def _partitions(document: Document) -> Columns:
    names = Texts()
    for topic in document.topics:
        names.rows.extend(array("i", [names.number(topic.name)]) * len(topic.partitions))
    partitions = [partition for topic in document.topics for partition in topic.partitions]
    return {"topic": names.column(), **_fields_of("partitions", partitions)}


def _log_directories(document: Document) -> Columns:
    return _of("log_directories", document.log_directories or (), msgspec.structs.astuple)


def _topic_configs(document: Document) -> Columns:
    """Most topics share their configs with many others: the result for each set is computed once."""
    topics, names, values, overridden = Texts(), Texts(), Texts(), bytearray()
    known: dict[tuple[int, tuple[str, ...]], tuple[array[int], array[int], bytes]] = {}
    for topic in document.topics:
        config = topic.config or {}
        of_these = known.get((id(topic.config), topic.config_overrides))
        if of_these is None:
            of_these = known[id(topic.config), topic.config_overrides] = (
                array("i", map(names.number, config)),
                array("i", map(values.number, config.values())),
                bytes(name in topic.config_overrides for name in config),
            )
        topics.rows.extend(array("i", [topics.number(topic.name)]) * len(config))
        names.rows.extend(of_these[0])
        values.rows.extend(of_these[1])
        overridden += of_these[2]
    return {
        "topic": topics.column(),
        "config": names.column(),
        "value": values.column(),
        "overridden": booleans(overridden),
    }


def _connectors(document: Document) -> Columns:
    rates = (
        {(rate.connector, rate.connect): rate for rate in document.metrics.connectors}
        if document.metrics
        else {}
    )
    return _of(
        "connectors",
        document.connectors,
        lambda c: (
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
        ),
    )


def _schemas(document: Document) -> Columns:
    return _of(
        "schemas",
        document.schemas,
        lambda s: (
            s.subject,
            s.version,
            s.id,
            s.schema_type,
            s.compatibility.value,
            s.mode.value,
            s.naming_strategy,
            s.definition,
            *_contract(s.contract),
        ),
    )


def _contract(contract: DataContract | None) -> tuple[Any, ...]:
    """Properties, tags by path, and rules as JSON text; null if unknown."""
    if contract is None:
        return None, None, None
    rules = [msgspec.json.encode(rule).decode() for rule in contract.rules]
    return list(contract.properties.items()), list(contract.tags.items()), rules


def _consumer_groups(document: Document) -> Columns:
    rates = {rate.group_id: rate for rate in document.metrics.consumer_groups} if document.metrics else {}
    return _of(
        "consumer_groups",
        document.consumer_groups,
        lambda group: (
            group.group_id,
            group.type,
            group.state,
            None if group.members is None else len(group.members),
            group.topics,
            group.total_lag_records,
            *_rates(
                rates.get(group.group_id),
                "lag_seconds",
                "lag_seconds_at_least",
                "records_committed_per_second",
            ),
            group.lost_records,
            *_rates(rates.get(group.group_id), "retention_used_percent", "retention_left_seconds"),
            group.epoch,
            group.assignor,
        ),
    )


def _group_topics(document: Document) -> Columns:
    rows = document.metrics.group_topics if document.metrics else ()
    return _of("group_topics", rows, msgspec.structs.astuple)


def _committed_offsets(document: Document) -> Columns:
    groups = Texts()
    for group in document.consumer_groups:
        groups.rows.extend(array("i", [groups.number(group.group_id)]) * len(group.offsets or ()))
    offsets = [offset for group in document.consumer_groups for offset in group.offsets or ()]
    fields = _fields_of("committed_offsets", offsets, but=("lag_is",))
    return {"consumer_group": groups.column(), **fields, "lag_is": texts(map(lag_reason, offsets))}


def _rates(record: msgspec.Struct | None, *names: str) -> tuple[Any, ...]:
    return tuple(None if record is None else getattr(record, name) for name in names)


_TABLES: dict[str, Callable[[Document], Columns]] = {
    "topics": _topics,
    "partitions": _partitions,
    "log_directories": _log_directories,
    "topic_configs": _topic_configs,
    "connectors": _connectors,
    "schemas": _schemas,
    "consumer_groups": _consumer_groups,
    "group_topics": _group_topics,
    "committed_offsets": _committed_offsets,
    **{
        name: partial(_of_rows, name, rows)
        for name, rows in {**ROWS, **transaction_rows.ROWS, **link_rows.ROWS}.items()
    },
}
