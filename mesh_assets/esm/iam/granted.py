"""What a role is granted, and what it lacks for its mapping."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from mesh_assets.errors import RefusedError
from mesh_assets.esm.arns import LITERAL_STAR
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.iam.least_privilege import needed_statements
from mesh_assets.esm.iam.policy import (
    LARGEST_INLINE_CHARACTERS,
    PolicyChange,
    Statement,
    characters,
    covers,
    document_of,
    document_text,
    statements_of,
)
from mesh_assets.esm.iam.role import (
    attached_policies,
    boundary_arn,
    iam_call,
    inline_policies,
    managed_policy,
    role_name,
)
from mesh_assets.esm.iam.wiring import Wiring

# Which of the needed rights a role already has: by IAM's own simulation, else by reading its policies.

Pair = tuple[str, str]
"""An action on a resource."""

Known = Literal["simulated", "read", "unknown"]
_UNSAID = "nothing grants"
_LACKS = "no policy of the role allows"
_BOUNDARY = "the role's permissions boundary does not allow"
_BOUNDARY_NAMED = "the role's permissions boundary {} does not allow"
_ORGANIZATION = "a policy of the organization (SCP) does not allow"


class Rights(Struct, frozen=True, kw_only=True):
    """`missing`: the statements that the role does not fully have, narrowed to what is missing.

    `denied`: what no further statement of the role can grant, with who denies it: a policy, the role's permissions
    boundary, the organization. `unexplained`: what IAM's simulation refuses without saying why, even with the missing
    statements added. `known` "unknown": neither way was allowed, `missing` is everything and `why` says what was
    refused.
    """

    known: Known
    missing: tuple[Statement, ...]
    denied: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()
    why: str | None = None


def rights_of(account: AwsAccount, role_arn: str, needed: tuple[Statement, ...]) -> Rights:
    """Which of the needed rights the role has and lacks. A refusal makes them unknown.

    Raises RoleMissingError when the role does not exist, PlatformError when IAM does not answer.
    """
    try:
        return _simulated(account, role_arn, needed)
    except RefusedError:
        pass
    try:
        return _read(account, role_arn, needed)
    except RefusedError as error:
        return Rights(known="unknown", missing=needed, why=str(error))


# --- by IAM's simulation


def _simulated(account: AwsAccount, role_arn: str, needed: tuple[Statement, ...]) -> Rights:
    """Simulated twice: the role as it is, then with what is missing added.

    Anything still refused is refused by something that no statement of the role can override.
    """
    refusers = _decisions(account, role_arn, needed)
    # Another account's resource, without the role's own part of the answer: that account's policy is not
    # simulated, so a refusal says nothing about the role, and the role is read instead.
    foreign = {p for p, refuser in refusers.items() if refuser == _UNSAID and _is_foreign(p[1], role_arn)}
    if foreign:
        refusers |= {
            p: refuser for p, refuser in _readings(account, role_arn, needed).items() if p in foreign
        }
    missing = _narrowed(needed, refusers)
    if not missing:
        return Rights(known="simulated", missing=())
    then = _decisions(account, role_arn, missing, document_of(missing))
    unexplained = [pair for pair, refuser in then.items() if refuser == _UNSAID and pair not in foreign]
    return Rights(
        known="simulated",
        missing=missing,
        denied=_sentences(account, role_arn, {**then, **{p: refusers[p] for p in foreign}}),
        unexplained=tuple(f"{action} on {resource}" for action, resource in unexplained),
    )


def _decisions(
    account: AwsAccount,
    role_arn: str,
    statements: tuple[Statement, ...],
    added: Mapping[str, Any] | None = None,
) -> dict[Pair, str | None]:
    """Who refuses each action on each resource; None: nobody. Whatever IAM does not answer is refused.

    Asked one resource at a time: an answer about several may omit some.
    """
    found: dict[Pair, str | None] = {}
    for statement in statements:
        for resource in statement.resources:
            found |= {(action, resource): _UNSAID for action in statement.actions}
            for result in _simulate(account, role_arn, statement, resource, added):
                if (result["EvalActionName"], resource) in found:
                    found[result["EvalActionName"], resource] = _refuses(result)
    return found


def _simulate(
    account: AwsAccount,
    role_arn: str,
    statement: Statement,
    resource: str,
    added: Mapping[str, Any] | None,
) -> Iterator[dict[str, Any]]:
    arguments: dict[str, Any] = {
        "PolicySourceArn": role_arn,
        "ActionNames": list(statement.actions),
        "ResourceArns": [_one_of(resource)],
    }
    if added is not None:
        arguments["PolicyInputList"] = [json.dumps(added)]
    if statement.condition is not None:
        arguments["ContextEntries"] = [
            {"ContextKeyName": key, "ContextKeyValues": values, "ContextKeyType": "stringList"}
            for keys in statement.condition.values()
            for key, values in keys.items()
        ]
    while True:
        answer = iam_call(
            account,
            "simulate_principal_policy",
            "iam:SimulatePrincipalPolicy",
            role_name(role_arn),
            **arguments,
        )
        yield from answer.get("EvaluationResults", ())
        if not answer.get("IsTruncated"):
            return
        arguments["Marker"] = answer["Marker"]


def _one_of(resource: str) -> str:
    """The simulation takes the ARN of one thing, so one name stands for all that `*` covers."""
    if resource == "*":
        return resource
    return "*".join(part.replace("*", "any") for part in resource.split(LITERAL_STAR))


def _refuses(result: Mapping[str, Any]) -> str | None:
    """Who refuses, by IAM's answer about one action on one resource; None: it is allowed."""
    specific: Mapping[str, Any] = next(iter(result.get("ResourceSpecificResults") or ()), {})
    told = {**result, **specific}
    if (told.get("OrganizationsDecisionDetail") or {}).get("AllowedByOrganizations") is False:
        return _ORGANIZATION
    if (told.get("PermissionsBoundaryDecisionDetail") or {}).get("AllowedByPermissionsBoundary") is False:
        return _BOUNDARY
    decision = told.get("EvalResourceDecision") or told["EvalDecision"]
    # For another account's resource: each kind of policy by itself. The resource's own policy is that account's affair.
    own = {part for kind, part in (told.get("EvalDecisionDetails") or {}).items() if "esource" not in kind}
    if own == {"allowed"} or (not own and decision == "allowed"):
        return None
    if "explicitDeny" in own or (not own and decision == "explicitDeny"):
        names = {str(matched.get("SourcePolicyId")) for matched in told.get("MatchedStatements") or ()}
        return f"policy {', '.join(sorted(names))} denies" if names else "a policy denies"
    return _LACKS if own else _UNSAID


