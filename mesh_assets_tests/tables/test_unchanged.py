"""A table is written again exactly if its rows changed, whatever happened in between."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.store.layout import open_store
from mesh_assets.store.objects import ObjectStore
from mesh_assets.tables.schemas import SCHEMAS, STAMP
from mesh_assets.tables.unchanged import MADE_OF, TablesWriting, unchanged_tables
from mesh_assets.tables.written import document_table, write_tables
from mesh_assets_tests.arbitrary_documents import documents, property_of_documents
from mesh_assets_tests.documents import a_document, a_group, a_topic, some_access, some_metrics

FIRST = a_document(topics=(a_topic("orders"),), consumer_groups=(a_group("billing"),), access=some_access())
SECOND = replace(FIRST, sequence=2, topics=(replace(FIRST.topics[0], partitions=()),))
TABLES = set(SCHEMAS) - {"changes"}
PARTS = (
    "topics",
    "connectors",
    "schemas",
    "consumer_groups",
    "brokers",
    "access",
    "log_directories",
    "transactions",
    "cluster_links",
)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return open_store(str(tmp_path))


def written(objects: ObjectStore, document: Document, previous: Document | None, **other: Any) -> set[str]:
    """Which tables are written when `document` follows `previous`; each with its sequence as the SHA-256."""
    before = {entry.key: objects.get(entry.key) for entry in objects.list("tables/")}
    for key in before:
        if key.endswith(".parquet"):
            objects.put(key, b"as it was")
    known = None if previous is None else (str(previous.sequence), previous)
    counts = write_tables(
        objects, document, (), **{"stored": str(document.sequence), "previous": known, **other}
    )
    assert counts.keys() == TABLES
    found = set()
    for key, content in before.items():
        if key.endswith(".parquet") and content is not None:
            now = objects.get(key)
            assert now is not None
            if now[0] == b"as it was":
                objects.put(key, content[0])
            else:
                found.add(key.split("/")[1])
    return found


def test_only_tables_with_other_rows_are_written_again_and_the_others_say_since_when_they_are_valid(
    objects: ObjectStore, tmp_path: Path
) -> None:
    write_tables(objects, FIRST, (), stored="1")

    assert written(objects, SECOND, FIRST) == {"topics", "partitions"}
    sequences = {
        name: {row["sequence"] for row in pq.read_table(tmp_path / "tables" / name).to_pylist()}
        for name in ("partitions", "topics", "acls")
    }
    assert sequences == {"partitions": set(), "topics": {2}, "acls": {1}}
    assert written(objects, replace(SECOND, sequence=3), SECOND) == set()


def test_rates_are_in_the_tables_of_their_subjects(objects: ObjectStore) -> None:
    write_tables(objects, FIRST, (), stored="1")
    with_rates = replace(FIRST, sequence=2, metrics=some_metrics())

    assert written(objects, with_rates, FIRST) == {"topics", "connectors", "consumer_groups", "group_topics"}


@pytest.mark.parametrize(
    "case", ["another document", "none before", "another version", "interrupted", "removed"]
)
def test_all_tables_are_written_where_they_may_differ_from_the_previous_documents(
    case: str, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tables(objects, FIRST, (), stored="of another document" if case == "another document" else "1")
    if case == "another version":
        monkeypatch.setattr("mesh_assets.tables.unchanged.made_by", lambda: "another")
    if case == "interrupted":
        TablesWriting(objects, FIRST.cluster.id)
    if case == "removed":
        [marker] = objects.list("tables/_written/")
        objects.delete(marker.key)

    assert written(objects, SECOND, None if case == "none before" else FIRST) == TABLES


def test_after_two_simultaneous_discoveries_the_next_one_writes_all(
    objects: ObjectStore,
) -> None:
    write_tables(objects, FIRST, (), stored="1")
    slow = TablesWriting(objects, FIRST.cluster.id)
    write_tables(objects, SECOND, (), stored="2", previous=("1", FIRST))
    slow.end("1", {})

    assert written(objects, replace(SECOND, sequence=3), SECOND) == TABLES


def test_the_sources_of_each_tables_rows_are_known() -> None:
    assert set(MADE_OF) == TABLES


@property_of_documents
@given(documents(), st.sets(st.sampled_from(PARTS), min_size=1))
def test_a_table_that_need_not_be_written_has_the_same_rows(before: Document, other: set[str]) -> None:
    now = replace(before, **{name: getattr(SECOND, name) for name in other})
    stamp = [name for name, _ in STAMP]

    for name in unchanged_tables(before, now):
        rows = [document_table(name, one).drop_columns(stamp).to_pylist() for one in (before, now)]
        assert rows[0] == rows[1], name
