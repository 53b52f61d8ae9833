"""Tool: what changed."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from mesh_assets.analysis.change_history import ChangeAt, History, read_history
from mesh_assets.answering.answers import (
    Answer,
    BadArgumentError,
    ClusterName,
    CursorArgument,
    LimitArgument,
    Page,
    PatternArgument,
    cut,
    moment_text,
    shown,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.inventory.changes import ChangeKind, ResourceType, Severity, change_line

_DURATION = re.compile(r"(\d{1,6})\s*(min|m|h|d|w)", re.IGNORECASE)
_UNITS = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


class ChangeRow(Answer):
    """`at`: the discovery that found it. `before` and `after`: the values, cut at 120 characters; left out
    where there was none."""

    at: str
    kind: str
    resource_type: str
    resource: str
    field: str | None = None
    severity: str
    sentence: str
    before: str | None = None
    after: str | None = None


class ChangePage(Page):
    """`compared_from`, `compared_to`: the first and last document compared; `compared_from` is older than
    `since`, or the oldest."""

    changes: list[ChangeRow]
    compared_from: str | None = None
    compared_to: str | None = None
    documents: int
    counts: dict[str, int] = Field(description="Matching changes by resource type and kind.")


def list_changes(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    since: Annotated[
        str, Field(max_length=40, description="`24h`, `7d`, `90min`, or a time like 2026-11-23T16:40:00Z.")
    ] = "24h",
    until: Annotated[
        str | None, Field(max_length=40, description="Same format as since; the newest document by default.")
    ] = None,
    resource_type: Annotated[
        ResourceType | None, Field(description="Only changes to resources of this type.")
    ] = None,
    kind: Annotated[ChangeKind | None, Field(description="Only changes of this kind.")] = None,
    severity: Annotated[
        Severity | None, Field(description="Only this severity. Failed connectors are critical.")
    ] = None,
    pattern: PatternArgument = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> ChangePage:
    """What was created, deleted and updated, newest first, each as a sentence, from the stored documents."""
    view = known.view(cluster)
    document = view.document
    now = datetime.now(UTC)
    # The newest document may have been made by a host whose clock is ahead of this one's.
    end = max(now, document.discovery_timestamp) if until is None else _moment(until, now)
    start = _moment(since, now)
    if start > end:
        raise BadArgumentError(f"since ({moment_text(start)}) is later than until ({moment_text(end)})")
    cluster_id = document.cluster.id
    history = read_history(
        known.store, cluster_id, since=start, until=end, read=lambda key: known.document(cluster_id, key)
    )
    found = [
        at
        for at in history.changes
        if (resource_type is None or at.change.resource_type == resource_type)
        and (kind is None or at.change.kind == kind)
        and (severity is None or at.change.severity == severity)
        and matches(at.change.resource, pattern)
    ]
    about = view.about()
    about.notes.extend(_notes(history, start))
    counts = Counter(f"{at.change.resource_type} {at.change.kind}" for at in found)
    return build_page(
        ChangePage,
        "changes",
        sorted(found, key=_place),
        place=_place,
        row=_row,
        limit=limit,
        cursor=cursor,
        question=("changes", document.cluster.name, since, until, resource_type, kind, severity, pattern),
        version=view.version,
        narrow="resource_type, kind, severity or pattern",
        about=about,
        compared_from=moment_text(history.first) if history.first else None,
        compared_to=moment_text(history.last) if history.last else None,
        documents=history.documents,
        counts=dict(sorted(counts.items())),
    )


def _place(at: ChangeAt) -> tuple[object, ...]:
    """Newest first: a later document adds changes at the front and moves none."""
    change = at.change
    return (-at.moment.timestamp(), change.resource_type, change.resource, change.field or "", change.kind)


def _row(at: ChangeAt) -> ChangeRow:
    change = at.change
    return ChangeRow(
        at=moment_text(at.moment),
        kind=change.kind,
        resource_type=change.resource_type,
        resource=change.resource,
        field=change.field,
        severity=change.severity,
        sentence=cut(change_line(change), 300),
        before=None if change.before is None else cut(change.before, 120),
        after=None if change.after is None else cut(change.after, 120),
    )


def _notes(history: History, start: datetime) -> list[str]:
    notes = []
    if history.first is not None and history.first > start:
        notes.append(
            f"the oldest document is from {moment_text(history.first)}; what happened before is not known"
        )
    if history.documents < 2:
        notes.append("there are no two documents to compare in this period")
    if history.net:
        notes.append(
            "only the first and last document were compared because there are many in between: what came and went is missing; "
            "ask for a shorter period"
        )
    return notes


def _moment(text: str, now: datetime) -> datetime:
    duration = _DURATION.fullmatch(text.strip())
    try:
        if duration is not None:
            return now - int(duration[1]) * _UNITS[duration[2].lower()]
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadArgumentError(
            f"{shown(text)} is not a time; expected `24h`, `7d`, `90min`, or one like 2026-11-23T16:40:00Z"
        ) from error
