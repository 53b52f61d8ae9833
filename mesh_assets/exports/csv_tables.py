"""The tables of `tables/written.py` as CSV (RFC 4180, UTF-8, with a header): one file per table, with all clusters.

Texts are quoted and null is an empty field without quotes, so the two differ. Lists and maps are JSON, times are ISO 8601
in UTC. A spreadsheet may take text that begins with `=` for a formula: names are written as they are.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from mesh_assets.errors import DamagedError
from mesh_assets.inventory.document import Document
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import safe
from mesh_assets.tables.columns import texts
from mesh_assets.tables.schemas import SCHEMAS
from mesh_assets.tables.written import document_table

_ROWS = 50_000
"""Rows at a time: a list column becomes text, many times as large as its numbers."""


def csv_tables(
    documents: Mapping[str, Document], store: InventoryStore
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The name of each table (`topics`, `partitions`, …) and its file in chunks, to be read before the next one. The last
    column, in addition to those of SCHEMAS, is `cluster_id`, as readers of the partitioned Parquet files see it.

    `changes` has all that the store has kept for these clusters. Raises StoreError if one cannot be read.
    """
    for name, schema in SCHEMAS.items():
        tables = (
            _changes(store, documents, schema)
            if name == "changes"
            else ((one.cluster.id, document_table(name, one)) for one in documents.values())
        )
        yield name, _chunks(schema, tables)


def _chunks(schema: pa.Schema, tables: Iterator[tuple[str, pa.Table]]) -> Iterator[bytes]:
    yield _encoded(schema.empty_table(), "", header=True)
    for cluster_id, table in tables:
        for at in range(0, table.num_rows, _ROWS):
            yield _encoded(table.slice(at, _ROWS), cluster_id, header=False)


def _changes(
    store: InventoryStore, documents: Mapping[str, Document], schema: pa.Schema
) -> Iterator[tuple[str, pa.Table]]:
    for document in documents.values():
        cluster_id = document.cluster.id
        for one in store.objects.list(f"tables/changes/cluster_id={safe(cluster_id)}/"):
            found = store.objects.get(one.key)
            if found is None:  # removed since it was listed
                continue
            try:
                table = pq.read_table(io.BytesIO(found[0]))
            except pa.ArrowException as error:
                raise DamagedError(
                    f"{store.objects.location(one.key)} is not a Parquet file ({error}); its changes are also in the history, "
                    "so the file can be removed"
                ) from error
            yield (
                cluster_id,
                pa.Table.from_arrays(
                    [
                        table.column(field.name)
                        if field.name in table.column_names
                        else pa.nulls(len(table), field.type)
                        for field in schema
                    ],
                    names=schema.names,
                ),
            )


def _encoded(table: pa.Table, cluster_id: str, *, header: bool) -> bytes:
    columns = [_plain(table.column(at)) for at in range(table.num_columns)]
    columns.append(pa.repeat(pa.scalar(cluster_id), len(table)))
    buffer = io.BytesIO()
    options = pacsv.WriteOptions(include_header=header, quoting_style="needed")
    pacsv.write_csv(pa.Table.from_arrays(columns, names=[*table.column_names, "cluster_id"]), buffer, options)
    return buffer.getvalue()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """The column in CSV's form: texts, numbers and booleans."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_timestamp(kind):
        # All rows of a snapshot have the same one or two values.
        different = column.combine_chunks().dictionary_encode()
        return _texts(different.dictionary, lambda moment: moment.isoformat()).take(different.indices)
    if pa.types.is_map(kind):
        return _texts(column, lambda pairs: msgspec.json.encode(dict(pairs)).decode())
    if pa.types.is_list(kind):
        return _texts(column, lambda values: msgspec.json.encode(values).decode())
    return column


def _texts(column: pa.ChunkedArray | pa.Array, text: Callable[[Any], str]) -> pa.Array:
    made = texts(None if value is None else text(value) for value in column.to_pylist())
    return made.cast(pa.string())
