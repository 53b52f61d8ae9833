"""The jobs that change or prove a mapping: each makes a plan, and applies only the plan whose id is given.

A run shows the plan, and carries it out only with `apply: true` and the plan's id. No op is retried: a failed
change needs a person, test messages must not be written twice, and throttled AWS calls are already retried where
they are made.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg

from mesh_assets.defs.esm.asset import mappings_asset
from mesh_assets.defs.esm.config import (
    CreateConfig,
    DeleteConfig,
    PermissionsConfig,
    UpdateConfig,
    ValidateConfig,
    auth_of,
    plan_to_apply,
    request_of,
)
from mesh_assets.defs.esm.metadata import (
    applied_metadata,
    mapping_metadata,
    plan_metadata,
    produce_plan_metadata,
    validation_metadata,
)
from mesh_assets.defs.resources import EventSourceMappings
from mesh_assets.errors import MeshError
from mesh_assets.esm.applying import Applied
from mesh_assets.esm.connection import find_login
from mesh_assets.esm.lookup import Progress, Wanted, get_mapping
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.proof import ValidationRequest, plan_validation, validate_esm_processing
from mesh_assets.esm.request import CreateRequest, NamedMapping, PermissionsRequest, UpdateRequest
from mesh_assets.esm.service import MappingService
from mesh_assets.runs.failures import masking_failures


@dg.op(name="create_event_source_mapping_op", description="Wire a Kafka topic to a Lambda function.")
@masking_failures
def create_op(
    context: dg.OpExecutionContext, config: CreateConfig, event_source_mappings: EventSourceMappings
) -> None:
    request, options = request_of(CreateRequest, config), _options(config)
    service = event_source_mappings.service(config.region)
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
@masking_failures
def update_op(
    context: dg.OpExecutionContext, config: UpdateConfig, event_source_mappings: EventSourceMappings
) -> None:
    request, options = request_of(UpdateRequest, config), _options(config)
    service = event_source_mappings.service(config.region)

    def wanted(plan: Plan) -> Wanted:
        enabled = (
            request.enabled
            if request.enabled is not None
            else plan.observed["mapping"]["State"] != "Disabled"
        )
        return "Enabled" if enabled else "Disabled"

    plan_id = None
    if config.apply:  # no matter how the mapping was named, its UUID must be repeated
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
@masking_failures
def delete_op(
    context: dg.OpExecutionContext, config: DeleteConfig, event_source_mappings: EventSourceMappings
) -> None:
    named = request_of(NamedMapping, config)
    service = event_source_mappings.service(config.region)
    plan_id = None
    if config.apply:
        plan_id = plan_to_apply(config, named.uuid or service.named(named).uuid)
    _carry_out(
        context,
        service,
        plan_id,
        plan=lambda: service.plan_delete(named),
        apply=lambda applied_id: service.delete(named, applied_id),
        wanted=lambda _: "deleted",
        wait_seconds=config.wait_seconds,
    )


@dg.op(name="add_msk_permissions_op", description="Grant the role of a mapping's function what it lacks.")
@masking_failures
def permissions_op(
    context: dg.OpExecutionContext, config: PermissionsConfig, event_source_mappings: EventSourceMappings
) -> None:
    request = request_of(PermissionsRequest, config)
    service = event_source_mappings.service(config.region)
    plan_id = None
    if config.apply:  # without a mapping there is no UUID to repeat
        found = service.plan_permissions(request).observed.get("mapping") or {}
        plan_id = plan_to_apply(config, request.uuid or found.get("UUID"))
    _carry_out(
        context,
        service,
        plan_id,
        plan=lambda: service.plan_permissions(request),
        apply=lambda applied_id: service.add_permissions(request, applied_id),
        wanted=lambda _: None,
        wait_seconds=0.0,
    )


@dg.op(
    name="validate_event_source_mapping_op",
    description="Prove that a mapping processes: write test messages, and see what became of them.",
)
@masking_failures
def validate_op(
    context: dg.OpExecutionContext, config: ValidateConfig, event_source_mappings: EventSourceMappings
) -> None:
    plan_id = plan_to_apply(config)
    account = event_source_mappings.service(config.region).account
    mapping = get_mapping(account, config.uuid)
    login = find_login(account, secret_arn=config.secret_arn, mapping=mapping, auth=auth_of(config))
    request = ValidationRequest(
        messages=config.messages,
        bytes_each=config.bytes_each,
        key=config.key,
        deadline_seconds=config.deadline_seconds,
        metrics_seconds=config.metrics_seconds,
    )
    if plan_id is None:
        plan = plan_validation(account, mapping, login, request)
        context.add_output_metadata(
            {**produce_plan_metadata(plan), "result": "planned only; nothing was written"}
        )
        context.log.info(
            f"plan {plan.id}: nothing was written. Run again with apply: true and plan_id: {plan.id}"
        )
        return
    found = validate_esm_processing(
        account, mapping, login, request, plan_id=plan_id, progress=context.log.info
    )
    metadata = validation_metadata(found)
    if found.verdict.name != "processed":
        raise dg.Failure(
            description=f"{found.verdict.name}: {found.verdict.sentence}",
            metadata=metadata,
            allow_retries=False,
        )
    context.log.info(f"{found.verdict.name}: {found.verdict.sentence}")
    context.add_output_metadata(metadata)


def mapping_jobs() -> list[dg.JobDefinition]:
    """create_, update_, delete_ and validate_event_source_mapping, and add_msk_permissions."""
    return [
        _job("create_event_source_mapping", create_op),
        _job("update_event_source_mapping", update_op),
        _job("delete_event_source_mapping", delete_op),
        _job("add_msk_permissions", permissions_op),
        _job(
            "validate_event_source_mapping",
            validate_op,
            applying="writes. Fails unless the verdict is `processed`",
        ),
    ]


def _job(name: str, op: Any, *, applying: str = "carries it out") -> dg.JobDefinition:
    """One op under the job's own name, so that its config is found under `ops: {<job>: {config: …}}`."""

    @dg.job(
        name=name,
        description=f"{op.description} Shows the plan; apply: true with plan_id {applying}.",
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
        try:
            settled = service.wait(
                applied.mapping.uuid,
                state,
                deadline_seconds=wait_seconds,
                progress=lambda progress: context.log.info(_sentence(progress)),
            )
        except MeshError as error:
            # A failed op has no output for metadata, and what was done is done.
            raise dg.Failure(
                description=f"the plan was applied, but waiting for it failed: {error}",
                metadata=metadata,
                allow_retries=False,
            ) from error
        metadata |= {"state": "deleted"} if settled is None else mapping_metadata(settled)
    context.add_output_metadata(metadata)


def _sentence(progress: Progress) -> str:
    return f"mapping {progress.uuid} is {progress.state or 'gone'} after {progress.seconds:.1f} s"


@dg.definitions
def event_source_mappings() -> dg.Definitions:
    return dg.Definitions(
        assets=[mappings_asset()],
        jobs=mapping_jobs(),
        resources={"event_source_mappings": EventSourceMappings()},
    )
