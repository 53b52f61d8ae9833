"""Handing a cluster over from one store to another."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mesh_assets.cli import snapshot as commands
from mesh_assets.snapshot.events import DiscoveryEvent, ReadSnapshot
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
