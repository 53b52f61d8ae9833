"""The job `store_upkeep`: removes what the estate no longer keeps, from the store and from Dagster's own storage."""

from datetime import UTC, datetime

import dagster as dg

from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.runs.failures import masking_failures
from mesh_assets.runs.pruning import prune_runs
from mesh_assets.runs.report_pruning import prune_reports
from mesh_assets.upkeep.pruning import plan_pruning, prune

UPKEEP_JOB = "store_upkeep"


@dg.definitions
def upkeep() -> dg.Definitions:
    return dg.Definitions(jobs=[upkeep_job()], schedules=[upkeep_schedule()])


def upkeep_job() -> dg.JobDefinition:
    @dg.op(description="Removes what the estate's `retention` no longer keeps, and packs documents.")
    @masking_failures
    def prune_store(context: dg.OpExecutionContext, estate: EstateResource, store: StoreResource) -> None:
        retention = estate.estate().retention
        plan = plan_pruning(store.store(), retention, clock=datetime.now(UTC))
        for line in plan.left:
            context.log.warning(line)
        done = prune(store.store(), plan, progress=context.log.info)
        runs = prune_runs(
            context.instance, retention.dagster_runs, clock=datetime.now(UTC), but=context.run_id
        )
        context.add_output_metadata(
            {
                "objects_removed": done.objects,
                "bytes_removed": done.bytes,
                "documents_packed": done.packed,
                "runs_removed": runs,
                "reports_removed": prune_reports(
                    context.instance, retention.dagster_runs, clock=datetime.now(UTC)
                ),
                "not_judged": len(plan.left),
            }
        )

    @dg.job(name=UPKEEP_JOB, description="Keeps the store and Dagster's event log from growing forever.")
    def job() -> None:
        prune_store()

    return job


def upkeep_schedule() -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="store_upkeep_schedule",
        job_name=UPKEEP_JOB,
        cron_schedule="50 4 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Once a day. `retention` in the estate says what is kept, and for how long.",
    )
