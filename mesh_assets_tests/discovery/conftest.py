"""Workplaces whose estate is the sandbox's warehouse."""

from pathlib import Path
from typing import Any

import pytest

from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.workplace import Workplace, workplace_in


@pytest.fixture
def workplace(sandbox: Sandbox, tmp_path: Path) -> Workplace:
    return workplace_in(tmp_path, sandbox.endpoints())


@pytest.fixture(scope="package")
def first(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workplace, dict[str, Any]]:
    """A workplace after its first discovery, for reading only, and its report."""
    workplace = workplace_in(tmp_path_factory.mktemp("first"), sandbox.endpoints())
    return workplace, workplace.discover()


@pytest.fixture
def discovered(first: tuple[Workplace, dict[str, Any]], tmp_path: Path) -> Workplace:
    """A workplace after its first discovery, to continue in."""
    return first[0].copied(tmp_path)
