"""Which of the needed rights a role has already: asked of IAM itself, or read from the role's policies where that is not allowed."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal
from urllib.parse import unquote

from msgspec import Struct

from mesh_assets.errors import MeshError, RefusedError
from mesh_assets.esm.aws_account import AwsAccess, call, error_code
from mesh_assets.esm.errors import EsmError
from mesh_assets.esm.iam.least_privilege import NETWORK_ACTIONS
from mesh_assets.esm.iam.policy import VERSION, Statement, as_list, statements_of

# Policies of AWS whose documents are known, for where they cannot be read.

_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_MSK = ("kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers")

_ACTIONS = {
    # Version 2. It knows nothing of kafka-cluster: with IAM authentication more is needed.
    "AWSLambdaMSKExecutionRole": (*_MSK, *NETWORK_ACTIONS, *_LOGS),
    "AWSLambdaBasicExecutionRole": _LOGS,
}


def known_document(policy_arn: str) -> dict[str, Any] | None:
    """The document of a policy that AWS manages; None for any other. AWS' own have no account in their ARN."""
    _, partition_and_rest = policy_arn.split(":", 1)
    if ":iam::aws:policy/" not in f":{partition_and_rest}":
        return None
    actions = _ACTIONS.get(policy_arn.rpartition("/")[2])
    return (
        None
        if actions is None
        else {"Version": VERSION, "Statement": {"Effect": "Allow", "Action": list(actions), "Resource": "*"}}
    )


# Which of the needed rights a role has already: asked of IAM itself, or read from the role's policies where
# that is not allowed.

Known = Literal["simulated", "read", "unknown"]


class RoleMissingError(EsmError):
    """The role does not exist."""


class Rights(Struct, frozen=True, kw_only=True):
    """The statements whose rights are not all there, narrowed to what is missing.

    `denied`: rights that a policy explicitly denies, which no further statement can give. `known` "unknown":
    neither way was allowed, `missing` is everything and `why` says what was refused.
    """

    known: Known
    missing: tuple[Statement, ...]
    denied: tuple[str, ...] = ()
    why: str | None = None


def rights_of(access: AwsAccess, role_arn: str, needed: tuple[Statement, ...]) -> Rights:
    """Raises RoleMissingError, and PlatformError for anything but a refusal."""
    try:
        return _simulated(access, role_arn, needed)
    except RefusedError:
        pass
    try:
        return _read(access, role_arn, needed)
    except RefusedError as error:
        return Rights(known="unknown", missing=needed, why=str(error))


def role_name(role_arn: str) -> str:
    """Without its path."""
    return role_arn.rpartition("/")[2]


def iam_call(access: AwsAccess, method: str, action: str, name: str, **arguments: Any) -> Any:
    """A call about a role. Raises RoleMissingError when IAM does not know what it is about."""

    def tell(error: Exception) -> MeshError | None:
        if error_code(error) == "NoSuchEntity":
            return RoleMissingError(
                f"{action}: role {name} does not exist in this account, or what it names does not"
            )
        return None

    return call(
        getattr(access.client("iam"), method), action=action, resource=f"role {name}", tell=tell, **arguments
    )


def inline_policy(access: AwsAccess, role: str, policy: str) -> dict[str, Any] | None:
    """The document of one inline policy; None when the role has none of that name."""

    def tell(error: Exception) -> MeshError | None:
        return RoleMissingError(policy) if error_code(error) == "NoSuchEntity" else None

    try:
        answer = call(
            access.client("iam").get_role_policy,
            action="iam:GetRolePolicy",
            resource=f"policy {policy} of role {role}",
            tell=tell,
            RoleName=role,
            PolicyName=policy,
        )
    except RoleMissingError:
        return None
    return policy_document(answer["PolicyDocument"])


def _simulated(access: AwsAccess, role_arn: str, needed: tuple[Statement, ...]) -> Rights:
    missing: list[Statement] = []
    denied: list[str] = []
    for statement in needed:
        decisions = _decisions(access, role_arn, statement)
        lacking = {pair for pair, decision in decisions.items() if decision != "allowed"}
        denied += [
            f"{action} on {resource}"
            for (action, resource), decision in decisions.items()
            if decision == "explicitDeny"
        ]
        missing += _narrowed(statement, lacking)
    return Rights(known="simulated", missing=tuple(missing), denied=tuple(denied))


