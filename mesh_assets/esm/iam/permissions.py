"""The change of rights that a mapping needs: one inline policy with a name of its own; no other is touched."""

import hashlib
import re
from typing import Literal

from msgspec import Struct

from mesh_assets.errors import RefusedError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.iam.granted import inline_policy, rights_of, role_name
from mesh_assets.esm.iam.least_privilege import needed_statements
from mesh_assets.esm.iam.policy import PolicyChange, document_text, extended
from mesh_assets.esm.iam.wiring import Wiring

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
