"""The findings of the whole estate as the analysis keeps them: since when each exists, and what went away recently."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from mesh_assets.estate.findings import FindingKind
from mesh_assets.estate.model import Estate
from mesh_assets.findings.finding import Finding, finding_position
from mesh_assets.findings.judge import judge
from mesh_assets.findings.neighbours import Neighbours
from mesh_assets.findings.reading import read_case
from mesh_assets.findings.samples import SAMPLED_KINDS, Samples, read_samples
from mesh_assets.importing import without_collector
from mesh_assets.inventory.records import Record
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import DocumentRead, ResultStore, documents_read, latest_pointers

GONE_KEPT = timedelta(days=30)
MOST_GONE = 500
_RETURNS_WITHIN = timedelta(days=1)


class GoneFinding(Record, frozen=True, kw_only=True):
    """A finding that is gone. `first_seen`, `last_seen`: the times of the documents that first and last showed it. It may
    come back under its id; within a day it counts as never having gone."""

    id: str
    kind: FindingKind
    resource: str
    first_seen: datetime
    last_seen: datetime


class ClusterFindings(Record, frozen=True, kw_only=True):
    """The findings of a cluster, worst first, muted ones included. `judged_at`: the time of its document (UTC).
    `gone`: those that went away in the last 30 days, newest first, at most 500."""

    cluster: str
    cluster_id: str
    judged_at: datetime
    findings: tuple[Finding, ...]
    gone: tuple[GoneFinding, ...] = ()


class EstateFindings(Record, frozen=True, kw_only=True):
    """The result `analysis/findings.json`: the clusters that have a document, in the order of the estate."""

    clusters: tuple[ClusterFindings, ...]


def findings_results(store: InventoryStore) -> ResultStore[EstateFindings]:
    return ResultStore(store, "findings", EstateFindings)


@without_collector()
def judge_estate(
    store: InventoryStore, estate: Estate, known: EstateFindings | None, *, samples: Samples | None = None
) -> tuple[EstateFindings, tuple[DocumentRead, ...]]:
    """The findings of every cluster ever discovered, and the documents they come from. `known`: the previous result, which
    says since when. `samples`: for callers that have read them. If they could not be read, what they showed before still
    counts. Only one cluster is in memory at a time. Raises StoreError."""
    samples = read_samples(store) if samples is None else samples
    before = {one.cluster_id: one for one in known.clusters} if known else {}
    judged = []
    pointers = latest_pointers(store, estate.clusters)
    neighbours = Neighbours(estate, store, store.document_at)
    for name, pointer in pointers.items():
        if pointer is None:
            continue
        document = store.read_document(pointer.document)
        findings = judge(
            read_case(document, store=store, estate=estate, samples=samples, neighbours=neighbours),
            today=document.discovery_timestamp.date(),
        )
        if samples.unread and pointer.cluster_id in before:
            findings = _with_last_sampled(findings, before[pointer.cluster_id].findings)
        judged.append(
            remembered(
                ClusterFindings(
                    cluster=name,
                    cluster_id=pointer.cluster_id,
                    judged_at=document.discovery_timestamp.astimezone(UTC),
                    findings=findings,
                ),
                before.get(pointer.cluster_id),
            )
        )
    return EstateFindings(clusters=tuple(judged)), documents_read(pointers)


def _with_last_sampled(findings: tuple[Finding, ...], last: Iterable[Finding]) -> tuple[Finding, ...]:
    here = {one.id for one in findings}
    kept = [one for one in last if one.kind in SAMPLED_KINDS and one.id not in here]
    return tuple(sorted([*findings, *kept], key=finding_position))


def remembered(now: ClusterFindings, before: ClusterFindings | None) -> ClusterFindings:
    """`now` with the times known from `before`."""
    if before is None:
        return replace(now, findings=with_since(now.findings, {}, otherwise=now.judged_at))
    gone = {one.id: one for one in before.gone}
    since = {one.id: one.since for one in before.findings if one.since is not None} | {
        one.id: one.first_seen for one in before.gone if now.judged_at - one.last_seen <= _RETURNS_WITHIN
    }
    here = {finding.id for finding in now.findings}
    left = [
        GoneFinding(
            id=one.id,
            kind=one.kind,
            resource=one.resource,
            first_seen=one.since or before.judged_at,
            last_seen=before.judged_at,
        )
        for one in before.findings
        if one.id not in here
    ]
    still_gone = (one for one in gone.values() if one.id not in here)
    return replace(
        now,
        findings=with_since(now.findings, since, otherwise=now.judged_at),
        gone=_kept([*left, *still_gone], now=now.judged_at),
    )


def with_since(
    findings: Iterable[Finding], since: dict[str, datetime], *, otherwise: datetime | None
) -> tuple[Finding, ...]:
    return tuple(replace(finding, since=since.get(finding.id, otherwise)) for finding in findings)


def _kept(gone: Sequence[GoneFinding], *, now: datetime) -> tuple[GoneFinding, ...]:
    recent = [one for one in gone if now - one.last_seen <= GONE_KEPT]
    return tuple(sorted(recent, key=lambda one: (one.last_seen, one.id), reverse=True)[:MOST_GONE])
