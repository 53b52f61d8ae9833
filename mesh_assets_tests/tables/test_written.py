import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import given
from msgspec.structs import replace

from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.data_contracts import DataContract, SchemaRule
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.storage_records import LogDirectory, Reassignment, TopicStorage
from mesh_assets.store.layout import open_store
from mesh_assets.tables.schemas import SCHEMAS
from mesh_assets.tables.written import write_tables
from mesh_assets_tests.arbitrary_documents import documents, property_of_documents
from mesh_assets_tests.documents import (
    a_connector,
    a_document,
    a_group,
    a_schema,
    a_topic,
    some_access,
    some_brokers,
    some_links,
    some_transactions,
)

CHANGE = Change(
    kind="updated",
    resource_type="topic",
    resource="orders",
    field="config.retention.ms",
    before="1",
    after="2",
    severity="info",
    sentence="s",
)


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    return list(pq.read_table(folder / "tables" / table, partitioning="hive").to_pylist())


def test_topic_storage_is_in_the_tables_of_topics_partitions_and_log_directories(
    tmp_path: Path,
) -> None:
    oldest = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    stored = TopicStorage(
        replica_bytes=21,
        oldest_record_at=oldest,
        reassignments=(Reassignment(partition=0, adding=(4,), removing=()),),
    )
    orders, users = a_topic("orders", partitions=1), a_topic("users", partitions=1)
    (partition,) = orders.partitions
    document = a_document(
        topics=(replace(orders, storage=stored, partitions=(replace(partition, bytes=7),)), users),
        log_directories=(LogDirectory(broker=1, path="/a", error="KAFKA_STORAGE_ERROR"),),
    )
    write_tables(open_store(str(tmp_path)), document, ())

    read = [
        (
            one["replica_bytes"],
            one["oldest_record_at"],
            one["newest_record_at"],
            one["reassigning_partitions"],
        )
        for one in rows(tmp_path, "topics")
    ]
    assert read == [(21, oldest, None, 1), (None, None, None, None)]
    assert [one["bytes"] for one in rows(tmp_path, "partitions")] == [7, None]
    [directory] = rows(tmp_path, "log_directories")
    assert (directory["broker"], directory["error"], directory["bytes"]) == (1, "KAFKA_STORAGE_ERROR", None)


def test_every_table_has_the_documents_rows_and_names_its_snapshot(tmp_path: Path) -> None:
    document = a_document(
        topics=(
            a_topic(
                "orders",
                partitions=2,
                config={"cleanup.policy": "compact"},
                config_overrides=("cleanup.policy",),
            ),
        ),
        connectors=(a_connector(),),
        schemas=(a_schema(),),
        consumer_groups=(a_group(),),
        brokers=some_brokers(),
        access=some_access(),
        transactions=some_transactions(),
        cluster_links=some_links(),
    )

    counts = write_tables(open_store(str(tmp_path)), document, (CHANGE,))

    assert counts == {
        "topics": 1,
        "partitions": 2,
        "topic_configs": 1,
        "connectors": 1,
        "schemas": 1,
        "consumer_groups": 1,
        "group_topics": 0,
        "log_directories": 0,
        "committed_offsets": 1,
        "changes": 1,
        "brokers": 2,
        "broker_configs": 2,
        "features": 1,
        "quorum_replicas": 2,
        "acls": 2,
        "client_quotas": 2,
        "scram_users": 1,
        "transactional_ids": 1,
        "open_transactions": 1,
        "topic_producers": 1,
        "cluster_links": 1,
        "mirror_topics": 1,
    }
    [config] = rows(tmp_path, "topic_configs")
    assert (config["topic"], config["config"], config["value"], config["overridden"]) == (
        "orders",
        "cleanup.policy",
        "compact",
        True,
    )
    assert (config["cluster_id"], config["cluster"], config["sequence"]) == ("lkc-1", "warehouse", 1)
    assert config["discovery_timestamp"] == document.discovery_timestamp


def test_a_cluster_replaces_its_own_rows_keeps_its_changes_and_leaves_other_clusters_alone(
    tmp_path: Path,
) -> None:
    store = open_store(str(tmp_path))
    other = a_document(topics=(a_topic("other"),))
    write_tables(store, replace(other, cluster=replace(other.cluster, id="lkc-2")), ())

    write_tables(store, a_document(topics=(a_topic("old"),)), (CHANGE,))
    write_tables(store, a_document(topics=(a_topic("new"),), sequence=2), (CHANGE,))

    assert {row["topic"] for row in rows(tmp_path, "topics")} == {"new", "other"}
    assert {row["sequence"] for row in rows(tmp_path, "changes")} == {1, 2}


def test_an_empty_cluster_gives_empty_tables_with_their_columns(tmp_path: Path) -> None:
    write_tables(open_store(str(tmp_path)), a_document(), ())

    table = pq.read_table(tmp_path / "tables" / "connectors" / "cluster_id=lkc-1" / "data.parquet")
    assert table.num_rows == 0
    assert table.schema.equals(SCHEMAS["connectors"])


@property_of_documents
@given(documents())
def test_any_document_can_be_written_as_tables(tmp_path: Path, document: Document) -> None:
    counts = write_tables(open_store(str(tmp_path)), document, ())

    assert counts["topics"] == len(document.topics)
    assert counts["partitions"] == sum(len(topic.partitions) for topic in document.topics)


def test_a_contract_is_in_the_table_of_schemas_and_null_where_unknown(tmp_path: Path) -> None:
    contract = DataContract(
        properties={"owner": "shop"},
        tags={"**.ssn": ("PII",)},
        rules=(SchemaRule(phase="domain", name="positive"),),
    )
    document = a_document(schemas=(a_schema("a-value", contract=contract), a_schema("b-value")))
    write_tables(open_store(str(tmp_path)), document, ())
    known, unknown = rows(tmp_path, "schemas")
    assert (known["properties"], known["tags"]) == ([("owner", "shop")], [("**.ssn", ["PII"])])
    assert [json.loads(rule)["name"] for rule in known["rules"]] == ["positive"]
    assert (unknown["properties"], unknown["tags"], unknown["rules"]) == (None, None, None)
