"""A role as IAM knows it: its inline and attached policies, and the boundary of its permissions."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from mesh_assets.errors import MeshError
from mesh_assets.esm.aws_account import AwsAccount, call, error_code
from mesh_assets.esm.errors import EsmError
from mesh_assets.esm.iam.least_privilege import NETWORK_ACTIONS
from mesh_assets.esm.iam.policy import VERSION


class RoleMissingError(EsmError):
    """The role does not exist."""


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


def policy_document(answered: Any) -> dict[str, Any]:
    """The policy as an object: botocore decodes it, some stand-ins return text, URL-encoded or not."""
    document: dict[str, Any] = json.loads(unquote(answered)) if isinstance(answered, str) else answered
    return document


def inline_policies(account: AwsAccount, role: str) -> dict[str, Mapping[str, Any]]:
    """All inline policies of the role by name. Raises PlatformError when IAM refuses or does not answer."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in _listed(account, role, "list_role_policies", "iam:ListRolePolicies", "PolicyNames"):
        try:
            answer = iam_call(
                account, "get_role_policy", "iam:GetRolePolicy", role, RoleName=role, PolicyName=name
            )
        except RoleMissingError:  # deleted since it was listed
            continue
        found[name] = policy_document(answer["PolicyDocument"])
    return found


def attached_policies(account: AwsAccount, role: str) -> dict[str, Mapping[str, Any]]:
    attached = _listed(
        account, role, "list_attached_role_policies", "iam:ListAttachedRolePolicies", "AttachedPolicies"
    )
    return {one["PolicyArn"]: managed_policy(account, role, one["PolicyArn"]) for one in attached}


def boundary_arn(account: AwsAccount, role: str) -> str | None:
    """The ARN of the role's permissions boundary."""
    answer = iam_call(account, "get_role", "iam:GetRole", role, RoleName=role)["Role"]
    arn: str | None = (answer.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    return arn


def managed_policy(account: AwsAccount, role: str, arn: str) -> Mapping[str, Any]:
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


# AWS' managed policies whose documents are known, in case they cannot be read.
_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_MSK = ("kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers")

_ACTIONS = {
    # Version 2. It grants no kafka-cluster actions, which IAM authentication needs.
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
