"""What all answers share: their models are pydantic's, so that the client is told their shape, and say what
they are about."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Source = Literal["latest", "live"]

ClusterName = Annotated[
    str | None,
    Field(
        max_length=249,
        description="Cluster's name in the estate, or its id; may be left out when there is one.",
    ),
]
SourceArgument = Annotated[
    Source,
    Field(
        description="`latest`: the newest stored document. `live`: ask the systems now (slower, reads only)."
    ),
]
PatternArgument = Annotated[
    str | None,
    Field(max_length=249, description="Only names that match: shell pattern (`orders*`), or part of a name."),
]
LimitArgument = Annotated[int | None, Field(ge=1, le=500, description="Most rows of this page.")]
CursorArgument = Annotated[
    str | None, Field(max_length=4096, description="`next_cursor` of the page before, same other arguments.")
]
Name = Annotated[str, Field(min_length=1, max_length=512)]


class Answer(BaseModel):
    """Values that are not known are left out of what is sent."""

    model_config = ConfigDict(extra="forbid")


class About(Answer):
    """Where an answer is from. `as_of`: when it was read. `notes`: what is not current or not complete."""

    cluster: str
    source: Source
    as_of: str
    age: str
    notes: list[str] = Field(default_factory=list)


class Page(Answer):
    """A part of a list. `total`: rows that match. `hint`: what to do when this is not all."""

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
    """`text`, or its beginning with a word on how much is left out."""
    return (
        text
        if len(text) <= characters
        else f"{text[:characters]}… ({len(text) - characters:,} characters more)"
    )


def shown(text: object) -> str:
    """A name that came from outside, as a sentence may quote it: printable and short."""
    said = str(text)
    return repr(said if len(said) <= 80 else f"{said[:80]}…")
