"""The job `validate_event_source_mapping`: proof that a mapping processes. It writes messages, so it is never
retried."""

from typing import Any

import dagster as dg
import msgspec
from pydantic import Field

from mesh_assets.defs.esm.access import MappingAccess
from mesh_assets.defs.esm.config import plan_to_apply
from mesh_assets.esm.connection import find_login
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.proof import (
    ProducePlan,
    Validation,
    ValidationRequest,
    plan_validation,
    validate_esm_processing,
)
from mesh_assets.esm.proof.validation import METRICS_SECONDS

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
