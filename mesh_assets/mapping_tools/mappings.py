"""Tools: event source mappings. A tool that changes something first answers with a plan, and then does only
what the plan of that id says."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from pydantic import Field

from mesh_assets.answering.answers import (
    BadArgumentError,
    CursorArgument,
    LimitArgument,
    Name,
    current_call,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page
from mesh_assets.esm.applying import Applied
from mesh_assets.esm.aws_account import open_account
from mesh_assets.esm.errors import InvalidRequestError
from mesh_assets.esm.lookup import same_source
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.request import CreateRequest, NamedMapping, PermissionsRequest, UpdateRequest
from mesh_assets.esm.request_fields import fields_of
from mesh_assets.importing import importing
from mesh_assets.mapping_tools.mapping_answers import (
    MappingAnswer,
    MappingPage,
    PlanAnswer,
    listed_mapping,
    mapping_row,
    plan_answer,
)
from mesh_assets.mapping_tools.named_access import check_one_source, check_request_secrets, two_sources

if TYPE_CHECKING:
    from mesh_assets.esm.service import MappingService

OpenService = Callable[[], "MappingService"]
PlanId = Annotated[
    str | None,
    Field(max_length=100, description="The plan to carry out; without it, the plan is only shown."),
]
RoleName = Annotated[Name, Field(max_length=64, description="The role's name.")]
Uuid = Annotated[Name, Field(description="The mapping's UUID.")]
AddPermissions = Annotated[bool, Field(description="Grant the role what it lacks, in one inline policy.")]
ContinueWithout = Annotated[
    bool, Field(description="Continue when the role's rights are unknown or cannot be granted.")
]


def open_mapping_service(known: KnownEstate) -> "MappingService":
    """Opened as on the command line. Raises EstateError or RefusedError: no region, no credentials, the wrong
    account."""
    with importing:
        from mesh_assets.esm.service import MappingService  # brings the Kafka client, for looking up topics

    estate = known.estate_if_any
    return MappingService(open_account(estate), estate)


def list_event_source_mappings(
    known: KnownEstate,
    open_service: OpenService,
    /,
    target: Annotated[
        str | None, Field(max_length=512, description="Only of this function: name or ARN.")
    ] = None,
    cluster: Annotated[
        str | None,
        Field(
            max_length=2048,
            description="Only of this cluster: its name in the estate, MSK ARN, or bootstrap servers with commas.",
        ),
    ] = None,
    kafka_topic: Annotated[str | None, Field(max_length=249, description="Only of this topic.")] = None,
    state: Annotated[
        str | None, Field(max_length=40, description="Only in this state: Enabled, Disabled, …")
    ] = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
) -> MappingPage:
    """The Kafka event source mappings of the AWS account: function, topic, state, last result, group, last
    change."""
    service = open_service()
    found = service.list(function=target, topic=kafka_topic, state=state)
    return build_page(
        MappingPage,
        "mappings",
        sorted(_of_cluster(known, service, found, cluster), key=lambda mapping: mapping.uuid),
        place=lambda mapping: (mapping.uuid,),
        row=listed_mapping,
        limit=limit,
        cursor=cursor,
        question=("mappings", target, cluster, kafka_topic, state),
        narrow="target, cluster, kafka_topic or state",
    )


def _of_cluster(
    known: KnownEstate, service: "MappingService", found: Sequence[EventSourceMapping], cluster: str | None
) -> Sequence[EventSourceMapping]:
    """Looks for the estate's name among the clusters that the mappings read, with one question per source."""
    if cluster is None:
        return found
    if cluster.startswith("arn:") or ":" in cluster:
        return [mapping for mapping in found if same_source(mapping, cluster)]
    with importing:
        from mesh_assets.esm.estate_clusters import cluster_of  # brings the Kafka client

    name = known.name(cluster)
    names: dict[str, str | None] = {}
    for mapping in found:
        if mapping.source not in names:
            current_call().go_on()
            reads = cluster_of(
                known.estate_if_any,
                service.account,
                event_source_arn=mapping.event_source_arn,
                bootstrap_servers=mapping.bootstrap_servers,
            )
            names[mapping.source] = None if reads is None else reads.name
    return [mapping for mapping in found if names[mapping.source] == name]


def get_event_source_mapping(open_service: OpenService, /, named: NamedMapping) -> MappingAnswer:
    """One event source mapping with its whole configuration."""
    check_one_source(named.event_source_arn, named.kafka_bootstrap_servers)
    mapping = open_service().named(named)
    return MappingAnswer(
        mapping=mapping_row(mapping),
        consumer_group_id=mapping.consumer_group_id,
        configuration=msgspec.to_builtins(mapping.configuration),
        notes=list(mapping.notes) or None,
    )


def create_event_source_mapping(
    known: KnownEstate,
    open_service: OpenService,
    may_write: bool,
    /,
    request: CreateRequest,
    add_permissions: AddPermissions = True,
    continue_without_permissions: ContinueWithout = False,
    plan_id: PlanId = None,
) -> PlanAnswer:
    """Plans a mapping of a Kafka topic to a Lambda function, with the rights it needs; with plan_id (and
    --allow-writes) creates it. An agent can pass the id itself, so this is not a person's consent.
    """
    service = open_service()
    check_request_secrets(
        known, service.account, request.source_access_configurations, request.schema_registry
    )
    options = _options(add_permissions, continue_without_permissions)
    return _plan_or_apply(
        may_write,
        plan_id,
        _of_one_source(request, lambda: service.plan_create(request, options)),
        lambda shown: service.create(request, shown, options),
    )


