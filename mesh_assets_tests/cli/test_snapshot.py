"""Handing a cluster over from one store or name to another, and retiring one that was built anew."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mesh_assets.cli import snapshot as commands
from mesh_assets.snapshot.events import DiscoveryEvent, ReadSnapshot
from mesh_assets.snapshot.publisher import NothingToRetireError
from mesh_assets.store.layout import open_store
from mesh_assets.store.pointers import EventPosition
from mesh_assets_tests.snapshot.world import CLUSTER_ID, World

ESTATE = "clusters: {warehouse: {cluster_id: lkc-1, kafka: {bootstrap_servers: 'broker.test:9092'}}}"

Adopt = Callable[..., Result]


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
    """Another store with the same topic."""
    other = World(run_prefix="other")
    other.log, other.clock = world.log, world.clock
    return other


def test_it_says_what_it_will_do_and_does_it_when_it_is_confirmed(
    world: World, other: World, adopt: Adopt
) -> None:
    world.run(("orders",))
    other.run(("orders", "users"))

    done = adopt(input="y\n")

    assert done.exit_code == 0, done.output
    assert "is 2, of run other-1; this store's latest is 1." in done.output
    assert "Adopted. Now publish from this store: mesh-assets discover --cluster warehouse" in done.output
    assert world.store.latest(CLUSTER_ID) is None
    assert len(world.store.list_documents(CLUSTER_ID)) == 1
    assert world.run(("orders",)).document.sequence == 3


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
