"""What a user sees before there is a sandbox."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from mesh_assets.cli.sandbox import sandbox
from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.servers import Sandbox


def test_the_status_of_nothing_is_a_table_and_a_failure(tmp_path: Path) -> None:
    result = CliRunner().invoke(sandbox, ["status", "--folder", str(tmp_path / "box")])
    assert result.exit_code == 1
    assert [line.split()[:2] for line in result.output.splitlines()] == [
        ["server", "state"],
        ["broker", "stopped"],
        ["cloud-broker", "stopped"],
        ["registry", "stopped"],
        ["cloud", "stopped"],
        ["connect", "stopped"],
        ["feed", "stopped"],
    ]


def test_the_status_as_json(tmp_path: Path) -> None:
    result = CliRunner().invoke(sandbox, ["status", "broker", "--json", "--folder", str(tmp_path / "box")])
    assert result.exit_code == 1
    (broker,) = json.loads(result.output)
    assert (broker["name"], broker["state"], broker["pid"]) == ("broker", "stopped", None)


def test_stopping_nothing_is_fine(tmp_path: Path) -> None:
    result = CliRunner().invoke(sandbox, ["stop", "--folder", str(tmp_path / "box")])
    assert (result.exit_code, result.output) == (0, "nothing was running\n")


def test_a_wrong_name_is_reported(tmp_path: Path) -> None:
    result = CliRunner().invoke(sandbox, ["status", "brokr", "--folder", str(tmp_path / "box")])
    with pytest.raises(SandboxError, match="it has broker, cloud-broker, registry, cloud, connect, feed"):
        raise result.exception or AssertionError("no exception")


def test_start_suggests_commands_for_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = SimpleNamespace(estate_file=tmp_path / "estate.yaml")
    monkeypatch.setattr(Sandbox, "start", lambda *_, **__: started)
    there = CliRunner().invoke(sandbox, ["start", "--folder", str(tmp_path / "a box")]).output
    here = CliRunner().invoke(sandbox, ["start"]).output
    assert f"  stop:  mesh-assets sandbox stop --folder '{tmp_path}/a box'\n" in there
    assert f"  look:  mesh-assets sandbox status --folder '{tmp_path}/a box'\n" in there
    assert "  stop:  mesh-assets sandbox stop\n" in here
