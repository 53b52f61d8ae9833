"""Tools: event source mappings. Whatever changes something answers with a plan first, and does only what the
plan with that id says."""

import inspect
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from pydantic import BaseModel, Field

from mesh_assets.answering.answers import (
    Answer,
    CursorArgument,
    LimitArgument,
    Name,
    cut,
)
from mesh_assets.answering.pages import BadArgumentError, cut_page
from mesh_assets.esm.applying import Applied
from mesh_assets.esm.aws_account import AwsAccess, aws_account
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.request import CreateRequest, UpdateRequest, read_request
from mesh_assets.estate.file import estate_path
from mesh_assets.mcp_server.confirming import Question
from mesh_assets.mcp_server.server import LONG, Behaviour, MeshServer

if TYPE_CHECKING:
    from mesh_assets.esm.service import MappingService

MakeService = Callable[[], "MappingService"]
PlanId = Annotated[
    str | None,
    Field(max_length=100, description="Of the plan to carry out; without it the plan is only shown."),
]
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
    """`configuration`: as Lambda answers it."""

    mapping: MappingRow
    consumer_group_id: str
    configuration: dict[str, Any]


class PlanAnswer(Answer):
    """`applied` False: nothing was done. `blocked`: why carrying it out would be refused. `statement`: rights
    that somebody has to give."""

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


