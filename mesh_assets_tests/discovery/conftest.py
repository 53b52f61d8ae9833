"""A workplace whose estate is the sandbox's warehouse."""

from pathlib import Path

import pytest

from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.workplace import Workplace, workplace_in


@pytest.fixture
def workplace(sandbox: Sandbox, tmp_path: Path) -> Workplace:
    return workplace_in(tmp_path, sandbox.endpoints())
