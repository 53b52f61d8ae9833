"""Plans for mappings, made without changing anything."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from mesh_assets.esm.api_request import create_arguments, differences, update_arguments
from mesh_assets.esm.arns import arn_in, function_in, msk_cluster_in
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.errors import InvalidRequestError, MappingBusyError, Violation, fault, warning
from mesh_assets.esm.iam.granted import PermissionsPlan, plan_permissions
from mesh_assets.esm.iam.least_privilege import needed_statements
from mesh_assets.esm.iam.policy import document_text
from mesh_assets.esm.iam.wiring import Wiring, wiring_of_mapping, wiring_of_request
from mesh_assets.esm.lookup import find_mapping, list_mappings, same_source
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.neighbours import (
    group_violations,
    poller_group_asked,
    poller_group_violations,
    require_no_twin,
)
from mesh_assets.esm.plan import Plan, PlannedCall, make_plan, put_policy_calls
from mesh_assets.esm.request import CreateRequest, UpdateRequest
from mesh_assets.esm.surroundings import Surroundings, TopicLookup, look_around
from mesh_assets.esm.validation import create_violations, require_no_fault, update_violations
from mesh_assets.esm.value_format import FormatLookup, filter_format_violations

_CHANGING = ("Creating", "Enabling", "Disabling", "Updating", "Deleting")
"""The states in which Lambda accepts no change. Lambda decides about states unknown here."""


class PlanOptions(Struct, frozen=True, kw_only=True):
    """`add_permissions`: grant the role what it lacks, in one inline policy.

    `continue_without_permissions`: where that is impossible or unwanted, warn instead of refusing.
    """

    add_permissions: bool = True
    continue_without_permissions: bool = False


DEFAULT_OPTIONS = PlanOptions()


def plan_create(
    account: AwsAccount,
    request: CreateRequest,
    *,
    options: PlanOptions = DEFAULT_OPTIONS,
    lookup_topic: TopicLookup | None = None,
    lookup_format: FormatLookup | None = None,
) -> Plan:
    """What creating the mapping would do.

    Raises InvalidRequestError with everything wrong with the request and with what it refers to,
    MappingConflictError when the mapping already exists, PlatformError when AWS refuses or does not answer.
    """
    warnings = list(require_no_fault((*create_violations(request), *region_violations(account, request))))
    identity = account.identity
    arguments = create_arguments(request)
    others = list_mappings(account)
    source = _source(request) or ""
    require_no_twin(
        account,
        others,
        function=request.target,
        source=source,
        topic=request.kafka_topic,
        arguments=arguments,
    )
    wiring = wiring_of_request(
        request, partition=identity.partition, region=account.region, account_id=identity.account_id
    )
    seen = look_around(
        account,
        wiring,
        request.target,
        bootstrap_servers=request.kafka_bootstrap_servers or (),
        lookup_topic=lookup_topic,
    )
    warnings += require_no_fault(
        (
            *seen.violations,
            *group_violations(others, request.kafka_consumer_group_id),
            *poller_group_violations(others, request, None),
            *_unknown_group(seen.complete(wiring)),
        )
    )
    if lookup_format is not None:
        warnings += filter_format_violations(lookup_format, request, wiring)
    wiring = seen.complete(wiring)
    rights = _rights(account, seen.role_arn, wiring)
    function = function_in(request.target)
    return make_plan(
        action="create_event_source_mapping",
        summary=f"create a mapping of topic {request.kafka_topic} to function {request.target if function is None else function.name}",
        calls=(
            *_policy_calls(rights, options),
            PlannedCall(service="lambda", operation="CreateEventSourceMapping", arguments=arguments),
        ),
        observed={
            "account": identity.account_id,
            "region": account.region,
            **seen.observed,
            "others": sorted(
                m.uuid for m in others if m.topic == request.kafka_topic and same_source(m, source)
            ),
        },
        permissions=rights,
        warnings=tuple(warnings),
        blocked=_blocked(rights, options),
    )


def plan_update(
    account: AwsAccount,
    request: UpdateRequest,
    *,
    options: PlanOptions = DEFAULT_OPTIONS,
    lookup_format: FormatLookup | None = None,
) -> Plan:
    """What updating the mapping would do; no calls when it is already as requested.

    Raises MappingNotFoundError, AmbiguousMappingError, MappingBusyError while it is changing,
    MappingConflictError, InvalidRequestError, and PlatformError when AWS refuses or does not answer.

    A mapping that is switched off, or stays off, needs no rights, and what it refers to need not exist, unless the
    update names something new.
    """
    existing = find_mapping(
        account,
        uuid=request.uuid,
        function=None if request.uuid else request.target,
        source=None if request.uuid else _source(request),
        topic=None if request.uuid else request.kafka_topic,
    )
    require_kafka(existing)
    warnings = list(require_no_fault(update_violations(request, existing)))
    require_settled(existing)
    arguments = update_arguments(request, existing)
    changes = tuple(differences(arguments, existing).values())
    others = _neighbour_violations(account, request, existing, arguments)
    wiring = wiring_of_mapping(existing, changes=arguments)
    polls = request.enabled if request.enabled is not None else existing.state != "Disabled"
    # A mapping that does not poll needs nothing: it can be stopped even if what it refers to is gone.
    idle = not polls and wiring == wiring_of_mapping(existing)
    function = arguments.get("FunctionName", existing.function_arn)
    seen = Surroundings() if idle else look_around(account, wiring, function)
    warnings += require_no_fault((*seen.violations, *others))
    if lookup_format is not None and not idle:
        warnings += filter_format_violations(lookup_format, request, wiring, existing)
    wiring = seen.complete(wiring)
    rights = None if idle else _rights(account, seen.role_arn, wiring)
    call = PlannedCall(service="lambda", operation="UpdateEventSourceMapping", arguments=arguments)
    return make_plan(
        action="update_event_source_mapping",
        summary=f"update mapping {existing.uuid} of topic {existing.topic} to function {existing.function_name}",
        calls=(*_policy_calls(rights, options), call) if changes else (),
        observed={**_current_state(account, existing), **seen.observed},
        permissions=rights,
        warnings=tuple(warnings),
        differences=changes,
        blocked=_blocked(rights, options) if changes else None,
    )


def _neighbour_violations(
    account: AwsAccount, request: UpdateRequest, existing: EventSourceMapping, arguments: dict[str, Any]
) -> tuple[Violation, ...]:
    """What the account's other mappings forbid; they are listed only if the update can conflict with them.

    Raises MappingConflictError where the new function already gets the topic.
    """
    target = arguments.get("FunctionName")
    if target is None and poller_group_asked(request, existing) is None:
        return ()
    others = [mapping for mapping in list_mappings(account) if mapping.uuid != existing.uuid]
    if target is not None:
        require_no_twin(
            account,
            others,
            function=target,
            source=existing.source,
            topic=existing.topic or "",
            arguments=arguments,
        )
    return tuple(poller_group_violations(others, request, existing))


def plan_delete(account: AwsAccount, mapping: EventSourceMapping) -> Plan:
    """What deleting the mapping would do; `observed` shows the mapping.

    Raises InvalidRequestError for a mapping of another kind of source, MappingBusyError while it is changing.
    """
    require_kafka(mapping)
    require_settled(mapping)
    kept = warning(
        "uuid",
        mapping.uuid,
        f"the committed offsets of group {mapping.consumer_group_id} stay in Kafka, and a new mapping with this group continues from them",
        "use another group to start afresh",
    )
    return make_plan(
        action="delete_event_source_mapping",
        summary=f"delete mapping {mapping.uuid} of topic {mapping.topic} to function {mapping.function_name}",
        calls=(
            PlannedCall(
                service="lambda", operation="DeleteEventSourceMapping", arguments={"UUID": mapping.uuid}
            ),
        ),
        observed=_current_state(account, mapping),
        warnings=(kept,),
    )


def plan_mapping_permissions(account: AwsAccount, mapping: EventSourceMapping) -> Plan:
    """What granting the mapping's role its missing rights would do; no calls when none are missing.

    Raises InvalidRequestError when something the mapping refers to is missing, PlatformError when AWS refuses
    or does not answer.
    """
    require_kafka(mapping)
    wiring = wiring_of_mapping(mapping)
    return plan_rights(
        account,
        wiring,
        summary=f"grant the role of function {mapping.function_name} what mapping {mapping.uuid} of topic {mapping.topic} needs",
        observed=_current_state(account, mapping),
        seen=look_around(account, wiring, mapping.function_arn),
    )


def plan_rights(
    account: AwsAccount,
    wiring: Wiring,
    *,
    summary: str,
    observed: dict[str, object],
    seen: Surroundings,
    warnings: tuple[Violation, ...] = (),
) -> Plan:
    """What granting the function's role the rights of this wiring would do. Raises like the plans that use it."""
    wiring = seen.complete(wiring)
    warnings += require_no_fault((*seen.violations, *_unknown_group(wiring)))
    rights = _rights(account, seen.role_arn, wiring)
    return make_plan(
        action="add_msk_permissions",
        summary=summary,
        calls=_policy_calls(rights, DEFAULT_OPTIONS),
        observed={**observed, **seen.observed},
        permissions=rights,
        warnings=warnings,
        blocked=_blocked(rights, DEFAULT_OPTIONS),
    )


