"""A function's role before there is a mapping: one made for it, or its own with just the rights that the mapping
needs."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.errors import EsmError, InvalidRequestError, Violation, fault
from mesh_assets.esm.iam.granted import plan_addition, plan_permissions
from mesh_assets.esm.iam.least_privilege import needed_statements
from mesh_assets.esm.iam.policy import VERSION, as_list, statements_of
from mesh_assets.esm.iam.role import RoleMissingError, iam_call, policy_document
from mesh_assets.esm.iam.wiring import wiring_of_request
from mesh_assets.esm.plan import Plan, PlannedCall, make_plan, put_policy_calls
from mesh_assets.esm.planning import plan_rights, region_violations
from mesh_assets.esm.request import CreateRequest, PermissionsRequest
from mesh_assets.esm.surroundings import TopicLookup, find_log_group, look_around, look_at_source
from mesh_assets.esm.validation import create_violations, require_no_fault

_LAMBDA = "lambda.amazonaws.com"
"""The same in all partitions."""


_ROLE_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")


class UntrustingRoleError(EsmError):
    """A role of that name exists, but Lambda may not assume it."""


def trust_policy() -> dict[str, Any]:
    """The trust policy that lets Lambda assume a role."""
    return {
        "Version": VERSION,
        "Statement": [{"Effect": "Allow", "Principal": {"Service": _LAMBDA}, "Action": "sts:AssumeRole"}],
    }


def existing_role(account: AwsAccount, name: str) -> Mapping[str, Any] | None:
    """The role as IAM describes it, or None.

    Raises UntrustingRoleError for a role that Lambda may not assume (only its owner should change that),
    PlatformError when IAM refuses or does not answer.
    """
    try:
        role: Mapping[str, Any] = iam_call(account, "get_role", "iam:GetRole", name, RoleName=name)["Role"]
    except RoleMissingError:
        return None
    if not any(
        _trusts_lambda(statement)
        for statement in statements_of(policy_document(role.get("AssumeRolePolicyDocument", "{}")))
    ):
        raise UntrustingRoleError(
            f"role {name} exists but does not trust {_LAMBDA}; choose another name, or ask its owner to add that to its trust policy"
        )
    return role


def creation_arguments(name: str, *, function_name: str) -> dict[str, Any]:
    """The arguments of iam:CreateRole."""
    return {
        "RoleName": name,
        "AssumeRolePolicyDocument": json.dumps(trust_policy()),
        "Description": f"Execution role of the Lambda function {function_name}",
    }


def _trusts_lambda(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = as_list(principal.get("Service")) if isinstance(principal, Mapping) else []
    return (
        statement.get("Effect") == "Allow"
        and _LAMBDA in services
        and "sts:AssumeRole" in as_list(statement.get("Action"))
    )


def _name_violations(name: str) -> Iterator[Violation]:
    """What IAM would refuse only once the plan is carried out."""
    if not _ROLE_NAME.fullmatch(name):
        yield fault(
            "role_name", name, "a role's name is 1-64 letters, digits and + = , . @ - _", "choose another"
        )


def plan_execution_role(account: AwsAccount, role_name: str, request: CreateRequest) -> Plan:
    """Plans a role that Lambda may assume, with the rights that the requested mapping needs.

    The function need not exist yet. The plan has no calls when such a role is already there. Raises
    InvalidRequestError for a request that breaks rules, UntrustingRoleError when a role of that name does not
    trust Lambda, PlatformError when AWS refuses or does not answer.
    """
    warnings = require_no_fault(
        (
            *_name_violations(role_name),
            *create_violations(request),
            *region_violations(account, request),
        )
    )
    identity = account.identity
    wiring = wiring_of_request(
        request, partition=identity.partition, region=account.region, account_id=identity.account_id
    )
    seen = look_at_source(account, wiring)
    find_log_group(account, request.target, seen)
    warnings += require_no_fault(seen.violations)
    wiring = seen.complete(wiring)
    role = existing_role(account, role_name)
    calls: tuple[PlannedCall, ...] = ()
    if role is not None:
        rights = plan_permissions(account, role["Arn"], wiring)
    else:
        arn = f"arn:{identity.partition}:iam::{identity.account_id}:role/{role_name}"
        rights = plan_addition(arn, wiring.topic, needed_statements(wiring), {})
        create = creation_arguments(role_name, function_name=wiring.function_name)
        calls = (PlannedCall(service="iam", operation="CreateRole", arguments=create),)
    if rights.change is not None:
        calls = (*calls, *put_policy_calls(rights.change))
    return make_plan(
        action="create_execution_role",
        summary=f"{'create role' if role is None else 'use the existing role'} {role_name} for function {wiring.function_name}",
        calls=calls,
        observed={
            "account": identity.account_id,
            "region": account.region,
            "role_id": None if role is None else role.get("RoleId"),
            **seen.observed,
        },
        permissions=rights,
        warnings=tuple(warnings),
        blocked=rights.blocked,
    )


def plan_function_permissions(
    account: AwsAccount, request: PermissionsRequest, *, lookup_topic: TopicLookup | None = None
) -> Plan:
    """Plans what the function's role lacks for a mapping that does not exist yet; no calls when it lacks nothing.

    Raises InvalidRequestError when the request does not describe a mapping, or describes one that cannot be,
    PlatformError when AWS refuses or does not answer.
    """
    missing = [
        name
        for name, value in (
            ("function_name", request.function_name),
            ("event_source_arn or kafka_bootstrap_servers", request.source),
            ("kafka_topic", request.kafka_topic),
        )
        if not value
    ]
    if missing:
        raise InvalidRequestError(
            [
                fault(
                    name, None, "is missing, and no mapping fits without it", "give it, or the mapping's UUID"
                )
                for name in missing
            ]
        )
    asks_for_pollers = request.schema_registry is not None or (
        request.on_failure_destination or ""
    ).startswith("kafka://")
    described = CreateRequest(
        target=str(request.function_name),
        kafka_topic=str(request.kafka_topic),
        event_source_arn=request.event_source_arn,
        kafka_bootstrap_servers=request.kafka_bootstrap_servers,
        kafka_consumer_group_id=request.kafka_consumer_group_id,
        source_access_configurations=request.source_access_configurations,
        schema_registry=request.schema_registry,
        on_failure_destination=request.on_failure_destination,
        # No right depends on these: every mapping, or every one with a registry or such a destination, needs them.
        starting_position="LATEST",
        provisioned_mode=True if asks_for_pollers else None,
    )
    asked = {"target", *PermissionsRequest.model_fields}
    warnings = tuple(
        warning
        for warning in require_no_fault(
            (*create_violations(described), *region_violations(account, described))
        )
        if warning.field.partition(".")[0] in asked
    )
    identity = account.identity
    wiring = wiring_of_request(
        described, partition=identity.partition, region=account.region, account_id=identity.account_id
    )
    return plan_rights(
        account,
        wiring,
        summary=f"grant the role of function {wiring.function_name} what a mapping of topic {wiring.topic} will need",
        observed={"account": identity.account_id, "region": account.region},
        seen=look_around(
            account,
            wiring,
            described.target,
            bootstrap_servers=described.kafka_bootstrap_servers or (),
            lookup_topic=lookup_topic,
        ),
        warnings=warnings,
    )
