"""What a mapping refers to, looked up before it is created: function, role, cluster, secrets, topic.

Something that does not exist is a fault. Something that may not be read is a warning: it may still exist.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mesh_assets.errors import EstateError, PlatformError, RefusedError
from mesh_assets.esm.arns import msk_cluster_in
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.encryption import NotThereError, ask, look_at_encryption
from mesh_assets.esm.errors import EsmError, Violation, fault, warning
from mesh_assets.esm.iam.role import RoleMissingError, iam_call, role_name
from mesh_assets.esm.iam.wiring import Wiring
from mesh_assets.esm.validation.source_access import MUTUAL_TLS, SCRAM_512

TopicLookup = Callable[[Wiring, tuple[str, ...]], int | None]
"""The number of a topic's partitions, given the wiring and the bootstrap servers. None: no such topic.

Raises UnknownClusterError if it is unknown how to reach the cluster, PlatformError when it does not answer.
"""

# What a VPC connection is made for: one way to log in, by the access configuration that fits; without one, IAM.
_CONNECTION_LOGINS = {SCRAM_512: "SASL_SCRAM", MUTUAL_TLS: "TLS"}
_BY_IAM = "SASL_IAM"


class UnknownClusterError(EsmError):
    """It is unknown how to reach the cluster."""


@dataclass(slots=True)
class Surroundings:
    """`observed`: what a plan's id must depend on. `role_arn` None: the function could not be read."""

    violations: list[Violation] = field(default_factory=list)
    observed: dict[str, Any] = field(default_factory=dict)
    role_arn: str | None = None
    customer_keys: tuple[str, ...] = ()
    destination_key: str | None = None
    iam_enabled: bool | None = None
    target_cluster_arn: str | None = None
    log_group: str | None = None

    def complete(self, wiring: Wiring) -> Wiring:
        """The wiring, including what its rights depend on and only AWS knows."""
        return msgspec.structs.replace(
            wiring,
            keys=self.customer_keys,
            destination_key=self.destination_key,
            iam_enabled=self.iam_enabled,
            target_cluster_arn=self.target_cluster_arn,
            log_group=self.log_group,
        )


def look_around(
    account: AwsAccount,
    wiring: Wiring,
    target: str,
    *,
    bootstrap_servers: tuple[str, ...] = (),
    lookup_topic: TopicLookup | None = None,
) -> Surroundings:
    """Looks up everything; only reads.

    Raises PlatformError when a system does not answer: a failed read proves nothing.
    """
    seen = look_at_source(account, wiring)
    _function(account, target, seen)
    if lookup_topic is not None:
        _topic(wiring, bootstrap_servers, lookup_topic, seen)
    return seen


def look_at_source(account: AwsAccount, wiring: Wiring) -> Surroundings:
    """Looks up the cluster, the secrets and the destination. Raises PlatformError when a system does not answer."""
    seen = Surroundings()
    msk = msk_cluster_in(wiring.cluster_arn or "")
    if wiring.cluster_arn is not None and msk is not None and msk.by_vpc_connection:
        _vpc_connection(account, wiring, wiring.cluster_arn, seen)
    elif wiring.cluster_arn is not None:
        _cluster(account, wiring, wiring.cluster_arn, seen)
    elif wiring.uses_iam_authentication:
        seen.violations.append(
            warning(
                "source_access_configurations",
                "IAM_AUTH",
                "it is not known which MSK cluster is behind the servers, so the rights name this topic and group of every cluster here",
                "grant them by hand if the cluster belongs to another account",
            )
        )
    encryption = look_at_encryption(account, wiring)
    seen.violations += encryption.violations
    seen.observed |= encryption.observed
    seen.customer_keys, seen.destination_key = encryption.secret_keys, encryption.destination_key
    return seen


