"""The roles of `deploy/compose.yaml` as processes on a real Postgres, with the file's own commands, environment and health checks."""

import hashlib
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from dotenv import dotenv_values

from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.deploy.compose import Composed
from mesh_assets_tests.estates import estate_of
from mesh_assets_tests.postgres import a_postgres
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.long

PASSWORD = "of-a-test"
TOKEN = "of-this-test"
HASH = hashlib.sha256(TOKEN.encode()).hexdigest()
BEARER = {"Authorization": f"Bearer {TOKEN}"}
_DISCOVERED_SECONDS = 300.0
_LOOKED_SECONDS = 120.0
_RUN = "query Run($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"


def composed_in(folder: Path, database: int, sandbox: Sandbox) -> Composed:
    """With only the sandbox's warehouse in its estate."""
    estate_of(sandbox.endpoints(), folder / "etc" / "estate", "warehouse")
    secrets = {
        key: value for key, value in dotenv_values(folder / "etc" / "estate" / ".env").items() if value
    }
    variables = {
        "POSTGRES_PASSWORD": PASSWORD,
        "MESH_MCP_TOKEN_SHA256": HASH,
        "MESH_SERVICE_TOKEN_SHA256": f"test={HASH}",
    }
    return Composed(folder, database, variables, {**secrets, "MESH_SENSOR_INTERVAL_SECONDS": "5"})


def discovered(composed: Composed) -> dict[str, Any]:
    """The outcome of a discovery requested from the service."""
    asked = httpx.post(
        f"{composed.url('service')}/discover",
        headers=BEARER,
        json={"cluster": "warehouse", "reason": "deployed"},
    )
    assert asked.status_code == 202, asked.text
    [one] = asked.json()["discoveries"]
    deadline = time.monotonic() + _DISCOVERED_SECONDS
    while True:
        found: dict[str, Any] = httpx.get(
            f"{composed.url('service')}/discoveries/{one['id']}", headers=BEARER
        ).json()
        if found["status"] not in ("queued", "running"):
            return found
        assert time.monotonic() < deadline, f"{found}\n{composed.log('daemon')[-3_000:]}"
        time.sleep(1)


def status_of(run_id: str, composed: Composed) -> str:
    """Once the run has ended: it reports its results only after publishing."""
    deadline = time.monotonic() + _DISCOVERED_SECONDS
    while True:
        query = {"query": _RUN, "variables": {"run": run_id}}
        told = httpx.post(f"{composed.url('webserver')}/graphql", json=query, timeout=60).json()
        status = str(told["data"]["runOrError"]["status"])
        if status not in ("QUEUED", "NOT_STARTED", "STARTING", "STARTED"):
            return status
        assert time.monotonic() < deadline, f"the run is {status}\n{composed.log('code')[-3_000:]}"
        time.sleep(1)


def wait_for_metric(line: str, composed: Composed) -> None:
    """The service checks the store every 30 seconds."""
    deadline = time.monotonic() + _LOOKED_SECONDS
    while True:
        told = httpx.get(f"{composed.url('service')}/metrics", headers=BEARER, timeout=60).text
        if line in told.splitlines():
            return
        assert time.monotonic() < deadline, f"{line} is not told\n{composed.log('service')[-3_000:]}"
        time.sleep(1)


def test_a_discovery_requested_from_the_service_goes_through_all_roles(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "etc" / "estate").mkdir(parents=True)
    wanted = {"user": "mesh_assets", "password": PASSWORD, "database": "dagster"}
    with a_postgres(tmp_path / "postgres.log", **wanted) as database:
        composed = composed_in(tmp_path, database.port, sandbox)
        Workplace(tmp_path / "etc" / "estate", tmp_path / "etc" / "estate" / "estate.yaml").clear_topic()
        with composed.running("code", "daemon", "webserver", "mcp", "service"):
            found = discovered(composed)
            assert (found["status"], found["sequence"]) == ("published", 1), found
            assert status_of(found["run_id"], composed) == "SUCCESS"
            wait_for_metric('mesh_snapshot_sequence{cluster="warehouse"} 1', composed)
            assert _mcp_status(composed, BEARER) == 200
            assert _mcp_status(composed, {}) == 401


def _mcp_status(composed: Composed, headers: dict[str, str]) -> int:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    accepted = {"Accept": "application/json, text/event-stream"}
    host = {"Host": f"localhost:{composed.ports['mcp']}"}
    return httpx.post(
        f"{composed.url('mcp')}/mcp", headers={**headers, **accepted, **host}, json=hello
    ).status_code
