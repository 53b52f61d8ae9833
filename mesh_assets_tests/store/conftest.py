"""A store in a folder."""

from pathlib import Path

import pytest

from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    return InventoryStore(FolderStore(tmp_path))
