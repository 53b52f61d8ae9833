"""Dagster's own `dg` accepts the example and this project as projects."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mesh_assets_tests.workplace import PROJECT

pytestmark = pytest.mark.long


def dg(*arguments: str, folder: Path, **environment: str) -> str:
    command = [str(Path(sys.executable).parent / "dg"), *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": f"{folder}:{PROJECT}", "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def example(tmp_path: Path) -> Path:
    folder = tmp_path / "downstream"
    shutil.copytree(PROJECT / "examples" / "downstream", folder, ignore=shutil.ignore_patterns(".*"))
    return folder


def test_dg_loads_the_example_before_it_has_a_state_and_lists_its_asset(
    example: Path, tmp_path: Path
) -> None:
    store = str(tmp_path / "store")
    assert "All definitions loaded successfully" in dg("check", "defs", folder=example, MESH_STORE=store)
    listed = json.loads(dg("list", "defs", "--json", folder=example, MESH_STORE=store))
    assert "order_totals" in json.dumps(listed)
    assert "records_arrived" in json.dumps(listed)


def test_dg_lists_what_this_project_defines(tmp_path: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text('clusters: {warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}\n')
    listed = dg(
        "list", "defs", "--json", folder=PROJECT, MESH_ESTATE=str(estate), MESH_STORE=str(tmp_path / "store")
    )
    assert "inventory/cluster_links" in listed
    assert "discovery_schedule" in listed
