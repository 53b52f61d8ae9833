"""Tool: what is wrong."""

from typing import Annotated

from pydantic import Field

from mesh_assets.analysis.findings import (
    Finding,
    FindingKind,
    count_findings,
    finding_position,
    judge_document,
)
from mesh_assets.inventory.changes import Severity
from mesh_assets.mcp_server.answers import (
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    Page,
    PatternArgument,
    SourceArgument,
    cut,
)
from mesh_assets.mcp_server.known_estate import KnownEstate, View
from mesh_assets.mcp_server.pages import cut_page, matches
from mesh_assets.mcp_server.server import MeshServer


class ProblemRow(Answer):
    kind: str
    severity: str
    resource: str
    sentence: str


class ProblemPage(Page):
    """The worst first. `counts`: all problems of the cluster by kind, whatever the filters say."""

    problems: list[ProblemRow]
    counts: dict[str, int]


def add_problems(server: MeshServer) -> None:
    known = server.known

    @server.answers("List problems", "reads_systems")
    def list_problems(
        cluster: ClusterName = None,
        kind: Annotated[FindingKind | None, Field(description="Only problems of this kind.")] = None,
        severity: Annotated[Severity | None, Field(description="Only problems of this severity.")] = None,
        pattern: PatternArgument = None,
        limit: LimitArgument = None,
        cursor: CursorArgument = None,
        source: SourceArgument = "latest",
    ) -> ProblemPage:
        """What is wrong now: failed connectors with reason and the topics they use, partitions without leader
        or under-replicated, growing lag, groups that nobody reads for, topics that fell silent, topics
        without a schema, sections that are not current.
        """
        view = known.view(
            cluster, source, needs=("topics", "connectors", "schemas", "consumer_groups", "metrics")
        )
        problems = problems_of(known, view)
        page = cut_page(
            [
                problem
                for problem in problems
                if (kind is None or problem.kind == kind)
                and (severity is None or problem.severity == severity)
                and matches(problem.resource, pattern)
            ],
            place=finding_position,
            row=_row,
            limit=limit,
            cursor=cursor,
            question=("problems", view.document.cluster.name, kind, severity, pattern, source),
            version=view.version,
            narrow="kind, severity or pattern",
        )
        return ProblemPage(
            about=view.about("topics", "connectors", "schemas", "consumer_groups", "metrics"),
            problems=page.rows,
            total=page.total,
            counts=count_findings(problems),
            next_cursor=page.next_cursor,
            hint=page.hint,
        )


def problems_of(known: KnownEstate, view: View) -> tuple[Finding, ...]:
    """Judged against the document before; a live one against the latest."""
    document = view.document
    before = known.latest(document.cluster.id) if view.source == "live" else known.before(document)
    return judge_document(document, before)


def _row(problem: Finding) -> ProblemRow:
    return ProblemRow(
        kind=problem.kind,
        severity=problem.severity,
        resource=problem.resource,
        sentence=cut(problem.sentence, 500),
    )
