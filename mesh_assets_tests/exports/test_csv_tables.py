"""CSV of the tables: the same rows and columns as their Parquet files."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mesh_assets.diff import diff_documents
from mesh_assets.errors import DamagedError
from mesh_assets.exports.csv_tables import csv_tables
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.inventory.document import ClusterIdentity, Document
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets.tables.schemas import SCHEMAS
from mesh_assets.tables.written import write_tables
from mesh_assets_tests.documents import (
    a_connector,
    a_document,
    a_group,
    a_metrics,
    a_schema,
    a_topic,
    some_access,
    some_brokers,
)

CONTRACT = DataContract(properties={"owner": 'the "team", of all'}, tags={"**.ssn": ("PII",)})
WAREHOUSE = a_document(
    topics=(
        a_topic("orders", config={"cleanup.policy": "compact", "empty": "", "hidden": None}),
        a_topic("users"),
    ),
    connectors=(a_connector("=1+1"),),
    schemas=(a_schema("orders-value", contract=CONTRACT), a_schema("users-value", definition='{"a":\n"b"}')),
    consumer_groups=(a_group("größe\x7f"),),
    metrics=a_metrics(orders=1.5),
    brokers=some_brokers(),
    access=some_access(),
)
BILLING = a_document(cluster=ClusterIdentity(id="lkc/2", name="billing"), topics=(a_topic("invoices"),))
DOCUMENTS = {"warehouse": WAREHOUSE, "billing": BILLING}


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    """With the Parquet tables of both, and changes of one."""
    store = InventoryStore(open_store(str(tmp_path)))
    before = a_document(topics=(a_topic("users"),))
    write_tables(store.objects, WAREHOUSE, diff_documents(before, WAREHOUSE))
    write_tables(store.objects, BILLING, [])
    return store


def files(documents: Mapping[str, Document], store: InventoryStore) -> dict[str, str]:
    return {name: b"".join(chunks).decode() for name, chunks in csv_tables(documents, store)}


def test_every_table_has_the_columns_and_rows_of_its_parquet_files(store: InventoryStore) -> None:
    found = files(DOCUMENTS, store)
    assert set(found) == set(SCHEMAS)
    for name, text in found.items():
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        assert header == [*SCHEMAS[name].names, "cluster_id"]
        expected = []
        for document in DOCUMENTS.values():
            for key in sorted(one.key for one in store.objects.list(f"tables/{name}/")):
                read = store.objects.get(key)
                assert read is not None
                table = pq.read_table(io.BytesIO(read[0]))
                mine = [row for row in table.to_pylist() if row["cluster"] == document.cluster.name]
                expected += [[*(shown(value) for value in row.values()), document.cluster.id] for row in mine]
        assert rows == expected, name
    with_rows = {name for name, text in found.items() if text.count("\n") > 1}
    assert with_rows >= {
        "topics",
        "partitions",
        "topic_configs",
        "schemas",
        "committed_offsets",
        "acls",
        "changes",
    }


def shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list() if value and isinstance(value[0], tuple):
            return json.dumps(dict(value), separators=(",", ":"), ensure_ascii=False)
        case list():
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        case float():
            return str(int(value)) if value.is_integer() else str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def test_null_is_empty_and_empty_text_is_quoted(store: InventoryStore) -> None:
    lines = files({"warehouse": WAREHOUSE}, store)["topic_configs"].splitlines()
    assert [line.partition('"orders",')[2] for line in lines if '"orders"' in line] == [
        '"cleanup.policy","compact",true,"lkc-1"',
        '"empty","",true,"lkc-1"',
        '"hidden",,true,"lkc-1"',
    ]


def test_a_cluster_without_rows_gives_the_header(store: InventoryStore) -> None:
    assert files({"billing": BILLING}, store)["changes"].count("\n") == 1


def test_unreadable_changes_are_an_error_and_not_a_shorter_table(store: InventoryStore) -> None:
    [one] = store.objects.list("tables/changes/")
    store.objects.put(one.key, b"nothing")
    with pytest.raises(DamagedError, match=r"00000001\.parquet is not a Parquet file"):
        files(DOCUMENTS, store)
