"""Runs of the discovery job as an instance records them. Dagster offers no public way to record a run without
launching it."""

import dagster as dg
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.test_utils import create_run_for_test

_REPOSITORY = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("mesh_assets"), "__repository__")


def a_run(
    instance: dg.DagsterInstance, cluster: str, status: dg.DagsterRunStatus, *, job: str = "discovery"
) -> dg.DagsterRun:
    run: dg.DagsterRun = create_run_for_test(
        instance,
        job_name=job,
        status=status,
        tags={"dagster/partition": cluster},
        remote_job_origin=_REPOSITORY.get_job_origin(job),
    )
    return run
