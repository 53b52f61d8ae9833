"""The jobs that change a mapping: they show the plan, and carry it out only with `apply: true` and the plan's
id.

No op is retried: a change that failed is for a person to look at, and what AWS throttles is repeated inside
the call.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg

from mesh_assets.defs.esm.access import MappingAccess
from mesh_assets.defs.esm.config import (
    CreateConfig,
    DeleteConfig,
    PermissionsConfig,
    UpdateConfig,
    plan_to_apply,
    request_of,
)
from mesh_assets.defs.esm.metadata import applied_metadata, plan_metadata
from mesh_assets.esm.applying import Applied
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.request import CreateRequest, UpdateRequest
from mesh_assets.esm.service import MappingService
from mesh_assets.esm.waiting import Progress, Wanted


@dg.op(name="create_event_source_mapping_op", description="Wire a Kafka topic to a Lambda function.")
def create_op(context: dg.OpExecutionContext, config: CreateConfig, mapping_access: MappingAccess) -> None:
    request, options = request_of(CreateRequest, config), _options(config)
    service = mapping_access.service(config.region)
    wanted: Wanted = "Enabled" if request.enabled is not False else "Disabled"
    _carry_out(
        context,
        service,
        plan_to_apply(config),
        plan=lambda: service.plan_create(request, options),
        apply=lambda plan_id: service.create(request, plan_id, options),
        wanted=lambda _: wanted,
        wait_seconds=config.wait_seconds,
    )


@dg.op(name="update_event_source_mapping_op", description="Change a mapping.")
def update_op(context: dg.OpExecutionContext, config: UpdateConfig, mapping_access: MappingAccess) -> None:
    request, options = request_of(UpdateRequest, config), _options(config)
    service = mapping_access.service(config.region)

    def wanted(plan: Plan) -> Wanted:
        enabled = (
            request.enabled
            if request.enabled is not None
            else plan.observed["mapping"]["State"] != "Disabled"
        )
        return "Enabled" if enabled else "Disabled"

    plan_id = None
    if config.apply:  # found by function, source and topic, it is its UUID all the same that must be repeated
        uuid = request.uuid or service.plan_update(request, options).observed["mapping"]["UUID"]
        plan_id = plan_to_apply(config, uuid)
    _carry_out(
        context,
        service,
        plan_id,
        plan=lambda: service.plan_update(request, options),
        apply=lambda applied_id: service.update(request, applied_id, options),
        wanted=wanted,
        wait_seconds=config.wait_seconds,
    )


@dg.op(name="delete_event_source_mapping_op", description="Delete a mapping; function, role and topic stay.")
def delete_op(context: dg.OpExecutionContext, config: DeleteConfig, mapping_access: MappingAccess) -> None:
    plan_id = plan_to_apply(config, config.uuid)
    service = mapping_access.service(config.region)
    _carry_out(
        context,
        service,
        plan_id,
        plan=lambda: service.plan_delete(config.uuid),
        apply=lambda applied_id: service.delete(config.uuid, applied_id),
        wanted=lambda _: "deleted",
        wait_seconds=config.wait_seconds,
    )


@dg.op(name="add_msk_permissions_op", description="Give the role of a mapping's function what it lacks.")
def permissions_op(
    context: dg.OpExecutionContext, config: PermissionsConfig, mapping_access: MappingAccess
) -> None:
    plan_id = plan_to_apply(config, config.uuid)
    service = mapping_access.service(config.region)
    _carry_out(
        context,
        service,
        plan_id,
        plan=lambda: service.plan_permissions(config.uuid),
        apply=lambda applied_id: service.add_permissions(config.uuid, applied_id),
        wanted=lambda _: None,
        wait_seconds=0.0,
    )


def mapping_jobs() -> list[dg.JobDefinition]:
    """create_, update_ and delete_event_source_mapping, and add_msk_permissions."""
    return [
        _job("create_event_source_mapping", create_op),
        _job("update_event_source_mapping", update_op),
        _job("delete_event_source_mapping", delete_op),
        _job("add_msk_permissions", permissions_op),
    ]


def _job(name: str, op: Any) -> dg.JobDefinition:
    """One op under the job's own name, so that its config stands under `ops: {<job>: {config: …}}`."""

    @dg.job(
        name=name,
        description=f"{op.description} Shows the plan; apply: true with plan_id carries it out.",
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        op.alias(name)()

    return job


def _options(config: Any) -> PlanOptions:
    return PlanOptions(
        add_permissions=config.add_permissions,
        continue_without_permissions=config.continue_without_permissions,
    )


def _carry_out(
    context: dg.OpExecutionContext,
    service: MappingService,
    plan_id: str | None,
    *,
    plan: Callable[[], Plan],
    apply: Callable[[str], Applied],
    wanted: Callable[[Plan], Wanted | None],
    wait_seconds: float,
) -> None:
    if plan_id is None:
        made = plan()
        context.add_output_metadata({**plan_metadata(made), "result": "planned only; nothing was done"})
        context.log.info(
            f"plan {made.id}: {made.summary}; nothing was done. Run again with apply: true and plan_id: {made.id}"
        )
        return
    applied = apply(plan_id)
    metadata = {**plan_metadata(applied.plan), **applied_metadata(applied)}
    context.log.info(f"done: {applied.plan.summary}")
    for text in applied.warnings:
        context.log.warning(text)
    state = wanted(applied.plan)
    if applied.mapping is not None and state is not None and wait_seconds > 0:
        settled = service.wait(
            applied.mapping.uuid,
            state,
            deadline_seconds=wait_seconds,
            progress=lambda progress: context.log.info(_sentence(progress)),
        )
        metadata["state"] = "deleted" if settled is None else settled.state or "unknown"
    context.add_output_metadata(metadata)


def _sentence(progress: Progress) -> str:
    return f"mapping {progress.uuid} is {progress.state or 'gone'} after {progress.seconds:.1f} s"
