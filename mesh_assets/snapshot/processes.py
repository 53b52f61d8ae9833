"""Who holds a lock, and whether that process is provably gone."""

import os
import socket
from pathlib import Path

from mesh_assets.inventory.store.pointers import Holder

_PROC = Path("/proc")


def this_process(run_id: str) -> Holder:
    pid = os.getpid()
    return Holder(
        run_id=run_id, host=socket.gethostname(), pid=pid, machine=_machine(), started=_started(pid)
    )


def is_gone(holder: Holder) -> bool:
    """True only where it is certain: same host, same boot, same process namespace, and no such process any
    more.

    Elsewhere, and on systems without /proc, only the expiry tells.
    """
    machine = _machine()
    if (
        machine is None
        or holder.machine != machine
        or holder.host != socket.gethostname()
        or holder.started is None
    ):
        return False
    return _started(holder.pid) != holder.started


def _machine() -> str | None:
    """The running boot and the process namespace: only within both does a process id mean the same process."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return None


def _started(pid: int) -> str | None:
    """When the process started, in clock ticks since boot; None when it does not live (a zombie is dead)."""
    try:
        status = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses can hold anything; the fields behind it are the state (3rd), …, the start
    # (22nd).
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]
