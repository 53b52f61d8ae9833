"""The documents of a cluster over time: which was valid when, those outside the history, and packed ones."""

import re
from datetime import timedelta

import pytest

from mesh_assets.analysis.change_history import read_history
from mesh_assets.errors import StoreError
from mesh_assets.inventory.document import encode_document
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.pointers import Pending
from mesh_assets_tests.documents import MOMENT, a_document, a_topic
from mesh_assets_tests.published import published


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        ("2020-01-01", "the oldest is from 2026-11-23T16:40:02Z"),
        ("yesterday", "expected a time like"),
        ("inventory-2026-11-23T17-40-02Z.json", "does not exist"),
    ],
)
def test_a_moment_without_a_document_is_a_sentence(store: InventoryStore, moment: str, sentence: str) -> None:
    published(store, a_document())
    with pytest.raises(StoreError, match=sentence):
        store.document_at("lkc-1", moment)


def test_an_absence_of_documents_is_a_sentence(store: InventoryStore) -> None:
    with pytest.raises(StoreError, match="nothing has ever been published"):
        store.document_at("lkc-1")
    with pytest.raises(StoreError, match="there are none"):
        store.document_at("lkc-1", MOMENT)


def test_only_the_written_document_is_deleted(store: InventoryStore) -> None:
    mine = store.put_document("inventories/lkc-1/inventory-2026-11-23T16-40-02Z.json", b"mine")
    store.objects.put(mine.key, b"theirs")
    store.delete_document(mine)
    assert store.objects.get(mine.key) is not None
    store.objects.put(mine.key, b"mine")
    store.delete_document(mine)
    assert store.objects.get(mine.key) is None


def test_after_a_clock_was_set_back_the_changes_come_in_order_and_none_is_missing(
    store: InventoryStore,
) -> None:
    version = None
    for sequence, (hours, topics) in enumerate(
        [(0, ["a"]), (2, ["a", "b"]), (1, ["a", "b", "c"]), (1.5, ["a", "c"])], start=1
    ):
        document = a_document(
            topics=tuple(a_topic(name) for name in topics),
            sequence=sequence,
            discovery_timestamp=MOMENT + timedelta(hours=hours),
        )
        _, version = published(store, document, version)

    history = read_history(store, "lkc-1", since=MOMENT, until=MOMENT + timedelta(days=1))

    assert [at.change.sentence.split(":")[0] for at in history.changes] == [
        "Topic b deleted",
        "Topic c created",
        "Topic b created",
    ]
    assert (history.documents, history.net) == (4, False)


def test_of_two_documents_with_one_sequence_the_earlier_is_not_part_of_the_history(
    store: InventoryStore,
) -> None:
    """It belonged to a damaged record that `snapshot repair` moved aside; nothing of it was published."""
    version = None
    for minutes, (sequence, topics) in enumerate([(1, "a"), (2, "ab"), (2, "ac"), (3, "acd")]):
        document = a_document(
            topics=tuple(a_topic(name) for name in topics),
            sequence=sequence,
            discovery_timestamp=MOMENT + timedelta(minutes=minutes),
        )
        _, version = published(store, document, version)

    history = read_history(store, "lkc-1", since=MOMENT, until=MOMENT + timedelta(days=1))

    assert [at.change.sentence.split(":")[0] for at in history.changes] == [
        "Topic d created",
        "Topic c created",
    ]


def test_a_document_about_to_be_published_is_not_part_of_the_history(store: InventoryStore) -> None:
    published(store, a_document(topics=(a_topic("a"),), sequence=1))
    later = MOMENT + timedelta(minutes=1)
    draft = store.free_document_key("lkc-1", later)
    store.put_document(draft, encode_document(a_document(topics=(), sequence=2, discovery_timestamp=later)))
    pending = Pending(cluster="warehouse", holder=None, acquired_at=later, expires_at=later, draft=draft)
    store.put_pending("lkc-1", pending, None)

    history = read_history(store, "lkc-1", since=MOMENT, until=MOMENT + timedelta(days=1))

    assert (history.documents, history.last, history.changes) == (1, MOMENT, ())


def test_a_document_read_again_is_decoded_once_and_not_kept_longer(store: InventoryStore) -> None:
    published(store, a_document(topics=(a_topic("orders"),)))
    found = store.latest("lkc-1")
    assert found is not None

    first = store.latest_document("lkc-1", again=True)
    second, third = (store.read_document(found[0].document) for _ in range(2))

    assert first is second
    assert third == first
    assert third is not first


def test_a_superseded_document_is_packed_and_read_as_before(store: InventoryStore) -> None:
    document = a_document(topics=tuple(a_topic(f"topic-{number}") for number in range(50)))
    published(store, document)
    found = store.latest("lkc-1")
    assert found is not None
    stored = found[0].document
    [before] = store.list_documents("lkc-1")

    store.pack_document(stored)

    [after] = store.list_documents("lkc-1")
    assert (after.key, after.moment) == (before.key, before.moment)
    assert after.bytes < stored.bytes / 10
    assert store.objects.get(stored.key) is None
    assert store.read_document(stored) == document
    name = stored.key.rpartition("/")[2]
    assert [store.document_at("lkc-1", moment) for moment in (name, f"{name}.gz", before.moment)] == [
        document
    ] * 3
    assert store.free_document_key("lkc-1", before.moment) != stored.key


def test_a_document_left_both_compressed_and_plain_is_one_document(store: InventoryStore) -> None:
    published(store, a_document())
    found = store.latest("lkc-1")
    assert found is not None
    stored = found[0].document
    data = store.read_document_bytes(stored)
    store.pack_document(stored)
    store.objects.put(stored.key, data)

    assert len(store.list_documents("lkc-1")) == 1
    store.pack_document(stored)
    assert store.objects.get(stored.key) is None
    store.pack_document(stored)
    assert store.read_document_bytes(stored) == data


@pytest.mark.parametrize("data", [b"", b"{}", b"\x1f\x8b\x08\x00"], ids=["empty", "JSON", "cut"])
def test_a_damaged_compressed_document_is_an_error_that_names_the_file(
    store: InventoryStore, data: bytes
) -> None:
    published(store, a_document())
    found = store.latest("lkc-1")
    assert found is not None
    stored = found[0].document
    store.objects.delete(stored.key)
    store.objects.put(f"{stored.key}.gz", data)
    with pytest.raises(StoreError, match=re.escape(store.objects.location(stored.key))):
        store.read_document(stored)
