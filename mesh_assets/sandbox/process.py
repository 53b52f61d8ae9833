"""Processes that outlive the command that started them, recognized by more than their pid."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.folder import read_json, write_atomically

# The interpreter that runs the sandbox's own Python processes.


def interpreter() -> str:
    """The same interpreter has several names; one of them, so that nothing is restarted because `start` was
    called by another."""
    python3 = Path(sys.executable).with_name("python3")
    return str(python3) if python3.exists() else sys.executable


# Processes that outlive the command that started them, known again by more than their pid.

# psutil derives the creation time from the boot time, which moves a little when the clock is corrected.
_CREATION_TOLERANCE_SECONDS = 2.0
_LOG_LIMIT_BYTES = 5_000_000
# Of a process that had ended before it could be looked at (a program that is not there): no later one with
# its pid is taken for it.
_ENDED_AT_ONCE = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """A process we started. `created` tells it from a later one with the same pid; `fingerprint` tells with
    which settings it runs."""

    pid: int
    created: float
    fingerprint: str

    def process(self) -> psutil.Process | None:
        """The process, when it still is the one we started and alive."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) <= _CREATION_TOLERANCE_SECONDS
        except psutil.NoSuchProcess:
            return None
        return process if same and _is_alive(process) else None


def _is_alive(process: psutil.Process) -> bool:
    """A zombie is dead: how soon it is buried is up to init, which in a container may never do it."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def _wait_gone(processes: Sequence[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    """Those still alive after that time."""
    deadline = time.monotonic() + seconds
    while (left := [p for p in processes if _is_alive(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def load_record(path: Path) -> ProcessRecord | None:
    content = read_json(path)
    if content is None:
        return None
    try:
        return ProcessRecord(
            pid=int(content["pid"]),
            created=float(content["created"]),
            fingerprint=str(content["fingerprint"]),
        )
    except (KeyError, ValueError, TypeError):
        return None


def spawn(command: Sequence[str], *, log: Path, record: Path, fingerprint: str, cwd: Path) -> ProcessRecord:
    """Start a process of its own session, its output appended to `log`, and note it in `record`.

    A shell in between makes it a child of init: it is nobody's zombie when it dies, and Ctrl-C at our
    terminal does not reach it. One that ends at once is no error here: like one that ends later, it is found
    dead by who waits for its answer, with its log.
    """
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    script = '"$@" >>"$MESH_SANDBOX_LOG" 2>&1 </dev/null & echo $!'
    try:
        shell = subprocess.run(
            ["/bin/sh", "-c", script, "sh", *command],
            env={**os.environ, "MESH_SANDBOX_LOG": str(log)},
            cwd=cwd,
            start_new_session=True,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        pid = int(shell.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SandboxError(f"{Path(command[0]).name} could not be started: {error}; read {log}") from error
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        created = _ENDED_AT_ONCE
    started = ProcessRecord(pid=pid, created=created, fingerprint=fingerprint)
    write_atomically(record, json.dumps(asdict(started)) + "\n")
    return started


def end(started: ProcessRecord, *, grace_seconds: float) -> None:
    """End the process and its children: asked first, killed when it has not gone in time. A stranger with the
    pid is left alone."""
    process = started.process()
    if process is None:
        return
    try:
        family = [*process.children(recursive=True), process]
        # A paused process would not see the request.
        for member in family:
            member.send_signal(signal.SIGCONT)
        process.terminate()
    except psutil.NoSuchProcess:
        return
    left = _wait_gone(family, seconds=grace_seconds)
    for survivor in left:
        try:
            survivor.kill()
        except psutil.NoSuchProcess:
            continue
    if _wait_gone(left, seconds=10):
        raise SandboxError(
            f"process {started.pid} did not end, not even killed; look at it with: ps -fp {started.pid}"
        )


def kill(started: ProcessRecord) -> None:
    """`kill -9`, as a crash would."""
    process = started.process()
    if process is None:
        return
    family = [process, *process.children(recursive=True)]
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    _wait_gone(family, seconds=10)


def pause(started: ProcessRecord) -> None:
    """Stop the clock of the process and its children (SIGSTOP)."""
    _send(started, signal.SIGSTOP)


def resume(started: ProcessRecord) -> None:
    _send(started, signal.SIGCONT)


def _send(started: ProcessRecord, number: signal.Signals) -> None:
    process = started.process()
    if process is None:
        return
    for member in [process, *process.children(recursive=True)]:
        try:
            member.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def last_relevant_line(log: Path, *, offset: int = 0) -> str | None:
    """The last line that tells of trouble since `offset`, else the last line that is no stack frame."""
    try:
        with log.open("rb") as file:
            file.seek(max(offset, log.stat().st_size - 200_000, 0))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
    lines = [
        line.strip()
        for line in text.splitlines()
        if line.strip() and not line.lstrip().startswith(("at ", "... "))
    ]
    trouble = [
        line
        for line in lines
        if any(word in line for word in ("ERROR", "FATAL", "Exception", "Error:", "error:"))
    ]
    relevant = trouble or lines
    return relevant[-1][:400] if relevant else None
