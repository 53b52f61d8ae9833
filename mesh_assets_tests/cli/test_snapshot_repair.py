"""Repairing what in the store keeps a cluster from being published."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from mesh_assets.cli import snapshot as commands
from mesh_assets.errors import ConflictError, DamagedError, PublishError
from mesh_assets.snapshot.repair import find_faults, repair_fault
from mesh_assets.store.pointers import Holder, Pending
from mesh_assets_tests.snapshot.world import CLUSTER_ID, World

LATEST, PENDING = f"inventories/{CLUSTER_ID}/latest.json", f"inventories/{CLUSTER_ID}/pending.json"


def _repair(*arguments: str) -> Result:
    return CliRunner().invoke(commands.snapshot, ["repair", "--cluster", "warehouse", *arguments])


@pytest.fixture
def kept(world: World) -> Callable[[], set[str]]:
    """The objects in the store's quarantine, without the content hash in their names."""
    return lambda: {entry.key.rpartition("-")[0] for entry in world.store.objects.list("quarantine/")}


@pytest.mark.usefixtures("adopt")
def test_a_store_that_blocks_nothing_needs_no_repair(world: World) -> None:
    world.run(("orders",))
    world.killed_run(7, ("orders", "users"))
    pending = world.store.pending(CLUSTER_ID)
    assert pending is not None
    world.store.put_pending(CLUSTER_ID, replace(pending[0], holder=None), pending[1])

    done = _repair()

    assert (done.exit_code, done.output) == (
        0,
        "Nothing in this store keeps warehouse (lkc-1) from being published.\n",
    )


@pytest.mark.usefixtures("adopt")
def test_a_record_that_kafka_refuses_is_shown_and_moved_aside_on_request(
    world: World, kept: Callable[[], set[str]]
) -> None:
    world.run(("orders",))
    world.log.refused_change = "users"
    with pytest.raises(PublishError):
        world.run(("orders", "users"))

    shown = _repair()

    assert shown.exit_code == 1
    assert (
        "WRONG   run run-2 left snapshot 2 unfinished, and the change of users is too large\n" in shown.output
    )
    assert "tries once more to publish those of the 1 change that are not there yet" in shown.output
    assert "Nothing was changed." in shown.output
    assert world.store.pending(CLUSTER_ID) is not None

    done = _repair("--apply")

    assert done.exit_code == 0, done.output
    assert kept() == {f"quarantine/inventories/{CLUSTER_ID}/pending"}
    published = world.run(("orders", "users", "ratings"))
    assert (published.document.sequence, [change.resource for change in published.changes]) == (
        3,
        ["ratings"],
    )
    assert published.notes[0] == (
        "not all changes of snapshot 2 (1) are in Kafka, and never will be: the change of users is too large"
    )
    assert _repair().exit_code == 0


@pytest.mark.usefixtures("adopt")
@pytest.mark.parametrize("key", [LATEST, PENDING])
@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'{"format": 1}'])
def test_a_damaged_file_blocks_the_cluster_until_it_is_moved_aside(
    world: World, key: str, damage: bytes, kept: Callable[[], set[str]]
) -> None:
    world.run(("orders",))
    world.store.objects.put(key, damage)
    with pytest.raises(DamagedError, match="See what is wrong: mesh-assets snapshot repair --cluster"):
        world.run(("orders", "users"))

    assert "cannot be read by this version" in _repair().output
    assert _repair("--apply").exit_code == 0

    assert kept() == {f"quarantine/{key.removesuffix('.json')}"}
    published = world.run(("orders", "users"))
    assert (published.document.sequence, [change.resource for change in published.changes]) == (2, ["users"])


@pytest.mark.usefixtures("adopt")
def test_a_damaged_cluster_name_is_moved_aside_and_written_again(
    world: World, kept: Callable[[], set[str]]
) -> None:
    world.run(("orders",))
    world.store.objects.put("clusters/warehouse.json", b"{")

    assert _repair("--apply").exit_code == 0

    assert kept() == {"quarantine/clusters/warehouse"}
    world.run(("orders", "users"))
    assert world.store.cluster_id("warehouse") == CLUSTER_ID


@pytest.mark.usefixtures("adopt")
def test_a_damaged_document_is_moved_aside_with_the_pointer_to_it(
    world: World, kept: Callable[[], set[str]]
) -> None:
    document = world.run(("orders",)).pointer.document.key
    world.store.objects.put(document, b"{")
    with pytest.raises(DamagedError):
        world.run(("orders", "users"))

    assert _repair("--apply").exit_code == 0

    assert kept() == {
        f"quarantine/{LATEST.removesuffix('.json')}",
        f"quarantine/{document.removesuffix('.json')}",
    }
    assert world.run(("orders", "users")).document.sequence == 2


@pytest.mark.usefixtures("adopt")
@pytest.mark.parametrize("minutes", [-600, 1], ids=["by a clock that is behind", "by a clock that agrees"])
def test_a_cluster_with_a_run_under_way_is_not_repaired(world: World, minutes: int) -> None:
    world.run(("orders",))
    pending = Pending(
        cluster="warehouse",
        holder=Holder(run_id="run-9", host="elsewhere", pid=7, machine=None, started=None),
        acquired_at=datetime.now(UTC),
        expires_at=datetime.now(UTC) + timedelta(minutes=minutes),
    )
    world.store.put_pending(CLUSTER_ID, pending, None)

    done = _repair("--apply")

    assert isinstance(done.exception, ConflictError)
    assert "is being discovered by run run-9 (process 7 on elsewhere)" in str(done.exception)


def test_files_that_changed_since_the_look_are_not_moved_aside(world: World) -> None:
    world.run(("orders",))
    world.store.objects.put(PENDING, b"{")
    [fault] = find_faults(world.store, "warehouse", CLUSTER_ID)
    world.store.objects.put(PENDING, b"{ ")

    with pytest.raises(ConflictError, match="has changed meanwhile; look again"):
        repair_fault(world.store, fault)
