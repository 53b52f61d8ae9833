"""The job `find_clusters`: adds the clusters that the estate's rules find in the clouds. Its schedule is off
until somebody switches it on."""

import os
from datetime import UTC, datetime

import dagster as dg

from mesh_assets.errors import PlatformError
from mesh_assets.estate.file import estate_path
from mesh_assets.fleet.finding import missing
from mesh_assets.fleet.looking import look_for_clusters
from mesh_assets.runs.failures import masking_failures
from mesh_assets.store.layout import open_store
from mesh_assets.store.objects import ObjectStore

FIND_JOB = "find_clusters"


def find_clusters_job() -> dg.JobDefinition:
    @dg.op(
        description="Lists clusters by the estate's rules, and keeps what was found. A list that fails removes nothing."
    )
    @masking_failures
    def find(context: dg.OpExecutionContext) -> None:
        look_and_apply(context)

    @dg.job(
        name=FIND_JOB,
        description="Finds clusters of Amazon MSK and Confluent Cloud by the rules in the estate's `found`.",
    )
    def job() -> None:
        find()

    return job


def find_clusters_schedule() -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="find_clusters_schedule",
        job_name=FIND_JOB,
        cron_schedule="17 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every hour, once it is switched on: `mesh-assets estate find --apply`.",
    )


def look_and_apply(context: dg.OpExecutionContext) -> None:
    """Keeps what was found before a failed list fails the run. Raises EstateError, StoreError,
    PlatformError."""

    def objects() -> ObjectStore:
        return open_store(os.environ.get("MESH_STORE"))

    look = look_for_clusters(estate_path(), objects, at=datetime.now(UTC))
    look.apply(objects())
    plan = look.plan
    for step in plan.changes:
        context.log.info(
            f"{step.action}: {step.cluster} ({step.id}){'' if step.why is None else f': {step.why}'}"
        )
    for sentence in missing(plan.clusters):
        context.log.warning(sentence)
    context.add_output_metadata(
        {
            "found": len(plan.clusters),
            "changes": len(plan.changes),
            "missing": sum(one.missing_since is not None for one in plan.clusters),
            "skipped": sum(step.action == "skipped" for step in plan.steps),
        }
    )
    if plan.failures:
        told = "; ".join(
            f"rule {rule}: {failure}" for rule, failures in plan.failures.items() for failure in failures
        )
        raise PlatformError(
            f"not every list of clusters is complete, so no cluster of those rules was marked as missing: {told}"
        )
