"""What a role is granted, and what it lacks for its mapping."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal
from urllib.parse import unquote

from msgspec import Struct

from mesh_assets.errors import MeshError, RefusedError
from mesh_assets.esm.aws_account import AwsAccount, call, error_code
from mesh_assets.esm.errors import EsmError
from mesh_assets.esm.iam.least_privilege import NETWORK_ACTIONS, needed_statements
from mesh_assets.esm.iam.policy import (
    VERSION,
    PolicyChange,
    Statement,
    as_list,
    document_text,
    extended,
    statements_of,
)
from mesh_assets.esm.iam.wiring import Wiring

# Which of the needed rights a role already has: by IAM's own simulation, else by reading its policies.

# AWS' managed policies whose documents are known, in case they cannot be read.
_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_MSK = ("kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers")

_ACTIONS = {
    # Version 2. It grants nothing of kafka-cluster, which IAM authentication needs.
    "AWSLambdaMSKExecutionRole": (*_MSK, *NETWORK_ACTIONS, *_LOGS),
    "AWSLambdaBasicExecutionRole": _LOGS,
}


def known_document(policy_arn: str) -> dict[str, Any] | None:
    """The document of an AWS managed policy, if known. Those have no account in their ARN."""
    _, partition_and_rest = policy_arn.split(":", 1)
    if ":iam::aws:policy/" not in f":{partition_and_rest}":
        return None
    actions = _ACTIONS.get(policy_arn.rpartition("/")[2])
    return (
        None
        if actions is None
        else {"Version": VERSION, "Statement": {"Effect": "Allow", "Action": list(actions), "Resource": "*"}}
    )


Known = Literal["simulated", "read", "unknown"]


class RoleMissingError(EsmError):
    """The role does not exist."""


class Rights(Struct, frozen=True, kw_only=True):
    """`missing`: the statements that the role does not fully have, narrowed to what is missing.

    `denied`: rights that a policy explicitly denies, so that no further statement can grant them. `known`
    "unknown": neither way was allowed, `missing` is everything and `why` says what was refused.
    """

    known: Known
    missing: tuple[Statement, ...]
    denied: tuple[str, ...] = ()
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


def role_name(role_arn: str) -> str:
    """The role's name without its path."""
    return role_arn.rpartition("/")[2]


def iam_call(account: AwsAccount, method: str, action: str, name: str, **arguments: Any) -> Any:
    """A call about a role.

    Raises RoleMissingError when IAM does not know it, PlatformError for any other failure.
    """

    def translate(error: Exception) -> MeshError | None:
        if error_code(error) == "NoSuchEntity":
            return RoleMissingError(
                f"{action}: role {name} does not exist in this account, or a policy it names does not"
            )
        return None

    return call(
        getattr(account.client("iam"), method),
        action=action,
        resource=f"role {name}",
        translate=translate,
        **arguments,
    )


def inline_policy(account: AwsAccount, role: str, policy: str) -> dict[str, Any] | None:
    """The document of the role's inline policy of that name, or None.

    Raises PlatformError when IAM refuses or does not answer.
    """

    def translate(error: Exception) -> MeshError | None:
        return RoleMissingError(policy) if error_code(error) == "NoSuchEntity" else None

    try:
        answer = call(
            account.client("iam").get_role_policy,
            action="iam:GetRolePolicy",
            resource=f"policy {policy} of role {role}",
            translate=translate,
            RoleName=role,
            PolicyName=policy,
        )
    except RoleMissingError:
        return None
    return policy_document(answer["PolicyDocument"])


def _simulated(account: AwsAccount, role_arn: str, needed: tuple[Statement, ...]) -> Rights:
    missing: list[Statement] = []
    denied: list[str] = []
    for statement in needed:
        decisions = _decisions(account, role_arn, statement)
        lacking = {pair for pair, decision in decisions.items() if decision != "allowed"}
        denied += [
            f"{action} on {resource}"
            for (action, resource), decision in decisions.items()
            if decision == "explicitDeny"
        ]
        missing += _narrowed(statement, lacking)
    return Rights(known="simulated", missing=tuple(missing), denied=tuple(denied))


