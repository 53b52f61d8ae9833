"""Tools: event source mappings. Whatever changes something answers with a plan first, and does only what the
plan of that id says."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from pydantic import Field

from mesh_assets.agent_tools.tool import Question
from mesh_assets.answering.answers import Answer, BadArgumentError, CursorArgument, LimitArgument, Name, cut
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page
from mesh_assets.esm.applying import Applied
from mesh_assets.esm.aws_account import open_account
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.request import CreateRequest, UpdateRequest
from mesh_assets.importing import importing

if TYPE_CHECKING:
    from mesh_assets.esm.service import MappingService

OpenService = Callable[[], "MappingService"]
PlanId = Annotated[
    str | None,
    Field(max_length=100, description="Of the plan to carry out; without it the plan is only shown."),
]
RoleName = Annotated[Name, Field(max_length=64, description="The role's name.")]
Uuid = Annotated[Name, Field(description="The mapping's UUID.")]


class MappingRow(Answer):
    uuid: str
    function: str
    topic: str | None = None
    state: str | None = None
    last_result: str | None = None
    source: str


class MappingPage(Answer):
    mappings: list[MappingRow]
    total: int
    next_cursor: str | None = None
    hint: str | None = None


class MappingAnswer(Answer):
    """`configuration`: as Lambda returns it."""

    mapping: MappingRow
    consumer_group_id: str
    configuration: dict[str, Any]


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


def open_mapping_service(known: KnownEstate) -> "MappingService":
    """As the command line opens it. Raises EstateError or RefusedError: no region, no credentials, the wrong
    account."""
    with importing:
        from mesh_assets.esm.service import MappingService  # brings the Kafka client, for looking up topics

    estate = known.estate_if_any
    return MappingService(open_account(estate), estate)


def list_event_source_mappings(
    open_service: OpenService,
    /,
    target: Annotated[
        str | None, Field(max_length=512, description="Only of this function: name or ARN.")
    ] = None,
    kafka_topic: Annotated[str | None, Field(max_length=249, description="Only of this topic.")] = None,
    state: Annotated[
        str | None, Field(max_length=40, description="Only in this state: Enabled, Disabled, …")
    ] = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> MappingPage:
    """The Kafka event source mappings of the AWS account: function, topic, state, last result."""
    found = open_service().list(function=target, topic=kafka_topic, state=state)
    return build_page(
        MappingPage,
        "mappings",
        sorted(found, key=lambda mapping: mapping.uuid),
        place=lambda mapping: (mapping.uuid,),
        row=_row,
        limit=limit,
        cursor=cursor,
        question=("mappings", target, kafka_topic, state),
        narrow="target, kafka_topic or state",
    )


def get_event_source_mapping(open_service: OpenService, /, uuid: Uuid) -> MappingAnswer:
    """One event source mapping with its whole configuration."""
    mapping = open_service().get(uuid)
    return MappingAnswer(
        mapping=_row(mapping),
        consumer_group_id=mapping.consumer_group_id,
        configuration=msgspec.to_builtins(mapping.configuration),
    )


def create_event_source_mapping(
    open_service: OpenService, may_write: bool, /, request: CreateRequest, plan_id: PlanId = None
) -> PlanAnswer:
    """Plans a mapping of a Kafka topic to a Lambda function, with the rights it needs; with plan_id (and
    --allow-writes) creates it. An agent can pass the id itself, so this is not a person's consent.
    """
    service = open_service()
    return _plan_or_apply(
        may_write, plan_id, lambda: service.plan_create(request), lambda shown: service.create(request, shown)
    )


def update_event_source_mapping(
    open_service: OpenService, may_write: bool, /, request: UpdateRequest, plan_id: PlanId = None
) -> PlanAnswer:
    """Plans a change to a mapping; with plan_id (and --allow-writes) makes it. What is left out stays as it
    is."""
    service = open_service()
    return _plan_or_apply(
        may_write, plan_id, lambda: service.plan_update(request), lambda shown: service.update(request, shown)
    )


def create_execution_role(
    open_service: OpenService,
    may_write: bool,
    /,
    role_name: RoleName,
    request: CreateRequest,
    plan_id: PlanId = None,
) -> PlanAnswer:
    """Plans a role with the least rights for the function of such a mapping; with plan_id (and
    --allow-writes) creates it."""
    service = open_service()
    return _plan_or_apply(
        may_write,
        plan_id,
        lambda: service.plan_execution_role(role_name, request),
        lambda shown: service.create_execution_role(role_name, request, shown),
    )


def delete_event_source_mapping(
    open_service: OpenService, may_write: bool, /, uuid: Uuid, plan_id: PlanId = None
) -> PlanAnswer:
    """Plans the removal of a mapping; with plan_id (and --allow-writes) removes it."""
    service = open_service()
    return _plan_or_apply(
        may_write, plan_id, lambda: service.plan_delete(uuid), lambda shown: service.delete(uuid, shown)
    )


def add_msk_permissions(
    open_service: OpenService, may_write: bool, /, uuid: Uuid, plan_id: PlanId = None
) -> PlanAnswer:
    """Plans the rights that the function's role lacks for its mapping; with plan_id (and --allow-writes) adds
    them."""
    service = open_service()
    return _plan_or_apply(
        may_write,
        plan_id,
        lambda: service.plan_permissions(uuid),
        lambda shown: service.add_permissions(uuid, shown),
    )


def _plan_or_apply(
    may_write: bool, plan_id: str | None, plan: Callable[[], Plan], apply: Callable[[str], Applied]
) -> PlanAnswer:
    if plan_id is None:
        how = (
            "call again with this plan_id to carry it out"
            if may_write
            else "the server may not write: --allow-writes"
        )
        return _plan_answer(plan(), following=how)
    if not may_write:
        raise BadArgumentError(
            "the server may not change anything: start it with --allow-writes; without plan_id the plan is shown"
        )
    done = apply(plan_id)
    return _plan_answer(done.plan, following="done", applied=done)


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


def _row(mapping: EventSourceMapping) -> MappingRow:
    return MappingRow(
        uuid=mapping.uuid,
        function=mapping.function_name,
        topic=mapping.topic,
        state=mapping.state,
        last_result=cut(mapping.last_processing_result, 200) if mapping.last_processing_result else None,
        source=cut(mapping.source, 200),
    )


def _plan_answer(plan: Plan, *, following: str, applied: Applied | None = None) -> PlanAnswer:
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
        mapping=_row(applied.mapping) if applied and applied.mapping else None,
        next=following,
    )
