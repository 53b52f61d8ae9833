import pytest

from mesh_assets.errors import ConflictError, DamagedError, StoreError
from mesh_assets.estate.retention import Kept, Retention
from mesh_assets.store import layout
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import StoredObject
from mesh_assets.store.packed import document_bytes
from mesh_assets.upkeep.census import KINDS, take_census
from mesh_assets.upkeep.pruning import plan_pruning
from mesh_assets.upkeep.verifying import find_damage, repair_damage
from mesh_assets_tests.documents import MOMENT
from mesh_assets_tests.snapshot.world import MemoryObjects
from mesh_assets_tests.upkeep.stored import ID, a_history


@pytest.fixture
def store() -> InventoryStore:
    store = InventoryStore(MemoryObjects())
    a_history(store, 4)
    store.objects.put("tables/topics/cluster_id=lkc-1/data.parquet", b"PAR1....PAR1")
    store.objects.put("tables/changes/cluster_id=lkc-1/00000002.parquet", b"PAR1....PAR1")
    store.objects.put("tables/_written/lkc-1.json", b"{}")
    store.objects.put("analysis/lineage.json", b"{}")
    return store


class Unreadable(MemoryObjects):
    """A store that lists objects it cannot give: `refused`. `down`: it does not even list those."""

    def __init__(self, data: dict[str, bytes]) -> None:
        super().__init__()
        self.data = data
        self.refused: set[str] = set()
        self.down = False

    def get(self, key: str) -> tuple[bytes, str] | None:
        if key in self.refused:
            raise StoreError(f"{key} could not be read: Permission denied")
        return super().get(key)

    def list(self, prefix: str) -> list[StoredObject]:
        if self.down and prefix in self.refused:
            raise StoreError("the store does not respond")
        return super().list(prefix)


@pytest.fixture
def refusing(store: InventoryStore) -> Unreadable:
    assert isinstance(store.objects, MemoryObjects)
    return Unreadable(store.objects.data)


def _packed_key(store: InventoryStore, place: int) -> str:
    return [one.key for one in take_census(store.objects).objects["documents"] if ".diff" in one.key][place]


def test_a_sound_store_has_no_damage_and_verifying_writes_nothing(store: InventoryStore) -> None:
    before = {one.key: store.objects.get(one.key) for one in store.objects.list("")}
    assert list(find_damage(store)) == []
    assert {one.key: store.objects.get(one.key) for one in store.objects.list("")} == before


def test_a_damaged_document_is_moved_aside_and_kept_and_the_others_stay(store: InventoryStore) -> None:
    key = _packed_key(store, 0)
    store.objects.put(key, b"damaged")
    [damage] = find_damage(store)
    assert (damage.key, "that moment of the cluster's history is lost" in damage.then) == (key, True)
    kept = repair_damage(store, damage)
    assert kept is not None
    assert store.objects.get(kept) == (b"damaged", damage.version)
    assert list(find_damage(store)) == []
    assert len(store.list_documents(ID)) == 3


def test_each_object_that_cannot_be_read_is_named_and_the_rest_is_checked(
    store: InventoryStore, refusing: Unreadable
) -> None:
    latest = store.latest(ID)
    assert latest is not None
    refusing.refused = {
        _packed_key(store, 0),
        latest[0].document.key,
        f"{layout.cluster_folder(ID)}packing.json",
        "tables/topics/cluster_id=lkc-1/data.parquet",
    }
    refusing.put("analysis/lineage.json", b"damaged")
    found = list(find_damage(InventoryStore(refusing)))
    assert found[0].key == "analysis/lineage.json"
    assert {one.key for one in found[1:]} == refusing.refused
    assert {one.problem for one in found[1:]} == {
        f"{key} could not be read: Permission denied" for key in refusing.refused
    }
    assert {repair_damage(InventoryStore(refusing), one) for one in found[1:]} == {None}


@pytest.mark.parametrize("every", [False, True], ids=["a pointer", "every object"])
def test_an_object_that_cannot_be_read_is_reported_once(refusing: Unreadable, every: bool) -> None:
    refusing.refused = set(refusing.data) if every else {f"{layout.cluster_folder(ID)}latest.json"}
    found = [one.key for one in find_damage(InventoryStore(refusing))]
    assert len(found) == len(set(found))
    assert set(found) <= refusing.refused
    assert not every or any(key.startswith("tables/topics/") for key in found)


def test_documents_whose_base_cannot_be_read_are_named_with_it(
    store: InventoryStore, refusing: Unreadable
) -> None:
    form = _packed_key(store, 0)
    base = layout.base_key(ID, layout.base_of(form) or "")
    refusing.refused = {base}
    of_form, of_base = find_damage(InventoryStore(refusing))
    assert (of_form.key, of_base.key) == (form, base)
    assert of_form.problem.endswith(f"cannot be read without its {base.rpartition('/')[2]}")


def test_a_store_that_stops_to_respond_is_not_reported_object_by_object(refusing: Unreadable) -> None:
    refusing.refused, refusing.down = set(refusing.data), True
    with pytest.raises(StoreError, match="does not respond"):
        list(find_damage(InventoryStore(refusing)))


