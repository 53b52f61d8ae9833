"""Tools: clusters as a whole."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import Field

from mesh_assets.answering.answers import (
    About,
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    PatternArgument,
    SourceArgument,
    age_text,
    cut,
    moment_text,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.errors import EstateError, MeshError
from mesh_assets.estate.model import Cluster
from mesh_assets.findings.finding import count_findings, shown_findings
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.mesh_tools.problems import judged

_TOP = 8


class ClusterRow(Answer):
    """`discovered` and `age`: of the newest document. `note`: why there is none."""

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
    systems: list[str] = Field(description="The systems, besides the brokers, that the estate configures.")
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
    """`problems`: counts by kind; list_problems has the details. `name_prefixes`: topics by the part before
    the first `.`, `-` or `_`."""

    about: About
    cluster_id: str
    environment: str | None = None
    sequence: int
    topics: int
    partitions: int
    total_messages: int | None = None
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


def list_clusters(
    known: KnownEstate,
    /,
    pattern: PatternArgument = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> ClusterPage:
    """The clusters of the estate, with counts and the age of each one's newest document."""
    return build_page(
        ClusterPage,
        "clusters",
        sorted(name for name in known.names() if matches(name, pattern)),
        place=lambda name: (name,),
        row=lambda name: _cluster_row(known, name),
        limit=limit,
        cursor=cursor,
        question=("clusters", pattern),
    )


def get_cluster_summary(
    known: KnownEstate, /, cluster: ClusterName = None, source: SourceArgument = "latest"
) -> ClusterSummary:
    """A cluster on one page: counts, how current each section is, problems by kind, largest topics, groups
    furthest behind."""
    view = known.view(cluster, source, needs=SECTION_NAMES)
    document, summary = view.document, view.document.summary
    findings = shown_findings(judged(known, view))
    return ClusterSummary(
        about=view.about(*SECTION_NAMES),
        cluster_id=document.cluster.id,
        environment=document.environment.name or document.environment.id,
        sequence=document.sequence,
        topics=summary.total_topics,
        partitions=summary.total_partitions,
        total_messages=summary.total_messages,
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
        problems=count_findings(findings),
        worst=[cut(finding.sentence, 300) for finding in findings if finding.severity != "info"][:5],
        largest_topics=_largest((topic.name, topic.details.message_count) for topic in document.topics),
        groups_furthest_behind=_largest(
            (group.group_id, group.total_lag_records) for group in document.consumer_groups
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


def _largest(sizes: Iterable[tuple[str, int | None]]) -> dict[str, int]:
    """The largest first, those of equal size by name; empty and unknown ones are left out."""
    known = [(name, size) for name, size in sizes if size]
    return dict(sorted(known, key=lambda pair: (-pair[1], pair[0]))[:_TOP])


def _prefixes(topics: tuple[Topic, ...]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for topic in topics:
        ends = [at for sign in ".-_" if (at := topic.name.find(sign)) > 0]
        counts[topic.name[: min(ends)] if ends else topic.name] += 1
    return {prefix: number for prefix, number in counts.most_common(_TOP) if number > 1}
