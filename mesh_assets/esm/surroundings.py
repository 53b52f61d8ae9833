"""What a mapping refers to, looked up before it is made: function, role, cluster, secrets, topic.

What is not there is a fault. What may not be looked at is a warning: AWS may know it all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mesh_assets.errors import EstateError, MeshError, PlatformError, RefusedError
from mesh_assets.esm.aws_account import AwsAccess, call, error_code
from mesh_assets.esm.errors import EsmError, Finding, fault, warning
from mesh_assets.esm.iam.granted import RoleMissingError, iam_call, role_name
from mesh_assets.esm.iam.wiring import Wiring

TopicLookup = Callable[[Wiring, tuple[str, ...]], int | None]
"""Partitions of the topic, given the wiring and the bootstrap servers; None: it is not there.

Raises UnknownClusterError when nothing says how to reach the cluster, PlatformError when it does not answer.
"""

_MISSING = frozenset({"ResourceNotFoundException", "NotFoundException"})
_OWN_KEY = "alias/aws/secretsmanager"


class UnknownClusterError(EsmError):
    """Nothing here says how the cluster is reached."""


class _MissingError(EsmError):
    pass


@dataclass(slots=True)
class Surroundings:
    """`observed`: what a plan's id must change with. `role_arn` None: the function could not be looked at."""

    findings: list[Finding] = field(default_factory=list)
    observed: dict[str, Any] = field(default_factory=dict)
    role_arn: str | None = None
    customer_keys: tuple[str, ...] = ()
    iam_enabled: bool | None = None


def look_around(
    access: AwsAccess,
    wiring: Wiring,
    target: str,
    *,
    bootstrap_servers: tuple[str, ...] = (),
    lookup_topic: TopicLookup | None = None,
) -> Surroundings:
    """All of it, reads only. Raises PlatformError for what is neither there, missing nor refused: a failed
    read is no answer."""
    seen = look_at_source(access, wiring)
    _function(access, target, seen)
    if lookup_topic is not None:
        _topic(wiring, bootstrap_servers, lookup_topic, seen)
    return seen


def look_at_source(access: AwsAccess, wiring: Wiring) -> Surroundings:
    """The cluster and the secrets alone."""
    seen = Surroundings()
    if wiring.cluster_arn is not None:
        _cluster(access, wiring.cluster_arn, seen)
    _secrets(access, wiring, seen)
    return seen


def _asked(access: AwsAccess, service: str, method: str, action: str, resource: str, **arguments: Any) -> Any:
    """Raises _MissingError for what is not there."""

    def tell(error: Exception) -> MeshError | None:
        return _MissingError(resource) if error_code(error) in _MISSING else None

    return call(
        getattr(access.client(service), method), action=action, resource=resource, tell=tell, **arguments
    )


def _function(access: AwsAccess, target: str, seen: Surroundings) -> None:
    try:
        answer = _asked(
            access,
            "lambda",
            "get_function_configuration",
            "lambda:GetFunctionConfiguration",
            f"function {target}",
            FunctionName=target,
        )
    except _MissingError:
        seen.findings.append(
            fault(
                "target",
                target,
                f"there is no such function in {access}",
                "create it first, or correct the name",
            )
        )
        return
    except RefusedError as error:
        seen.findings.append(
            warning("target", target, f"could not be looked at ({error})", "make sure that it exists")
        )
        return
    # Not its state: one that has become Active since is the same function.
    seen.observed["function"] = {name: answer.get(name) for name in ("FunctionArn", "Role")}
    if answer.get("State") not in (None, "Active", "Inactive"):
        reason = answer.get("StateReason") or "no reason given"
        seen.findings.append(
            warning("target", target, f"the function is {answer['State']} ({reason})", "wait, or mend it")
        )
    seen.role_arn = answer.get("Role")
    if seen.role_arn:
        _role(access, seen.role_arn, seen)