def add_mappings(server: MeshServer, make_service: MakeService | None = None) -> None:
    service = make_service or (lambda: mapping_service(server))
    changes: Behaviour = "destroys" if server.mesh.allow_writes else "reads_systems"
    asking = _question if server.mesh.allow_writes else None

    def carry_out(
        plan_id: str | None, plan: Callable[[], Plan], apply: Callable[[str], Applied]
    ) -> PlanAnswer:
        if plan_id is None:
            how = (
                "call again with this plan_id to carry it out"
                if server.mesh.allow_writes
                else "the server may not write: --allow-writes"
            )
            return _plan(plan(), following=how)
        if not server.mesh.allow_writes:
            raise BadArgumentError(
                "the server may not change anything: start it with --allow-writes; without plan_id the plan is shown"
            )
        done = apply(plan_id)
        return _plan(done.plan, following="done", applied=done)

    @server.answers("List event source mappings", "reads_systems")
    def list_event_source_mappings(
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
        found = service().list(function=target, topic=kafka_topic, state=state)
        page = cut_page(
            sorted(found, key=lambda mapping: mapping.uuid),
            place=lambda mapping: (mapping.uuid,),
            row=_row,
            limit=limit,
            cursor=cursor,
            question=("mappings", target, kafka_topic, state),
            version="",
            narrow="target, kafka_topic or state",
        )
        return MappingPage(mappings=page.rows, total=page.total, next_cursor=page.next_cursor, hint=page.hint)

    @server.answers("Get an event source mapping", "reads_systems")
    def get_event_source_mapping(uuid: Uuid) -> MappingAnswer:
        """One event source mapping with its whole configuration."""
        mapping = service().get(uuid)
        return MappingAnswer(
            mapping=_row(mapping),
            consumer_group_id=mapping.consumer_group_id,
            configuration=msgspec.to_builtins(mapping.configuration),
        )

    def create_event_source_mapping(plan_id: str | None = None, **given: Any) -> PlanAnswer:
        """Plans a mapping of a Kafka topic to a Lambda function, with the rights it needs; with plan_id (and
        --allow-writes) makes it. An agent can pass the id itself, so this is no human consent.
        """
        request, mappings = read_request(CreateRequest, given), service()
        return carry_out(
            plan_id, lambda: mappings.plan_create(request), lambda the_id: mappings.create(request, the_id)
        )

    def update_event_source_mapping(plan_id: str | None = None, **given: Any) -> PlanAnswer:
        """Plans a change of a mapping; with plan_id (and --allow-writes) makes it. What is left out stays as
        it is."""
        request, mappings = read_request(UpdateRequest, given), service()
        return carry_out(
            plan_id, lambda: mappings.plan_update(request), lambda the_id: mappings.update(request, the_id)
        )

    def create_execution_role(role_name: str, plan_id: str | None = None, **given: Any) -> PlanAnswer:
        """Plans a role for the function of such a mapping, with the least rights; with plan_id (and
        --allow-writes) makes it."""
        request, mappings = read_request(CreateRequest, given), service()
        return carry_out(
            plan_id,
            lambda: mappings.plan_execution_role(role_name, request),
            lambda the_id: mappings.create_execution_role(role_name, request, the_id),
        )

    role = inspect.Parameter(
        "role_name",
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[Name, Field(max_length=64, description="The role's name.")],
    )
    for function, model, first in (
        (create_event_source_mapping, CreateRequest, ()),
        (update_event_source_mapping, UpdateRequest, ()),
        (create_execution_role, CreateRequest, (role,)),
    ):
        title = function.__name__.replace("_", " ").capitalize()
        server.answers(title, changes, times=LONG, asking=asking)(_flat(function, model, first))

    @server.answers("Delete an event source mapping", changes, times=LONG, asking=asking)
    def delete_event_source_mapping(uuid: Uuid, plan_id: PlanId = None) -> PlanAnswer:
        """Plans the removal of a mapping; with plan_id (and --allow-writes) removes it."""
        mappings = service()
        return carry_out(
            plan_id, lambda: mappings.plan_delete(uuid), lambda the_id: mappings.delete(uuid, the_id)
        )

    @server.answers("Add the rights a mapping needs", changes, times=LONG, asking=asking)
    def add_msk_permissions(uuid: Uuid, plan_id: PlanId = None) -> PlanAnswer:
        """Plans the rights that the function's role lacks for its mapping; with plan_id (and --allow-writes)
        adds them."""
        mappings = service()
        return carry_out(
            plan_id,
            lambda: mappings.plan_permissions(uuid),
            lambda the_id: mappings.add_permissions(uuid, the_id),
        )


def mapping_service(server: MeshServer) -> "MappingService":
    """As the command line makes it. Raises EstateError or RefusedError: no region, no credentials, another
    account."""
    from mesh_assets.esm.service import MappingService  # it brings the Kafka client, for looking topics up

    path = server.mesh.estate or estate_path()
    estate = server.known.estate if path.exists() else None
    access = AwsAccess(aws_account(estate))
    _ = access.identity
    return MappingService(access, estate)


def _flat(
    function: Callable[..., PlanAnswer], model: type[BaseModel], first: tuple[inspect.Parameter, ...]
) -> Callable[..., PlanAnswer]:
    """`function` with the fields of `model` as arguments of its own: what is not given is not passed on."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    fields = [
        inspect.Parameter(
            name,
            keyword,
            default=inspect.Parameter.empty if field.is_required() else field.default,
            annotation=Annotated[field.rebuild_annotation(), Field(description=field.description)],
        )
        for name, field in model.model_fields.items()
    ]

    def tool(**arguments: Any) -> PlanAnswer:
        return function(**{name: value for name, value in arguments.items() if value is not None})

    plan_id = inspect.Parameter("plan_id", keyword, default=None, annotation=PlanId)
    tool.__name__, tool.__doc__ = function.__name__, function.__doc__
    tool.__signature__ = inspect.Signature([*first, *fields, plan_id], return_annotation=PlanAnswer)  # type: ignore[attr-defined]
    return tool


def _row(mapping: EventSourceMapping) -> MappingRow:
    return MappingRow(
        uuid=mapping.uuid,
        function=mapping.function_name,
        topic=mapping.topic,
        state=mapping.state,
        last_result=cut(mapping.last_processing_result, 200) if mapping.last_processing_result else None,
        source=cut(mapping.source, 200),
    )


def _plan(plan: Plan, *, following: str, applied: Applied | None = None) -> PlanAnswer:
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


def _question(answer: PlanAnswer) -> Question | None:
    """None: carrying it out would be refused, or nothing would be done."""
    if answer.applied or answer.blocked is not None or not answer.calls:
        return None
    calls = [
        f"{one['service']} {one['operation']} {json.dumps(one['arguments'], sort_keys=True)}"
        for one in answer.calls
    ]
    lines = [answer.summary, *calls, *(f"note: {warning}" for warning in answer.warnings)]
    return Question(plan_id=answer.plan_id, text="\n".join([*lines, f"Carry out plan {answer.plan_id}?"]))
