"""Makes the connectors that are missing, waits until they run and have delivered."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.estate.connectors import REFERENCED_PASSWORD, all_connectors
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.folder import write_atomically
from mesh_assets.sandbox.offsets import end_offsets
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.seeding.groups import seed_empty_group
from mesh_assets.sandbox.seeding.http import local_client, send
from mesh_assets.sandbox.server import Setting

_IN_FLIGHT = 4
_SECONDS = 180.0
_POLL_SECONDS = 0.5


def seed_connectors(setting: Setting, progress: Progress) -> None:
    secrets = setting.folder.config / "secrets.properties"
    write_atomically(secrets, f"payroll.password={REFERENCED_PASSWORD}\n", mode=0o600)
    wanted = all_connectors(feeds=setting.folder.feeds, sinks=setting.folder.sinks, secrets=secrets)
    with local_client(setting.state.connect_url) as client:
        there = {name: one["info"]["config"] for name, one in _expanded(client).items()}
        # One that a test or a user has changed is theirs; one that reads a file of a folder that has moved is
        # broken.
        missing = {n: c for n, c in wanted.items() if n not in there or there[n].get("file") != c["file"]}
        if missing:
            progress.say(f"creating {len(missing)} connectors")
            _create(client, missing)
        _wait_until_running(client, wanted, strict=set(missing), progress=progress)
    if missing:
        _wait_until_delivered(setting.state.bootstrap_servers, progress)
    seed_empty_group(setting.state.bootstrap_servers, progress)


def connectors_settled(connect_url: str) -> str | None:
    """None when no connector or task waits to be assigned, else how many do."""
    with local_client(connect_url) as client:
        try:
            states = [_state(one["status"]) for one in _expanded(client).values()]
        except SandboxError as error:
            return str(error)
    starting = states.count("UNASSIGNED")
    return f"{starting} of its {len(states)} connectors have not started" if starting else None


def _create(client: httpx.Client, missing: dict[str, dict[str, str]]) -> None:
    with ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="connectors") as pool:
        # 409: the worker is rebalancing, as it does after each new connector.
        asked = [
            pool.submit(send, client, "PUT", f"/connectors/{n}/config", c, retry=(409, 500), seconds=_SECONDS)
            for n, c in missing.items()
        ]
        for one in asked:
            one.result()


def _wait_until_running(
    client: httpx.Client, wanted: dict[str, dict[str, str]], *, strict: set[str], progress: Progress
) -> None:
    """Until all have left their starting state; those in `strict` must run."""
    deadline = time.monotonic() + _SECONDS
    while True:
        states = {name: _state(one["status"]) for name, one in _expanded(client).items() if name in wanted}
        starting = sorted(name for name in wanted if states.get(name, "UNASSIGNED") == "UNASSIGNED")
        if not starting:
            break
        if time.monotonic() > deadline:
            raise SandboxError(
                f"{len(starting)} connectors did not start within {_SECONDS:.0f} s, the first is {starting[0]}"
            )
        time.sleep(_POLL_SECONDS)
    running = sum(state == "RUNNING" for state in states.values())
    progress.say(f"{running} of {len(wanted)} connectors are RUNNING")
    for name, state in sorted(states.items()):
        if state != "RUNNING" and name in strict:
            raise SandboxError(
                f"connector {name} is {state} right after it was created; its trace: GET {client.base_url}/connectors/{name}/status"
            )
        if state != "RUNNING":
            progress.say(f"  {name} is {state}")


def _expanded(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = send(
        client, "GET", "/connectors?expand=info&expand=status", retry=(409, 500)
    ).json()
    return {name: one for name, one in found.items() if "info" in one and "status" in one}


def _state(status: dict[str, Any]) -> str:
    """The connector's state or, when it runs, the worst of its tasks'. A running connector has at least one
    task."""
    connector: str = status["connector"]["state"]
    tasks = [str(task["state"]) for task in status["tasks"]]
    if connector != "RUNNING":
        return connector if connector in ("FAILED", "PAUSED", "STOPPED") else "UNASSIGNED"
    for state in ("FAILED", "PAUSED"):
        if state in tasks:
            return state
    return "RUNNING" if tasks and all(t == "RUNNING" for t in tasks) else "UNASSIGNED"


def _wait_until_delivered(bootstrap_servers: str, progress: Progress) -> None:
    """Until every topic has at least as many records as it starts with, counted by offsets."""
    deadline = time.monotonic() + _SECONDS
    wanted = {topic.name: topic.backlog for topic in TOPICS}
    while True:
        ends = end_offsets(bootstrap_servers, tuple(wanted))
        counts = dict.fromkeys(wanted, 0)
        for (topic, _), end in ends.items():
            counts[topic] += end
        behind = sorted(name for name, count in counts.items() if count < wanted[name])
        if not behind:
            progress.say(f"{sum(counts.values()):,} records are in {len(counts)} topics")
            return
        if time.monotonic() > deadline:
            first = behind[0]
            raise SandboxError(
                f"{len(behind)} topics did not get their first records within {_SECONDS:.0f} s; "
                f"{first} has {counts[first]} of {wanted[first]}"
            )
        time.sleep(_POLL_SECONDS)
