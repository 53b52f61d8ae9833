"""An execution role for a function: trusted by Lambda, with the rights of one mapping and no more."""

import json
from collections.abc import Mapping
from typing import Any

from mesh_assets.esm.access import AwsAccess
from mesh_assets.esm.errors import EsmError
from mesh_assets.esm.iam.granted import RoleMissingError, iam_call, policy_document
from mesh_assets.esm.iam.policy import VERSION, as_list, statements_of

_LAMBDA = "lambda.amazonaws.com"
"""The same in all partitions."""


class UntrustingRoleError(EsmError):
    """A role of the name exists, and Lambda may not assume it."""


def trust_policy() -> dict[str, Any]:
    return {
        "Version": VERSION,
        "Statement": [{"Effect": "Allow", "Principal": {"Service": _LAMBDA}, "Action": "sts:AssumeRole"}],
    }


def existing_role(access: AwsAccess, name: str) -> Mapping[str, Any] | None:
    """The role as IAM describes it; None when there is none.

    Raises UntrustingRoleError for a role that Lambda may not assume: whose it is, is for its owner to say.
    """
    try:
        role: Mapping[str, Any] = iam_call(access, "get_role", "iam:GetRole", name, RoleName=name)["Role"]
    except RoleMissingError:
        return None
    if not any(
        _trusts_lambda(statement)
        for statement in statements_of(policy_document(role.get("AssumeRolePolicyDocument", "{}")))
    ):
        raise UntrustingRoleError(
            f"role {name} exists and does not trust {_LAMBDA}; choose another name, or let its owner add that to its trust policy"
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