def _decisions(account: AwsAccount, role_arn: str, statement: Statement) -> dict[tuple[str, str], str]:
    """IAM's decision for each action on each resource.

    Asked one resource at a time: an answer about several may omit some.
    """
    # What IAM does not answer counts as not granted.
    decisions = {
        (action, resource): "implicitDeny" for action in statement.actions for resource in statement.resources
    }
    for resource in statement.resources:
        # The simulation takes the ARN of one thing, so one name stands for all that `*` covers.
        arn = resource if resource == "*" else resource.replace("*", "any")
        for result in _simulate(account, role_arn, statement.actions, arn):
            specific = result.get("ResourceSpecificResults") or ()
            decision = specific[0]["EvalResourceDecision"] if specific else result["EvalDecision"]
            if (result["EvalActionName"], resource) in decisions:
                decisions[result["EvalActionName"], resource] = decision
    return decisions


def _simulate(
    account: AwsAccount, role_arn: str, actions: tuple[str, ...], arn: str
) -> Iterator[dict[str, Any]]:
    marker: dict[str, str] = {}
    while True:
        answer = iam_call(
            account,
            "simulate_principal_policy",
            "iam:SimulatePrincipalPolicy",
            role_name(role_arn),
            PolicySourceArn=role_arn,
            ActionNames=list(actions),
            ResourceArns=[arn],
            **marker,
        )
        yield from answer.get("EvaluationResults", ())
        if not answer.get("IsTruncated"):
            return
        marker = {"Marker": answer["Marker"]}


def _read(account: AwsAccount, role_arn: str, needed: tuple[Statement, ...]) -> Rights:
    allows, denies = _policy_statements(account, role_name(role_arn))
    missing: list[Statement] = []
    denied: list[str] = []
    for statement in needed:
        pairs = [(action, resource) for action in statement.actions for resource in statement.resources]
        refused = {pair for pair in pairs if any(_covers(deny, *pair) for deny in denies)}
        denied += [f"{action} on {resource}" for action, resource in refused]
        missing += _narrowed(
            statement,
            refused | {pair for pair in pairs if not any(_covers(allow, *pair) for allow in allows)},
        )
    return Rights(known="read", missing=tuple(missing), denied=tuple(denied))


def _policy_statements(
    account: AwsAccount, role: str
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The statements that allow without a condition, and those that deny, with or without one."""
    documents: list[Mapping[str, Any]] = []
    for name in _listed(account, role, "list_role_policies", "iam:ListRolePolicies", "PolicyNames"):
        document = inline_policy(account, role, name)
        if document is not None:
            documents.append(document)
    for attached in _listed(
        account, role, "list_attached_role_policies", "iam:ListAttachedRolePolicies", "AttachedPolicies"
    ):
        documents.append(_attached(account, role, attached["PolicyArn"]))
    statements = [statement for document in documents for statement in statements_of(document)]
    allows = [s for s in statements if s.get("Effect") == "Allow" and not s.get("Condition")]
    return allows, [s for s in statements if s.get("Effect") == "Deny"]


def _attached(account: AwsAccount, role: str, arn: str) -> Mapping[str, Any]:
    known = known_document(arn)
    if known is not None:
        return known
    policy = iam_call(account, "get_policy", "iam:GetPolicy", role, PolicyArn=arn)["Policy"]
    version = iam_call(
        account,
        "get_policy_version",
        "iam:GetPolicyVersion",
        role,
        PolicyArn=arn,
        VersionId=policy["DefaultVersionId"],
    )["PolicyVersion"]
    return policy_document(version["Document"])


def _listed(account: AwsAccount, role: str, method: str, action: str, member: str) -> list[Any]:
    found: list[Any] = []
    marker: dict[str, str] = {}
    while True:
        answer = iam_call(account, method, action, role, RoleName=role, **marker)
        found += answer.get(member, ())
        if not answer.get("IsTruncated"):
            return found
        marker = {"Marker": answer["Marker"]}


def policy_document(answered: Any) -> dict[str, Any]:
    """The policy as an object: botocore decodes it, some stand-ins return text, URL-encoded or not."""
    document: dict[str, Any] = json.loads(unquote(answered)) if isinstance(answered, str) else answered
    return document


def _narrowed(statement: Statement, lacking: set[tuple[str, str]]) -> list[Statement]:
    """The statement with only the actions and resources that lack something; empty when nothing is lacking."""
    if not lacking:
        return []
    actions = tuple(action for action in statement.actions if any(a == action for a, _ in lacking))
    resources = tuple(resource for resource in statement.resources if any(r == resource for _, r in lacking))
    return [Statement(sid=statement.sid, actions=actions, resources=resources)]


def _covers(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    """Whether the statement covers the action on the whole resource.

    NotAction and NotResource are not evaluated.
    """
    if "NotAction" in statement or "NotResource" in statement:
        return statement.get("Effect") == "Deny"  # assume that such a denial applies
    return any(
        _pattern(a, ignoring_case=True).fullmatch(action) for a in as_list(statement.get("Action"))
    ) and any(_pattern(r).fullmatch(resource) for r in as_list(statement.get("Resource")))


@cache
def _pattern(text: str, *, ignoring_case: bool = False) -> re.Pattern[str]:
    """IAM's wildcards: `*` for any text, `?` for one character."""
    pattern = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL if ignoring_case else re.DOTALL)


