"""What answers have in common: models that tell the client their shape, arguments that recur, and how values
are written."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mesh_assets.errors import MeshError

Source = Literal["latest", "live"]

ClusterName = Annotated[
    str | None,
    Field(
        max_length=249,
        description="The cluster's name in the estate, or its id. Optional when there is only one.",
    ),
]
SourceArgument = Annotated[
    Source,
    Field(
        description="`latest`: the newest stored document. `live`: ask the systems now (slower, read-only)."
    ),
]
PatternArgument = Annotated[
    str | None,
    Field(
        max_length=249, description="Only names that match: a shell pattern (`orders*`) or part of a name."
    ),
]
LimitArgument = Annotated[int | None, Field(ge=1, le=500, description="Maximum number of rows on this page.")]
CursorArgument = Annotated[
    str | None,
    Field(
        max_length=4096, description="`next_cursor` of the previous page; keep the other arguments the same."
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=512)]


class BadArgumentError(MeshError):
    """An argument that means nothing, contradicts another, or asks for what the server does not allow."""


class UnknownError(MeshError):
    """The estate has nothing of that name."""


class Answer(BaseModel):
    """Unknown values are left out of what is sent."""

    model_config = ConfigDict(extra="forbid")


class About(Answer):
    """Where an answer comes from. `as_of`: when it was read. `notes`: what is stale or incomplete."""

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
    said = str(text)
    return repr(said if len(said) <= 80 else f"{said[:80]}…")
