"""The jobs that change or prove a mapping: they show the plan, and carry it out only with `apply: true` and the plan's id.

No op is retried: a change that failed is for a person to look at, and what AWS throttles is repeated inside the call.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg
import msgspec
from pydantic import Field

from mesh_assets.defs.esm.asset import mappings_asset
from mesh_assets.defs.esm.config import (
    CreateConfig,
    DeleteConfig,
    PermissionsConfig,
    UpdateConfig,
    plan_to_apply,
    request_of,
)
from mesh_assets.defs.esm.metadata import applied_metadata, plan_metadata
from mesh_assets.defs.esm.resource import MappingAccess
from mesh_assets.esm.applying import Applied
from mesh_assets.esm.connection import find_login
from mesh_assets.esm.lookup import Progress, Wanted, get_mapping
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.proof import (
    ProducePlan,
    Validation,
    ValidationRequest,
    plan_validation,
    validate_esm_processing,
)
from mesh_assets.esm.proof.validation import METRICS_SECONDS
from mesh_assets.esm.request import CreateRequest, UpdateRequest
from mesh_assets.esm.service import MappingService

# The jobs that change a mapping: they show the plan, and carry it out only with `apply: true` and the
# plan's
# id.
#
# No op is retried: a change that failed is for a person to look at, and what AWS throttles is repeated
# inside
# the call.


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


# The job `validate_event_source_mapping`: proof that a mapping processes. It writes messages, so it is
# never
# retried.

NAME = "validate_event_source_mapping"


class ValidateConfig(dg.Config):
    uuid: str = Field(description="The mapping's UUID")
    secret_arn: str | None = Field(
        default=None, description="Credentials to write the messages with; default: the mapping's own access"
    )
    messages: int = Field(default=10, description="How many test messages")
    bytes_each: int = Field(default=256, description="Of how many bytes each")
    key: str | None = Field(
        default=None, description="Their key; default: none, and they go round the partitions"
    )
    deadline_seconds: float | None = Field(
        default=None, description="Default: 30 for a mapping at work, 300 for a new one"
    )
    metrics_seconds: float = Field(
        default=METRICS_SECONDS, description="How long to wait for CloudWatch's counts"
    )
    region: str | None = Field(
        default=None, description="AWS region; default: AWS_REGION, else the estate's only account"
    )
    apply: bool = Field(
        default=False, description="False: only the plan. True: write the messages of plan_id and judge"
    )
    plan_id: str | None = Field(
        default=None, description="With apply: the plan's id, as the run that showed it says"
    )


@dg.op(
    name="validate_event_source_mapping_op",
    description="Prove that a mapping processes: test messages in, and what became of them.",
)
def validate_op(
    context: dg.OpExecutionContext, config: ValidateConfig, mapping_access: MappingAccess
) -> None:
    plan_id = plan_to_apply(config)
    access = mapping_access.service(config.region).access
    mapping = get_mapping(access, config.uuid)
    login = find_login(access, secret_arn=config.secret_arn, mapping=mapping)
    request = ValidationRequest(
        messages=config.messages,
        bytes_each=config.bytes_each,
        key=config.key,
        deadline_seconds=config.deadline_seconds,
        metrics_seconds=config.metrics_seconds,
    )
    if plan_id is None:
        plan = plan_validation(access, mapping, login, request)
        context.add_output_metadata({**_plan_metadata(plan), "result": "planned only; nothing was written"})
        context.log.info(
            f"plan {plan.id}: nothing was written. Run again with apply: true and plan_id: {plan.id}"
        )
        return
    found = validate_esm_processing(access, mapping, login, request, plan_id=plan_id, tell=context.log.info)
    metadata = validation_metadata(found)
    if found.verdict.name != "processed":
        raise dg.Failure(
            description=f"{found.verdict.name}: {found.verdict.sentence}",
            metadata=metadata,
            allow_retries=False,
        )
    context.log.info(f"{found.verdict.name}: {found.verdict.sentence}")
    context.add_output_metadata(metadata)


def validation_job() -> dg.JobDefinition:
    @dg.job(
        name=NAME,
        description=f"{validate_op.description} Shows the plan; apply: true with plan_id writes. Fails unless the verdict is `processed`.",
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        validate_op.alias(NAME)()

    return job


def validation_metadata(found: Validation) -> dict[str, Any]:
    """The verdict, what to do, and all evidence."""
    return {
        "verdict": found.verdict.name,
        "sentence": found.verdict.sentence,
        "advice": found.verdict.advice or "none",
        "mapping": f"{found.uuid}: {found.topic} → {found.function}",
        "state": found.mapping_state or "unknown",
        "last_result": found.last_result or "none",
        "evidence": dg.MetadataValue.json(msgspec.to_builtins(found)),
    }


def _plan_metadata(plan: ProducePlan) -> dict[str, Any]:
    others = (
        plan.other_groups_error
        if plan.other_groups is None
        else ", ".join(plan.other_groups) or "no other group"
    )
    return {
        "plan_id": plan.id,
        "messages": f"{plan.messages} of {plan.bytes_each} bytes into {plan.topic}",
        "also_read_by": str(others),
        "plan": dg.MetadataValue.json(msgspec.to_builtins(plan)),
    }


@dg.definitions
def event_source_mappings() -> dg.Definitions:
    return dg.Definitions(
        assets=[mappings_asset()],
        jobs=[*mapping_jobs(), validation_job()],
        resources={"mapping_access": MappingAccess()},
    )