def require_kafka(mapping: EventSourceMapping) -> None:
    """Raises InvalidRequestError for a mapping of a queue, another stream or a database."""
    if not mapping.is_kafka:
        raise InvalidRequestError(
            [
                fault(
                    "uuid",
                    mapping.uuid,
                    f"reads {mapping.source or 'another source'}, not a Kafka topic",
                    "name a mapping that `mesh-assets esm list` shows; manage this one with its own tools",
                )
            ]
        )


def require_settled(mapping: EventSourceMapping) -> None:
    """Raises MappingBusyError while the mapping is changing."""
    if mapping.state == "Deleting":
        raise MappingBusyError(f"mapping {mapping.uuid} is being deleted and can no longer be changed")
    if mapping.state in _CHANGING:
        raise MappingBusyError(
            f"mapping {mapping.uuid} is {mapping.state}, and Lambda changes only mappings that are Enabled or Disabled; wait until it is"
        )


def _current_state(account: AwsAccount, mapping: EventSourceMapping) -> dict[str, object]:
    return {
        "account": account.identity.account_id,
        "region": account.region,
        "mapping": {**mapping.configuration, "State": mapping.state},
    }


def _source(request: CreateRequest | UpdateRequest) -> str | None:
    return request.event_source_arn or ",".join(request.kafka_bootstrap_servers or ()) or None


