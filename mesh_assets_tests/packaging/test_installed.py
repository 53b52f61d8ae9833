"""From the wheel to the UI, in an empty folder outside the clone, like someone who has just installed it."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from mesh_assets_tests.packaging.wheel import build_wheel, install_wheel, strangers_environment

pytestmark = pytest.mark.long

COMMANDS = {
    "init": ("mesh-assets", "init", "mesh", "--sandbox"),
    "sandbox": ("mesh-assets", "sandbox", "start"),
    "discovery": ("mesh-assets", "discover"),
    "ui": ("dg", "dev"),
}
"""Every command needed after the installation."""
_COMMAND_SECONDS = 600
_UI_SECONDS = 600
_LOADED = """{
  workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
    __typename ... on PythonError { message } } } } }
  assetNodes { assetKey { path } }
}"""


class Newcomer:
    """A user who installed the wheel: an environment and an empty folder. `commands`: those tried so far."""

    def __init__(self, commands: Path, folder: Path) -> None:
        self.commands, self.folder = commands, folder

    def environment(self) -> dict[str, str]:
        return strangers_environment(self.commands)

    def run(self, *command: str) -> str:
        """What it prints. Fails when the command does."""
        done = subprocess.run(
            [str(self.commands / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, *command: str, log: Path) -> Iterator[subprocess.Popen[str]]:
        """Runs during the block, with everything it starts; its standard input is a pipe."""
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [str(self.commands / command[0]), *command[1:]],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    """With a project, the sandbox running, and both of its clusters discovered."""
    place = tmp_path_factory.mktemp("installed")
    wheel = build_wheel(tmp_path_factory.mktemp("dist"))
    somebody = Newcomer(install_wheel(wheel, place, extras="sandbox,dg"), place)
    somebody.run(*COMMANDS["init"])
    somebody.folder = place / "mesh"
    try:
        somebody.run(*COMMANDS["sandbox"])
        somebody.run(*COMMANDS["discovery"])
        yield somebody
    finally:
        somebody.run("mesh-assets", "sandbox", "stop")


def test_installation_takes_fewer_than_five_commands_and_nothing_of_the_clone(newcomer: Newcomer) -> None:
    assert len(COMMANDS) < 5
    where = newcomer.run("python", "-c", "import mesh_assets; print(mesh_assets.__file__)")
    assert Path(where.strip()).is_relative_to(newcomer.commands.parent)


def test_each_cluster_has_a_snapshot_in_its_topic(newcomer: Newcomer) -> None:
    for cluster in ("warehouse", "data-mesh-cluster"):
        shown = json.loads(newcomer.run("mesh-assets", "snapshot", "show", "--cluster", cluster, "--json"))
        assert len(shown["cluster_state"]["topics"]) >= 37


def test_findings_the_report_and_lineage_need_no_other_package(newcomer: Newcomer) -> None:
    assert json.loads(newcomer.run("mesh-assets", "findings", "--json"))
    newcomer.run("mesh-assets", "report", "--out", "mesh.html")
    assert (newcomer.folder / "mesh.html").read_text("utf-8").startswith("<!doctype html>")
    assert "flowchart" in newcomer.run("mesh-assets", "export", "mermaid")


def test_the_mcp_server_lists_its_tools(newcomer: Newcomer, tmp_path: Path) -> None:
    requests: list[dict[str, Any]] = [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "newcomer", "version": "1"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    with newcomer.running("mesh-assets", "mcp", "--idle-timeout", "5", log=tmp_path / "mcp.log") as server:
        assert server.stdin is not None
        server.stdin.write("".join(json.dumps(request) + "\n" for request in requests))
        server.stdin.flush()
        assert server.wait(_COMMAND_SECONDS) == 0
    said = (tmp_path / "mcp.log").read_text("utf-8").splitlines()
    [listed] = [answer for answer in map(json.loads, filter(_is_object, said)) if answer.get("id") == 2]
    assert {"list_topics", "list_problems"} <= {tool["name"] for tool in listed["result"]["tools"]}


def test_the_ui_shows_the_discovered_topics(newcomer: Newcomer, tmp_path: Path) -> None:
    port, log = _free_port(), tmp_path / "ui.log"
    with newcomer.running(*COMMANDS["ui"], "--port", str(port), log=log) as server:
        answer = _answer_of(f"http://127.0.0.1:{port}/graphql", server, log)
    assert answer["workspaceOrError"]["locationEntries"] == [
        {"name": "mesh", "locationOrLoadError": {"__typename": "RepositoryLocation"}}
    ]
    keys = {tuple(node["assetKey"]["path"]) for node in answer["assetNodes"]}
    assert {("warehouse", "topics", "users"), ("discovery_snapshot",)} <= keys


def _is_object(line: str) -> bool:
    return line.startswith("{")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answer_of(url: str, server: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    """The answer of the UI's own interface, as soon as there is one."""
    deadline = time.monotonic() + _UI_SECONDS
    with httpx.Client(trust_env=False, timeout=60) as client:
        while time.monotonic() < deadline:
            assert server.poll() is None, log.read_text("utf-8")
            with suppress(httpx.TransportError):
                answer = client.post(url, json={"query": _LOADED})
                if answer.is_success:
                    data: dict[str, Any] = answer.json()["data"]
                    return data
            time.sleep(0.5)
    raise AssertionError(f"the UI did not answer within {_UI_SECONDS} s\n{log.read_text('utf-8')}")
