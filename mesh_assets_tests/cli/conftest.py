from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mesh_assets.cli import snapshot as commands
from mesh_assets.events.model import DiscoveryEvent, ReadSnapshot
from mesh_assets.store.layout import open_store
from mesh_assets.store.pointers import EventPosition
from mesh_assets_tests.snapshot.world import World

ESTATE = "clusters: {warehouse: {cluster_id: lkc-1, kafka: {bootstrap_servers: 'broker.test:9092'}}}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The store that the command finds."""
    return World(store=open_store(str(tmp_path / "store")))


@pytest.fixture
def adopt(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
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