# The change of rights that a mapping needs: one inline policy with a name of its own; no other is touched.

_LONGEST_NAME = 128
PermissionState = Literal["granted", "to_add", "unknown", "denied"]


class PermissionsPlan(Struct, frozen=True, kw_only=True):
    """What happens to the role's rights.

    `granted`: the role has them all, `change` is None. `to_add`: `change` closes the gap. `unknown` (the role
    could not be read) and `denied` (a policy explicitly denies something): nothing changes; `statement` is
    what an administrator has to grant, `why` the reason.
    """

    role_arn: str
    state: PermissionState
    change: PolicyChange | None = None
    statement: str | None = None
    why: str | None = None


def plan_permissions(account: AwsAccount, role_arn: str, wiring: Wiring) -> PermissionsPlan:
    """Plans what the role lacks; reads only.

    Raises RoleMissingError for a missing role, PlatformError without an answer of IAM.
    """
    needed = needed_statements(wiring)
    rights = rights_of(account, role_arn, needed)
    if not rights.missing:
        return PermissionsPlan(role_arn=role_arn, state="granted")
    statement = document_text(rights.missing)
    if rights.denied:
        why = f"a policy denies the role {', '.join(rights.denied)}; a further statement cannot grant that"
        return PermissionsPlan(role_arn=role_arn, state="denied", statement=statement, why=why)
    if rights.known == "unknown":
        return PermissionsPlan(role_arn=role_arn, state="unknown", statement=statement, why=rights.why)
    role, policy = role_name(role_arn), policy_name(wiring)
    try:
        before = inline_policy(account, role, policy)
    except RefusedError as error:  # overwriting a policy that cannot be read could remove rights
        return PermissionsPlan(role_arn=role_arn, state="unknown", statement=statement, why=str(error))
    change = PolicyChange(
        role_name=role, policy_name=policy, before=before, after=extended(before, rights.missing)
    )
    return PermissionsPlan(role_arn=role_arn, state="to_add", change=change, statement=statement)


def policy_name(wiring: Wiring) -> str:
    """The policy's name, readable and unique by a hash.

    It is the same for the same cluster, topic, group and function.
    """
    key = "\n".join((wiring.cluster_arn or "", wiring.topic, wiring.group or "", wiring.function_name))
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    readable = re.sub(r"[^\w+=,.@-]", "-", wiring.topic)
    return f"mesh-assets-esm-{readable[: _LONGEST_NAME - len('mesh-assets-esm--') - 8]}-{digest}"
