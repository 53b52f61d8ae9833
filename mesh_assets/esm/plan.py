"""A plan: the exact requests, the change of rights, the warnings, and an id unique to it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from mesh_assets.esm.errors import PlanOutdatedError, Violation, warning
from mesh_assets.esm.iam.granted import PermissionsPlan
from mesh_assets.esm.iam.policy import PolicyChange
from mesh_assets.esm.mapping import plain

PlanAction = Literal[
    "create_event_source_mapping",
    "update_event_source_mapping",
    "delete_event_source_mapping",
    "add_msk_permissions",
    "create_execution_role",
]
_ID_CHARACTERS = 16


class PlannedCall(Struct, frozen=True, kw_only=True):
    """A request as it will be sent. `operation` is AWS' name for it; `arguments` are JSON values."""

    service: str
    operation: str
    arguments: Mapping[str, Any]


class Plan(Struct, frozen=True, kw_only=True):
    """What would be done, in this order; nothing has been done. `calls` empty: everything is already as requested.

    `observed`: the state it was made from. `id` is the hash of calls, permissions and observed state: if any of them
    has changed, the plan is refused. `blocked`: why applying it will be refused anyway, unless told to
    continue.
    """

    id: str
    action: PlanAction
    summary: str
    calls: tuple[PlannedCall, ...]
    permissions: PermissionsPlan | None
    warnings: tuple[Violation, ...]
    differences: tuple[str, ...]
    observed: Mapping[str, Any]
    blocked: str | None = None


def make_plan(
    *,
    action: PlanAction,
    summary: str,
    calls: tuple[PlannedCall, ...],
    observed: Mapping[str, Any],
    permissions: PermissionsPlan | None = None,
    warnings: tuple[Violation, ...] = (),
    differences: tuple[str, ...] = (),
    blocked: str | None = None,
) -> Plan:
    """The plan with its id."""
    calls = tuple(
        PlannedCall(service=c.service, operation=c.operation, arguments=plain(c.arguments)) for c in calls
    )
    seen = plain(observed)
    if permissions is not None and permissions.change is not None and permissions.why is not None:
        note = warning("role", permissions.change.role_name, permissions.why, "look at its inline policies")
        warnings = (*warnings, note)
    return Plan(
        id=_hash(action, calls, permissions, seen),
        action=action,
        summary=summary,
        calls=calls,
        permissions=permissions,
        warnings=warnings,
        differences=differences,
        observed=seen,
        blocked=blocked,
    )


def require_same(plan: Plan, plan_id: str) -> None:
    """Raises PlanOutdatedError unless the freshly made plan has this id."""
    if plan.id != plan_id:
        raise PlanOutdatedError(
            f"plan {plan_id} is outdated: the request, the rights or the state it was made from have changed, and the plan is now "
            f"{plan.id}; nothing was done; check the new plan and apply that one"
        )


def _hash(
    action: str,
    calls: tuple[PlannedCall, ...],
    permissions: PermissionsPlan | None,
    observed: Mapping[str, Any],
) -> str:
    # Without `why`: a sentence from AWS, which may name a request or a session and so differ each time.
    rights = None
    if permissions is not None:
        change = permissions.change
        rights = [
            permissions.role_arn,
            permissions.state,
            permissions.statement,
            None if change is None else [change.policy_name, change.document],
        ]
    content = [action, [[call.service, call.operation, call.arguments] for call in calls], rights, observed]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_CHARACTERS]


def put_policy_calls(change: PolicyChange) -> tuple[PlannedCall, ...]:
    """The call that writes the one inline policy."""
    arguments = {
        "RoleName": change.role_name,
        "PolicyName": change.policy_name,
        "PolicyDocument": json.dumps(change.document),
    }
    return (PlannedCall(service="iam", operation="PutRolePolicy", arguments=arguments),)
