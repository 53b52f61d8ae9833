"""Real processes on a real folder and on S3: killed at any effect, and two at once."""

import os
import time
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from mesh_assets.events.model import ChangeEvent, DiscoveryEvent
from mesh_assets.inventory.changes import Trigger
from mesh_assets.snapshot.commit import publish_snapshot
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.snapshot.world import (
    CLUSTER,
    CLUSTER_ID,
    Life,
    Log,
    LogPublisher,
    MortalObjects,
    MovedClock,
)
from mesh_assets_tests.store.stores import NewStore

pytestmark = pytest.mark.slow

_ROUNDS = 6


class FileLog(Log):
    """A log that several processes append to; its entries come back as `kind sequence` lines."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.entries = _Appended(path)

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


class _Appended(list[DiscoveryEvent | ChangeEvent]):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def append(self, entry: DiscoveryEvent | ChangeEvent) -> None:
        super().append(entry)
        identity = entry.id if isinstance(entry, ChangeEvent) else f"snapshot-{entry.sequence}"
        with self._path.open("a") as file:
            file.write(f"{identity}\n")


def _discover(store: str, log: Path, run_id: str, topic: str, ends_at: int | None = None) -> None:
    life = Life(ends_at, lambda: os._exit(9))
    publish_snapshot(
        store=InventoryStore(MortalObjects(open_store(store), life)),
        cluster=CLUSTER,
        cluster_id=CLUSTER_ID,
        run_id=run_id,
        assemble=lambda _, sequence: a_document(
            topics=(a_topic(topic),), sequence=sequence, run_id=run_id, discovery_timestamp=datetime.now(UTC)
        ),
        triggers=(Trigger(type="manual"),),
        publisher=LogPublisher(FileLog(log), life, MovedClock()),
    )


def _in_a_process_of_its_own(
    store: str, log: Path, run_id: str, topic: str, ends_at: int | None = None
) -> int | None:
    process = get_context("fork").Process(target=_discover, args=(store, log, run_id, topic, ends_at))
    process.start()
    process.join(60)
    return process.exitcode


def test_a_process_killed_at_any_effect_is_followed_at_once(new_store: NewStore, tmp_path: Path) -> None:
    for effect in range(1, 20):
        store, log = new_store(), tmp_path / f"log-{effect}"
        _discover(store, log, "run-1", "orders")
        died = _in_a_process_of_its_own(store, log, "run-2", "users", effect) == 9
        start = time.monotonic()
        _discover(store, log, "run-3", "ratings")
        assert time.monotonic() - start < 20, "the lock of a process that is gone is not waited for"
        snapshots = [
            int(line.removeprefix("snapshot-")) for line in FileLog(log).lines if line.startswith("snapshot")
        ]
        latest = InventoryStore(open_store(store)).latest_document(CLUSTER_ID)
        assert snapshots == sorted(snapshots)
        assert latest is not None
        assert latest.sequence == snapshots[-1] == len(set(snapshots))
        if not died:
            assert effect == 11, "this run has ten effects"
            return
    pytest.fail("a run has more effects than were tried")


def _discover_often(store: str, log: Path, name: str) -> None:
    for number in range(_ROUNDS):
        _discover(store, log, f"{name}-{number}", f"{name}-{number}")


def test_simultaneous_processes_publish_one_event_per_run_in_sequence(
    new_store: NewStore, tmp_path: Path
) -> None:
    kept, log = new_store(), tmp_path / "log"
    processes = [
        get_context("fork").Process(target=_discover_often, args=(kept, log, f"run-{number}"))
        for number in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    assert [process.exitcode for process in processes] == [0, 0]
    expected = ["snapshot-1"]
    for sequence in range(2, 2 * _ROUNDS + 1):
        expected += [f"snapshot-{sequence}", f"lkc-1-{sequence}-0", f"lkc-1-{sequence}-1"]
    assert FileLog(log).lines == expected
    store = InventoryStore(open_store(kept))
    latest = store.latest_document(CLUSTER_ID)
    assert latest is not None
    assert latest.sequence == len(store.list_documents(CLUSTER_ID)) == 2 * _ROUNDS
    assert store.pending(CLUSTER_ID) is None
