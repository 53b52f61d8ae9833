"""Documents kept as differences: smaller, readable after a crash at any effect, and never without their base."""

import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from mesh_assets.errors import ConflictError, DamagedError
from mesh_assets.inventory.document import Document, encode_document
from mesh_assets.store import layout
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.packed import PackedDocuments, compress, document_bytes, form_bytes, pack_plain
from mesh_assets.store.pointers import Packing
from mesh_assets_tests.documents import MOMENT, a_document, a_topic
from mesh_assets_tests.snapshot.world import Killed, Life, MemoryObjects, MortalObjects
from mesh_assets_tests.store.stores import EVERY_KIND, new_objects

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ID = "lkc-1"
KEYS = [layout.document_key(ID, MOMENT + timedelta(hours=hours), 1) for hours in range(4)]


@pytest.fixture(params=["memory", *EVERY_KIND])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ObjectStore]:
    if request.param == "memory":
        return MemoryObjects
    return new_objects(request, request.param, tmp_path)


def _document(number: int, *, topics: int = 40) -> bytes:
    names = [f"topic-{one:03}" for one in range(topics)] + [f"new-{number}"]
    document: Document = a_document(sequence=number + 1, topics=tuple(map(a_topic, sorted(names))))
    return encode_document(document)


DOCUMENTS = {key: _document(number) for number, key in enumerate(KEYS)}


def _filled(objects: ObjectStore) -> ObjectStore:
    for key, data in DOCUMENTS.items():
        objects.put_new(key, data)
    return objects


def _assert_all_read(objects: ObjectStore) -> None:
    for key, data in DOCUMENTS.items():
        assert document_bytes(objects, key) == data


def _forms(objects: ObjectStore, key: str) -> list[str]:
    return [one.key for one in objects.list(key)]


def test_documents_of_a_day_differ_from_one_base_and_take_a_tenth_of_their_size(
    new_store: Callable[[], ObjectStore],
) -> None:
    objects = _filled(new_store())
    for key, data in DOCUMENTS.items():
        pack_plain(objects, key)
        [form] = objects.list(key)
        assert form.bytes < len(data) / 10
    bases = [one for one in objects.list(layout.cluster_folder(ID)) if "/base-" in one.key]
    assert len(bases) == 1
    assert {layout.base_of(one) for key in KEYS for one in _forms(objects, key)} == {
        layout.base_of(bases[0].key)
    }
    _assert_all_read(objects)
    assert [entry.key for entry in InventoryStore(objects).list_documents(ID)] == KEYS


def test_each_day_has_its_own_base() -> None:
    objects = MemoryObjects()
    for days in range(3):
        key = layout.document_key(ID, MOMENT + timedelta(days=days), 1)
        objects.put_new(key, _document(days))
        pack_plain(objects, key)
    packing, _ = PackedDocuments(objects, ID).packing()
    assert [base.day for base in packing.bases] == ["2026-11-23", "2026-11-24", "2026-11-25"]


def test_a_process_killed_at_any_effect_of_packing_leaves_every_document_readable(
    new_store: Callable[[], ObjectStore],
) -> None:
    killed = 0
    for effect in range(1, 20):
        objects = _filled(new_store())
        life = Life(effect)
        try:
            for key in KEYS[:2]:
                pack_plain(MortalObjects(objects, life), key)
        except Killed:
            killed += 1
            _assert_all_read(objects)
            for key in KEYS:
                pack_plain(objects, key)
            _assert_all_read(objects)
            assert [objects.get(key) for key in KEYS] == [None] * len(KEYS)
        else:
            break
    assert killed == 7  # base, difference, packing.json, plain; then the last three again


@pytest.mark.parametrize("other", [0, 1], ids=["the same document", "another document"])
def test_another_process_that_packs_between_any_two_effects_loses_no_document(
    new_store: Callable[[], ObjectStore], other: int
) -> None:
    interrupted = 0
    for effect in range(1, 20):
        objects = _filled(new_store())
        life = Life(effect, then=lambda: pack_plain(objects, KEYS[other]))  # noqa: B023 - runs within this turn
        with suppress(ConflictError):  # of the plain form, which is gone
            pack_plain(MortalObjects(objects, life), KEYS[0])
        _assert_all_read(objects)
        if life.effects < effect:
            break
        assert objects.get(KEYS[other]) is None
        interrupted += 1
    assert interrupted == 4


def test_a_difference_is_never_made_from_a_base_removed_meanwhile() -> None:
    objects = _filled(MemoryObjects())
    pack_plain(objects, KEYS[0])

    def prune() -> None:
        """As `upkeep` does: the base leaves `packing.json`, then the store."""
        packed = PackedDocuments(objects, ID)
        packing, version = packed.packing()
        packed.put_packing(Packing(turn=packing.turn + 1), version)
        for one in objects.list(layout.cluster_folder(ID)):
            if "/base-" in one.key or layout.plain_key(one.key) == KEYS[0]:
                objects.delete(one.key)

    life = Life(2, then=prune)  # the difference is written, packing.json not yet
    pack_plain(MortalObjects(objects, life), KEYS[1])
    assert document_bytes(objects, KEYS[1]) == DOCUMENTS[KEYS[1]]


@pytest.mark.parametrize("victim", ["difference", "base"])
def test_a_damaged_object_is_an_error_that_names_it_and_never_another_document(victim: str) -> None:
    objects = MemoryObjects()
    _filled(objects)
    pack_plain(objects, KEYS[0])
    [form] = _forms(objects, KEYS[0])
    key = form if victim == "difference" else layout.base_key(ID, layout.base_of(form) or "")
    data = objects.data[key]
    for damaged in (b"", data[: len(data) // 2], data[:-1] + bytes([data[-1] ^ 1])):
        objects.put(key, damaged)
        with pytest.raises(DamagedError, match="restore it from a backup"):
            form_bytes(objects, form)
    objects.delete(key)
    if victim == "base":
        with pytest.raises(DamagedError, match=r"base-\w+\.zst"):
            document_bytes(objects, KEYS[0])
    else:
        assert document_bytes(objects, KEYS[0]) is None


def test_a_document_with_a_damaged_base_starts_another() -> None:
    objects = _filled(MemoryObjects())
    pack_plain(objects, KEYS[0])
    [form] = _forms(objects, KEYS[0])
    objects.put(layout.base_key(ID, layout.base_of(form) or ""), b"damaged")
    pack_plain(objects, KEYS[1])
    assert document_bytes(objects, KEYS[1]) == DOCUMENTS[KEYS[1]]


def test_differences_that_an_earlier_version_wrote_are_read() -> None:
    """As `zstd --patch-from` makes them."""
    objects = MemoryObjects()
    first, second = list(DOCUMENTS.values())[:2]
    packed = zstd.compress(second, zstd_dict=zstd.ZstdDict(first, is_raw=True).as_prefix)
    objects.put(layout.base_key(ID, "0" * 16), compress(first))
    objects.put(f"{KEYS[1]}.{'0' * 16}.{'1' * 8}.zst", packed)
    assert document_bytes(objects, KEYS[1]) == second
    assert [entry.key for entry in InventoryStore(objects).list_documents(ID)] == [KEYS[1]]
