"""The command in docs/triggers.md, run verbatim against a real webserver."""

import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from mesh_assets_tests.daemon.running import code_server
from mesh_assets_tests.processes import CommandProcess
from mesh_assets_tests.workplace import PROJECT, Workplace

_START_SECONDS = 60
_RUN_SECONDS = 120


def documented_command() -> str:
    [command] = re.findall(
        r"```sh\n(curl .*?)```", (PROJECT / "docs" / "triggers.md").read_text(), flags=re.DOTALL
    )
    return str(command)


@pytest.fixture
def webserver(workplace: Workplace) -> Iterator[str]:
    """The webserver with the code that the project's workspace names. Runs are launched at once, since no daemon takes them
    from the queue."""
    settings = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
    del settings["concurrency"]
    settings["run_coordinator"] = {
        "module": "dagster._core.run_coordinator",
        "class": "DefaultRunCoordinator",
    }
    (workplace.folder / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    workspace = workplace.folder / "workspace.yaml"
    [named] = yaml.safe_load((PROJECT / "workspace.yaml").read_text())["load_from"]
    module, location = named["python_module"].values()
    with code_server(workplace, module, workplace.folder, workplace.environment) as origin:
        assert origin["location_name"] == location
        workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": origin}]}))
        process = CommandProcess(
            ["--host", "127.0.0.1", "--port", str(port), "--workspace", str(workspace)],
            folder=workplace.folder,
            environment=workplace.environment,
            module="dagster_webserver",
            log=workplace.folder / "webserver.log",
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{url}/server_info", process, workplace.folder / "webserver.log")
            yield url
        finally:
            process.stop(within_seconds=30)


def _wait_for(url: str, process: CommandProcess, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    pause = threading.Event()
    while time.monotonic() < deadline and process.runs:
        try:
            if httpx.get(url, timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pause.wait(0.2)
    pytest.fail(f"the webserver did not answer: {log.read_text()[-2000:]}")


def _end_of_run(url: str, run_id: str) -> str:
    query = {
        "query": "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }",
        "variables": {"id": run_id},
    }
    deadline = time.monotonic() + _RUN_SECONDS
    pause = threading.Event()
    status = "unknown"
    while time.monotonic() < deadline:
        status = httpx.post(f"{url}/graphql", json=query, timeout=30, trust_env=False).json()["data"][
            "runOrError"
        ]["status"]
        if status in ("SUCCESS", "FAILURE", "CANCELED"):
            break
        pause.wait(0.5)
    return str(status)


def launched(command: str, url: str) -> dict[str, Any]:
    done = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "DAGSTER_URL": url, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)["data"]["launchRun"]
    assert isinstance(answer, dict)
    return answer


@pytest.mark.sandbox
def test_the_documented_command_launches_a_discovery_with_its_trigger(
    webserver: str, workplace: Workplace
) -> None:
    answer = launched(documented_command(), webserver)

    assert answer["__typename"] == "LaunchRunSuccess", answer
    assert _end_of_run(webserver, answer["run"]["runId"]) == "SUCCESS"
    document = workplace.latest()
    assert document.run_id == answer["run"]["runId"]
    shown = workplace.mesh_assets("snapshot", "show", "--cluster", "warehouse", "--json")
    assert shown.returncode == 0, shown.stderr
    assert '"Deployed by the pipeline"' in shown.stdout

    refused = launched(documented_command().replace('"discovery"', '"nothing"'), webserver)
    assert refused["__typename"] != "LaunchRunSuccess"
    assert "nothing" in refused["message"]
