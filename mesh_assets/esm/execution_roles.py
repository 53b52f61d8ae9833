"""A plan for an execution role: made when it is not there, and given what a mapping needs."""

import msgspec

from mesh_assets.esm.access import AwsAccess
from mesh_assets.esm.iam.execution_role import creation_arguments, existing_role
from mesh_assets.esm.iam.least_privilege import needed_statements
from mesh_assets.esm.iam.permissions import PermissionsPlan, plan_permissions, policy_name
from mesh_assets.esm.iam.policy import PolicyChange, document_of, document_text
from mesh_assets.esm.iam.put_policy import put_policy_calls
from mesh_assets.esm.iam.wiring import wiring_of_request
from mesh_assets.esm.plan import Plan, PlannedCall, make_plan
from mesh_assets.esm.request import CreateRequest
from mesh_assets.esm.surroundings import look_at_source
from mesh_assets.esm.validation import create_findings, require_no_fault


def plan_execution_role(access: AwsAccess, role_name: str, request: CreateRequest) -> Plan:
    """A role that Lambda may assume, with the rights of the mapping asked for. No calls when it is there and
    has them: it can be repeated.

    Raises UntrustingRoleError when a role of the name does not trust Lambda. The function need not exist yet.
    """
    warnings = require_no_fault(create_findings(request))
    identity = access.identity
    wiring = wiring_of_request(
        request, partition=identity.partition, region=access.region, account_id=identity.account_id
    )
    seen = look_at_source(access, wiring)
    warnings += require_no_fault(seen.findings)
    wiring = msgspec.structs.replace(wiring, keys=seen.customer_keys, iam_enabled=seen.iam_enabled)
    role = existing_role(access, role_name)
    if role is not None:
        rights = plan_permissions(access, role["Arn"], wiring)
        calls = () if rights.change is None else put_policy_calls(rights.change)
    else:
        needed = needed_statements(wiring)
        change = PolicyChange(
            role_name=role_name, policy_name=policy_name(wiring), before=None, after=document_of(needed)
        )
        arn = f"arn:{identity.partition}:iam::{identity.account_id}:role/{role_name}"
        rights = PermissionsPlan(role_arn=arn, state="to_add", change=change, statement=document_text(needed))
        create = PlannedCall(
            service="iam",
            operation="CreateRole",
            arguments=creation_arguments(role_name, function_name=wiring.function_name),
        )
        calls = (create, *put_policy_calls(change))
    return make_plan(
        action="create_execution_role",
        summary=f"{'create role' if role is None else 'use the existing role'} {role_name} for function {wiring.function_name}",
        calls=calls,
        observed={
            "account": identity.account_id,
            "role_id": None if role is None else role.get("RoleId"),
            **seen.observed,
        },
        permissions=rights,
        warnings=tuple(warnings),
        blocked=None
        if rights.state in ("granted", "to_add")
        else f"the role's rights are {rights.state}: {rights.why}",
    )
