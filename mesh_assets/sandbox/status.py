"""How a server is, at a glance."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

from mesh_assets.sandbox.process import ProcessRecord
from mesh_assets.sandbox.server import Server, Setting

ServerState = Literal["running", "stopped", "not answering", "died"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """`stopped`: ended by us or never started. `died`: ended by something else. `said`: what it answered
    instead, when not answering.

    `pid`, `since` and `memory_bytes` are those of a live process, else None; memory includes its children.
    """

    name: str
    title: str
    state: ServerState
    endpoint: str | None
    pid: int | None
    since: datetime | None
    memory_bytes: int | None
    cpu_seconds: float | None
    said: str | None
    log: Path


def read_status(
    server: Server, record: ProcessRecord | None, setting: Setting | None, *, log: Path
) -> ServerStatus:
    """`record` None: nothing was started; `setting` None: the folder has no ports for it yet."""
    endpoint = server.endpoint(setting.state) if setting else None
    process = record.process() if record else None
    if record is None or process is None or setting is None:
        return _status(server, state="stopped" if record is None else "died", endpoint=endpoint, log=log)
    said = server.answers(setting)
    try:
        family = [process, *process.children(recursive=True)]
        memory = sum(member.memory_info().rss for member in family)
        times = [member.cpu_times() for member in family]
        cpu = sum(t.user + t.system for t in times)
    except psutil.NoSuchProcess:
        return _status(server, state="died", endpoint=endpoint, log=log)
    return ServerStatus(
        name=server.name,
        title=server.title,
        state="running" if said is None else "not answering",
        endpoint=endpoint,
        pid=record.pid,
        since=datetime.fromtimestamp(record.created, tz=UTC),
        memory_bytes=memory,
        cpu_seconds=cpu,
        said=said,
        log=log,
    )


def _status(server: Server, *, state: ServerState, endpoint: str | None, log: Path) -> ServerStatus:
    return ServerStatus(
        name=server.name,
        title=server.title,
        state=state,
        endpoint=endpoint,
        pid=None,
        since=None,
        memory_bytes=None,
        cpu_seconds=None,
        said=None,
        log=log,
    )
