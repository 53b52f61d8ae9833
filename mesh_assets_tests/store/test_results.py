"""Results of analyses in the store: with their documents, and never an empty one for an unreadable one."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from mesh_assets.errors import DamagedError, StoreError
from mesh_assets.inventory.records import Record
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import (
    DocumentRead,
    ResultStore,
    StoredResult,
    holds_for,
    latest_pointers,
    read_latest_documents,
)
from mesh_assets_tests.documents import MOMENT, a_document, a_topic
from mesh_assets_tests.published import publish


class Finding(Record, frozen=True, kw_only=True):
    text: str


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    return InventoryStore(FolderStore(tmp_path))


def test_a_result_is_read_back_with_its_documents(store: InventoryStore) -> None:
    results = ResultStore(store, "findings", Finding)
    read = DocumentRead(cluster="warehouse", cluster_id="lkc-1", sequence=7, key="inventories/lkc-1/x.json")

    location = results.put(Finding(text="unread"), documents=[read], made_at=MOMENT)

    assert location.endswith("analysis/findings.json")
    assert results.get() == StoredResult(made_at=MOMENT, documents=(read,), result=Finding(text="unread"))
    results.put(Finding(text="read"), documents=[read], made_at=MOMENT)
    assert (found := results.get()) is not None
    assert found.result == Finding(text="read")


def test_before_the_first_run_there_is_no_result(store: InventoryStore) -> None:
    assert ResultStore(store, "findings", Finding).get() is None


@pytest.mark.parametrize(
    "damage", [b"{", b'{"made_at":"2026-11-23T16:40:02Z","documents":[],"result":{}}', b"\xff"]
)
def test_a_damaged_result_says_what_to_do_and_is_not_none(store: InventoryStore, damage: bytes) -> None:
    store.objects.put("analysis/findings.json", damage)

    with pytest.raises(DamagedError, match="run the job `analysis` again"):
        ResultStore(store, "findings", Finding).get()


def test_the_latest_documents_come_with_their_sequences_and_undiscovered_clusters_are_named(
    store: InventoryStore,
) -> None:
    document = a_document(topics=(a_topic("orders"),))
    key = publish(store, document)

    latest = read_latest_documents(store, [document.cluster.name, "payments"])

    assert latest.documents == {document.cluster.name: document}
    assert latest.read == (
        DocumentRead(
            cluster=document.cluster.name, cluster_id=document.cluster.id, sequence=document.sequence, key=key
        ),
        DocumentRead(cluster="payments", cluster_id=None, sequence=None, key=None),
    )
    assert latest_pointers(store, ["payments"]) == {"payments": None}


def test_an_unreadable_document_is_an_error_and_not_an_undiscovered_cluster(
    store: InventoryStore,
) -> None:
    document = a_document()
    store.objects.delete(publish(store, document))

    with pytest.raises(StoreError, match="is missing though the store refers to it"):
        read_latest_documents(store, [document.cluster.name])


def test_a_result_holds_for_later_documents_until_something_changes(store: InventoryStore) -> None:
    read_of, later = a_document(topics=(a_topic("orders"),)), {"sequence": 8}
    publish(store, read_of)
    [read] = read_latest_documents(store, [read_of.cluster.name]).read

    assert holds_for(store, read, read_of)
    assert holds_for(store, read, replace(read_of, **later))
    changed = a_document(topics=(a_topic("orders"), a_topic("payments")))
    assert not holds_for(store, read, replace(changed, **later))
    another = replace(read_of.cluster, id="another")
    assert not holds_for(store, read, replace(read_of, cluster=another, **later))
    assert not holds_for(store, None, read_of)
    assert not holds_for(store, replace(read, key="inventories/gone.json"), replace(read_of, **later))
