"""A workplace whose estate is the sandbox's warehouse."""

import shutil
from pathlib import Path

import pytest

from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.estates import estate_of
from mesh_assets_tests.workplace import PROJECT, Workplace


@pytest.fixture
def workplace(sandbox: Sandbox, tmp_path: Path) -> Workplace:
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    return Workplace(tmp_path, estate_of(sandbox.endpoints(), tmp_path, "warehouse"))
