"""The requests that write the one inline policy."""

import json

from mesh_assets.esm.iam.policy import PolicyChange
from mesh_assets.esm.plan import PlannedCall


def put_policy_calls(change: PolicyChange) -> tuple[PlannedCall, ...]:
    arguments = {
        "RoleName": change.role_name,
        "PolicyName": change.policy_name,
        "PolicyDocument": json.dumps(change.after),
    }
    return (PlannedCall(service="iam", operation="PutRolePolicy", arguments=arguments),)