def region_violations(account: AwsAccount, request: CreateRequest) -> Iterator[Violation]:
    """Function and cluster must be in the region where the mapping is created, and the cluster in its account."""
    arn = arn_in(request.target)
    if arn is not None and arn.region != account.region:
        yield fault(
            "target",
            request.target,
            f"is in {arn.region}, not in {account.region}",
            f"choose its region: --region {arn.region}",
        )
    cluster = msk_cluster_in(request.event_source_arn or "")
    if cluster is not None and cluster.region != account.region:
        yield fault(
            "event_source_arn",
            request.event_source_arn,
            f"is in {cluster.region}, not in {account.region}; a mapping must be in its cluster's region",
            f"choose its region: --region {cluster.region}",
        )
    own = account.identity.account_id
    if cluster is not None and cluster.account != own:
        yield fault(
            "event_source_arn",
            request.event_source_arn,
            f"belongs to account {cluster.account}, not {own}, and Lambda reaches another account's cluster only by a VPC connection",
            f"give the ARN of account {own}'s VPC connection to the cluster",
        )


def _unknown_group(wiring: Wiring) -> Iterator[Violation]:
    if wiring.uses_iam_authentication and wiring.group is None:
        yield warning(
            "kafka_consumer_group_id",
            None,
            "the rights to the group are left out, because its name is unknown until the mapping exists",
            "name a group, or run `mesh-assets esm permissions UUID` afterwards",
        )


def _rights(account: AwsAccount, role_arn: str | None, wiring: Wiring) -> PermissionsPlan:
    if role_arn is not None:
        return plan_permissions(account, role_arn, wiring)
    return PermissionsPlan(
        role_arn="",
        state="unknown",
        statement=document_text(needed_statements(wiring)),
        why=f"the role of function {wiring.function_name} is unknown",
    )


def _policy_calls(rights: PermissionsPlan | None, options: PlanOptions) -> tuple[PlannedCall, ...]:
    if rights is None or rights.change is None or not options.add_permissions:
        return ()
    return put_policy_calls(rights.change)


def _blocked(rights: PermissionsPlan | None, options: PlanOptions) -> str | None:
    if rights is None or rights.state == "granted" or options.continue_without_permissions:
        return None
    if rights.state == "to_add" and not options.add_permissions:
        return "the role lacks rights, and granting them is turned off"
    return rights.blocked
