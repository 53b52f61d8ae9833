import gzip
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from mesh_assets.errors import ConflictError
from mesh_assets.estate.retention import Kept, Retention
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import encode_document
from mesh_assets.store import layout
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets.store.packed import PackedDocuments, compress, document_bytes, pack_plain
from mesh_assets.store.results import DocumentRead, ResultStore
from mesh_assets.upkeep.bases import drop_unused
from mesh_assets.upkeep.pruning import AT_LEAST, plan_pruning, prune
from mesh_assets_tests.documents import MOMENT
from mesh_assets_tests.snapshot.world import Killed, Life, MemoryObjects, MortalObjects
from mesh_assets_tests.store.stores import KINDS, new_objects
from mesh_assets_tests.upkeep.stored import ID, a_history, document_of_day, publish

DAYS = 16
LATER = MOMENT + timedelta(days=100)
TWELVE_DAYS = Retention(documents=Kept(days=12))


@pytest.fixture(params=["memory", *KINDS])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ObjectStore]:
    if request.param == "memory":
        return MemoryObjects
    return new_objects(request, request.param, tmp_path)


def _bases(objects: ObjectStore) -> set[str | None]:
    return {layout.base_of(one.key) for one in objects.list("inventories/") if "/base-" in one.key}


def _publish_next(store: InventoryStore) -> None:
    publish(store, document_of_day(12))


def _drop_unused(objects: ObjectStore) -> None:
    drop_unused(objects, ID)


def _prune(store: InventoryStore, retention: Retention, clock: datetime = LATER) -> int:
    return prune(store, plan_pruning(store, retention, clock=clock)).objects


def test_documents_older_than_the_estate_allows_are_removed_with_their_bases_and_the_others_stay_readable(
    new_store: Callable[[], ObjectStore],
) -> None:
    store = InventoryStore(new_store())
    keys = a_history(store, DAYS)
    plan = plan_pruning(store, TWELVE_DAYS, clock=LATER)
    assert store.list_documents(ID)[0].key == keys[0]  # a plan changes nothing
    assert {
        layout.plain_key(key) for one in plan.removals if one.kind == "documents" for key in one.keys
    } == {
        keys[0],
        keys[1],
        keys[2],
    }
    assert [one.reason for one in plan.removals if one.kind == "documents"] == ["older than 12 days"]
    done = prune(store, plan)
    assert (done.objects, done.packed) == (6, 0)
    assert [entry.key for entry in store.list_documents(ID)] == keys[3:]
    for day in range(3, DAYS):
        assert document_bytes(store.objects, keys[day]) == encode_document(document_of_day(day))
    assert len(_bases(store.objects)) == DAYS - 1 - 3
    assert _prune(store, TWELVE_DAYS) == 0


def test_the_ten_newest_documents_of_each_cluster_stay_whatever_the_estate_says() -> None:
    store = InventoryStore(MemoryObjects())
    keys = a_history(store, DAYS)
    _prune(store, Retention(documents=Kept(days=0.5, newest=1)))
    assert [entry.key for entry in store.list_documents(ID)] == keys[-AT_LEAST:]


def test_documents_beyond_a_count_are_removed() -> None:
    store = InventoryStore(MemoryObjects())
    keys = a_history(store, DAYS)
    _prune(store, Retention(documents=Kept(newest=12)))
    assert [entry.key for entry in store.list_documents(ID)] == keys[-12:]


def test_age_counts_from_the_newest_document_so_a_gone_cluster_keeps_its_history() -> None:
    store = InventoryStore(MemoryObjects())
    a_history(store, DAYS)
    assert plan_pruning(store, Retention(documents=Kept(days=60)), clock=LATER).removals == ()


def test_documents_named_by_a_pointer_a_lock_or_a_result_stay() -> None:
    store = InventoryStore(MemoryObjects())
    keys = a_history(store, DAYS)
    read = DocumentRead(cluster="warehouse", cluster_id=ID, sequence=1, key=keys[0])
    ResultStore(store, "findings", dict).put({}, documents=[read], made_at=MOMENT)
    latest = store.latest(ID)
    assert latest is not None
    pointer = msgspec.structs.replace(
        latest[0], document=msgspec.structs.replace(latest[0].document, key=keys[1])
    )
    store.move_latest(pointer, latest[1])
    _prune(store, Retention(documents=Kept(newest=10)))
    assert [entry.key for entry in store.list_documents(ID)] == [keys[0], keys[1], *keys[-10:]]


