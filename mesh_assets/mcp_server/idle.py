"""The end of a server that nobody asks anything: so that forgotten processes do not pile up."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio


class IdleWatch:
    """Counts the time since the last request; never while a call is under way. `seconds` 0: never idle."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last = clock()
        self._under_way = 0

    def touch(self) -> None:
        self._last = self._clock()

    @contextmanager
    def call(self) -> Iterator[None]:
        self.touch()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self.touch()

    @property
    def remaining_seconds(self) -> float:
        """Until the server may end, if nothing comes; infinite when it never does."""
        if not self._seconds:
            return float("inf")
        return self._seconds if self._under_way else max(0.0, self._seconds - (self._clock() - self._last))

    async def wait(self) -> None:
        """Returns when nothing was asked for so long."""
        while (remaining := self.remaining_seconds) > 0:
            await anyio.sleep(min(remaining, 3600.0))
