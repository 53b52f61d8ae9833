"""Starting servers: each as soon as what it needs answers, watched until it answers itself."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import psutil

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox import process
from mesh_assets.sandbox.folder import write_atomically
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Launch, Server, Setting

_POLL_SECONDS = 0.25
# Measured: Connect notices 2 s after the broker's return that it must join its group again, and shows its old
# states until then.
_SETTLED_SECONDS = 5.0


class _AbandonedError(SandboxError):
    """Not started, because something else failed first; that other failure is the one to tell."""


def start_servers(
    servers: Sequence[Server], setting: Setting, java: JavaRuntime, progress: Progress
) -> set[str]:
    """Start them all, those without needs together; the names of those that did not run already.

    All are given the chance to finish before the first failure is raised.
    """
    abandon = threading.Event()
    started: dict[str, Future[bool]] = {}

    def run(server: Server) -> bool:
        for need in server.needs:
            if need in started and started[need].exception() is not None:
                raise _AbandonedError(f"{server.name} was not started, since it needs {need}")
        return _start(server, setting, java, progress, abandon)

    with ThreadPoolExecutor(len(servers), thread_name_prefix="start") as pool:
        try:
            for server in servers:
                started[server.name] = pool.submit(run, server)
            wait(started.values())
        finally:
            # Reached early by Ctrl-C: the threads that wait for a server end at their next look.
            abandon.set()
    failures = [error for future in started.values() if (error := future.exception()) is not None]
    for error in sorted(failures, key=lambda e: isinstance(e, _AbandonedError)):
        raise error
    return {name for name, future in started.items() if future.result()}


def end_outdated(
    servers: Sequence[Server], setting: Setting, java: JavaRuntime, progress: Progress
) -> set[str]:
    """End the running servers whose settings have changed, e.g. the place of something they use; the names of
    those that must start anew.

    Those who need others first: Connect without its broker takes half a minute to give up.
    """
    outdated = set()
    for server in reversed(servers):
        record = process.load_record(setting.folder.record(server.name))
        if (
            record is None
            or record.process() is None
            or record.fingerprint == server.launch(setting, java).fingerprint
        ):
            continue
        progress.say(f"stopping {server.name}, since its settings have changed")
        process.end(record, grace_seconds=server.stop_seconds)
        outdated.add(server.name)
    return outdated


def wait_until_settled(servers: Sequence[Server], setting: Setting, progress: Progress) -> None:
    """Until servers that kept running while something they need was away are themselves again, and stay so."""
    for server in servers:
        if server.settled is None:
            continue
        deadline = time.monotonic() + server.start_seconds
        settled_since: float | None = None
        while settled_since is None or time.monotonic() - settled_since < _SETTLED_SECONDS:
            missing = server.settled(setting)
            settled_since = None if missing else settled_since or time.monotonic()
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"{server.name} did not recover within {server.start_seconds:.0f} s ({missing}); read {setting.folder.log(server.name)}"
                )
            time.sleep(_POLL_SECONDS)
        progress.say(f"{server.name} has recovered")


def _start(
    server: Server, setting: Setting, java: JavaRuntime, progress: Progress, abandon: threading.Event
) -> bool:
    """Whether it had to be started."""
    launch = server.launch(setting, java)
    log = setting.folder.log(server.name)
    record_path = setting.folder.record(server.name)
    record = process.load_record(record_path)
    running = record.process() if record is not None else None
    for path, text in launch.files.items():
        write_atomically(path, text, mode=0o600 if launch.secret else 0o644)
    begun = time.monotonic()
    log_offset = log.stat().st_size if log.exists() else 0
    if record is not None and running is not None:
        if running.status() == psutil.STATUS_STOPPED:
            process.resume(record)
    else:
        if server.prepare is not None:
            server.prepare(setting, java, progress)
        progress.say(f"starting {server.name} ({server.title})")
        record = _spawn(server, launch, setting)
    _wait_until_it_answers(server, setting, record, log_offset, abandon)
    taken = time.monotonic() - begun
    how = f"answers after {taken:.1f} s" if running is None else "already runs"
    progress.say(f"{server.name} {how}{_at(server, setting)}")
    if server.seed is not None:
        server.seed(setting, progress)
    return running is None


def _at(server: Server, setting: Setting) -> str:
    endpoint = server.endpoint(setting.state)
    return f": {endpoint}" if endpoint else ""


def _spawn(server: Server, launch: Launch, setting: Setting) -> process.ProcessRecord:
    return process.spawn(
        launch.command,
        log=setting.folder.log(server.name),
        record=setting.folder.record(server.name),
        fingerprint=launch.fingerprint,
        cwd=setting.folder.root,
    )


def _wait_until_it_answers(
    server: Server, setting: Setting, record: process.ProcessRecord, log_offset: int, abandon: threading.Event
) -> None:
    log = setting.folder.log(server.name)
    deadline = time.monotonic() + server.start_seconds
    while (said := server.answers(setting)) is not None:
        last = process.last_relevant_line(log, offset=log_offset)
        its_words = f'; its log says: "{last}"' if last else ""
        if record.process() is None:
            raise SandboxError(f"{server.name} died while it started{its_words}; read {log}")
        if time.monotonic() > deadline:
            raise SandboxError(
                f"{server.name} runs but did not answer within {server.start_seconds:.0f} s ({said}){its_words}; read {log}"
            )
        if abandon.wait(_POLL_SECONDS):
            raise _AbandonedError(f"the start of {server.name} was interrupted; it may still be starting")
