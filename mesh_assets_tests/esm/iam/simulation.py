"""IAM's simulation of a role, as far as the tests need it: policies, boundary, organization, other accounts."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

Context = Mapping[str, list[str]]


def simulated(
    own: Mapping[str, Any],
    boundary: Mapping[str, Any] | None,
    organization: list[dict[str, Any]],
    asked: Mapping[str, Any],
    *,
    account: str,
    explains_foreign: bool,
) -> dict[str, Any]:
    """The answer of SimulatePrincipalPolicy. `own`: the role's policies by name.

    IAM does not know what another account's resource allows, so it refuses that as a whole.
    `explains_foreign`: the answer then includes the role's own part of the decision.
    """
    policies = dict(own) | {
        f"PolicyInputList.{number}": json.loads(text)
        for number, text in enumerate(asked.get("PolicyInputList", ()), start=1)
    }
    context = {
        entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in asked.get("ContextEntries", ())
    }
    [resource] = asked["ResourceArns"]
    foreign = resource.startswith("arn:") and resource.split(":")[4] not in ("", account)
    return {
        "EvaluationResults": [
            _result(policies, boundary, organization, action, resource, context, foreign, explains_foreign)
            for action in asked["ActionNames"]
        ]
    }


def _result(
    policies: Mapping[str, Any],
    boundary: Mapping[str, Any] | None,
    organization: list[dict[str, Any]],
    action: str,
    resource: str,
    context: Context,
    foreign: bool,
    explains_foreign: bool,
) -> dict[str, Any]:
    decision, matched = _decided(policies, action, resource, context)
    specific: dict[str, Any] = {"EvalResourceName": resource}
    whole: dict[str, Any] = {"EvalActionName": action, "EvalResourceName": resource}
    if boundary is not None:
        bounds, _ = _decided({"": boundary}, action, resource, context)
        specific["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": bounds == "allowed"}
        decision = decision if bounds == "allowed" or decision == "explicitDeny" else "implicitDeny"
    if foreign:
        if explains_foreign:
            specific["EvalDecisionDetails"] = {"IAM Policy": decision, "Resource Policy": "implicitDeny"}
        decision = "implicitDeny"
    if organization:
        allowed, _ = _decided({"": {"Statement": organization}}, action, resource, context)
        whole["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": allowed == "allowed"}
        decision = decision if allowed == "allowed" else allowed
    return {
        **whole,
        "EvalDecision": decision,
        "MatchedStatements": [{"SourcePolicyId": name} for name in matched],
        "ResourceSpecificResults": [{**specific, "EvalResourceDecision": decision}],
    }


def _decided(
    policies: Mapping[str, Any], action: str, resource: str, context: Context
) -> tuple[str, list[str]]:
    """IAM's decision by these policies alone, and the policies it comes from."""
    fitting: dict[str, list[str]] = {"Deny": [], "Allow": []}
    for name, document in policies.items():
        for statement in document["Statement"]:
            if (
                any(fnmatchcase(action, a) for a in statement["Action"])
                and any(fnmatchcase(resource, r.replace("${*}", "[*]")) for r in statement["Resource"])
                and all(
                    set(values) & set(context.get(key, ()))
                    for keys in statement.get("Condition", {}).values()
                    for key, values in keys.items()
                )
            ):
                fitting[statement["Effect"]].append(name)
    if fitting["Deny"]:
        return "explicitDeny", fitting["Deny"]
    return ("allowed" if fitting["Allow"] else "implicitDeny"), fitting["Allow"]
