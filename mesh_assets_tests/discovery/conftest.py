"""A user's workplace: a folder with its own store and Dagster instance, and the command line in it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.store.inventories import InventoryStore
from mesh_assets.inventory.store.opening import open_store
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.estates import estate_of

PROJECT = Path(__file__).parents[2]
COMMAND_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Workplace:
    """Runs commands as a user would: in a process of their own, in this folder, against the sandbox's estate.

    `cluster`: the one of the estate. `variables`: environment variables that differ.
    """

    folder: Path
    estate: Path
    cluster: str = "warehouse"
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "MESH_ESTATE": str(self.estate),
            "MESH_STORE": str(self.folder / "store"),
            "DAGSTER_HOME": str(self.folder),
            **self.variables,
        }

    @property
    def store(self) -> InventoryStore:
        return InventoryStore(open_store(str(self.folder / "store")))

    def start(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=self.folder,
            env=environment or self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, environment=environment)
        out, err = process.communicate(timeout=COMMAND_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def mesh_assets(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("mesh_assets.cli.main", *arguments)

    def discover(self, *arguments: str) -> dict[str, Any]:
        """The report of a discovery that must succeed."""
        done = self.mesh_assets("discover", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        [report] = msgspec.json.decode(done.stdout)
        assert isinstance(report, dict)
        return report

    def latest(self) -> Document:
        cluster_id = self.store.cluster_id(self.cluster)
        assert cluster_id is not None, "nothing was discovered yet"
        document = self.store.latest_document(cluster_id)
        assert document is not None
        return document


@pytest.fixture
def workplace(sandbox: Sandbox, tmp_path: Path) -> Workplace:
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    return Workplace(tmp_path, estate_of(sandbox.endpoints(), tmp_path, "warehouse"))
