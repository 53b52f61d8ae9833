"""What a mapping refers to, looked up before it is created: function, role, cluster, secrets, topic.

What does not exist is a fault. What may not be read is a warning: it may exist all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mesh_assets.errors import EstateError, MeshError, PlatformError, RefusedError
from mesh_assets.esm.aws_account import AwsAccount, call, error_code
from mesh_assets.esm.errors import EsmError, Violation, fault, warning
from mesh_assets.esm.iam.granted import RoleMissingError, iam_call, role_name
from mesh_assets.esm.iam.wiring import Wiring

TopicLookup = Callable[[Wiring, tuple[str, ...]], int | None]
"""The number of a topic's partitions, given the wiring and the bootstrap servers. None: no such topic.

Raises UnknownClusterError when nothing says how to reach the cluster, PlatformError when it does not answer.
"""

_MISSING = frozenset({"ResourceNotFoundException", "NotFoundException"})
_OWN_KEY = "alias/aws/secretsmanager"


class UnknownClusterError(EsmError):
    """Nothing says how to reach the cluster."""


class _MissingError(EsmError):
    pass


@dataclass(slots=True)
class Surroundings:
    """`observed`: what a plan's id must change with. `role_arn` None: the function could not be read."""

    violations: list[Violation] = field(default_factory=list)
    observed: dict[str, Any] = field(default_factory=dict)
    role_arn: str | None = None
    customer_keys: tuple[str, ...] = ()
    iam_enabled: bool | None = None


def look_around(
    account: AwsAccount,
    wiring: Wiring,
    target: str,
    *,
    bootstrap_servers: tuple[str, ...] = (),
    lookup_topic: TopicLookup | None = None,
) -> Surroundings:
    """Looks up everything; reads only.

    Raises PlatformError when a system does not answer: a failed read proves nothing.
    """
    seen = look_at_source(account, wiring)
    _function(account, target, seen)
    if lookup_topic is not None:
        _topic(wiring, bootstrap_servers, lookup_topic, seen)
    return seen


def look_at_source(account: AwsAccount, wiring: Wiring) -> Surroundings:
    """Looks up the cluster and the secrets alone. Raises PlatformError when a system does not answer."""
    seen = Surroundings()
    if wiring.cluster_arn is not None:
        _cluster(account, wiring.cluster_arn, seen)
    _secrets(account, wiring, seen)
    return seen


def _asked(
    account: AwsAccount, service: str, method: str, action: str, resource: str, **arguments: Any
) -> Any:
    """The answer. Raises _MissingError for what does not exist."""

    def translate(error: Exception) -> MeshError | None:
        return _MissingError(resource) if error_code(error) in _MISSING else None

    return call(
        getattr(account.client(service), method),
        action=action,
        resource=resource,
        translate=translate,
        **arguments,
    )


def _function(account: AwsAccount, target: str, seen: Surroundings) -> None:
    try:
        answer = _asked(
            account,
            "lambda",
            "get_function_configuration",
            "lambda:GetFunctionConfiguration",
            f"function {target}",
            FunctionName=target,
        )
    except _MissingError:
        seen.violations.append(
            fault("target", target, f"{account} has no such function", "create it first, or correct the name")
        )
        return
    except RefusedError as error:
        seen.violations.append(
            warning("target", target, f"could not be read ({error})", "make sure that it exists")
        )
        return
    # Without its state: a function that has since become Active is the same function.
    seen.observed["function"] = {name: answer.get(name) for name in ("FunctionArn", "Role")}
    if answer.get("State") not in (None, "Active", "Inactive"):
        reason = answer.get("StateReason") or "no reason given"
        seen.violations.append(
            warning("target", target, f"the function is {answer['State']} ({reason})", "wait, or fix it")
        )
    seen.role_arn = answer.get("Role")
    if seen.role_arn:
        _role(account, seen.role_arn, seen)