def _is_foreign(resource: str, role_arn: str) -> bool:
    parts, role = resource.split(":"), role_arn.split(":")  # a resource may be a pattern of ARNs
    return len(parts) > 4 and parts[4] not in ("", role[4])


def _sentences(account: AwsAccount, role_arn: str, refusers: Mapping[Pair, str | None]) -> tuple[str, ...]:
    """Who refuses what, as far as known."""
    of: dict[str, list[str]] = {}
    for (action, resource), refuser in refusers.items():
        if refuser not in (None, _UNSAID):
            of.setdefault(str(refuser), []).append(f"{action} on {resource}")
    if _BOUNDARY in of:
        try:
            name = boundary_arn(account, role_name(role_arn))
        except RefusedError:  # the sentence is true without the name
            name = None
        if name is not None:
            of = {_BOUNDARY_NAMED.format(name) if who == _BOUNDARY else who: what for who, what in of.items()}
    return tuple(f"{who} {', '.join(what)}" for who, what in of.items())


# --- by reading the role's policies, which do not show what the organization allows


def _read(account: AwsAccount, role_arn: str, needed: tuple[Statement, ...]) -> Rights:
    refusers = _readings(account, role_arn, needed)
    return Rights(
        known="read",
        missing=_narrowed(needed, refusers),
        denied=_sentences(account, role_arn, refusers),
    )


def _readings(account: AwsAccount, role_arn: str, needed: tuple[Statement, ...]) -> dict[Pair, str | None]:
    """Like `_decisions`; `_UNSAID`: nothing grants it.

    A conditional allow counts only if the condition is the needed one. A conditional deny counts as a
    deny.
    """
    role = role_name(role_arn)
    policies = {**inline_policies(account, role), **attached_policies(account, role)}
    statements = [(name, s) for name, document in policies.items() for s in statements_of(document)]
    bound = boundary_arn(account, role)
    boundary = None if bound is None else statements_of(managed_policy(account, role, bound))
    found: dict[Pair, str | None] = {}
    for statement in needed:
        for pair in ((action, resource) for action in statement.actions for resource in statement.resources):
            fitting = [(name, s) for name, s in statements if covers(s, *pair)]
            allowed = any(
                s.get("Effect") == "Allow" and s.get("Condition") in (None, {}, statement.condition)
                for _, s in fitting
            )
            denying = sorted({name for name, s in fitting if s.get("Effect") == "Deny"})
            bounds = {s.get("Effect") for s in boundary or () if covers(s, *pair)}
            if denying:
                found[pair] = f"policy {', '.join(denying)} denies"
            elif boundary is not None and bounds != {"Allow"}:
                found[pair] = _BOUNDARY_NAMED.format(bound)
            else:
                found[pair] = None if allowed else _UNSAID
    return found


