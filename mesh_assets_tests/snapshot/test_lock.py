import os
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from msgspec.structs import replace

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.snapshot.lock import ClusterLock, acquire_lock, is_gone, this_process
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.snapshot.world import MovedClock
from mesh_assets_tests.store.stores import NewStore

LEASE = timedelta(seconds=120)


@pytest.fixture
def store(new_store: NewStore) -> InventoryStore:
    return InventoryStore(open_store(new_store()))


@pytest.fixture
def clock(patient: None) -> MovedClock:  # noqa: ARG001
    return MovedClock()


def _acquire(
    store: InventoryStore,
    clock: MovedClock,
    run_id: str,
    *,
    wait_seconds: float = 0,
    said: list[str] | None = None,
) -> ClusterLock:
    heard: list[str] = [] if said is None else said
    return acquire_lock(
        store,
        cluster="warehouse",
        cluster_id="lkc-1",
        run_id=run_id,
        lease=LEASE,
        wait=timedelta(seconds=wait_seconds),
        clock=clock,
        progress=heard.append,
    )


def test_a_held_lock_refuses_another_run_with_its_holder_and_expiry(
    store: InventoryStore, clock: MovedClock
) -> None:
    _acquire(store, clock, "run-1")
    with pytest.raises(ConflictError) as caught:
        _acquire(store, clock, "run-2")
    holder = this_process("run-1")
    assert str(caught.value) == (
        f"warehouse is being discovered by run run-1 (process {holder.pid} on {holder.host}), which holds it "
        "until 2026-11-23T16:42:02Z at the latest; try again then"
    )


def test_a_waiting_run_gets_the_lock_when_it_expires_and_says_once_what_it_waits_for(
    store: InventoryStore, clock: MovedClock
) -> None:
    said: list[str] = []
    _acquire(store, clock, "run-1")
    _acquire(store, clock, "run-2", wait_seconds=121, said=said)
    assert clock.slept == pytest.approx(120, abs=1)
    assert len(said) == 1
    assert said[0].endswith("; waiting")


def test_a_fast_clock_does_not_take_the_lock_of_a_living_run(
    store: InventoryStore, clock: MovedClock
) -> None:
    _acquire(store, clock, "run-1")
    ahead = MovedClock()
    ahead.sleep(3600)
    with pytest.raises(ConflictError, match="being discovered by run run-1"):
        _acquire(store, ahead, "run-2", wait_seconds=119)


@pytest.mark.usefixtures("patient")
def test_a_run_that_shows_signs_of_life_keeps_its_lock(store: InventoryStore) -> None:
    class Renewed(MovedClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.slept % 60 == 0:
                first.write_record(None)

    renewed = Renewed()
    first = _acquire(store, renewed, "run-1")
    with pytest.raises(ConflictError, match="being discovered by run run-1"):
        _acquire(store, renewed, "run-2", wait_seconds=600)


def test_a_waiting_run_gets_the_lock_as_soon_as_it_is_free(store: InventoryStore) -> None:
    class Released(MovedClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.slept >= 3 and store.pending("lkc-1"):
                first.remove()

    released = Released()
    first = _acquire(store, released, "run-1")
    _acquire(store, released, "run-2", wait_seconds=60)
    assert released.slept == 3


def test_the_same_run_gets_its_own_lock_at_once(store: InventoryStore, clock: MovedClock) -> None:
    _acquire(store, clock, "run-1")
    _acquire(store, clock, "run-1")


def test_leaving_a_lock_without_a_record_removes_it(store: InventoryStore, clock: MovedClock) -> None:
    with _acquire(store, clock, "run-1"):
        assert store.pending("lkc-1") is not None
    assert store.pending("lkc-1") is None


def test_a_lost_lock_can_do_nothing_more(store: InventoryStore, clock: MovedClock) -> None:
    with _acquire(store, clock, "run-1") as first, _acquire(store, clock, "run-2", wait_seconds=121):
        with pytest.raises(ConflictError, match="another run took over the lock"):
            first.write_document("inventories/lkc-1/inventory-2026-11-23T16-40-02Z.json", b"{}")
        with pytest.raises(ConflictError, match="no longer held"):
            first.seconds_to_publish()
        found = store.pending("lkc-1")
        assert found is not None
        assert found[0].holder is not None
        assert found[0].holder.run_id == "run-2"
    assert store.list_documents("lkc-1") == []


def test_publishing_ends_some_time_before_another_run_can_begin(
    store: InventoryStore, clock: MovedClock
) -> None:
    with _acquire(store, clock, "run-1") as lock:
        assert lock.seconds_to_publish() == 110
        clock.sleep(110)
        with pytest.raises(ConflictError, match="ran out after 120 s"):
            lock.seconds_to_publish()
        lock.write_record(None)
        assert lock.seconds_to_publish() == 110


def test_an_unreadable_pending_file_is_an_error_that_names_it(
    store: InventoryStore, clock: MovedClock
) -> None:
    store.objects.put("inventories/lkc-1/pending.json", b"{")
    with pytest.raises(StoreError, match=re.escape(store.objects.location("inventories/lkc-1/pending.json"))):
        _acquire(store, clock, "run-1")


def test_a_living_process_is_not_gone() -> None:
    assert not is_gone(this_process("run-1"))


def test_a_process_that_ended_is_gone() -> None:
    program = "from mesh_assets.snapshot.lock import this_process as t; import msgspec; print(msgspec.json.encode(t('r')).decode())"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    holder = replace(this_process("run-1"), pid=int(ended.stdout.split('"pid":')[1].split(",")[0]))
    assert is_gone(holder)


def test_a_dead_but_unreaped_process_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    holder = replace(this_process("run-1"), pid=child.pid)
    try:
        assert is_gone(holder)
    finally:
        child.wait(timeout=30)


def test_another_process_with_the_same_number_does_not_count_as_the_holder() -> None:
    assert is_gone(replace(this_process("run-1"), started="1"))


@pytest.mark.parametrize(
    "elsewhere", [{"host": "other"}, {"machine": "another boot"}, {"machine": None}, {"started": None}]
)
def test_nothing_is_certain_about_a_process_elsewhere(elsewhere: dict[str, str | None]) -> None:
    assert not is_gone(replace(this_process("run-1"), pid=2**22 + 1, **elsewhere))
