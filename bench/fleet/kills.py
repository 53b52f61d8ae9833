"""What goes wrong in a fleet's day, one thing after the other: each role is killed, the database restarts, the store refuses."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.fleet.roles import Installation

_RESTARTS_AFTER = 5.0
_STORE_REFUSES = 60.0
_RUN_COMES_WITHIN = 180.0


@dataclass(frozen=True, kw_only=True)
class Outage:
    """`began`, `ended`: seconds since 1970."""

    what: str
    began: float
    ended: float


def outages_of(installation: Installation) -> list[tuple[str, Callable[[], None]]]:
    """In order; each call takes as long as its outage."""
    return [
        ("a worker killed", lambda: _kill_worker(installation)),
        ("the code server killed", lambda: _killed(installation, "code server")),
        ("the daemon killed", lambda: _killed(installation, "daemon")),
        ("the webserver killed", lambda: _killed(installation, "webserver")),
        ("Postgres restarted", lambda: _restart_postgres(installation)),
        ("the store refusing for a minute", lambda: _refuse(installation.folder / "store")),
    ]


def suffer(what: str, outage: Callable[[], None]) -> Outage:
    began = time.time()
    outage()
    return Outage(what=what, began=began, ended=time.time())


def _kill_worker(installation: Installation) -> None:
    """As soon as one is working."""
    deadline = time.monotonic() + _RUN_COMES_WITHIN
    while not (workers := installation.workers()):
        if time.monotonic() > deadline:
            raise TimeoutError("no run was under way for three minutes, so none was killed")
        time.sleep(0.05)
    time.sleep(0.3)  # so that it is in the middle of its work
    for pid in list(workers.values())[:1]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _killed(installation: Installation, name: str) -> None:
    role = installation.roles[name]
    role.kill()
    time.sleep(_RESTARTS_AFTER)
    role.start()


def _restart_postgres(installation: Installation) -> None:
    installation.postgres.stop()
    time.sleep(_RESTARTS_AFTER)
    installation.postgres.start()
    while not installation.postgres.answers():
        time.sleep(0.2)


def _refuse(store: Path) -> None:
    """A file takes the folder's place, so the system refuses every request."""
    aside = store.with_name("store-aside")
    store.rename(aside)
    store.write_text("refuses")
    time.sleep(_STORE_REFUSES)
    store.unlink()
    aside.rename(store)
