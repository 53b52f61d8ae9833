"""What a server of the sandbox is: a record that says how to run, ask and fill it (one each in `kinds/`); and how one is doing."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

from mesh_assets.sandbox.folder import Folder
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.process import ProcessRecord
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.state import State

# What a server of the sandbox is: a record that says how it is run, asked and filled. Each has a file in
# `kinds/`.


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a server runs."""

    folder: Folder
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a server is run: its command line and the settings files it reads. `also`: what else would make a
    restart necessary.

    `secret`: its files hold secrets, so that nobody but the user may read them.
    """

    command: tuple[str, ...]
    files: Mapping[Path, str] = field(default_factory=dict)
    secret: bool = False
    also: str = ""

    @property
    def fingerprint(self) -> str:
        """Changes when the server must be restarted to run as it now should."""
        text = "\0".join(
            (
                *self.command,
                *(f"{path}\0{content}" for path, content in sorted(self.files.items())),
                self.also,
            )
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server of the sandbox.

    `ports`: the purposes it listens for; the first is the one users connect to. `needs`: servers that must
    answer before this one starts. `launch`: its command line and settings. `prepare`: what must exist before
    its first start; does nothing at later ones. `answers`: None when it answers by its own protocol, else
    what it said instead. Never raises for a server that is down. `settled`: None when it has found its feet
    again after something it needs was away, else what is missing. `seed`: fills it with what is missing once
    it answers; harmless to repeat. `optional`: started only when it is named. `tidy`: removes what it would
    leave behind, after it has stopped.
    """

    name: str
    title: str
    ports: tuple[str, ...]
    needs: tuple[str, ...] = ()
    launch: Callable[[Setting, JavaRuntime], Launch]
    prepare: Callable[[Setting, JavaRuntime, Progress], None] | None = None
    answers: Callable[[Setting], str | None]
    settled: Callable[[Setting], str | None] | None = None
    endpoint: Callable[[State], str]
    seed: Callable[[Setting, Progress], None] | None = None
    optional: bool = False
    tidy: Callable[[Setting], None] | None = None
    start_seconds: float = 120.0
    stop_seconds: float = 20.0


# How a server is, at a glance.

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
