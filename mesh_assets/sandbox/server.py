"""What a server of the sandbox is: a record that says how it is run, asked and filled. Each has a file in
`kinds/`."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mesh_assets.sandbox.folder import Folder
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.state import State


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
