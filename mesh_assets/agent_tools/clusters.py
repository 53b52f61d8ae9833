"""Tools: clusters as a whole, and what is wrong in one."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from mesh_assets.analysis.findings import (
    Finding,
    FindingKind,
    count_findings,
    finding_position,
    judge_document,
)
from mesh_assets.answering.answers import (
    About,
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    Page,
    PatternArgument,
    SourceArgument,
    age_text,
    cut,
    moment_text,
)
from mesh_assets.answering.known_estate import KnownEstate, View
from mesh_assets.answering.pages import cut_page, matches
from mesh_assets.errors import EstateError, MeshError
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.changes import Severity
from mesh_assets.inventory.records import Topic
from mesh_assets.mcp_server.server import MeshServer

# Tool: what is wrong.


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
            row=_problem_row,
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


def _problem_row(problem: Finding) -> ProblemRow:
    return ProblemRow(
        kind=problem.kind,
        severity=problem.severity,
        resource=problem.resource,
        sentence=cut(problem.sentence, 500),
    )


# Tools: clusters as a whole.

_TOP = 8


class ClusterRow(Answer):
    """`discovered` and `age`: of the newest document; `note` where there is none."""

    name: str
    cluster_id: str | None = None
    environment: str | None = None
    topics: int | None = None
    connectors: int | None = None
    active_connectors: int | None = None
    schemas: int | None = None
    consumer_groups: int | None = None
    discovered: str | None = None
    age: str | None = None
    systems: list[str] = Field(description="What the estate names to ask beside the brokers.")
    note: str | None = None


class ClusterPage(Answer):
    clusters: list[ClusterRow]
    total: int
    next_cursor: str | None = None
    hint: str | None = None


class SectionRow(Answer):
    status: str
    read: str | None = None
    error: str | None = None


class ClusterSummary(Answer):
    """`problems`: how many by kind; list_problems tells them. `name_prefixes`: topics by the part before the
    first `.`, `-` or `_`."""

    about: About
    cluster_id: str
    environment: str | None = None
    sequence: int
    topics: int
    partitions: int
    records: int | None = None
    connectors: int
    active_connectors: int
    schemas: int
    schemas_by_type: dict[str, int]
    consumer_groups: int
    lag_records: int
    sections: dict[str, SectionRow]
    problems: dict[str, int]
    worst: list[str]
    largest_topics: dict[str, int]
    groups_furthest_behind: dict[str, int]
    connector_states: dict[str, int]
    name_prefixes: dict[str, int]
    excluded_topics: int


def add_clusters(server: MeshServer) -> None:
    known = server.known

    @server.answers("List clusters", "reads_documents")
    def list_clusters(
        pattern: PatternArgument = None, limit: LimitArgument = None, cursor: CursorArgument = None
    ) -> ClusterPage:
        """The clusters of the estate, with counts and the age of the newest document of each."""
        names = sorted(name for name in known.names() if matches(name, pattern))
        page = cut_page(
            names,
            place=lambda name: (name,),
            row=lambda name: _cluster_row(known, name),
            limit=limit,
            cursor=cursor,
            question=("clusters", pattern),
            version="",
        )
        return ClusterPage(clusters=page.rows, total=page.total, next_cursor=page.next_cursor, hint=page.hint)

    @server.answers("Summarize a cluster", "reads_systems")
    def get_cluster_summary(cluster: ClusterName = None, source: SourceArgument = "latest") -> ClusterSummary:
        """A cluster on one page: counts, how current each section is, problems by kind, the largest topics,
        the groups furthest behind."""
        view = known.view(
            cluster, source, needs=("topics", "connectors", "schemas", "consumer_groups", "metrics")
        )
        document, summary = view.document, view.document.summary
        problems = problems_of(known, view)
        lags = {group.group_id: group.total_lag_records or 0 for group in document.consumer_groups}
        return ClusterSummary(
            about=view.about("topics", "connectors", "schemas", "consumer_groups", "metrics"),
            cluster_id=document.cluster.id,
            environment=document.environment.name or document.environment.id,
            sequence=document.sequence,
            topics=summary.total_topics,
            partitions=summary.total_partitions,
            records=summary.total_messages,
            connectors=summary.total_connectors,
            active_connectors=summary.active_connectors,
            schemas=summary.total_schemas,
            schemas_by_type=dict(Counter(schema.schema_type for schema in document.schemas)),
            consumer_groups=summary.total_consumer_groups,
            lag_records=summary.total_lag_records,
            sections={
                name: SectionRow(
                    status=state.status,
                    read=moment_text(state.collected_at) if state.collected_at else None,
                    error=cut(state.error, 300) if state.error else None,
                )
                for name, state in document.sections.items()
            },
            problems=count_findings(problems),
            worst=[cut(problem.sentence, 300) for problem in problems if problem.severity != "info"][:5],
            largest_topics=_largest(document.topics),
            groups_furthest_behind=dict(
                sorted(((g, lag) for g, lag in lags.items() if lag), key=lambda pair: (-pair[1], pair[0]))[
                    :_TOP
                ]
            ),
            connector_states=dict(Counter(connector.status for connector in document.connectors)),
            name_prefixes=_prefixes(document.topics),
            excluded_topics=document.excluded_topics,
        )


def _cluster_row(known: KnownEstate, name: str) -> ClusterRow:
    cluster: Cluster | None = None
    try:
        cluster = known.estate.clusters.get(name)
        pointer = known.pointer(name)
    except EstateError:
        pointer = known.pointer(name)
    except MeshError as error:
        return ClusterRow(name=name, systems=_systems(cluster), note=cut(str(error), 300))
    environment = cluster.environment if cluster else None
    row = ClusterRow(
        name=name,
        cluster_id=pointer.cluster_id if pointer else cluster.cluster_id if cluster else None,
        environment=(environment.name or environment.id) if environment else None,
        systems=_systems(cluster),
    )
    if pointer is None:
        return row.model_copy(
            update={"note": "never discovered; run `mesh-assets discover`, or ask with source live"}
        )
    summary = pointer.summary
    return row.model_copy(
        update={
            "topics": summary.total_topics,
            "connectors": summary.total_connectors,
            "active_connectors": summary.active_connectors,
            "schemas": summary.total_schemas,
            "consumer_groups": summary.total_consumer_groups,
            "discovered": moment_text(pointer.discovery_timestamp),
            "age": age_text(datetime.now(UTC) - pointer.discovery_timestamp),
        }
    )


def _systems(cluster: Cluster | None) -> list[str]:
    if cluster is None:
        return []
    found = [f"connect ({endpoint.kind})" for endpoint in cluster.connect]
    if cluster.schema_registry is not None:
        found.append("schema_registry")
    if cluster.metrics.kind != "offsets":
        found.append(f"metrics ({cluster.metrics.kind})")
    return found


def _largest(topics: tuple[Topic, ...]) -> dict[str, int]:
    sizes = sorted(
        ((topic.details.message_count or 0, topic.name) for topic in topics),
        key=lambda pair: (-pair[0], pair[1]),
    )
    return {name: size for size, name in sizes[:_TOP] if size}


def _prefixes(topics: tuple[Topic, ...]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for topic in topics:
        ends = [at for sign in ".-_" if (at := topic.name.find(sign)) > 0]
        counts[topic.name[: min(ends)] if ends else topic.name] += 1
    return {prefix: number for prefix, number in counts.most_common(_TOP) if number > 1}
