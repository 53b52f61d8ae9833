"""A store that a discovery has filled, and an instance of Dagster in memory."""

from pathlib import Path

import pytest

from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.components.a_shop import a_shop
from mesh_assets_tests.dagster_instances import _one_instance, instance  # noqa: F401 - fixtures
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
