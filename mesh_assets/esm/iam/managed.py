"""Policies of AWS whose documents are known, for where they cannot be read."""

from typing import Any

from mesh_assets.esm.iam.least_privilege import NETWORK_ACTIONS
from mesh_assets.esm.iam.policy import VERSION

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
