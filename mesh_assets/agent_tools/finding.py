"""Tool: find anything."""

from typing import Annotated

from pydantic import Field

from mesh_assets.analysis.search import (
    By,
    FoundKind,
    Match,
    find_things,
    match_position,
)
from mesh_assets.answering.answers import (
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    cut,
)
from mesh_assets.answering.calls import current_call
from mesh_assets.answering.pages import cut_page
from mesh_assets.errors import StoreError
from mesh_assets.mcp_server.server import MeshServer


class FoundRow(Answer):
    """`by`: what it was found by. `where`: the field and its type, the config and its value, or the text
    around."""

    kind: str
    name: str
    cluster: str
    by: str
    where: str | None = None


class Found(Answer):
    """Best first. `searched`: the clusters whose newest documents were looked through; `not_searched`: those
    with none, and why."""

    matches: list[FoundRow]
    total: int
    counts: dict[str, int] = Field(description="Matches by kind and by what they were found by.")
    searched: list[str]
    not_searched: dict[str, str]
    next_cursor: str | None = None
    hint: str | None = None


def add_finding(server: MeshServer) -> None:
    known = server.known

    @server.answers("Find anything", "reads_documents")
    def find(
        text: Annotated[
            str,
            Field(
                min_length=1,
                max_length=200,
                description="Part of a name, a field, an owner or any text; case aside.",
            ),
        ],
        by: Annotated[
            By, Field(description="Only what is found by this: a field of a schema, an owner, …")
        ] = "any",
        kind: Annotated[FoundKind | None, Field(description="Only such things.")] = None,
        cluster: ClusterName = None,
        limit: LimitArgument = None,
        cursor: CursorArgument = None,
    ) -> Found:
        """Topics, connectors, schemas and consumer groups of all clusters by name, schema field, owner,
        config or other text."""
        names = known.names() if cluster is None else [known.name(cluster)]
        kinds = None if kind is None else frozenset({kind})
        searched: list[str] = []
        missing: dict[str, str] = {}
        versions: list[str] = []
        found: list[Match] = []
        for name in names:
            current_call().go_on()
            try:
                view = known.view(name)
            except StoreError as error:
                missing[name] = str(error)
                continue
            searched.append(name)
            versions.append(view.version)
            found.extend(find_things(view.document, text, by=by, kinds=kinds))
        page = cut_page(
            sorted(found, key=match_position),
            place=match_position,
            row=_row,
            limit=limit,
            cursor=cursor,
            question=("find", text, by, kind, cluster),
            version=",".join(versions),
            narrow="by, kind or a longer text",
        )
        counts: dict[str, int] = {}
        for match in found:
            counts[f"{match.kind} by {match.by}"] = counts.get(f"{match.kind} by {match.by}", 0) + 1
        return Found(
            matches=page.rows,
            total=page.total,
            counts=dict(sorted(counts.items())),
            searched=searched[:50],
            not_searched=dict(list(missing.items())[:10]),
            next_cursor=page.next_cursor,
            hint=page.hint,
        )


def _row(match: Match) -> FoundRow:
    where = None if match.by == "name" else cut(match.where, 160)
    return FoundRow(kind=match.kind, name=match.name, cluster=match.cluster, by=match.by, where=where)