def _role(account: AwsAccount, role_arn: str, seen: Surroundings) -> None:
    name = role_name(role_arn)
    try:
        answer = iam_call(account, "get_role", "iam:GetRole", name, RoleName=name)
    except RoleMissingError:
        seen.violations.append(
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
        seen.violations.append(
            warning(
                "target", role_arn, f"the function's role could not be read ({error})", "make sure it exists"
            )
        )
        return
    seen.observed["role_id"] = answer["Role"].get("RoleId")


def _cluster(account: AwsAccount, arn: str, seen: Surroundings) -> None:
    try:
        info = _asked(
            account,
            "kafka",
            "describe_cluster_v2",
            "kafka:DescribeClusterV2",
            f"cluster {arn}",
            ClusterArn=arn,
        )["ClusterInfo"]
    except _MissingError:
        seen.violations.append(
            fault("event_source_arn", arn, f"{account} has no such MSK cluster", "correct the ARN")
        )
        return
    except RefusedError as error:
        seen.violations.append(
            warning("event_source_arn", arn, f"could not be read ({error})", "make sure that it exists")
        )
        return
    seen.observed["cluster"] = {"state": info.get("State")}
    if info.get("State") not in (None, "ACTIVE"):
        seen.violations.append(
            warning("event_source_arn", arn, f"the cluster is {info['State']}", "wait until it is ACTIVE")
        )
    authentication = (info.get("Provisioned") or info.get("Serverless") or {}).get("ClientAuthentication")
    if authentication is not None:
        seen.iam_enabled = bool(((authentication.get("Sasl") or {}).get("Iam") or {}).get("Enabled"))
        seen.observed["cluster"]["iam"] = seen.iam_enabled


def _secrets(account: AwsAccount, wiring: Wiring, seen: Surroundings) -> None:
    keys: list[str] = []
    for arn in wiring.secrets:
        field_name = "source_access_configurations"
        try:
            answer = _asked(
                account,
                "secretsmanager",
                "describe_secret",
                "secretsmanager:DescribeSecret",
                f"secret {arn}",
                SecretId=arn,
            )
        except _MissingError:
            seen.violations.append(
                fault(field_name, arn, f"{account} has no such secret", "create it, or correct the ARN")
            )
            continue
        except RefusedError as error:
            seen.violations.append(
                warning(field_name, arn, f"could not be read ({error})", "make sure that it exists")
            )
            continue
        key = answer.get("KmsKeyId")
        customer = key is not None and not key.endswith(_OWN_KEY)
        seen.observed.setdefault("secrets", {})[arn] = {
            "key": key,
            "deleted": answer.get("DeletedDate") is not None,
        }
        if answer.get("DeletedDate") is not None:
            seen.violations.append(
                fault(field_name, arn, "the secret is scheduled for deletion", "restore it, or name another")
            )
        if customer and str(key).startswith("arn:"):
            keys.append(str(key))
        elif customer:
            seen.violations.append(
                warning(
                    field_name,
                    arn,
                    f"its key {key} is not an ARN, so no right to it can be granted",
                    "allow kms:Decrypt on it",
                )
            )
        if wiring.cluster_arn is not None and ":secret:AmazonMSK_" in arn and not customer:
            seen.violations.append(
                fault(
                    field_name,
                    arn,
                    "MSK takes only SCRAM secrets encrypted by a customer key; this one has AWS' own",
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
        seen.violations.append(
            warning("kafka_topic", wiring.topic, f"was not looked up: {error}", "make sure that it exists")
        )
        return
    except (PlatformError, EstateError) as error:
        seen.violations.append(
            warning(
                "kafka_topic", wiring.topic, f"could not be looked up: {error}", "make sure that it exists"
            )
        )
        return
    if partitions is None:
        seen.violations.append(
            fault(
                "kafka_topic", wiring.topic, "the cluster has no such topic", "create it, or correct the name"
            )
        )
        return
    seen.observed["topic"] = {"partitions": partitions}