def _narrowed(needed: tuple[Statement, ...], refusers: Mapping[Pair, str | None]) -> tuple[Statement, ...]:
    """The statements with only the actions and resources that lack something."""
    found = []
    for statement in needed:
        lacking = [
            (action, resource)
            for action in statement.actions
            for resource in statement.resources
            if refusers[action, resource] is not None
        ]
        if lacking:
            actions = tuple(dict.fromkeys(action for action, _ in lacking))
            resources = tuple(dict.fromkeys(resource for _, resource in lacking))
            found.append(msgspec.structs.replace(statement, actions=actions, resources=resources))
    return tuple(found)


# The change of rights that a mapping needs: one new inline policy; no other policy is touched.

_LONGEST_NAME = 128
_OWN = "mesh-assets-esm-"
PermissionState = Literal["granted", "to_add", "unknown", "denied", "too_large"]


class PermissionsPlan(Struct, frozen=True, kw_only=True):
    """What happens to the role's rights.

    `granted`: the role has them all, `change` is None. `to_add`: `change` closes the gap. Otherwise nothing
    changes, `statement` is what an administrator has to grant and `why` the reason: `unknown` (the role could
    not be read), `denied` (by a policy, the role's boundary or the organization), `too_large` (no room in the
    role's inline policies).
    """

    role_arn: str
    state: PermissionState
    change: PolicyChange | None = None
    statement: str | None = None
    why: str | None = None

    @property
    def blocked(self) -> str | None:
        """Why the rights cannot be granted; None where they are or can be."""
        if self.state in ("granted", "to_add"):
            return None
        return f"the role's rights are {self.state.replace('_', ' ')}: {self.why}"


def plan_permissions(account: AwsAccount, role_arn: str, wiring: Wiring) -> PermissionsPlan:
    """Plans what the role lacks; reads only.

    Raises RoleMissingError for a missing role, PlatformError without an answer of IAM.
    """
    rights = rights_of(account, role_arn, needed_statements(wiring))
    if not rights.missing:
        return PermissionsPlan(role_arn=role_arn, state="granted")
    statement = document_text(rights.missing)
    if rights.denied:
        why = f"{'; '.join(rights.denied)}; no further statement of the role can grant that, so have it allowed there"
        return PermissionsPlan(role_arn=role_arn, state="denied", statement=statement, why=why)
    if rights.known == "unknown":
        return PermissionsPlan(role_arn=role_arn, state="unknown", statement=statement, why=rights.why)
    try:
        others = inline_policies(account, role_name(role_arn))
    except RefusedError as error:
        why = f"whether the role's inline policies have room for it is unknown ({error})"
        return plan_addition(role_arn, wiring.topic, rights.missing, {}, why=why)
    plan = plan_addition(role_arn, wiring.topic, rights.missing, others)
    own = None if plan.change is None else plan.change.policy_name
    if rights.unexplained and own in others:
        why = (
            f"policy {own} of the role grants {', '.join(rights.unexplained)}, but IAM refuses it without saying why; "
            "have the role's permissions boundary and the organization's policies checked"
        )
        return PermissionsPlan(role_arn=role_arn, state="denied", statement=statement, why=why)
    return plan


def plan_addition(
    role_arn: str,
    topic: str,
    missing: tuple[Statement, ...],
    others: Mapping[str, Mapping[str, Any]],
    *,
    why: str | None = None,
) -> PermissionsPlan:
    """The policy that grants what is missing, if it fits beside the role's inline policies."""
    document = document_of(missing)
    name = policy_name(topic, document)
    total = characters(document) + sum(characters(one) for own, one in others.items() if own != name)
    if total > LARGEST_INLINE_CHARACTERS:
        return PermissionsPlan(
            role_arn=role_arn,
            state="too_large",
            statement=document_text(missing),
            why=f"the inline policies of role {role_name(role_arn)} would hold {total:,} characters, and IAM allows "
            f"{LARGEST_INLINE_CHARACTERS:,}; attach the policy as a managed one, or remove an inline policy that is not needed",
        )
    change = PolicyChange(role_name=role_name(role_arn), policy_name=name, document=document)
    return PermissionsPlan(
        role_arn=role_arn, state="to_add", change=change, statement=document_text(missing), why=why
    )


def policy_name(topic: str, document: Mapping[str, Any]) -> str:
    """The policy's name: readable, and the same only for the same document."""
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]
    readable = re.sub(r"[^\w+=,.@-]", "-", topic, flags=re.ASCII)
    return f"{_OWN}{readable[: _LONGEST_NAME - len(_OWN) - 1 - len(digest)]}-{digest}"
