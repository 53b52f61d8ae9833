"""What a server of the sandbox is: a record that says how to run, probe and fill it (see `kinds/`); and its status."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The sandbox a server runs in."""

    folder: Folder
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a server is run: its command line and the settings files it reads.

    `secret`: the files hold secrets, so only the user may read them. `also`: whatever else makes a restart necessary
    when it changes.
    """

    command: tuple[str, ...]
    files: Mapping[Path, str] = field(default_factory=dict)
    secret: bool = False
    also: str = ""

    @property
    def fingerprint(self) -> str:
        """Changes when the server must be restarted to pick up new settings."""
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

    - `ports`: the purposes of its ports; users connect to the first.
    - `needs`: servers that must answer and be filled before this one starts. Those in `answer_suffices` only have to
      answer; this one is still filled after them.
    - `launch`: its command line and settings.
    - `prepare`: makes what must exist before the first start; does nothing at later ones.
    - `answers`: None when the server answers by its own protocol, else what it said. Never raises for one that is down.
    - `settled`: None when it has recovered after something it needs was down, else what is missing.
    - `seed`: once it answers, fills it with whatever is missing; harmless to repeat.
    - `optional`: started only when named.
    - `tidy`: after it has stopped, removes what it leaves behind.
    """

    name: str
    title: str
    ports: tuple[str, ...]
    needs: tuple[str, ...] = ()
    answer_suffices: tuple[str, ...] = ()
    launch: Callable[[Setting, JavaRuntime], Launch]
    prepare: Callable[[Setting, JavaRuntime, Progress], None] | None = None
    answers: Callable[[Setting], str | None]
    settled: Callable[[Setting], str | None] | None = None
    endpoint: Callable[[State], str]
    seed: Callable[[Setting, Progress], None] | None = None
    optional: bool = False
    tidy: Callable[[Setting], None] | None = None
    start_seconds: float = 300.0
    stop_seconds: float = 20.0


ServerState = Literal["running", "stopped", "not answering", "died"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """How a server is doing. `stopped`: by us, or never started. `died`: ended in any other way.

    `said`: why it counts as not answering. `pid`, `since`, `memory_bytes` and `cpu_seconds` belong to a live process
    (with its children), else None.
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
    """The server's status. `record` None: it was not started. `setting` None: the folder has no ports for it yet."""
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
