"""Handing a cluster over from one store or name to another, retiring one that was built anew, and repairing what
blocks one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from mesh_assets.cli import snapshot as commands
from mesh_assets.errors import ConflictError, DamagedError, PublishError, UnexpectedAnswerError
from mesh_assets.snapshot.events import DiscoveryEvent, ReadSnapshot
from mesh_assets.snapshot.publisher import NothingToRetireError
from mesh_assets.snapshot.repair import find_faults, repair_fault
from mesh_assets.store.layout import open_store
from mesh_assets.store.pointers import EventPosition, Holder, Pending
from mesh_assets_tests.snapshot.world import CLUSTER_ID, World

ESTATE = "clusters: {warehouse: {cluster_id: lkc-1, kafka: {bootstrap_servers: 'broker.test:9092'}}}"

Adopt = Callable[..., Result]
LATEST, PENDING = f"inventories/{CLUSTER_ID}/latest.json", f"inventories/{CLUSTER_ID}/pending.json"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The store that the command finds."""
    return World(store=open_store(str(tmp_path / "store")))


@pytest.fixture
def adopt(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Adopt:
    """The command; what Kafka holds is the world's log."""
    (tmp_path / "estate.yaml").write_text(ESTATE)
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    monkeypatch.setenv("MESH_STORE", str(tmp_path / "store"))

    def read(*_: object, **__: object) -> ReadSnapshot | None:
        newest: list[DiscoveryEvent] = world.log.snapshots[-1:]
        position = EventPosition(topic="discovery-events", partition=0, offset=len(world.log.snapshots))
        return (
            ReadSnapshot(event=newest[0], position=position, written_at=datetime.now(UTC), bytes=1)
            if newest
            else None
        )

    monkeypatch.setattr(commands, "read_newest_snapshot", read)
    return lambda *arguments, **options: CliRunner().invoke(
        commands.snapshot, ["adopt", "--cluster", "warehouse", *arguments], **options
    )


@pytest.fixture
def other(world: World) -> World:
    """Another store with the same topic, to which the cluster may be handed over."""
    other = World(run_prefix="other")
    other.log, other.clock = world.log, world.clock
    other.store.adopt(CLUSTER_ID, world.store.store_id(), None, sequence=1)
    return other


def test_it_says_what_it_will_do_and_does_it_when_it_is_confirmed(
    world: World, other: World, adopt: Adopt
) -> None:
    world.run(("orders",))
    other.run(("orders", "users"))

    done = adopt(input="y\n")

    assert done.exit_code == 0, done.output
    assert (
        f"by run other-1 of store {other.store.store_id()}; this store's latest is 1, which it forgets"
        in done.output
    )
    assert "One of those that is running is shut out" in done.output
    assert "Adopted. Now publish from this store: mesh-assets discover --cluster warehouse" in done.output
    assert world.store.latest(CLUSTER_ID) is None
    assert len(world.store.list_documents(CLUSTER_ID)) == 1
    assert world.run(("orders",)).document.sequence == 3


def test_a_store_that_knows_nothing_is_refused_until_it_is_handed_the_cluster(
    world: World, other: World, adopt: Adopt
) -> None:
    other.objects.data = {key: data for key, data in other.objects.data.items() if key == "store.json"}
    other.run(("orders", "users"))
    with pytest.raises(ConflictError, match="knows nothing of it"):
        world.run(("orders",))

    done = adopt(input="y\n")

    assert done.exit_code == 0, done.output
    assert f"by run other-1 of store {other.store.store_id()}; this store has published none." in done.output
    assert world.run(("orders",)).document.sequence == 2


def test_without_a_yes_nothing_changes(world: World, other: World, adopt: Adopt) -> None:
    world.run(("orders",))
    other.run(("orders", "users"))

    assert adopt(input="n\n").exit_code == 1
    assert world.store.latest(CLUSTER_ID) is not None


@pytest.mark.parametrize("before", [0, 1])
def test_there_is_nothing_to_do_where_this_store_goes_on_by_itself(
    world: World, adopt: Adopt, before: int
) -> None:
    for _ in range(before):
        world.run(("orders",))

    done = adopt()

    assert done.output == (
        "Nothing to do: the next discovery of warehouse from this store goes on by itself.\n"
    )


def test_a_newest_snapshot_that_cannot_be_read_is_a_sentence_with_the_way_out(
    adopt: Adopt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> None:
        raise UnexpectedAnswerError("the schema registry of warehouse does not know the event's schema 3")

    monkeypatch.setattr(commands, "read_newest_snapshot", read)

    assert str(adopt().exception) == (
        "warehouse: the newest snapshot in discovery-events cannot be read, so it cannot be gone on from: the schema registry of "
        "warehouse does not know the event's schema 3; if it is not needed any more, write its tombstone, after which any store may "
        "publish warehouse: mesh-assets snapshot retire --cluster warehouse"
    )


def test_a_name_that_another_estate_used_is_forgotten(world: World, adopt: Adopt) -> None:
    world.run(("orders",))
    world.store.remember_cluster("dwh", CLUSTER_ID)

    done = adopt(input="y\n")

    assert done.exit_code == 0, done.output
    assert done.output == (
        "lkc-1 was discovered as dwh, too. This forgets that.\nIs it warehouse alone? [y/N]: y\n"
        "Adopted: the next discovery of warehouse from this store goes on by itself.\n"
    )
    assert world.store.names_of(CLUSTER_ID) == ("warehouse",)


@pytest.fixture
def retire(adopt: Adopt, monkeypatch: pytest.MonkeyPatch) -> tuple[Adopt, list[str]]:  # noqa: ARG001 - its world
    """The command, and the ids whose tombstones it writes."""
    written: list[str] = []

    def write(_estate: object, _name: str, *, cluster_id: str) -> EventPosition:
        if cluster_id == "lkc-gone":
            raise NothingToRetireError("the topic holds nothing of it")
        written.append(cluster_id)
        return EventPosition(topic="discovery-events", partition=0, offset=7)

    monkeypatch.setattr("mesh_assets.snapshot.publisher.retire_snapshot", write)
    return lambda *arguments, **options: CliRunner().invoke(
        commands.snapshot, ["retire", "--cluster", "warehouse", *arguments], **options
    ), written


def test_an_id_from_before_a_rebuild_is_retired_by_name(
    world: World, retire: tuple[Adopt, list[str]]
) -> None:
    run, written = retire
    for cluster_id in ("lkc-old", CLUSTER_ID):
        world.store.remember_cluster("warehouse", cluster_id)

    present = run(input="n\n")
    done = run("--cluster-id", "lkc-old", "--yes")

    assert "warehouse was before: lkc-old. To retire one of those: --cluster-id ID" in present.output
    assert done.exit_code == 0, done.output
    assert "This writes a tombstone for warehouse (lkc-old) to discovery-events on warehouse" in done.output
    assert written == ["lkc-old"]
    known = world.store.known_cluster("warehouse")
    assert known is not None
    assert (known.cluster_id, known.former) == (CLUSTER_ID, ())


def test_the_id_of_another_cluster_of_the_store_is_not_retired_under_this_name(
    world: World, retire: tuple[Adopt, list[str]]
) -> None:
    run, written = retire
    world.store.remember_cluster("payments", "lkc-2")

    done = run("--cluster-id", "lkc-2", "--yes")

    assert str(done.exception) == "lkc-2 is payments, not warehouse; name it: --cluster payments"
    assert written == []


def test_an_id_of_which_nothing_is_left_in_kafka_is_only_forgotten(
    world: World, retire: tuple[Adopt, list[str]]
) -> None:
    run, _ = retire
    unknown = run("--cluster-id", "lkc-gone", "--yes")
    for cluster_id in (CLUSTER_ID, "lkc-gone"):
        world.store.remember_cluster("warehouse", cluster_id)

    done = run("--cluster-id", "lkc-gone", "--yes")

    assert isinstance(unknown.exception, NothingToRetireError)
    assert done.exit_code == 0, done.output
    assert done.output.endswith("the topic holds nothing of it. This store takes it for gone from now on.\n")
    assert world.store.cluster_id("warehouse") == CLUSTER_ID


def test_to_retire_the_present_cluster_does_not_bring_an_earlier_one_back(
    world: World, retire: tuple[Adopt, list[str]]
) -> None:
    run, written = retire
    for cluster_id in ("lkc-old", CLUSTER_ID):
        world.store.remember_cluster("warehouse", cluster_id)

    run("--yes")

    assert written == [CLUSTER_ID]
    assert world.store.cluster_id("warehouse") == CLUSTER_ID


def _repair(*arguments: str) -> Result:
    return CliRunner().invoke(commands.snapshot, ["repair", "--cluster", "warehouse", *arguments])


@pytest.fixture
def kept(world: World) -> Callable[[], set[str]]:
    """What lies in the store's quarantine, without the part of a name that stands for its content."""
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
def test_a_record_that_kafka_refuses_is_shown_taken_out_when_asked_for_and_kept(
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
        "not all changes of snapshot 2 (1) are in Kafka, nor will be: the change of users is too large"
    )
    assert _repair().exit_code == 0


@pytest.mark.usefixtures("adopt")
@pytest.mark.parametrize("key", [LATEST, PENDING])
@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'{"format": 1}'])
def test_a_damaged_file_blocks_the_cluster_until_it_is_taken_out(
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
def test_a_damaged_name_of_a_cluster_is_taken_out_and_written_again(
    world: World, kept: Callable[[], set[str]]
) -> None:
    world.run(("orders",))
    world.store.objects.put("clusters/warehouse.json", b"{")

    assert _repair("--apply").exit_code == 0

    assert kept() == {"quarantine/clusters/warehouse"}
    world.run(("orders", "users"))
    assert world.store.cluster_id("warehouse") == CLUSTER_ID


@pytest.mark.usefixtures("adopt")
def test_a_damaged_document_is_taken_out_with_the_pointer_to_it(
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
def test_a_cluster_that_a_run_works_on_is_not_repaired(world: World, minutes: int) -> None:
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


def test_what_has_changed_since_it_was_looked_at_is_not_taken_out(world: World) -> None:
    world.run(("orders",))
    world.store.objects.put(PENDING, b"{")
    [fault] = find_faults(world.store, "warehouse", CLUSTER_ID)
    world.store.objects.put(PENDING, b"{ ")

    with pytest.raises(ConflictError, match="has changed meanwhile; look again"):
        repair_fault(world.store, fault)