def _role(access: AwsAccess, role_arn: str, seen: Surroundings) -> None:
    name = role_name(role_arn)
    try:
        answer = iam_call(access, "get_role", "iam:GetRole", name, RoleName=name)
    except RoleMissingError:
        seen.findings.append(
            fault(
                "target",
                role_arn,
                "the function's role does not exist",
                "give the function one (`mesh-assets esm role`)",
            )
        )
        seen.role_arn = None
        return
    except RefusedError as error:
        seen.findings.append(
            warning(
                "target",
                role_arn,
                f"the function's role could not be looked at ({error})",
                "make sure it exists",
            )
        )
        return
    seen.observed["role_id"] = answer["Role"].get("RoleId")


def _cluster(access: AwsAccess, arn: str, seen: Surroundings) -> None:
    try:
        info = _asked(
            access,
            "kafka",
            "describe_cluster_v2",
            "kafka:DescribeClusterV2",
            f"cluster {arn}",
            ClusterArn=arn,
        )["ClusterInfo"]
    except _MissingError:
        seen.findings.append(
            fault("event_source_arn", arn, f"there is no such MSK cluster in {access}", "correct the ARN")
        )
        return
    except RefusedError as error:
        seen.findings.append(
            warning("event_source_arn", arn, f"could not be looked at ({error})", "make sure that it exists")
        )
        return
    seen.observed["cluster"] = {"state": info.get("State")}
    if info.get("State") not in (None, "ACTIVE"):
        seen.findings.append(
            warning("event_source_arn", arn, f"the cluster is {info['State']}", "wait until it is ACTIVE")
        )
    authentication = (info.get("Provisioned") or info.get("Serverless") or {}).get("ClientAuthentication")
    if authentication is not None:
        seen.iam_enabled = bool(((authentication.get("Sasl") or {}).get("Iam") or {}).get("Enabled"))
        seen.observed["cluster"]["iam"] = seen.iam_enabled


def _secrets(access: AwsAccess, wiring: Wiring, seen: Surroundings) -> None:
    keys: list[str] = []
    for arn in wiring.secrets:
        field_name = "source_access_configurations"
        try:
            answer = _asked(
                access,
                "secretsmanager",
                "describe_secret",
                "secretsmanager:DescribeSecret",
                f"secret {arn}",
                SecretId=arn,
            )
        except _MissingError:
            seen.findings.append(
                fault(
                    field_name, arn, f"there is no such secret in {access}", "create it, or correct the ARN"
                )
            )
            continue
        except RefusedError as error:
            seen.findings.append(
                warning(field_name, arn, f"could not be looked at ({error})", "make sure that it exists")
            )
            continue
        key = answer.get("KmsKeyId")
        customer = key is not None and not key.endswith(_OWN_KEY)
        seen.observed.setdefault("secrets", {})[arn] = {
            "key": key,
            "deleted": answer.get("DeletedDate") is not None,
        }
        if answer.get("DeletedDate") is not None:
            seen.findings.append(
                fault(field_name, arn, "the secret is scheduled for deletion", "restore it, or name another")
            )
        if customer and str(key).startswith("arn:"):
            keys.append(str(key))
        elif customer:
            seen.findings.append(
                warning(
                    field_name,
                    arn,
                    f"its key {key} is no ARN, so no right to it can be given",
                    "allow kms:Decrypt on it",
                )
            )
        if wiring.cluster_arn is not None and ":secret:AmazonMSK_" in arn and not customer:
            seen.findings.append(
                fault(
                    field_name,
                    arn,
                    "MSK takes only SCRAM secrets that a customer key encrypts; this has AWS' own",
                    "encrypt it with one",
                )
            )
    seen.customer_keys = tuple(dict.fromkeys(keys))


def _topic(
    wiring: Wiring, bootstrap_servers: tuple[str, ...], lookup: TopicLookup, seen: Surroundings
) -> None:
    try:
        partitions = lookup(wiring, bootstrap_servers)
    except UnknownClusterError as error:
        seen.findings.append(
            warning("kafka_topic", wiring.topic, f"was not looked up: {error}", "make sure that it exists")
        )
        return
    except (PlatformError, EstateError) as error:
        seen.findings.append(
            warning(
                "kafka_topic", wiring.topic, f"could not be looked up: {error}", "make sure that it exists"
            )
        )
        return
    if partitions is None:
        seen.findings.append(
            fault(
                "kafka_topic", wiring.topic, "the cluster has no such topic", "create it, or correct the name"
            )
        )
        return
    seen.observed["topic"] = {"partitions": partitions}
