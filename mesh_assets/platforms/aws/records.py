"""What AWS's services return, separate from their clients: code that only reads these records does not import
boto3."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from mesh_assets.errors import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """A message as received.

    `receipt` deletes it, until it becomes visible again. `receives`: how often it was delivered.
    """

    id: str
    body: str
    receipt: str
    receives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmInAlarm:
    """A CloudWatch alarm in ALARM, since `since` (UTC), for `reason` (CloudWatch's own sentence)."""

    name: str
    arn: str
    reason: str
    since: datetime


MskLogin = Literal["plaintext", "tls", "scram", "iam"]
MskNetwork = Literal["private", "public", "multi_vpc"]

# The parts of AWS's names: BootstrapBrokerString, …Tls, …PublicSaslIam, …VpcConnectivitySaslScram.
_LOGINS: dict[MskLogin, str] = {"plaintext": "", "tls": "Tls", "scram": "SaslScram", "iam": "SaslIam"}
_NETWORKS: dict[MskNetwork, str] = {"private": "", "public": "Public", "multi_vpc": "VpcConnectivity"}
_LOGIN_NAMES: dict[MskLogin, str] = {
    "plaintext": "plain text",
    "tls": "TLS",
    "scram": "SASL/SCRAM",
    "iam": "IAM",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MskBrokers:
    """The bootstrap brokers of an MSK cluster: each login has its own ports.

    `by_network`: network → login → `host:port,…`, without what the cluster does not offer. `all_servers`: every
    `host:port` in the answer, including those of logins and networks not known here (IPv6).
    """

    cluster_arn: str
    by_network: Mapping[MskNetwork, Mapping[MskLogin, str]]
    all_servers: frozenset[str]

    def servers(self, login: MskLogin, *, network: MskNetwork = "private") -> str:
        """The brokers for that login on that network. Raises RefusedError, listing those it has, when the
        cluster has none."""
        found = self.by_network.get(network, {}).get(login)
        if found is not None:
            return found
        offered = [
            f"{_LOGIN_NAMES[one]} ({where})" for where, logins in self.by_network.items() for one in logins
        ]
        if not offered:
            raise RefusedError(f"{self.cluster_arn} has no brokers yet; it is being created or deleted")
        raise RefusedError(
            f"{self.cluster_arn} has no brokers for {_LOGIN_NAMES[login]} on its {network} network; it has: {', '.join(offered)}. "
            "Correct the security protocol, the SASL mechanism or the network, or turn that login on in the cluster's settings"
        )


def read_msk_brokers(cluster_arn: str, answer: Mapping[str, Any]) -> MskBrokers:
    """The brokers in the answer to kafka:GetBootstrapBrokers."""
    by_network: dict[MskNetwork, dict[MskLogin, str]] = {}
    for network, infix in _NETWORKS.items():
        for login, suffix in _LOGINS.items():
            servers = answer.get(f"BootstrapBrokerString{infix}{suffix}")
            if servers:
                by_network.setdefault(network, {})[login] = str(servers)
    lists = [
        value
        for name, value in answer.items()
        if name.startswith("BootstrapBrokerString") and isinstance(value, str)
    ]
    all_servers = frozenset(server.strip() for servers in lists for server in servers.split(","))
    return MskBrokers(cluster_arn=cluster_arn, by_network=by_network, all_servers=all_servers)