def test_a_damaged_base_is_reported_with_the_documents_that_depend_on_it(store: InventoryStore) -> None:
    form = _packed_key(store, 0)
    base = layout.base_key(ID, layout.base_of(form) or "")
    store.objects.put(base, b"damaged")
    found = list(find_damage(store))
    assert [one.key for one in found] == [base, form]
    assert "so are the 1 that differ from it" in found[0].then
    for damage in found:
        repair_damage(store, damage)
    assert list(find_damage(store)) == []


@pytest.mark.parametrize("what", ["missing", "another"])
def test_the_latest_document_is_left_to_the_repair_of_its_cluster(store: InventoryStore, what: str) -> None:
    latest = store.latest(ID)
    assert latest is not None
    if what == "missing":
        store.objects.delete(latest[0].document.key)
    else:
        store.objects.put(latest[0].document.key, b"{}")
    [damage] = find_damage(store)
    assert damage.key == latest[0].document.key
    assert "mesh-assets snapshot repair" in damage.then
    assert repair_damage(store, damage) is None


@pytest.mark.parametrize("name", ["latest.json", "pending.json", "tickets.json", "adopted.json"])
def test_a_damaged_pointer_or_lock_is_reported(store: InventoryStore, name: str) -> None:
    store.objects.put(f"{layout.cluster_folder(ID)}{name}", b"{half")
    assert [one.key for one in find_damage(store)] == [f"{layout.cluster_folder(ID)}{name}"]


@pytest.mark.parametrize(
    "key",
    [
        "tables/topics/cluster_id=lkc-1/data.parquet",
        "tables/changes/cluster_id=lkc-1/00000002.parquet",
        "analysis/lineage.json",
        "readings/lkc-1/2026-11-23/16-40-02-000000Z.bin",
    ],
)
def test_damaged_derived_and_collected_data_is_moved_aside(store: InventoryStore, key: str) -> None:
    store.objects.put(key, b"\x00damaged")
    [damage] = find_damage(store)
    assert damage.key == key
    repair_damage(store, damage)
    assert store.objects.get(key) is None
    # Nothing may continue to claim that the cluster's tables are complete.
    assert (store.objects.get("tables/_written/lkc-1.json") is None) == key.startswith("tables/")


def test_a_damaged_list_of_bases_is_reported_and_moved_aside_only_by_a_repair(store: InventoryStore) -> None:
    key = f"{layout.cluster_folder(ID)}packing.json"
    store.objects.put(key, b"{half")
    before = {one.key for one in store.objects.list("")}
    [damage] = find_damage(store)
    plan_pruning(store, Retention(), clock=MOMENT)
    assert (damage.key, {one.key for one in store.objects.list("")}) == (key, before)
    assert repair_damage(store, damage) is not None
    assert list(find_damage(store)) == []


def test_a_foreign_file_named_like_a_document_of_no_day_is_not_one(store: InventoryStore) -> None:
    for name in ("inventory-2026-02-30T10-00-00Z.json", "inventory-0000-01-01T00-00-00Z.json.gz"):
        store.objects.put(f"{layout.cluster_folder(ID)}{name}", b"a draft")
    assert list(find_damage(store)) == []
    assert take_census(store.objects).of_cluster("documents").keys() == {ID}
    assert len(store.list_documents(ID)) == 4
    assert plan_pruning(store, Retention(), clock=MOMENT).removals == ()


def test_foreign_files_elsewhere_in_the_store_are_ignored_and_stay(store: InventoryStore) -> None:
    packed = _packed_key(store, 0).rpartition("/")[2]
    keys = ("triggers", "readings", "asked", f"inventories/{packed}", f"inventories/copy/of/{packed}")
    for key in keys:
        store.objects.put(key, b"a copy")
    before = {one.key for one in take_census(store.objects).objects["documents"]}
    assert list(find_damage(store)) == []
    assert plan_pruning(store, Retention(inbox=Kept(newest=1)), clock=MOMENT).removals == ()
    assert before == {one.key for one in store.objects.list("inventories/lkc-1/inventory-")}


def test_files_changed_since_they_were_found_are_not_moved_aside(store: InventoryStore) -> None:
    key = "analysis/lineage.json"
    store.objects.put(key, b"damaged")
    [damage] = find_damage(store)
    store.objects.put(key, b"{}")
    with pytest.raises(ConflictError, match="has changed meanwhile"):
        repair_damage(store, damage)
    assert store.objects.get(key) is not None


def test_a_difference_without_its_base_is_reported_and_never_read_as_no_document(
    store: InventoryStore,
) -> None:
    form = _packed_key(store, 0)
    store.objects.delete(layout.base_key(ID, layout.base_of(form) or ""))
    with pytest.raises(DamagedError, match="but not base-"):
        document_bytes(store.objects, layout.plain_key(form))
    assert [one.key for one in find_damage(store)] == [form]


def test_the_census_counts_each_object_once(store: InventoryStore) -> None:
    held = take_census(store.objects).held()
    assert [one.kind for one in held] == list(KINDS)
    assert sum(one.objects for one in held) == len(store.objects.list(""))
    by_kind = {one.kind: one.objects for one in held}
    assert (by_kind["documents"], by_kind["bases"], by_kind["changes"], by_kind["tables"]) == (4, 3, 1, 2)
