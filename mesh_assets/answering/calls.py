"""A call under way: how it tells of its progress, and how it learns that nobody waits for it any more."""

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
    """The call was cancelled or its time is over; whoever sees this is work that nobody waits for."""


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
        """Raises StoppedError when nobody waits any more: called between the steps of work in a thread."""
        if self.stopped:
            raise StoppedError("the call was stopped")

    def wait(self, seconds: float) -> None:
        """Sleeps, but no longer than anybody waits. Raises StoppedError then."""
        self._stopped.wait(seconds)
        self.go_on()

    async def progress(self, done: float, total: float | None, message: str) -> None:
        if self._report is not None:
            await self._report(done, total, message)

    def progress_from_thread(self, done: float, total: float | None, message: str) -> None:
        self.go_on()
        if self._report is not None:
            anyio.from_thread.run(self._report, done, total, message)


_CURRENT: ContextVar[Call | None] = ContextVar("mesh_assets_mcp_call", default=None)


def current_call() -> Call:
    """The call that this code runs for; one of its own outside of any."""
    return _CURRENT.get() or Call()


def set_current_call(call: Call) -> None:
    """For the rest of this task (each request has one of its own)."""
    _CURRENT.set(call)


async def in_thread(work: Callable[[], T]) -> T:
    """`work` in a thread. A cancelled call does not wait for the thread: that ends by itself at its next step
    (`Call.go_on`)."""
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
