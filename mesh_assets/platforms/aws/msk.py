"""Amazon MSK: which brokers to ask, by the cluster's ARN."""

from contextlib import closing
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import RefusedError
from mesh_assets.platforms.aws.client import aws_client
from mesh_assets.platforms.aws.failures import aws_failure

Login = Literal["iam", "scram", "tls", "plaintext"]
Network = Literal["private", "public", "multi_vpc"]

_ACTION = "kafka:GetBootstrapBrokers"
_LOGINS: dict[Login, str] = {"iam": "SaslIam", "scram": "SaslScram", "tls": "Tls", "plaintext": ""}
_NETWORKS: dict[Network, str] = {"private": "", "public": "Public", "multi_vpc": "VpcConnectivity"}
_NAMES: dict[Login, str] = {"iam": "IAM", "scram": "SASL/SCRAM", "tls": "TLS", "plaintext": "plain text"}


def bootstrap_brokers(arn: str, *, login: Login, network: Network = "private", client: Any = None) -> str:
    """The brokers of the cluster, provisioned or serverless, for that way to log in; one request.

    Raises RefusedError when there is no such cluster, when the request is not allowed, or when the cluster
    has no such brokers (with those it has); UnreachableError when AWS does not answer.
    """
    if client is not None:
        return _brokers(client, arn, login, network)
    with closing(
        aws_client("kafka", resource=arn, region=arn.split(":")[3], endpoint_url=None, read_timeout_seconds=5)
    ) as made:
        return _brokers(made, arn, login, network)


def _brokers(client: Any, arn: str, login: Login, network: Network) -> str:
    try:
        answer = client.get_bootstrap_brokers(ClusterArn=arn)
    except (BotoCoreError, ClientError) as error:
        raise aws_failure(error, action=_ACTION, resource=arn) from error
    brokers = answer.get(_member(login, network))
    if brokers:
        return str(brokers)
    there = [
        f"{_NAMES[one]} ({where})"
        for where in _NETWORKS
        for one in _LOGINS
        if answer.get(_member(one, where))
    ]
    if not there:
        raise RefusedError(f"{arn} has no brokers yet; it is being created, or is being deleted")
    raise RefusedError(
        f"{arn} has no brokers for {_NAMES[login]} on its {network} network; it has: {', '.join(there)}. Correct security_protocol, "
        "sasl_mechanism or msk_network, or switch that on in the cluster's settings"
    )


def _member(login: Login, network: Network) -> str:
    return f"BootstrapBrokerString{_NETWORKS[network]}{_LOGINS[login]}"
