"""Runs as Dagster's instance records them, without launching them."""

from uuid import uuid4

import dagster as dg
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

# A queued run must have an origin, and Dagster has no public way to make one.
_REPOSITORY = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("mesh_assets"), "__repository__")


def a_run(
    instance: dg.DagsterInstance, cluster: str, status: dg.DagsterRunStatus, *, job: str = "discovery"
) -> dg.DagsterRun:
    """A run as the instance records it, without launching it."""
    return instance.add_run(
        dg.DagsterRun(
            job_name=job,
            run_id=str(uuid4()),
            status=status,
            tags={"dagster/partition": cluster},
            remote_job_origin=_REPOSITORY.get_job_origin(job),
        )
    )