def _function(account: AwsAccount, target: str, seen: Surroundings) -> None:
    try:
        answer = _function_configuration(account, target)
    except NotThereError:
        seen.violations.append(
            fault("target", target, f"{account} has no such function", "create it first, or name another")
        )
        return
    except RefusedError as error:
        seen.violations.append(
            warning("target", target, f"could not be read ({error})", "make sure that it exists")
        )
        return
    # Excluding its state: a function that has since become Active is still the same.
    seen.observed["function"] = {name: answer.get(name) for name in ("FunctionArn", "Role")}
    if answer.get("State") not in (None, "Active", "Inactive"):
        reason = answer.get("StateReason") or "no reason given"
        seen.violations.append(
            warning("target", target, f"the function is {answer['State']} ({reason})", "wait, or fix it")
        )
    seen.log_group = _log_group(answer)
    seen.role_arn = answer.get("Role")
    if seen.role_arn:
        _role(account, seen.role_arn, seen)


def find_log_group(account: AwsAccount, target: str, seen: Surroundings) -> None:
    """The log group of a function that may not exist yet; Lambda's default if it cannot be read.

    Raises PlatformError when Lambda does not answer.
    """
    try:
        seen.log_group = _log_group(_function_configuration(account, target))
    except NotThereError:
        return
    except RefusedError as error:
        seen.violations.append(
            warning("target", target, f"could not be read ({error})", "allow its log group if it has its own")
        )


def _log_group(function: Mapping[str, Any]) -> str | None:
    group: str | None = (function.get("LoggingConfig") or {}).get("LogGroup")
    return group


def _function_configuration(account: AwsAccount, target: str) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = ask(
        account,
        "lambda",
        "get_function_configuration",
        "lambda:GetFunctionConfiguration",
        f"function {target}",
        FunctionName=target,
    )
    return answer


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


def _source_missing(account: AwsAccount, wiring: Wiring, arn: str, what: str) -> Violation:
    """A mapping keeps its source for life, so only a new one can name another."""
    if wiring.exists:
        return fault(
            "event_source_arn",
            arn,
            f"the mapping reads this {what}, which {account} does not have (any longer), and a mapping's source cannot change",
            "delete the mapping and create one for another source, or leave it disabled",
        )
    return fault("event_source_arn", arn, f"{account} has no such {what}", "correct the ARN")


def _cluster(account: AwsAccount, wiring: Wiring, arn: str, seen: Surroundings) -> None:
    try:
        info = ask(
            account,
            "kafka",
            "describe_cluster_v2",
            "kafka:DescribeClusterV2",
            f"cluster {arn}",
            ClusterArn=arn,
        )["ClusterInfo"]
    except NotThereError:
        seen.violations.append(_source_missing(account, wiring, arn, "MSK cluster"))
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


def _vpc_connection(account: AwsAccount, wiring: Wiring, arn: str, seen: Surroundings) -> None:
    """The connection to another account's cluster, which this account cannot describe."""
    field_name = "event_source_arn"
    try:
        answer = ask(
            account,
            "kafka",
            "describe_vpc_connection",
            "kafka:DescribeVpcConnection",
            f"VPC connection {arn}",
            Arn=arn,
        )
    except NotThereError:
        seen.violations.append(_source_missing(account, wiring, arn, "VPC connection"))
        return
    except RefusedError as error:
        rights = "the rights name the cluster with `*` for its UUID"
        seen.violations.append(
            warning(field_name, arn, f"could not be read ({error}); {rights}", "make sure that it exists")
        )
        return
    state, login = answer.get("State"), answer.get("Authentication")
    seen.target_cluster_arn = answer.get("TargetClusterArn")
    seen.observed["cluster"] = {"state": state, "login": login, "target": seen.target_cluster_arn}
    if state not in (None, "AVAILABLE"):
        seen.violations.append(
            warning(field_name, arn, f"the VPC connection is {state}", "wait until it is AVAILABLE")
        )
    if login not in (_BY_IAM, *_CONNECTION_LOGINS.values()):
        return
    seen.iam_enabled = login == _BY_IAM
    wanted = next((own for kind, own in _CONNECTION_LOGINS.items() if kind in wiring.access), _BY_IAM)
    if login != wanted:
        seen.violations.append(
            fault(
                field_name,
                arn,
                f"the VPC connection is for {login}, but the mapping would log in by {wanted}",
                "name a connection for that, or name the secret that this one needs in source_access_configurations",
            )
        )


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
