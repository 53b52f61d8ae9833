"""The sandbox's folder: where everything lives, and the lock that keeps two commands apart."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesh_assets.errors import SandboxError

DEFAULT_FOLDER = ".sandbox"
_LOCK_POLL_SECONDS = 0.2


def sandbox_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """The given folder, else `MESH_SANDBOX`, else `.sandbox` in the current one."""
    return Path(given or os.environ.get("MESH_SANDBOX") or DEFAULT_FOLDER).expanduser().absolute()


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths of one sandbox."""

    root: Path

    @property
    def estate_file(self) -> Path:
        return self.root / "estate.yaml"

    @property
    def env_file(self) -> Path:
        """The secrets the estate file names."""
        return self.root / ".env"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def data(self) -> Path:
        """What the servers keep: Kafka's log, the registry's database."""
        return self.root / "data"

    @property
    def config(self) -> Path:
        """The servers' settings, rewritten at each start."""
        return self.root / "config"

    @property
    def feeds(self) -> Path:
        """One file per topic, read by the source connectors."""
        return self.root / "feeds"

    @property
    def credentials(self) -> Path:
        """Certificates and a password for the warehouse broker's secured listeners."""
        return self.root / "credentials"

    @property
    def sinks(self) -> Path:
        return self.root / "sinks"

    @property
    def run(self) -> Path:
        """What runs: one record per server."""
        return self.root / "run"

    @property
    def quiet_marker(self) -> Path:
        """While this file exists, the feed appends and commits nothing; its consumers stay members."""
        return self.run / "quiet"

    @property
    def feed_report(self) -> Path:
        """The feed's report on itself, every second."""
        return self.run / "feed-report.json"

    @property
    def connector_states(self) -> Path:
        """The states of the stand-in's connectors; the feed writes only for those that run."""
        return self.data / "cloud-connectors.json"

    @property
    def datagen_report(self) -> Path:
        """How much the feed has written for each of those connectors, every second."""
        return self.data / "datagen.json"

    @property
    def state_file(self) -> Path:
        return self.root / "state.json"

    def log(self, server: str) -> Path:
        return self.logs / f"{server}.log"

    def record(self, server: str) -> Path:
        """The record of the process that runs a server."""
        return self.run / f"{server}.json"

    def make(self) -> None:
        for path in (self.root, self.logs, self.data, self.config, self.feeds, self.sinks, self.run):
            path.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def lock(self, *, timeout_seconds: float) -> Iterator[None]:
        """Hold the sandbox for one command. Raises `SandboxError` when another still holds it at the deadline."""
        self.root.mkdir(parents=True, exist_ok=True)
        with locked(self.root / "lock", timeout_seconds=timeout_seconds, what=f"the sandbox in {self.root}"):
            yield


@contextmanager
def locked(path: Path, *, timeout_seconds: float, what: str) -> Iterator[None]:
    """Hold a kernel lock on the file: unlike a file's existence, it ends with its process, so a crash leaves none.

    Raises `SandboxError` when another process still holds it at the deadline.
    """
    deadline = time.monotonic() + timeout_seconds
    with path.open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SandboxError(
                        f"another command has been working on {what} for over {timeout_seconds:.0f} s; try again when it has ended"
                    ) from None
                time.sleep(_LOCK_POLL_SECONDS)
        yield


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write so that readers see either the old text or the new one, never a part."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    # Restricted before there is anything to read.
    fresh.touch(mode=mode)
    fresh.chmod(mode)
    fresh.write_text(text)
    fresh.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in the file; None when there is no file, or only what a crash left of one."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return content if isinstance(content, dict) else None
