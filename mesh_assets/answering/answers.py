"""What calls and answers have in common: progress and stopping, models that describe their shape to the client, recurring
arguments, and how values are written."""

import threading
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field

from mesh_assets.errors import MeshError
from mesh_assets.inventory.wording import readable

T = TypeVar("T")
Report = Callable[[float, float | None, str], Coroutine[Any, Any, None]]


class StoppedError(MeshError):
    """The call was cancelled or ran out of time: nobody is waiting for this work any longer."""


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
        """Call this between the steps of work in a thread. Raises StoppedError once nobody is waiting."""
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
    """The call that this code serves; outside any call, a new one."""
    return _CURRENT.get() or Call()


def set_current_call(call: Call) -> None:
    """For the rest of this task (each request has its own)."""
    _CURRENT.set(call)


async def in_thread(work: Callable[[], T]) -> T:
    """Runs `work` in a thread. A cancelled call does not wait for the thread, which ends at its next step
    (`Call.go_on`)."""
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


Source = Literal["latest", "live"]

ClusterName = Annotated[
    str | None,
    Field(
        max_length=249,
        description="The cluster's name or id; optional when there is only one.",
    ),
]
SourceArgument = Annotated[
    Source,
    Field(description="`latest`: the newest stored document. `live`: ask the systems now (slower)."),
]
PatternArgument = Annotated[
    str | None,
    Field(max_length=249, description="Only matching names: a shell pattern (`orders*`) or a part."),
]
LimitArgument = Annotated[int | None, Field(ge=1, le=500, description="Maximum rows per page.")]
CursorArgument = Annotated[
    str | None,
    Field(max_length=4096, description="`next_cursor` of the previous page, with the same other arguments."),
]
Name = Annotated[str, Field(min_length=1, max_length=512)]


class BadArgumentError(MeshError):
    """An argument that has no meaning, contradicts another, or asks for something the server does not allow."""


class UnknownError(MeshError):
    """The estate has nothing by that name."""


class Answer(BaseModel):
    """Unknown values are not sent."""

    model_config = ConfigDict(extra="forbid")


class About(Answer):
    """`as_of`: when it was read. `notes`: what is stale or incomplete."""

    cluster: str
    source: Source
    as_of: str
    age: str
    notes: list[str] = Field(default_factory=list)


class Page(Answer):
    """Part of a list. `total`: matching rows. `hint`: how to get the rest."""

    about: About
    total: int
    next_cursor: str | None = None
    hint: str | None = None


def moment_text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def age_text(age: timedelta) -> str:
    """`42 s`, `3 min`, `5 h`, `12 d`."""
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (size == 86_400 and seconds >= size):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def cut(text: str, characters: int) -> str:
    """`text`, or its beginning and how many characters are missing."""
    return (
        text
        if len(text) <= characters
        else f"{text[:characters]}… ({len(text) - characters:,} characters more)"
    )


def shown(text: object) -> str:
    """A name from outside, printable and short enough to quote in a sentence."""
    said = readable(str(text))
    return repr(said if len(said) <= 80 else f"{said[:80]}…")
