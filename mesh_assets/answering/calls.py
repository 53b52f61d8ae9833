"""The call in progress: how work reports progress, and how it learns that nobody is waiting for it any more."""

import threading
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread

from mesh_assets.errors import MeshError

T = TypeVar("T")
Report = Callable[[float, float | None, str], Coroutine[Any, Any, None]]


class StoppedError(MeshError):
    """The call was cancelled or ran out of time: nobody is waiting for the work that sees this."""


class Call:
    """`report` sends progress to the client; `seconds` is how long the call may take."""

    def __init__(self, report: Report | None = None, *, seconds: float = 60.0) -> None:
        self._report = report
        self._stopped = threading.Event()
        self.seconds = seconds

    def stop(self) -> None:
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def go_on(self) -> None:
        """Called between the steps of work in a thread. Raises StoppedError once nobody is waiting."""
        if self.stopped:
            raise StoppedError("the call was stopped")

    def wait(self, seconds: float) -> None:
        """Sleeps, and raises StoppedError as soon as nobody is waiting."""
        self._stopped.wait(seconds)
        self.go_on()

    async def progress(self, done: float, total: float | None, message: str) -> None:
        if self._report is not None:
            await self._report(done, total, message)

    def progress_from_thread(self, done: float, total: float | None, message: str) -> None:
        """Raises StoppedError once nobody is waiting."""
        self.go_on()
        if self._report is not None:
            anyio.from_thread.run(self._report, done, total, message)


_CURRENT: ContextVar[Call | None] = ContextVar("mesh_assets_mcp_call", default=None)


def current_call() -> Call:
    """The call that this code runs for; outside any call, a new one."""
    return _CURRENT.get() or Call()


def set_current_call(call: Call) -> None:
    """For the rest of this task (each request has its own)."""
    _CURRENT.set(call)


async def in_thread(work: Callable[[], T]) -> T:
    """Runs `work` in a thread. A cancelled call does not wait for the thread, which ends at its next step
    (`Call.go_on`)."""
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
