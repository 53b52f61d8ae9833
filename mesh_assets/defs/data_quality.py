"""`analysis/data_quality`: a profile of each topic that may be read, and how the rules judge its sample."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from mesh_assets.answering.contract_facts import rules_of_estate
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.section_metadata import table_metadata
from mesh_assets.defs.snapshot import SNAPSHOT_KEY
from mesh_assets.estate.model import Estate
from mesh_assets.estate.policy import Policy
from mesh_assets.expectations.rules import Judging
from mesh_assets.importing import importing
from mesh_assets.profiling.records import DataQuality, Fault, FaultKind, TopicProfile
from mesh_assets.runs.failures import masking_failures
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import DocumentRead

DATA_QUALITY_KEY = dg.AssetKey(["analysis", "data_quality"])
PROFILING_JOB = "profiling"
EXPECTATIONS = "expectations"
SAMPLED = "sampled"
_SENTENCES = 20
_CHECKS: dict[FaultKind, str] = {
    "incomplete_field": "No field is missing or null that the schema requires, or that nearly all records have.",
    "undecodable_records": "Every sampled value can be decoded.",
    "silent_topic": "No topic has waited for its next record three times as long as ever before.",
    "duplicate_keys": "There are no isolated records that repeat an earlier one, key and value.",
    "wrong_type": "Values have the types that the schema declares, or that nearly all others have.",
    "old_schema": "No older schema is written once a newer one is in use.",
    "personal_data": "No field holds data that looks personal under a name that does not say so.",
}


def data_quality_asset() -> dg.AssetsDefinition:
    @dg.asset(
        key=DATA_QUALITY_KEY,
        group_name="analysis",
        kinds={"kafka"},
        deps=[SNAPSHOT_KEY],
        description="How good the data is: figures from a sample of each topic under allow_message_reading (docs/profiles.md).",
        check_specs=[
            *(
                dg.AssetCheckSpec(kind, asset=DATA_QUALITY_KEY, description=rule)
                for kind, rule in _CHECKS.items()
            ),
            dg.AssetCheckSpec(
                SAMPLED, asset=DATA_QUALITY_KEY, description="Every topic that may be read could be sampled."
            ),
            dg.AssetCheckSpec(
                EXPECTATIONS,
                asset=DATA_QUALITY_KEY,
                description="The rules of the policy hold for the samples.",
            ),
        ],
    )
    @masking_failures
    def data_quality(
        context: dg.AssetExecutionContext, estate: EstateResource, store: StoreResource
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        known = estate.estate()
        quality, judging, documents, notes, location = profile(known, store.store())
        for note in notes:
            context.log.warning(note)
        yield dg.MaterializeResult(
            asset_key=DATA_QUALITY_KEY, metadata=data_quality_metadata(quality, documents, location)
        )
        yield from fault_checks(quality)
        yield sampled_check(quality)
        yield expectations_check(judging, quality, known.policy)

    return data_quality


def profile(
    estate: Estate, store: InventoryStore
) -> tuple[DataQuality, Judging, tuple[DocumentRead, ...], tuple[str, ...], str]:
    """Profiles the estate, judges each sample while it is in memory, and keeps both results."""
    with importing:
        from mesh_assets.profiling.estate import (
            keep_estate_profiles,  # imports pandas and librdkafka, needed only here
            profile_estate,
        )

    rules_of, problems = rules_of_estate(estate)
    judging = Judging(
        rules_of,
        has_newest=estate.profiling.strategy == "latest",
    )
    found = profile_estate(estate, store, now=lambda: datetime.now(UTC), on_sample=judging)
    made_at = datetime.now(UTC)
    location = keep_estate_profiles(store, found, made_at=made_at)
    judging.keep(store, found.documents, made_at=made_at)
    return found.quality, judging, found.documents, (*found.notes, *problems), location


def profiling_job() -> Any:
    return dg.define_asset_job(
        PROFILING_JOB,
        selection=dg.AssetSelection.assets(DATA_QUALITY_KEY),
        description="Samples the topics that may be read, without joining a group or committing, and keeps figures about them.",
    )


def profiling_schedule() -> dg.ScheduleDefinition:
    """Reading records costs the brokers more than anything else here, and the result changes slowly."""
    return dg.ScheduleDefinition(
        name="profiling_schedule",
        job_name=PROFILING_JOB,
        cron_schedule="15 4 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Once a day; a run without topics under allow_message_reading reads nothing.",
    )


def data_quality_metadata(
    quality: DataQuality, documents: Sequence[DocumentRead], location: str
) -> dict[str, Any]:
    """Dagster metadata: counts, the topics and the faults as tables, and what was not profiled."""
    profiles, faults = quality.profiles, faults_of(quality)
    kinds = Counter(fault.kind for _, fault in faults)
    return {
        "dagster/row_count": len(profiles),
        "sampled_records": sum(one.sampled_records for one in profiles),
        "sampled_bytes": sum(one.sampled_bytes for one in profiles),
        "failed": sum(1 for one in profiles if one.error is not None),
        "not_allowed": quality.not_allowed,
        "shared_keys": sum(1 for one in quality.overlaps if one.contained > 0),
        "faults": dg.MetadataValue.json(dict(sorted(kinds.items()))),
        "result": location,
        "documents": dg.MetadataValue.json({one.cluster: one.sequence for one in documents}),
        **table_metadata("topics", profiles, _row),
        **table_metadata(
            "faults found",
            faults,
            lambda one: {
                "cluster": one[0].cluster,
                "topic": one[0].topic,
                "kind": one[1].kind,
                "field": one[1].path,
                "share": one[1].share,
                "sentence": one[1].sentence,
            },
        ),
        **table_metadata(
            "not profiled",
            quality.unprofiled,
            lambda one: {"cluster": one.cluster, "reason": one.reason},
        ),
    }


def faults_of(quality: DataQuality) -> list[tuple[TopicProfile, Fault]]:
    return [(profile, fault) for profile in quality.profiles for fault in profile.faults]


def _row(profile: TopicProfile) -> dict[str, Any]:
    return {
        "cluster": profile.cluster,
        "topic": profile.topic,
        "records": profile.sampled_records,
        "format": profile.format,
        "fields": len(profile.fields),
        "decoded_share": profile.decoded_share,
        "faults": len(profile.faults),
        "error": profile.error,
    }


def fault_checks(quality: DataQuality) -> Iterator[dg.AssetCheckResult]:
    """A check for each kind of fault. They claim nothing about an estate without profiles: `sampled` says so."""
    found = faults_of(quality)
    for kind in _CHECKS:
        of_kind = [(profile, fault) for profile, fault in found if fault.kind == kind]
        yield _check(
            kind,
            [f"{profile.cluster}: {profile.topic}: {fault.sentence}" for profile, fault in of_kind],
            good=f"none in {len(quality.profiles)} topics",
        )


def sampled_check(quality: DataQuality) -> dg.AssetCheckResult:
    """Clusters that allow no topics do not fail it: that is the estate's choice."""
    failed = [f"{one.cluster}: {one.topic}: {one.error}" for one in quality.profiles if one.error is not None]
    failed += [
        f"{profile.cluster}: {profile.topic}: {one.records:,} values are unknown: {one.reason}"
        for profile in quality.profiles
        if profile.error is None
        for one in profile.undecodable
        if one.unread and one.part == "value"
    ]
    failed += [f"{one.cluster}: {one.reason}" for one in quality.unprofiled if not one.nothing_allowed]
    return _check(SAMPLED, failed, good=f"{len(quality.profiles)} topics were sampled")


def expectations_check(judging: Judging, quality: DataQuality, policy: Policy) -> dg.AssetCheckResult:
    """A rule whose outcome is uncertain, or that was judged on no sample, has not passed."""
    results = judging.expectations().results
    failed = [f"{one.cluster}: {one.topic}: {one.sentence}" for one in results if one.status != "passed"]
    failed += judging.unjudged(
        policy, ((one.cluster, one.topic, one.error) for one in quality.profiles if one.error is not None)
    )
    return _check(EXPECTATIONS, failed, good=f"{len(results)} rules hold")


def _check(name: str, problems: Sequence[str], *, good: str) -> dg.AssetCheckResult:
    more = len(problems) - _SENTENCES
    shown = [*problems[:_SENTENCES], *([f"and {more} more"] if more > 0 else [])]
    return dg.AssetCheckResult(
        asset_key=DATA_QUALITY_KEY,
        check_name=name,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(shown) or good,
        metadata={"count": len(problems)},
    )
