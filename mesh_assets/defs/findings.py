"""`analysis/findings`: what is wrong in every cluster of the estate, and a check for each kind of finding."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from mesh_assets.components.check_reports import report_checks
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.section_metadata import table_metadata
from mesh_assets.defs.snapshot import SNAPSHOT_KEY
from mesh_assets.errors import DamagedError
from mesh_assets.estate.findings import FINDING_KINDS, FindingKind
from mesh_assets.findings.finding import Finding, count_findings, count_muted, shown_findings
from mesh_assets.findings.history import ClusterFindings, EstateFindings, findings_results, judge_estate
from mesh_assets.findings.kinds import KINDS
from mesh_assets.findings.samples import read_samples
from mesh_assets.runs.failures import masking_failures
from mesh_assets.store.results import DocumentRead

FINDINGS_KEY = dg.AssetKey(["analysis", "findings"])
_SENTENCES = 20


def findings_asset(*, retry_seconds: float = 5) -> dg.AssetsDefinition:
    @dg.asset(
        key=FINDINGS_KEY,
        group_name="analysis",
        kinds={"kafka"},
        deps=[SNAPSHOT_KEY],
        description="What is wrong in the newest documents of all clusters, with figures and what to do (docs/findings.md).",
        check_specs=[
            dg.AssetCheckSpec(kind, asset=FINDINGS_KEY, description=KINDS[kind].rule)
            for kind in FINDING_KINDS
        ],
        # Only reads, and replaces the result as a whole, so retrying is safe.
        retry_policy=dg.RetryPolicy(max_retries=1, delay=retry_seconds),
    )
    @masking_failures
    def findings(
        context: dg.AssetExecutionContext, estate: EstateResource, store: StoreResource
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        results = findings_results(store.documents_once())
        try:
            kept = results.get()
        except DamagedError as error:  # this only loses the times at which findings were first seen
            context.log.warning(f"findings count as first seen at this time: {error}")
            kept = None
        documents = store.documents_once()
        samples = read_samples(documents)
        for sentence in samples.unread:
            context.log.warning(f"{sentence}; what was known of it before still counts")
        found, read = judge_estate(documents, estate.estate(), kept.result if kept else None, samples=samples)
        location = results.put(found, documents=read, made_at=datetime.now(UTC))
        seconds = estate.estate().asset_reports.seconds
        for line in report_checks(context.instance, documents, found, seconds=seconds):
            context.log.info(line)
        yield dg.MaterializeResult(asset_key=FINDINGS_KEY, metadata=findings_metadata(found, read, location))
        for kind in FINDING_KINDS:
            yield kind_check(kind, found.clusters)

    return findings


def findings_schedule() -> dg.ScheduleDefinition:
    """In addition to the job `analysis`, which runs when an inventory changes: lag, silence and age change without that."""
    return dg.ScheduleDefinition(
        name="findings_schedule",
        target=dg.AssetSelection.assets(FINDINGS_KEY),
        cron_schedule="30 */6 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Half an hour after each scheduled discovery, even if no inventory changed.",
    )


def findings_metadata(found: EstateFindings, read: Sequence[DocumentRead], location: str) -> dict[str, Any]:
    """Dagster metadata: counts, the first findings as a table, clusters without a document."""
    every = [finding for cluster in found.clusters for finding in cluster.findings]
    shown = shown_findings(every)
    severities = Counter(finding.severity for finding in shown)
    missing = [one.cluster for one in read if one.sequence is None]
    return {
        "dagster/row_count": len(shown),
        "critical": severities["critical"],
        "warning": severities["warning"],
        "info": severities["info"],
        "muted": count_muted(every),
        "gone_lately": sum(len(cluster.gone) for cluster in found.clusters),
        "kinds": dg.MetadataValue.json(count_findings(every)),
        "result": location,
        "documents": dg.MetadataValue.json({one.cluster: one.sequence for one in read}),
        **({"not_discovered": ", ".join(missing)} if missing else {}),
        **table_metadata("findings", shown, _row),
    }


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "kind": finding.kind,
        "cluster": finding.cluster,
        "resource": finding.resource,
        "sentence": finding.sentence,
        "since": None if finding.since is None else f"{finding.since:%Y-%m-%d %H:%M} UTC",
    }


def kind_check(kind: FindingKind, clusters: Sequence[ClusterFindings]) -> dg.AssetCheckResult:
    """Passes while no cluster has an unmuted finding of the kind. Fails as an error if one is critical, else as a
    warning."""
    every = [one for cluster in clusters for one in cluster.findings if one.kind == kind]
    shown = shown_findings(every)
    sentences = [f"{one.cluster}: {one.sentence}" for one in shown[:_SENTENCES]]
    more = [f"and {len(shown) - _SENTENCES:,} more"] if len(shown) > _SENTENCES else []
    critical = any(one.severity == "critical" for one in shown)
    return dg.AssetCheckResult(
        asset_key=FINDINGS_KEY,
        check_name=kind,
        passed=not shown,
        severity=dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN,
        description="\n".join([*sentences, *more, KINDS[kind].advice]) if shown else None,
        metadata={
            "findings": len(shown),
            "muted": count_muted(every),
            "clusters": dg.MetadataValue.json(dict(Counter(one.cluster for one in shown))),
        },
    )
