"""What a user sees of the sandbox before there is one."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mesh_assets.cli.sandbox import sandbox
from mesh_assets.errors import SandboxError


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


def test_a_wrong_name_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(sandbox, ["status", "brokr", "--folder", str(tmp_path / "box")])
    with pytest.raises(SandboxError, match="it has broker, cloud-broker, registry, cloud, connect, feed"):
        raise result.exception or AssertionError("no exception")
