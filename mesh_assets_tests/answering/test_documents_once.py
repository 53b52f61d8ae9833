"""A run decodes documents and results once, within a bound, and always those that the store has."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from mesh_assets.answering.documents_once import DocumentsOnce
from mesh_assets.errors import DamagedError, StoreError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import Pointer
from mesh_assets.store.results import ResultStore
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.published import publish


@pytest.fixture
def store(tmp_path: Path) -> DocumentsOnce:
    return DocumentsOnce(FolderStore(tmp_path))


def published(store: InventoryStore, document: Document) -> Pointer:
    publish(store, document)
    found = store.latest(document.cluster.id)
    assert found is not None
    return found[0]


def test_a_document_is_decoded_once_however_it_is_requested(store: DocumentsOnce) -> None:
    document = a_document(topics=(a_topic("orders"),))
    stored = published(store, document).document

    first = store.read_document(stored)

    assert first == document
    assert store.read_document(stored) is first
    assert store.document_at(document.cluster.id) is first
    assert store.document_at(document.cluster.id, stored.key) is first
    assert store.document_at(document.cluster.id, stored.key.rpartition("/")[2]) is first


def test_a_document_read_by_its_key_is_checked_when_it_is_read_as_the_newest(
    store: DocumentsOnce, tmp_path: Path
) -> None:
    document = a_document(topics=(a_topic("orders"),))
    stored = published(store, document).document
    path = tmp_path / stored.key
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"orders", b"0rders"))

    assert [one.name for one in store.document_at(document.cluster.id, stored.key).topics] == ["0rders"]
    with pytest.raises(DamagedError, match="SHA-256 differs"):
        store.read_document(stored)


def test_two_documents_of_a_cluster_share_what_is_equal_in_both(store: DocumentsOnce) -> None:
    before = a_document(
        topics=(a_topic("orders"), a_topic("users")),
        schemas=(a_schema("orders-value"),),
        connectors=(a_connector("sink"), a_connector("sink", connect="other")),
        consumer_groups=(a_group("billing"),),
    )
    after = replace(
        before, sequence=2, topics=(a_topic("orders", partitions=2), a_topic("payments"), a_topic("users"))
    )
    other = a_document(cluster=replace(before.cluster, id="another", name="another"), topics=before.topics)
    keys = [published(store, one).document.key for one in (before, after, other)]

    old, new, elsewhere = (
        store.document_at(one.cluster.id, key) for one, key in zip((before, after, other), keys, strict=True)
    )

    assert (old, new) == (before, after)
    assert new.topics[2] is old.topics[1]
    for name in ("schemas", "connectors", "consumer_groups"):
        assert all(one is there for one, there in zip(getattr(new, name), getattr(old, name), strict=True))
    assert elsewhere.topics[0] is not old.topics[0]


def test_the_least_recently_used_is_dropped_first(tmp_path: Path) -> None:
    objects = FolderStore(tmp_path)
    document = a_document(topics=tuple(a_topic(f"t{number}") for number in range(20)))
    pointers = [
        published(
            InventoryStore(objects),
            replace(document, sequence=number, discovery_timestamp=MOMENT.replace(minute=number)),
        ).document
        for number in (1, 2, 3)
    ]
    store = DocumentsOnce(objects, most_bytes=2 * pointers[0].bytes + 100)
    one, two = (store.read_document(pointer) for pointer in pointers[:2])
    assert store.read_document(pointers[0]) is one

    store.read_document(pointers[2])

    assert store.read_document(pointers[0]) is one
    assert store.read_document(pointers[1]) is not two


def test_a_document_larger_than_the_bound_is_read_each_time(tmp_path: Path) -> None:
    store = DocumentsOnce(FolderStore(tmp_path), most_bytes=10)
    document = a_document()
    stored = published(store, document).document

    first = store.read_document(stored)

    assert store.read_document(stored) == first
    assert store.read_document(stored) is not first


def test_a_cluster_without_documents_is_reported_as_any_store_does(store: DocumentsOnce) -> None:
    with pytest.raises(StoreError, match="nothing has ever been published for cluster lkc-1"):
        store.document_at("lkc-1")


class Counted(Record, frozen=True, kw_only=True):
    number: int


def results(store: InventoryStore) -> ResultStore[Counted]:
    return ResultStore(store, "counted", Counted)


def test_a_result_of_this_run_is_passed_on_and_not_decoded(store: DocumentsOnce) -> None:
    made = Counted(number=1)
    results(store).put(made, documents=(), made_at=MOMENT)

    kept = results(store).get()

    assert kept is not None
    assert kept.result is made
    assert kept == results(InventoryStore(store.objects)).get()


def test_a_result_that_another_process_wrote_since_is_read(store: DocumentsOnce) -> None:
    results(store).put(Counted(number=1), documents=(), made_at=MOMENT)
    results(InventoryStore(store.objects)).put(Counted(number=2), documents=(), made_at=MOMENT)

    kept, again = results(store).get(), results(store).get()

    assert kept is not None
    assert kept.result == Counted(number=2)
    assert again is kept


def test_a_result_read_as_records_of_another_kind_is_decoded_as_these(store: DocumentsOnce) -> None:
    results(store).put(Counted(number=1), documents=(), made_at=MOMENT)

    kept = ResultStore(store, "counted", dict).get()

    assert kept is not None
    assert kept.result == {"number": 1}


def test_a_missing_or_damaged_result_is_reported_though_it_was_kept(store: DocumentsOnce) -> None:
    results(store).put(Counted(number=1), documents=(), made_at=MOMENT)
    store.objects.put("analysis/counted.json", b"{")
    with pytest.raises(DamagedError, match="is not a result of this version"):
        results(store).get()
    store.objects.delete("analysis/counted.json")
    assert results(store).get() is None
