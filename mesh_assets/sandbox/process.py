"""Processes that outlive the command that started them, recognized by more than their pid."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

import psutil

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.folder import read_json, write_atomically


def asked_to_stop() -> threading.Event:
    """An event that SIGTERM and SIGINT set, for processes that end by themselves when told to."""
    asked = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a signal handler
        asked.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return asked


def log_to_stdout(level: int = logging.INFO) -> None:
    """Log to stdout, which `spawn` appends to the server's log."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)-5s %(name)s: %(message)s", stream=sys.stdout
    )


def interpreter() -> str:
    """The Python that runs the sandbox's own processes.

    An interpreter has several names; always the same one is used, so that a `start` called by another restarts nothing.
    """
    python3 = Path(sys.executable).with_name("python3")
    return str(python3) if python3.exists() else sys.executable


# psutil derives the creation time from the boot time, which moves a little when the clock is corrected.
_CREATION_TOLERANCE_SECONDS = 2.0
_LOG_LIMIT_BYTES = 5_000_000
# The creation time of a process that ended before it could be read: no later process with its pid matches.
_ENDED_AT_ONCE = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """A process we started.

    `created` distinguishes it from a later one with the same pid; `fingerprint` stands for the settings it runs with.
    """

    pid: int
    created: float
    fingerprint: str

    def process(self) -> psutil.Process | None:
        """The process, if it is alive and still the one we started."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) <= _CREATION_TOLERANCE_SECONDS
        except psutil.NoSuchProcess:
            return None
        return process if same and _is_alive(process) else None


def _is_alive(process: psutil.Process) -> bool:
    """A zombie counts as dead: in a container, init may never reap it."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def _wait_gone(processes: Sequence[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    """Wait; returns those still alive after that time."""
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
    """Start a process in a session of its own, append its output to `log`, and note it in `record`.

    A shell in between makes it a child of init: it leaves no zombie when it dies, and Ctrl-C at our terminal does not
    reach it. A program that ends at once is not an error here: whoever waits for its answer finds it dead,
    with its log. Raises `SandboxError` when the shell cannot be run.
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
    """Ask the process and its children to end; kill them if they have not in time.

    Leaves alone another process that got the pid. Raises `SandboxError` when even a kill does not end it.
    """
    process = started.process()
    if process is None:
        return
    try:
        family = [*process.children(recursive=True), process]
        # A paused process would not notice the request.
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
            f"process {started.pid} did not end, even when killed; look at it with: ps -fp {started.pid}"
        )


def kill(started: ProcessRecord) -> None:
    """End the process and its children as a crash would (SIGKILL)."""
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
    """Suspend the process and its children (SIGSTOP)."""
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
    """The last line since `offset` that reports trouble, else the last one that is not a stack frame."""
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
