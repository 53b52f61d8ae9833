"""Tool: what is wrong in a cluster, and what to do."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from mesh_assets.answering.answers import (
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    Page,
    PatternArgument,
    SourceArgument,
    cut,
    moment_text,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import FIRST_PAGE_ROWS, build_page, matches
from mesh_assets.answering.views import View
from mesh_assets.errors import DamagedError
from mesh_assets.estate.findings import FindingKind
from mesh_assets.findings.case import Case
from mesh_assets.findings.finding import (
    Figure,
    Finding,
    count_findings,
    count_muted,
    finding_position,
    shown_findings,
)
from mesh_assets.findings.history import findings_results, with_since
from mesh_assets.findings.judge import judge
from mesh_assets.findings.kinds import KINDS, FindingResource
from mesh_assets.findings.reading import read_case
from mesh_assets.findings.samples import FaultyProfile, read_samples
from mesh_assets.inventory.changes import Severity
from mesh_assets.inventory.sections import SECTION_NAMES


class ProblemRow(Answer):
    """`connect`: the Connect endpoint of a connector. `since`: when an analysis first saw it. `figures`: the
    evidence for the sentence. `muted`: why the estate mutes it."""

    kind: str
    severity: str
    resource: str
    connect: str | None = None
    sentence: str
    since: str | None = None
    figures: dict[str, Figure] | None = None
    muted: str | None = None


class ProblemPage(Page):
    """The worst first. `counts`: all problems of the cluster by kind, regardless of the filters, without the `muted`
    ones, which are counted apart. `what_to_do`: for each kind on this page."""

    problems: list[ProblemRow]
    counts: dict[str, int]
    muted: int
    what_to_do: dict[str, str]


def list_problems(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    kind: Annotated[FindingKind | None, Field(description="Only problems of this kind.")] = None,
    severity: Annotated[Severity | None, Field(description="Only problems of this severity.")] = None,
    resource_type: Annotated[
        FindingResource | None, Field(description="Only problems of this kind of resource.")
    ] = None,
    pattern: PatternArgument = None,
    muted: Annotated[bool, Field(description="Also those that the estate mutes.")] = False,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
    source: SourceArgument = "latest",
) -> ProblemPage:
    """What is wrong now, with figures and what to do: failed connectors with the reason, partitions without leader or
    replicas, growing lag, records lost to retention or close to it, stopped groups, silent, unread, unused, empty and
    skewed topics, missing schemas, things whose topics are gone, violations of the estate's policy, data that is likely
    wrong or breaks expectations, fenced brokers, offline log directories, ACLs that do nothing, sections that are not
    current.
    """
    view = known.view(cluster, source, needs=SECTION_NAMES)
    about = view.about(*SECTION_NAMES)
    findings = judged(known, view, notes=about.notes)
    chosen = [
        finding
        for finding in (findings if muted else shown_findings(findings))
        if (kind is None or finding.kind == kind)
        and (severity is None or finding.severity == severity)
        and (resource_type is None or finding.resource_type == resource_type)
        and matches(finding.resource, pattern)
    ]
    advice = {name: one.advice for name, one in KINDS.items()}
    first = {finding.kind for finding in chosen[:FIRST_PAGE_ROWS]}
    page = build_page(
        ProblemPage,
        "problems",
        chosen,
        place=finding_position,
        row=_row,
        limit=limit,
        cursor=cursor,
        question=(
            "problems",
            view.document.cluster.name,
            kind,
            severity,
            resource_type,
            pattern,
            muted,
            source,
        ),
        version=view.version,
        narrow="kind, severity, resource_type or pattern",
        beside_bytes=sum(len(name) + len(text) for name, text in advice.items() if name in first),
        about=about,
        counts=count_findings(findings),
        muted=count_muted(findings),
        what_to_do={},
    )
    kinds = {row.kind for row in page.problems}
    return page.model_copy(
        update={"what_to_do": {name: text for name, text in advice.items() if name in kinds}}
    )


def judged(known: KnownEstate, view: View, *, notes: list[str] | None = None) -> tuple[Finding, ...]:
    """All findings of the cluster, including muted ones, with the times that the last analysis kept. If those
    cannot be read, `notes` gets a sentence."""
    case = case_of(known, view)
    findings = judge(case, today=datetime.now(UTC).date())
    if notes is not None:
        notes += case.samples.unread
    try:
        results = findings_results(known.store).get()
    except DamagedError as error:
        if notes is not None:
            notes.append(f"how long the problems have existed is not known: {error}")
        return findings
    cluster_id = view.document.cluster.id
    kept = [one for one in (results.result.clusters if results else ()) if one.cluster_id == cluster_id]
    since = {one.id: one.since for cluster in kept for one in cluster.findings if one.since is not None}
    return with_since(findings, since, otherwise=None)


def case_of(known: KnownEstate, view: View) -> Case:
    """A stored document is judged against the one before it, a live one against the latest."""
    return read_case(
        view.document,
        store=known.store,
        estate=known.estate_if_any,
        samples=read_samples(known.store, profiles=lambda: _profiles(known)),
        read=known.document,
        live=view.source == "live",
    )


def _profiles(known: KnownEstate) -> Iterable[FaultyProfile]:
    kept = known.profiles.latest()
    return () if kept is None else kept.result.profiles


def _row(finding: Finding) -> ProblemRow:
    return ProblemRow(
        kind=finding.kind,
        severity=finding.severity,
        resource=finding.resource,
        connect=finding.connect,
        sentence=cut(finding.sentence, 500),
        since=None if finding.since is None else moment_text(finding.since),
        figures=finding.evidence or None,
        muted=None if finding.muted is None else cut(finding.muted, 200),
    )
