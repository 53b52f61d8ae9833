"""The store of documents: pointers that move only from the version that was read, names, numbers of readings, sections in
transit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.inventory.document import encode_document
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.store import layout
from mesh_assets.store.inventories import InventoryStore, section_name
from mesh_assets_tests.documents import MOMENT, a_document, a_topic
from mesh_assets_tests.published import published


def test_a_cluster_that_was_never_published_has_no_latest_document(store: InventoryStore) -> None:
    assert store.latest("lkc-1") is None
    assert store.latest_document("lkc-1") is None
    assert store.list_documents("lkc-1") == []


def test_the_latest_document_is_the_one_the_pointer_names(store: InventoryStore) -> None:
    document = a_document(topics=(a_topic("orders"),))
    stored, version = published(store, document)
    assert stored.key == "inventories/lkc-1/inventory-2026-11-23T16-40-02Z.json"
    found = store.latest("lkc-1")
    assert found is not None
    assert (found[0].document, found[0].sequence, found[1]) == (stored, 1, version)
    assert store.latest_document("lkc-1") == document


def test_a_missing_document_is_an_error_and_not_an_absence(store: InventoryStore) -> None:
    stored, _ = published(store, a_document())
    store.objects.delete(stored.key)
    with pytest.raises(StoreError, match=r"inventory-2026-11-23T16-40-02Z.json is missing"):
        store.latest_document("lkc-1")


def test_a_document_that_was_tampered_with_is_an_error(store: InventoryStore) -> None:
    stored, _ = published(store, a_document())
    store.objects.put(stored.key, encode_document(a_document(topics=(a_topic("orders"),))))
    with pytest.raises(StoreError, match="its SHA-256 differs"):
        store.latest_document("lkc-1")


def test_a_pointer_that_is_not_json_is_an_error_that_names_the_file(
    store: InventoryStore, tmp_path: Path
) -> None:
    store.objects.put("inventories/lkc-1/latest.json", b"{half")
    with pytest.raises(StoreError, match=str(tmp_path / "inventories/lkc-1/latest.json")):
        store.latest("lkc-1")


def test_the_pointer_moves_only_from_where_it_was_read(store: InventoryStore) -> None:
    _, first = published(store, a_document())
    with pytest.raises(ConflictError):
        published(store, a_document(sequence=2), None)
    published(store, a_document(sequence=2), first)
    with pytest.raises(ConflictError):
        published(store, a_document(sequence=3), first)


def test_documents_of_the_same_second_get_a_suffix_and_stay_in_order(store: InventoryStore) -> None:
    version = None
    for sequence in range(1, 12):
        _, version = published(store, a_document(sequence=sequence), version)
    published(store, a_document(sequence=12, discovery_timestamp=MOMENT + timedelta(seconds=1)), version)
    keys = [
        entry.key.removeprefix("inventories/lkc-1/inventory-2026-11-23T16-40-")
        for entry in store.list_documents("lkc-1")
    ]
    assert keys == ["02Z.json", *(f"02Z-{number}.json" for number in range(2, 12)), "03Z.json"]


@pytest.mark.parametrize(
    ("moment", "sequence"),
    [
        ("latest", 3),
        (MOMENT, 1),
        (MOMENT + timedelta(minutes=59), 1),
        (MOMENT + timedelta(hours=1), 2),
        ("2026-11-23T18:39:00Z", 2),
        ("2026-11-23T19:39:00+01:00", 2),
        ("2026-11-23T17:40:02", 2),
        ("2030-01-01", 3),
        ("inventory-2026-11-23T17-40-02Z.json", 2),
        ("inventories/lkc-1/inventory-2026-11-23T17-40-02Z.json", 2),
    ],
)
def test_a_moment_gives_the_document_valid_then(
    store: InventoryStore, moment: datetime | str, sequence: int
) -> None:
    version = None
    for hours in range(3):
        document = a_document(sequence=hours + 1, discovery_timestamp=MOMENT + timedelta(hours=hours))
        _, version = published(store, document, version)
    assert store.document_at("lkc-1", moment).sequence == sequence


@pytest.mark.parametrize("name", ["../etc", "a/b", ".hidden", "größe", "a b", "%2E", "_-aB9"])
def test_any_cluster_id_run_or_name_stays_within_its_folder(
    store: InventoryStore, tmp_path: Path, name: str
) -> None:
    document = a_document()
    document = replace(document, cluster=replace(document.cluster, id=name))
    published(store, document)
    store.remember_cluster(name, name)
    store.hand_over(name, name, document.section("topics"))
    store.put_sections()
    assert store.latest_document(name) == document
    assert store.cluster_id(name) == name
    assert store.get_section(name, name, "topics") == document.section("topics")
    assert {path.name for path in tmp_path.iterdir()} == {"clusters", "inventories", "steps", ".lock", ".tmp"}


def test_a_cluster_is_found_by_its_name_while_its_brokers_are_down(store: InventoryStore) -> None:
    assert store.cluster_id("warehouse") is None
    store.remember_cluster("warehouse", "lkc-1")
    store.remember_cluster("warehouse", "lkc-2")
    assert store.cluster_id("warehouse") == "lkc-2"
    assert (store.names_of("lkc-1"), store.names_of("lkc-2")) == ((), ("warehouse",))


def test_a_name_keeps_its_former_ids_until_they_are_retired(store: InventoryStore) -> None:
    for cluster_id in ("lkc-1", "lkc-2", "lkc-3"):
        store.remember_cluster("warehouse", cluster_id)

    def known() -> tuple[str, tuple[str, ...]]:
        found = store.known_cluster("warehouse")
        assert found is not None
        return found.cluster_id, found.former

    assert known() == ("lkc-3", ("lkc-1", "lkc-2"))
    store.forget_cluster_id("warehouse", "lkc-1")
    assert known() == ("lkc-3", ("lkc-2",))
    store.forget_cluster_id("warehouse", "lkc-3")
    assert known() == ("lkc-2", ())
    store.forget_cluster_id("warehouse", "lkc-2")
    store.forget_cluster_id("warehouse", "lkc-9")
    store.forget_cluster_id("never", "lkc-2")
    assert known() == ("lkc-2", ())


def test_readings_are_numbered_however_many_begin_at_once(store: InventoryStore) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        tickets = list(pool.map(store.take_ticket, ["lkc-1"] * 20))

    assert sorted(ticket.number for ticket in tickets) == list(range(1, 21))
    assert len({ticket.series for ticket in tickets}) == 1
    assert store.take_ticket("lkc-2").number == 1


@pytest.mark.parametrize(
    "left", [None, b"{half", b'{"format":1,"last":9}'], ids=["lost", "damaged", "of an older backup"]
)
def test_a_lost_number_resumes_above_those_in_the_latest_document(
    store: InventoryStore, left: bytes | None
) -> None:
    published(store, replace(a_document(), tickets={"topics": 40, "schemas": 57}))
    if left is not None:
        store.objects.put(layout.tickets_key("lkc-1"), left)

    assert [store.take_ticket("lkc-1").number for _ in range(2)] == [58, 59]


def test_sections_pass_from_step_to_step_until_they_are_dropped(store: InventoryStore) -> None:
    document = a_document(topics=(a_topic("orders"),))
    for name in SECTION_NAMES:
        store.hand_over("run-1", "warehouse", document.section(name))
        assert section_name(document.section(name)) == name
    store.hand_over("run-2", "warehouse", document.section("topics"))
    store.put_sections()
    assert [store.get_section("run-1", "warehouse", name) for name in SECTION_NAMES] == [
        document.section(name) for name in SECTION_NAMES
    ]
    assert store.get_section("run-1", "other", "topics") is None
    store.drop_sections("run-1")
    assert store.get_section("run-1", "warehouse", "topics") is None
    assert store.get_section("run-2", "warehouse", "topics") == document.section("topics")


def test_sections_reach_another_process_once_this_one_has_finished_the_run(store: InventoryStore) -> None:
    section, elsewhere = a_document().section("topics"), InventoryStore(store.objects)
    store.hand_over("run-1", "warehouse", section)
    store.hand_over("run-2", "warehouse", section)
    assert elsewhere.get_section("run-1", "warehouse", "topics") is None

    store.drop_sections("run-2")
    store.put_sections()

    assert elsewhere.get_section("run-1", "warehouse", "topics") == section
    assert store.get_section("run-1", "warehouse", "topics") == section
    assert [entry.key for entry in store.objects.list("steps/")] == ["steps/run-1/warehouse/topics.json"]


def test_dropping_the_sections_of_a_run_spares_runs_whose_name_begins_the_same(store: InventoryStore) -> None:
    store.hand_over("run-11", "warehouse", a_document().section("topics"))
    store.drop_sections("run-1")
    assert store.get_section("run-11", "warehouse", "topics") is not None


def test_sections_of_runs_older_than_a_week_are_pruned(store: InventoryStore) -> None:
    store.hand_over("run-1", "warehouse", a_document().section("topics"))
    store.put_sections()
    assert store.prune_sections(now=datetime.now(UTC) + timedelta(days=6)) == 0
    assert store.prune_sections(now=datetime.now(UTC) + timedelta(days=8)) == 1
    assert store.get_section("run-1", "warehouse", "topics") is None


@pytest.mark.parametrize(
    "data", [b"{}", b'{"cluster": "\xff"}', b'{"x": ' + b"[" * 100_000], ids=["empty", "no UTF-8", "nested"]
)
@pytest.mark.parametrize(
    ("key", "read"),
    [
        ("inventories/lkc-1/latest.json", lambda store: store.latest("lkc-1")),
        ("inventories/lkc-1/pending.json", lambda store: store.pending("lkc-1")),
        ("clusters/a.json", lambda store: store.cluster_id("a")),
        ("steps/run/a/topics.json", lambda store: store.get_section("run", "a", "topics")),
        (
            "inventories/lkc-1/inventory-2026-11-23T16-40-02Z.json",
            lambda store: store.document_at("lkc-1", "inventory-2026-11-23T16-40-02Z.json"),
        ),
    ],
    ids=["latest", "pending", "known cluster", "section", "document"],
)
def test_damaged_bytes_are_an_error_of_the_store_that_names_the_file(
    store: InventoryStore, tmp_path: Path, key: str, read: Callable[[InventoryStore], object], data: bytes
) -> None:
    store.objects.put(key, data)

    with pytest.raises(StoreError) as caught:
        read(store)

    assert str(caught.value).startswith(str(tmp_path / key))
