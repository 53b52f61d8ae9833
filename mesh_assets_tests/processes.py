"""Commands in processes of their own that need not import everything first: forked from a server that has,
which saves seconds each."""

import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NoReturn

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["mesh_assets_tests.loaded", __name__])


def heed_interrupts() -> None:
    """Let what this process starts end when it is asked to, however this process was started.

    A shell without job control starts what it sends to the background with SIGINT ignored. Dagster makes SIGTERM
    what SIGINT is whenever a job has run in the process, and children inherit what is ignored: each server that a
    test stops would have to be killed, after a grace of 5 or 10 seconds.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class CommandProcess:
    """`mesh-assets` with these arguments, or `python -m` another module, as if it had been started in a shell: its
    own environment, folder, output and exit code."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        module: str | None = None,
        log: Path | None = None,
    ) -> None:
        """`log`: where all that it prints goes, to be read while it runs."""
        self.arguments = tuple(arguments)
        self._output = tempfile.TemporaryDirectory(prefix="command-")
        self._out = log or Path(self._output.name, "out")
        self._err = log or Path(self._output.name, "err")
        self._process: BaseProcess = _CONTEXT.Process(
            target=_run,
            args=(module, self.arguments, str(folder), dict(environment), str(self._out), str(self._err)),
        )
        self._process.start()

    @property
    def runs(self) -> bool:
        return self._process.is_alive()

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
) -> NoReturn:
    """In the forked process."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for path, descriptor in ((os.devnull, 0), (out, 1), (err, 2)):
        opened = os.open(
            path, os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        os.dup2(opened, descriptor)
        os.close(opened)
    # Text as in a process of its own; multiprocessing has given this one no standard input.
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - they live as long as the process
    sys.argv = [module or "mesh-assets", *arguments]
    if module is not None:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        raise SystemExit(0)
    from mesh_assets_tests.loaded import main  # only the server has to load it

    main(arguments)
    raise SystemExit(0)
