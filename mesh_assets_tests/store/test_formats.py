"""What a later version wrote is refused with a sentence and never called damaged."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mesh_assets.errors import DamagedError, NewerFormatError
from mesh_assets.estate.retention import Retention
from mesh_assets.inventory.document import decode_document, decode_outline, encode_document
from mesh_assets.store import layout
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import ResultStore
from mesh_assets.upkeep.pruning import plan_pruning, prune
from mesh_assets.upkeep.verifying import find_damage
from mesh_assets_tests.documents import MOMENT, a_document
from mesh_assets_tests.snapshot.world import MemoryObjects, World
from mesh_assets_tests.upkeep.stored import ID, a_history

SENTENCE = r"has format 2, but this version of mesh-assets reads only up to format 1: .*update mesh-assets"

READS: dict[str, Callable[[InventoryStore], object]] = {
    layout.latest_key(ID): lambda store: store.latest(ID),
    layout.pending_key(ID): lambda store: store.pending(ID),
    layout.adoption_key(ID): lambda store: store.adoption(ID),
    layout.tickets_key(ID): lambda store: store.take_ticket(ID),
    layout.known_cluster_key("warehouse"): lambda store: store.cluster_id("warehouse"),
    layout.store_key(): lambda store: store.store_id(),
    f"{layout.cluster_folder(ID)}packing.json": lambda store: a_history(store, 2),
    "analysis/findings.json": lambda store: ResultStore(store, "findings", dict).get(),
}


@pytest.mark.parametrize("content", [b'{"format":2}', b'{"format":2,"all":"another"}'])
@pytest.mark.parametrize("key", READS)
def test_a_later_format_is_refused_and_stays_as_it_is(key: str, content: bytes) -> None:
    objects = MemoryObjects()
    objects.put(key, content)
    with pytest.raises(NewerFormatError, match=SENTENCE):
        READS[key](InventoryStore(objects))
    assert objects.data[key] == content
    assert [one for one in objects.data if one.startswith("quarantine/")] == []


@pytest.mark.parametrize("read", [decode_document, decode_outline])
def test_a_document_of_a_later_format_is_refused_whether_decodable_or_not(
    read: Callable[..., object],
) -> None:
    later = encode_document(a_document()).replace(b'"format":1', b'"format":2', 1)
    for data in (later, b'{"format":2,"topics":"elsewhere"}'):
        with pytest.raises(NewerFormatError, match=SENTENCE):
            read(data, source="it")
    with pytest.raises(DamagedError, match="it is not a discovery document"):
        read(b'{"format":1,"topics":"elsewhere"}', source="it")


def test_verifying_reports_no_later_format_as_damaged() -> None:
    store = InventoryStore(MemoryObjects())
    a_history(store, 2)
    store.objects.put(layout.latest_key(ID), b'{"format":2}')
    with pytest.raises(NewerFormatError, match=SENTENCE):
        list(find_damage(store))


@pytest.fixture
def first_store(tmp_path: Path) -> InventoryStore:
    """Written by commit 4f0129c, the first that had a store: two snapshots, and a run that was killed before its third."""
    shutil.copytree(Path(__file__).parent / "written_by_the_first_version", tmp_path / "store")
    return InventoryStore(FolderStore(tmp_path / "store"))


def test_a_store_of_the_first_version_is_readable_and_undamaged(first_store: InventoryStore) -> None:
    latest = first_store.latest(ID)
    assert latest is not None
    assert (latest[0].sequence, first_store.cluster_id("warehouse")) == (2, ID)
    read = [first_store.document_at(ID, entry.key) for entry in first_store.list_documents(ID)]
    assert [[topic.name for topic in one.topics] for one in read] == [
        ["orders"],
        ["orders", "users"],
        ["users"],
    ]
    assert list(find_damage(first_store)) == []


def test_a_discovery_continues_from_a_store_of_the_first_version(first_store: InventoryStore) -> None:
    before = [(entry.key, first_store.document_at(ID, entry.key)) for entry in first_store.list_documents(ID)]
    published = World(store=first_store.objects).run(("orders",), run_id="now")
    assert published.repeated is not None
    assert (published.repeated.sequence, published.document.sequence) == (3, 4)
    plan = plan_pruning(first_store, Retention(), clock=MOMENT)
    assert prune(first_store, plan).packed == 3
    for key, document in before:
        assert first_store.objects.get(key) is None
        assert first_store.document_at(ID, key) == document
