"""Tool: find anything."""

from collections import Counter
from typing import Annotated

from pydantic import Field

from mesh_assets.analysis.search import By, FoundKind, Match, find_things, match_position
from mesh_assets.answering.answers import (
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    current_call,
    cut,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page
from mesh_assets.errors import StoreError


class FoundRow(Answer):
    """`by`: what matched. `where`: the field and its type, the config and its value, or the surrounding
    text."""

    kind: str
    name: str
    cluster: str
    by: str
    where: str | None = None


class Found(Answer):
    """The best match first. `searched`: the clusters whose newest documents were searched; `not_searched`:
    those without one, and why."""

    matches: list[FoundRow]
    total: int
    counts: dict[str, int] = Field(description="Matches by kind and by what matched.")
    searched: list[str]
    not_searched: dict[str, str]
    next_cursor: str | None = None
    hint: str | None = None


def find(
    known: KnownEstate,
    /,
    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="Part of a name, a field, an owner or any text, ignoring case.",
        ),
    ],
    by: Annotated[By, Field(description="Only matches by this: a schema's field, an owner, …")] = "any",
    kind: Annotated[FoundKind | None, Field(description="Only things of this kind.")] = None,
    cluster: ClusterName = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> Found:
    """Topics, connectors, schemas and consumer groups of all clusters by name, schema field, owner, config (for a
    topic: only what is set on it) or other text."""
    kinds = None if kind is None else frozenset({kind})
    searched: list[str] = []
    missing: dict[str, str] = {}
    versions: list[str] = []
    found: list[Match] = []
    for name in known.names() if cluster is None else [known.name(cluster)]:
        current_call().go_on()
        try:
            view = known.view(name)
        except StoreError as error:
            missing[name] = str(error)
            continue
        searched.append(name)
        versions.append(view.version)
        found.extend(find_things(view.document, text, by=by, kinds=kinds))
    counts = Counter(f"{match.kind} by {match.by}" for match in found)
    return build_page(
        Found,
        "matches",
        sorted(found, key=match_position),
        place=match_position,
        row=_row,
        limit=limit,
        cursor=cursor,
        question=("find", text, by, kind, cluster),
        version=",".join(versions),
        narrow="by, kind or a longer text",
        counts=dict(sorted(counts.items())),
        searched=searched[:50],
        not_searched=dict(list(missing.items())[:10]),
    )


def _row(match: Match) -> FoundRow:
    where = None if match.by == "name" else cut(match.where, 160)
    return FoundRow(kind=match.kind, name=match.name, cluster=match.cluster, by=match.by, where=where)
