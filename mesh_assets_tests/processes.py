"""Commands in their own processes, forked from a server that has imported everything, which saves seconds each."""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NoReturn

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["mesh_assets_tests.loaded", __name__])


def heed_interrupts() -> None:
    """Makes children of this process end on request, however this process was started.

    A shell without job control starts what it sends to the background with SIGINT ignored. Dagster makes SIGTERM
    what SIGINT is whenever a job has run in the process, and children inherit what is ignored: each server that a test stops
    would have to be killed, after a grace period of 5 or 10 seconds.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class CommandProcess:
    """`mesh-assets` with these arguments, or `python -m` another module, as if started in a shell: with its own environment,
    folder, output and exit code."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        module: str | None = None,
        log: Path | None = None,
        apart: bool = False,
    ) -> None:
        """`log`: receives all its output and can be read while it runs. `apart`: in its own session, as in a container: Linux
        gives each session an equal share of a busy machine (sched_autogroup), whatever is in it."""
        self.arguments = tuple(arguments)
        self._output = tempfile.TemporaryDirectory(prefix="command-")
        self._out = log or Path(self._output.name, "out")
        self._err = log or Path(self._output.name, "err")
        forkserver.ensure_running()
        self._process: BaseProcess = _CONTEXT.Process(
            target=_run,
            args=(
                module,
                self.arguments,
                str(folder),
                dict(environment),
                str(self._out),
                str(self._err),
                _server()._forkserver_address,
                apart,
            ),
        )
        self._process.start()

    @property
    def runs(self) -> bool:
        return self._process.is_alive()

    @property
    def pid(self) -> int:
        pid = self._process.pid
        assert pid is not None
        return pid

    def stop(self, *, within_seconds: float) -> None:
        """Interrupts it as Ctrl-C does, and kills it when it does not end in time."""
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGINT)
            self._process.join(within_seconds)
        self._process.kill()
        self._process.join()
        with suppress(OSError):
            self._output.cleanup()

    def end(self, *, within_seconds: float) -> subprocess.CompletedProcess[str]:
        """Waits for it. Raises TimeoutExpired, and ends it, when it takes longer."""
        self._process.join(within_seconds)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            raise subprocess.TimeoutExpired(
                self.arguments, within_seconds, self._out.read_bytes(), self._err.read_bytes()
            )
        done = subprocess.CompletedProcess(
            self.arguments, self._process.exitcode, self._out.read_text(), self._err.read_text()
        )
        with suppress(OSError):
            self._output.cleanup()
        return done


def _run(
    module: str | None,
    arguments: tuple[str, ...],
    folder: str,
    environment: dict[str, str],
    out: str,
    err: str,
    server: str,
    apart: bool,
) -> NoReturn:
    """Runs in the forked process. `server`: the address of its parent."""
    if apart:
        os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    _read_nothing_and_print_to(out, err)
    # Text as in a new process; multiprocessing gave this one no standard input.
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - they live as long as the process
    sys.argv = [module or "mesh-assets", *arguments]
    if module is not None:
        _fork_rather_than_spawn(server, out, err)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        raise SystemExit(0)
    from mesh_assets_tests.loaded import main  # only the server has to load it

    main(arguments)
    raise SystemExit(0)


def _read_nothing_and_print_to(out: str, err: str) -> None:
    for path, descriptor in ((os.devnull, 0), (out, 1), (err, 2)):
        opened = os.open(
            path, os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        os.dup2(opened, descriptor)
        os.close(opened)


# --- what a Dagster command starts: a process for each run, and for each step if the executor says so


class _Forked(ForkServerProcess):
    """With the parent's environment and output, like a spawned process."""

    printing_to: tuple[str, str]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._its_own = dict(os.environ), self.printing_to

    def run(self) -> None:
        environment, output = self._its_own
        os.environ.clear()
        os.environ.update(environment)
        _read_nothing_and_print_to(*output)
        super().run()


class _Forking(ForkServerContext):
    Process = _Forked


def _fork_rather_than_spawn(server: str, out: str, err: str) -> None:
    """Processes that this one would spawn are forked from that server, too: each would import everything, for 9 CPU seconds.
    Dagster offers that for steps (`start_method`), not for runs."""
    known = _server()
    known._forkserver_address = server
    known.ensure_running = lambda: None  # otherwise it would start another, since it did not start this one
    _Forked.printing_to = out, err
    spawning = multiprocessing.get_context

    def context(method: str | None = None) -> Any:
        return _Forking() if method == "spawn" else spawning(method)

    multiprocessing.get_context = context


def _server() -> Any:
    """What multiprocessing knows about the server; it reveals no address."""
    return forkserver._forkserver
