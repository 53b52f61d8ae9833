"""`mesh-assets store`, as a person types it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mesh_assets.cli.store import store as commands
from mesh_assets.errors import StoreError
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.upkeep.stored import ID, a_history


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventoryStore:
    (tmp_path / "estate.yaml").write_text(
        "clusters: {warehouse: {kafka: {bootstrap_servers: 'broker.test:9092'}}}\n"
        "retention: {documents: {days: 12}}\n"
    )
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))
    return InventoryStore(FolderStore(tmp_path / "store"))


def _store(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


def test_status_shows_the_kinds_and_what_pruning_would_do(store: InventoryStore) -> None:
    a_history(store, 16)
    shown = _store("status")
    assert shown.exit_code == 0
    lines = [line.split()[:2] for line in shown.output.splitlines()]
    assert lines[:3] == [["kind", "objects"], ["documents", "16"], ["bases", "15"]]
    assert shown.output.splitlines()[-1].startswith("6 objects can be removed, ")


def test_prune_only_shows_until_it_is_told_to_apply(store: InventoryStore) -> None:
    a_history(store, 16)
    before = store.objects.list("")
    shown = _store("prune")
    assert "REMOVE  3 objects of documents of lkc-1, " in shown.output
    assert ": older than 12 days" in shown.output
    assert "Nothing was changed. To do it: mesh-assets store prune --apply" in shown.output
    assert store.objects.list("") == before
    done = _store("prune", "--apply")
    assert "Done: 6 objects removed, " in done.output
    assert len(store.list_documents(ID)) == 13
    assert _store("prune").output == "Nothing to prune.\n"


def test_verify_and_repair_signal_faults_by_their_exit_code(store: InventoryStore) -> None:
    a_history(store, 3)
    assert (_store("verify").exit_code, _store("verify").stdout) == (0, "Nothing is damaged.\n")
    packed = next(one.key for one in store.objects.list("inventories/") if ".json." in one.key)
    store.objects.put(packed, b"damaged")
    shown = _store("verify")
    assert shown.exit_code == 1
    assert f"WRONG   {store.objects.location(packed)} or its base-" in shown.output
    assert shown.output.endswith(
        "1 fault found. Nothing was changed. To repair: mesh-assets store repair --apply\n"
    )
    assert _store("repair").exit_code == 1
    assert store.objects.get(packed) is not None
    done = _store("repair", "--apply")
    assert done.exit_code == 0
    assert f"DONE    {store.objects.location(packed)} is kept at " in done.output
    assert _store("verify").exit_code == 0


def test_a_fault_that_repair_cannot_fix_is_not_offered_as_a_repair(store: InventoryStore) -> None:
    [key] = a_history(store, 1)
    store.objects.delete(key)
    shown = _store("verify").output
    assert "mesh-assets snapshot repair" in shown
    assert shown.endswith("1 fault found. Nothing was changed.\n")


def test_a_repair_moves_what_is_damaged_and_ends_with_1_while_an_object_cannot_be_read(
    store: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_history(store, 3)
    damaged, unreadable = [one.key for one in store.objects.list("inventories/") if ".json." in one.key]
    store.objects.put(damaged, b"damaged")
    read = FolderStore.get

    def get(folder: FolderStore, key: str) -> tuple[bytes, str] | None:
        if key == unreadable:
            raise StoreError(f"{folder.location(key)} could not be read: Input/output error")
        return read(folder, key)

    monkeypatch.setattr(FolderStore, "get", get)
    done = _store("repair", "--apply")
    assert done.exit_code == 1
    assert (
        f"WRONG   {store.objects.location(unreadable)} could not be read: Input/output error" in done.output
    )
    assert f"DONE    {store.objects.location(damaged)} is kept at " in done.output
    assert done.output.endswith("2 faults found, 1 repaired.\n")


def test_an_empty_store_is_pointed_out_and_does_not_pass_for_verified(store: InventoryStore) -> None:
    assert store.objects.list("") == []
    shown = _store("status")
    assert (shown.exit_code, shown.output.splitlines()[-2:]) == (
        0,
        ["NOTE    the store holds nothing; see whether MESH_STORE is right", "Nothing to prune."],
    )
    verified = _store("verify")
    assert (verified.exit_code, verified.stdout) == (1, "")
    assert str(verified.exception).startswith("the store holds nothing, so nothing was verified")
