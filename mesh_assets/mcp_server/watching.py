"""What is watched of every request: the audit log, and how long nobody has asked anything."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import anyio
import msgspec

from mesh_assets.errors import ConfigurationError
from mesh_assets.inventory.masking import mask_value

# The audit log: one JSON line a call, with who asked what, how it ended and how long it took. Secrets in
# arguments are masked.

_VALUE_CHARACTERS = 200
Outcome = Literal["ok", "error", "cancelled"]


class AuditLog:
    """Writes to `path`, or to stderr where there is none. A line that cannot be written ends no call, but is
    told on stderr."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)
            except OSError as error:
                raise ConfigurationError(
                    f"the audit log {path} cannot be written: {error.strerror}; give --audit-log another file"
                ) from error

    def write(
        self,
        *,
        kind: str,
        name: str,
        arguments: Mapping[str, Any],
        outcome: Outcome,
        started: float,
        error: str | None = None,
        answer_bytes: int | None = None,
        client: str | None = None,
    ) -> None:
        """`started`: `time.monotonic()` of the start."""
        line = msgspec.json.encode(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "kind": kind,
                "name": shortened(name),
                "arguments": {
                    shortened(str(key)): shown_argument(str(key), value)
                    for key, value in list(arguments.items())[:50]
                },
                "outcome": outcome,
                **({} if error is None else {"error": shortened(error)}),
                **({} if answer_bytes is None else {"answer_bytes": answer_bytes}),
                **({} if client is None else {"client": shortened(client)}),
                "duration_ms": round((time.monotonic() - started) * 1000),
            }
        ).decode()
        with self._lock:
            if self._path is None:
                with suppress(OSError, ValueError):  # nobody reads stderr any more
                    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the log is text on stderr, not logging's
                return
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
            except OSError as failure:
                with suppress(OSError, ValueError):
                    print(  # noqa: T201
                        f"mesh-assets: the audit log {self._path}: {failure.strerror}; {line}",
                        file=sys.stderr,
                        flush=True,
                    )


def shown_argument(key: str, value: Any) -> Any:
    """An argument as the log may show it: short, and masked where its name or its look says that it holds a
    secret."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = (
        value
        if isinstance(value, str)
        else msgspec.json.encode(value, enc_hook=str).decode("utf-8", "replace")
    )
    return mask_value(key, shortened(text))


def shortened(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()  # lone surrogates are no UTF-8
    return (
        text if len(text) <= _VALUE_CHARACTERS else f"{text[:_VALUE_CHARACTERS]}… ({len(text):,} characters)"
    )


# The end of a server that nobody asks anything: so that forgotten processes do not pile up.


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