def update_event_source_mapping(
    known: KnownEstate,
    open_service: OpenService,
    may_write: bool,
    /,
    request: UpdateRequest,
    add_permissions: AddPermissions = True,
    continue_without_permissions: ContinueWithout = False,
    plan_id: PlanId = None,
) -> PlanAnswer:
    """Plans a change to a mapping; with plan_id (and --allow-writes) makes it. What you leave out stays as it
    is."""
    check_one_source(request.event_source_arn, request.kafka_bootstrap_servers)
    service = open_service()
    if request.source_access_configurations or request.schema_registry:
        named = NamedMapping(
            uuid=request.uuid,
            # With a UUID, it is the function to call from now on; the plan decides whether the rest fits.
            function_name=None if request.uuid else request.target,
            event_source_arn=None if request.uuid else request.event_source_arn,
            kafka_bootstrap_servers=None if request.uuid else request.kafka_bootstrap_servers,
            kafka_topic=None if request.uuid else request.kafka_topic,
        )
        check_request_secrets(
            known,
            service.account,
            request.source_access_configurations,
            request.schema_registry,
            mapping=service.named(named),
        )
    options = _options(add_permissions, continue_without_permissions)
    return _plan_or_apply(
        may_write,
        plan_id,
        lambda: service.plan_update(request, options),
        lambda shown: service.update(request, shown, options),
    )


# Parameters of the planned mapping that rights depend on, or that a request must have.
_RIGHTS_DEPEND_ON = frozenset(
    {
        "target",
        "kafka_topic",
        "event_source_arn",
        "kafka_bootstrap_servers",
        "source_access_configurations",
        "kafka_consumer_group_id",
        "schema_registry",
        "on_failure_destination",
        "provisioned_mode",
        "starting_position",
        "starting_position_timestamp",
        "consumption_mode",
    }
)
UNLISTED_FOR_ROLES = frozenset(
    field.name
    for field in fields_of(CreateRequest)
    if not field.refused and field.name not in _RIGHTS_DEPEND_ON
)


def create_execution_role(
    known: KnownEstate,
    open_service: OpenService,
    may_write: bool,
    /,
    role_name: RoleName,
    request: CreateRequest,
    plan_id: PlanId = None,
) -> PlanAnswer:
    """Plans a role with the least rights for the function of a mapping; with plan_id (and --allow-writes) creates
    it. Takes every parameter of create_event_source_mapping; those that do not affect rights are not
    listed."""
    service = open_service()
    check_request_secrets(
        known, service.account, request.source_access_configurations, request.schema_registry
    )
    return _plan_or_apply(
        may_write,
        plan_id,
        _of_one_source(request, lambda: service.plan_execution_role(role_name, request)),
        lambda shown: service.create_execution_role(role_name, request, shown),
    )


def delete_event_source_mapping(
    open_service: OpenService, may_write: bool, /, named: NamedMapping, plan_id: PlanId = None
) -> PlanAnswer:
    """Plans the removal of a mapping; with plan_id (and --allow-writes) removes it."""
    check_one_source(named.event_source_arn, named.kafka_bootstrap_servers)
    service = open_service()
    return _plan_or_apply(
        may_write, plan_id, lambda: service.plan_delete(named), lambda shown: service.delete(named, shown)
    )


def add_msk_permissions(
    known: KnownEstate,
    open_service: OpenService,
    may_write: bool,
    /,
    request: PermissionsRequest,
    plan_id: PlanId = None,
) -> PlanAnswer:
    """Plans the rights that the function's role lacks for its mapping, existing or planned; with
    plan_id (and --allow-writes) adds them."""
    check_one_source(request.event_source_arn, request.kafka_bootstrap_servers)
    service = open_service()
    check_request_secrets(
        known, service.account, request.source_access_configurations, request.schema_registry
    )
    return _plan_or_apply(
        may_write,
        plan_id,
        lambda: service.plan_permissions(request),
        lambda shown: service.add_permissions(request, shown),
    )


def _options(add_permissions: bool, continue_without_permissions: bool) -> PlanOptions:
    return PlanOptions(
        add_permissions=add_permissions, continue_without_permissions=continue_without_permissions
    )


def _of_one_source(request: CreateRequest, plan: Callable[[], Plan]) -> Callable[[], Plan]:
    """The plan; offers a choice where the request names two sources, with everything else that is wrong in
    the message."""

    def made() -> Plan:
        try:
            return plan()
        except InvalidRequestError as error:
            if request.event_source_arn and request.kafka_bootstrap_servers:
                raise two_sources(
                    str(error), request.event_source_arn, request.kafka_bootstrap_servers
                ) from error
            raise

    return made


def _plan_or_apply(
    may_write: bool, plan_id: str | None, plan: Callable[[], Plan], apply: Callable[[str], Applied]
) -> PlanAnswer:
    if plan_id is None:
        how = (
            "call again with this plan_id to carry it out"
            if may_write
            else "the server may not write: --allow-writes"
        )
        return plan_answer(plan(), following=how)
    if not may_write:
        raise BadArgumentError(
            "the server may not change anything: start it with --allow-writes; without plan_id the plan is shown"
        )
    done = apply(plan_id)
    return plan_answer(done.plan, following="done", applied=done)
