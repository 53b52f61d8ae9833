"""Starting servers: each as soon as those it needs are ready, then watched until it answers and is filled."""

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
# Measured: Connect notices 2 s after the broker's return that it must rejoin its group, and shows its old states until
# then.
_SETTLED_SECONDS = 5.0


class _AbandonedError(SandboxError):
    """Not started because something else failed first; that failure is the one to report."""


def start_servers(
    servers: Sequence[Server], setting: Setting, java: JavaRuntime, progress: Progress
) -> set[str]:
    """Start them all, in parallel as far as their needs allow; returns the names of those that were not running.

    Raises `SandboxError`, the first failure, after all have finished.
    """
    abandon = threading.Event()
    answering: dict[str, Future[None]] = {server.name: Future() for server in servers}
    started: dict[str, Future[bool]] = {}

    def wait_for_needs(server: Server, *, filled: bool) -> None:
        for need in server.needs:
            waited_for = answering if need in server.answer_suffices and not filled else started
            if need in waited_for and waited_for[need].exception() is not None:
                raise _AbandonedError(f"{server.name} was not started, since it needs {need}")

    def run(server: Server) -> bool:
        try:
            wait_for_needs(server, filled=False)
            fresh = _start(server, setting, java, progress, abandon)
        except BaseException as error:
            answering[server.name].set_exception(error)
            raise
        answering[server.name].set_result(None)
        if server.seed is not None:
            wait_for_needs(server, filled=True)
            server.seed(setting, progress)
        return fresh

    with ThreadPoolExecutor(len(servers), thread_name_prefix="start") as pool:
        try:
            for server in servers:
                started[server.name] = pool.submit(run, server)
            wait(started.values())
        finally:
            # Reached early by Ctrl-C: threads that are waiting for a server give up at their next poll.
            abandon.set()
    failures = [error for future in started.values() if (error := future.exception()) is not None]
    for error in sorted(failures, key=lambda e: isinstance(e, _AbandonedError)):
        raise error
    return {name for name, future in started.items() if future.result()}


def end_outdated(
    servers: Sequence[Server], setting: Setting, java: JavaRuntime, progress: Progress
) -> set[str]:
    """End the running servers whose settings have changed, e.g. because something they use has moved.

    Returns their names. Dependent servers end first: Connect without its broker takes half a minute to give up. Raises
    `SandboxError` when one does not end.
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
    """Wait until servers that kept running while something they need was down have recovered, and stay so.

    Raises `SandboxError` when one does not in time.
    """
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
    """Start the server unless it runs, and wait until it answers. True when it had to be started."""
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
        record = _spawn(server, launch, setting, java)
    _wait_until_it_answers(server, setting, record, log_offset, abandon)
    taken = time.monotonic() - begun
    how = f"answers after {taken:.1f} s" if running is None else "already runs"
    progress.say(f"{server.name} {how}{_at(server, setting)}")
    return running is None


def _at(server: Server, setting: Setting) -> str:
    endpoint = server.endpoint(setting.state)
    return f": {endpoint}" if endpoint else ""


def _spawn(server: Server, launch: Launch, setting: Setting, java: JavaRuntime) -> process.ProcessRecord:
    program, *arguments = launch.command
    archive = java.archive_of(server.name)
    # Not part of the launch, since an archive that has just been made calls for no restart.
    flags = archive.flags(setting.folder, server.name) if archive else ()
    return process.spawn(
        (program, *flags, *arguments),
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

    def its_words() -> str:
        last = process.last_relevant_line(log, offset=log_offset)
        return f'; its log says: "{last}"' if last else ""

    while (said := server.answers(setting)) is not None:
        if record.process() is None:
            raise SandboxError(f"{server.name} died while it started{its_words()}; read {log}")
        if time.monotonic() > deadline:
            raise SandboxError(
                f"{server.name} runs but did not answer within {server.start_seconds:.0f} s ({said}){its_words()}; read {log}"
            )
        if abandon.wait(_POLL_SECONDS):
            raise _AbandonedError(f"the start of {server.name} was interrupted; it may still be starting")