def test_nothing_is_pruned_of_a_cluster_with_an_unreadable_pointer() -> None:
    store = InventoryStore(MemoryObjects())
    a_history(store, DAYS)
    store.objects.put(layout.latest_key(ID), b"{half")
    plan = plan_pruning(store, TWELVE_DAYS, clock=LATER)
    assert (plan.removals, plan.packed) == ((), ())
    assert "no document of cluster lkc-1 is removed" in plan.left[0]


def test_a_fast_clock_makes_nothing_old() -> None:
    store = InventoryStore(MemoryObjects())
    a_history(store, DAYS)
    Inbox(store.objects).put(ID, Trigger(type="manual"), cause="c", source="s", now=MOMENT)
    store.objects.put("readings/lkc-1/2026-11-23/16-40-02-000000Z.bin", b"")
    plan = plan_pruning(store, Retention(), clock=datetime.now(UTC) + timedelta(days=10_000))
    assert plan.removals == ()


def test_documents_that_earlier_versions_left_in_full_or_gzipped_are_packed() -> None:
    store = InventoryStore(MemoryObjects())
    keys = a_history(store, 5, pack=False)
    data = store.objects.get(keys[0])
    assert data is not None
    store.objects.put(f"{keys[0]}.gz", gzip.compress(data[0]))
    store.objects.delete(keys[0])
    plan = plan_pruning(store, Retention(), clock=LATER)
    assert sorted(plan.packed) == keys[:4]
    assert prune(store, plan).packed == 4
    for day, key in enumerate(keys):
        assert document_bytes(store.objects, key) == encode_document(document_of_day(day))
    plain = [one.key for one in store.objects.list("inventories/") if one.key.endswith((".json", ".gz"))]
    assert plain == [keys[4], layout.latest_key(ID), f"{layout.cluster_folder(ID)}packing.json"]


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("changes", "tables/changes/cluster_id=lkc-1/00000001.parquet"),
        ("readings", "ends/recent/lkc-1/2026-11-23/16-40-02-000000Z.bin"),
        ("results", "analysis/lineage.json"),
        ("inbox", "triggers/lkc-1/a.json"),
        ("runs", "steps/run/warehouse/topics.json"),
        ("quarantine", "quarantine/inventories/lkc-1/latest-0.json"),
    ],
)
def test_each_kind_has_its_own_age_limit(
    kind: str, key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    store = InventoryStore(layout.open_store("store"))
    store.objects.put(key, b'{"documents":[]}')
    store.objects.put("store.json", b"{}")
    ago = datetime.now(UTC).timestamp() - 86_400 * 5
    os.utime(tmp_path / "store" / key, (ago, ago))
    now = datetime.now(UTC)
    assert plan_pruning(store, Retention(**{kind: Kept(days=6)}), clock=now).removals == ()
    [removal] = plan_pruning(store, Retention(**{kind: Kept(days=4)}), clock=now).removals
    assert (removal.kind, removal.keys, removal.reason) == (kind, (key,), "older than 4 days")


@pytest.mark.parametrize("kept", [Kept(days=0.01), Kept(newest=1)])
def test_what_a_run_under_way_may_need_stays_a_day_whatever_the_estate_says(
    kept: Kept, tmp_path: Path
) -> None:
    store = InventoryStore(FolderStore(tmp_path))
    keys = [f"{place}/{name}.json" for place in ("steps/run/a", "triggers/lkc-1") for name in ("old", "new")]
    for key in (*keys, "store.json"):
        store.objects.put(key, b"{}")

    def removed(hours_ago: int) -> list[str]:
        for place, key in enumerate(keys):
            ago = time.time() - hours_ago * 3_600 + place
            os.utime(tmp_path / key, (ago, ago))
        plan = plan_pruning(store, Retention(runs=kept, inbox=kept), clock=datetime.now(UTC))
        return [key for one in plan.removals for key in one.keys]

    assert removed(hours_ago=2) == []
    assert {"steps/run/a/old.json", "triggers/lkc-1/old.json"} <= set(removed(hours_ago=30))


def test_pruning_killed_at_any_effect_leaves_every_remaining_document_readable(
    new_store: Callable[[], ObjectStore],
) -> None:
    for effect in range(1, 40):
        objects = new_store()
        store = InventoryStore(objects)
        keys = a_history(store, 12)
        plan = plan_pruning(store, Retention(documents=Kept(newest=10)), clock=LATER)
        try:
            prune(InventoryStore(MortalObjects(objects, Life(effect))), plan)
        except Killed:
            for day in range(2, 12):
                assert document_bytes(objects, keys[day]) == encode_document(document_of_day(day))
            _prune(store, Retention(documents=Kept(newest=10)))
            assert [entry.key for entry in store.list_documents(ID)] == keys[2:]
            assert len(_bases(objects)) == 9
        else:
            break
    assert effect == 6  # two documents, packing.json, two bases


@pytest.mark.parametrize("kind", ["memory", "folder"])  # thousands of requests
def test_a_discovery_that_packs_between_any_two_effects_of_pruning_loses_no_document(
    tmp_path: Path, kind: str
) -> None:
    for effect in range(1, 40):
        objects: ObjectStore = MemoryObjects() if kind == "memory" else FolderStore(tmp_path / f"{effect}")
        store = InventoryStore(objects)
        keys = a_history(store, 12)
        plan = plan_pruning(store, Retention(documents=Kept(newest=10)), clock=LATER)
        life = Life(effect, then=partial(_publish_next, store))
        prune(InventoryStore(MortalObjects(objects, life)), plan)
        for day, key in [*enumerate(keys)][2:]:
            assert document_bytes(objects, key) == encode_document(document_of_day(day))
        if life.effects < effect:
            break
    assert effect > 5


def test_pruning_between_any_two_effects_of_packing_loses_no_document() -> None:
    effects = 0
    for effect in range(1, 20):
        objects = MemoryObjects()
        store = InventoryStore(objects)
        keys = a_history(store, 4, pack=False)
        pack_plain(objects, keys[0])
        life = Life(effect, then=partial(_drop_unused, objects))
        with suppress(ConflictError):
            for key in keys[1:3]:
                pack_plain(MortalObjects(objects, life), key)
        for day, key in enumerate(keys):
            assert document_bytes(objects, key) == encode_document(document_of_day(day))
        if life.effects < effect:
            break
        effects += 1
    assert effects >= 8


def test_leftovers_of_a_killed_packing_are_removed() -> None:
    objects = MemoryObjects()
    store = InventoryStore(objects)
    a_history(store, 3)
    objects.put(layout.base_key(ID, "0" * 16), compress(b"orphan"))
    forms = [
        one.key for one in objects.list("inventories/") if "/inventory-" in one.key and ".diff" in one.key
    ]
    objects.put(forms[0].replace(forms[0].split(".")[-2], "ffffffff"), objects.data[forms[0]])
    gone = drop_unused(objects, ID)
    assert len(gone) == 2
    assert layout.base_key(ID, "0" * 16) in {one.key for one in gone}
    assert drop_unused(objects, ID) == []
    assert [entry.moment.day for entry in store.list_documents(ID)] == [24, 25, 26]


def test_a_damaged_list_of_bases_is_started_over_and_loses_no_document() -> None:
    objects = MemoryObjects()
    store = InventoryStore(objects)
    keys = a_history(store, 3)
    objects.put(f"{layout.cluster_folder(ID)}packing.json", b"{half")
    publish(store, document_of_day(3))
    drop_unused(objects, ID)
    for day, key in enumerate(keys):
        assert document_bytes(objects, key) == encode_document(document_of_day(day))
    assert len(PackedDocuments(objects, ID).packing()[0].bases) == 1
    assert [one for one in objects.data if one.startswith("quarantine/")] != []
