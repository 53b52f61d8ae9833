"""A store that a discovery has filled, and an instance of Dagster in memory."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.components.a_shop import a_shop
from mesh_assets_tests.published import publish


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def store(location: str) -> InventoryStore:
    """It holds `a_shop`."""
    store = InventoryStore(open_store(location))
    publish(store, a_shop())
    return store


@pytest.fixture(scope="package")
def _one_instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def instance(_one_instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """Without runs and events."""
    yield _one_instance
    _one_instance.wipe()
