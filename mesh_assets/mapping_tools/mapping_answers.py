"""What the tools answer about event source mappings and plans for them."""

import json
from typing import Any

from mesh_assets.agent_tools.tool import Question
from mesh_assets.answering.answers import Answer, cut, moment_text
from mesh_assets.esm.applying import Applied
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.plan import Plan


class MappingRow(Answer):
    uuid: str
    function: str
    topic: str | None = None
    state: str | None = None
    last_result: str | None = None
    source: str


class ListedMapping(MappingRow):
    consumer_group_id: str
    batch_size: int | None = None
    last_modified: str | None = None


class MappingPage(Answer):
    mappings: list[ListedMapping]
    total: int
    next_cursor: str | None = None
    hint: str | None = None


class MappingAnswer(Answer):
    """`configuration`: as Lambda returns it, except that a login in the registry's address is masked."""

    mapping: MappingRow
    consumer_group_id: str
    configuration: dict[str, Any]
    notes: list[str] | None = None


class PlanAnswer(Answer):
    """`applied` False: nothing was done. `blocked`: why it would be refused. `statement`: rights that
    somebody has to grant."""

    applied: bool
    plan_id: str
    summary: str
    calls: list[dict[str, Any]]
    permissions: str | None = None
    statement: str | None = None
    differences: list[str]
    warnings: list[str]
    blocked: str | None = None
    mapping: MappingRow | None = None
    next: str


def question_about_plan(answer: PlanAnswer) -> Question | None:
    """None: there is nothing to carry out, or it would be refused."""
    if answer.applied or answer.blocked is not None or not answer.calls:
        return None
    calls = [
        f"{one['service']} {one['operation']} {json.dumps(one['arguments'], sort_keys=True)}"
        for one in answer.calls
    ]
    lines = [answer.summary, *calls, *(f"note: {warning}" for warning in answer.warnings)]
    return Question(plan_id=answer.plan_id, text="\n".join([*lines, f"Carry out plan {answer.plan_id}?"]))


def mapping_row(mapping: EventSourceMapping) -> MappingRow:
    result = mapping.last_processing_result
    return MappingRow(
        uuid=mapping.uuid,
        function=mapping.function_name,
        topic=mapping.topic,
        state=mapping.state,
        last_result=cut(result, 200) if result else None,
        source=cut(mapping.source, 200),
    )


def listed_mapping(mapping: EventSourceMapping) -> ListedMapping:
    changed = mapping.last_modified
    return ListedMapping(
        **mapping_row(mapping).model_dump(),
        consumer_group_id=mapping.consumer_group_id,
        batch_size=mapping.batch_size,
        last_modified=None if changed is None else moment_text(changed),
    )


def plan_answer(plan: Plan, *, following: str, applied: Applied | None = None) -> PlanAnswer:
    return PlanAnswer(
        applied=applied is not None,
        plan_id=plan.id,
        summary=plan.summary,
        calls=[
            {"service": call.service, "operation": call.operation, "arguments": dict(call.arguments)}
            for call in plan.calls
        ],
        permissions=plan.permissions.state if plan.permissions else None,
        statement=plan.permissions.statement if plan.permissions else None,
        differences=list(plan.differences),
        warnings=[str(warning) for warning in plan.warnings] + list(applied.warnings if applied else ()),
        blocked=plan.blocked,
        mapping=mapping_row(applied.mapping) if applied and applied.mapping else None,
        next=following,
    )
