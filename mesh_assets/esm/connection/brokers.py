"""An MSK cluster's brokers, by the way to prove who one is: each has ports of its own."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from mesh_assets.errors import RefusedError
from mesh_assets.esm.access import AwsAccess
from mesh_assets.esm.arns import msk_cluster_in
from mesh_assets.esm.calls import call

Authentication = Literal["plaintext", "tls", "scram", "iam"]
Network = Literal["private", "public", "vpc_connectivity"]

_NAMES: dict[Authentication, str] = {"plaintext": "", "tls": "Tls", "scram": "SaslScram", "iam": "SaslIam"}
_NETWORKS: dict[Network, str] = {"private": "", "public": "Public", "vpc_connectivity": "VpcConnectivity"}


class MskBrokers(Struct, frozen=True, kw_only=True):
    """`by_network`: network → authentication → `host:port,…`; what the cluster does not offer is left out."""

    cluster_arn: str
    by_network: Mapping[Network, Mapping[Authentication, str]]

    def servers(self, authentication: Authentication, *, network: Network = "private") -> str:
        """Raises RefusedError, with what the cluster offers, when it has none of that kind."""
        found = self.by_network.get(network, {}).get(authentication)
        if found is None:
            offered = (
                ", ".join(f"{one} ({where})" for where, ways in self.by_network.items() for one in ways)
                or "nothing yet"
            )
            raise RefusedError(
                f"{self.cluster_arn} has no {network} brokers for {authentication}; it offers {offered}; "
                "choose one of these, or turn the other on in the cluster's settings"
            )
        return found


def get_msk_bootstrap_brokers(access: AwsAccess, cluster_arn: str) -> MskBrokers:
    """The cluster's brokers of every authentication it has on. Raises RefusedError for an ARN that names no
    cluster of the account."""
    if msk_cluster_in(cluster_arn) is None:
        raise RefusedError(
            f"{cluster_arn!r} is no ARN of an MSK cluster; expected arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID"
        )
    answer = call(
        access.client("kafka").get_bootstrap_brokers,
        action="kafka:GetBootstrapBrokers",
        resource=f"MSK cluster {cluster_arn}",
        ClusterArn=cluster_arn,
    )
    by_network: dict[Network, dict[Authentication, str]] = {}
    for network, infix in _NETWORKS.items():
        ways = {
            way: answer[name]
            for way, suffix in _NAMES.items()
            if answer.get(name := f"BootstrapBrokerString{infix}{suffix}")
        }
        if ways:
            by_network[network] = ways
    return MskBrokers(cluster_arn=cluster_arn, by_network=by_network)