def _decisions(access: AwsAccess, role_arn: str, statement: Statement) -> dict[tuple[str, str], str]:
    """IAM's decision for each action on each resource, asked a resource at a time: an answer about several
    could lack some."""
    # What IAM does not answer is not taken for granted.
    decisions = {
        (action, resource): "implicitDeny" for action in statement.actions for resource in statement.resources
    }
    for resource in statement.resources:
        # A name below stands for all of them: the simulation takes the ARN of one thing.
        arn = resource if resource == "*" else resource.replace("*", "any")
        for result in _simulate(access, role_arn, statement.actions, arn):
            specific = result.get("ResourceSpecificResults") or ()
            decision = specific[0]["EvalResourceDecision"] if specific else result["EvalDecision"]
            if (result["EvalActionName"], resource) in decisions:
                decisions[result["EvalActionName"], resource] = decision
    return decisions


def _simulate(
    access: AwsAccess, role_arn: str, actions: tuple[str, ...], arn: str
) -> Iterator[dict[str, Any]]:
    marker: dict[str, str] = {}
    while True:
        answer = iam_call(
            access,
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


def _read(access: AwsAccess, role_arn: str, needed: tuple[Statement, ...]) -> Rights:
    allows, denies = _policy_statements(access, role_name(role_arn))
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
    access: AwsAccess, role: str
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """What the role's policies allow without a condition, and what they deny, with or without one."""
    documents: list[Mapping[str, Any]] = []
    for name in _listed(access, role, "list_role_policies", "iam:ListRolePolicies", "PolicyNames"):
        document = inline_policy(access, role, name)
        if document is not None:
            documents.append(document)
    for attached in _listed(
        access, role, "list_attached_role_policies", "iam:ListAttachedRolePolicies", "AttachedPolicies"
    ):
        documents.append(_attached(access, role, attached["PolicyArn"]))
    statements = [statement for document in documents for statement in statements_of(document)]
    allows = [s for s in statements if s.get("Effect") == "Allow" and not s.get("Condition")]
    return allows, [s for s in statements if s.get("Effect") == "Deny"]


def _attached(access: AwsAccess, role: str, arn: str) -> Mapping[str, Any]:
    known = known_document(arn)
    if known is not None:
        return known
    policy = iam_call(access, "get_policy", "iam:GetPolicy", role, PolicyArn=arn)["Policy"]
    version = iam_call(
        access,
        "get_policy_version",
        "iam:GetPolicyVersion",
        role,
        PolicyArn=arn,
        VersionId=policy["DefaultVersionId"],
    )["PolicyVersion"]
    return policy_document(version["Document"])


def _listed(access: AwsAccess, role: str, method: str, action: str, member: str) -> list[Any]:
    found: list[Any] = []
    marker: dict[str, str] = {}
    while True:
        answer = iam_call(access, method, action, role, RoleName=role, **marker)
        found += answer.get(member, ())
        if not answer.get("IsTruncated"):
            return found
        marker = {"Marker": answer["Marker"]}


def policy_document(answered: Any) -> dict[str, Any]:
    """botocore decodes IAM's documents; some stand-ins give the text, URL-encoded or not."""
    document: dict[str, Any] = json.loads(unquote(answered)) if isinstance(answered, str) else answered
    return document


def _narrowed(statement: Statement, lacking: set[tuple[str, str]]) -> list[Statement]:
    """The statement with the actions and resources that lack something; none when nothing does."""
    if not lacking:
        return []
    actions = tuple(action for action in statement.actions if any(a == action for a, _ in lacking))
    resources = tuple(resource for resource in statement.resources if any(r == resource for _, r in lacking))
    return [Statement(sid=statement.sid, actions=actions, resources=resources)]


def _covers(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    """Whether the statement speaks of the action on the whole resource. One with NotAction or NotResource is
    not followed."""
    if "NotAction" in statement or "NotResource" in statement:
        return statement.get("Effect") == "Deny"  # a denial that cannot be followed is taken for one
    return any(
        _pattern(a, ignoring_case=True).fullmatch(action) for a in as_list(statement.get("Action"))
    ) and any(_pattern(r).fullmatch(resource) for r in as_list(statement.get("Resource")))


@cache
def _pattern(text: str, *, ignoring_case: bool = False) -> re.Pattern[str]:
    """IAM's wildcards: `*` for any text, `?` for one character."""
    pattern = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL if ignoring_case else re.DOTALL)
