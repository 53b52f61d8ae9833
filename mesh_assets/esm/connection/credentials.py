"""Whose credentials, and at which brokers: those of a secret, else those a mapping uses, else those given by hand; never a mixture."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from msgspec import Struct

from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.esm.arns import msk_cluster_in
from mesh_assets.esm.aws_account import AwsAccess, call
from mesh_assets.esm.connection.login import KafkaLogin, Mechanism
from mesh_assets.esm.connection.secret import authority_of, login_of, read_secret
from mesh_assets.esm.mapping import EventSourceMapping

# An MSK cluster's brokers, by the way to prove who one is: each has ports of its own.

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


# Whose credentials: those of a secret, else those a mapping uses, else those given by hand; never a mixture
# that nobody asked for.

_MECHANISMS: dict[str, Mechanism] = {
    "BASIC_AUTH": "PLAIN",
    "SASL_SCRAM_256_AUTH": "SCRAM-SHA-256",
    "SASL_SCRAM_512_AUTH": "SCRAM-SHA-512",
    "IAM_AUTH": "AWS_MSK_IAM",
}
_NOT_HERE = "OAUTHBEARER"


def find_login(
    access: AwsAccess,
    *,
    secret_arn: str | None = None,
    mapping: EventSourceMapping | None = None,
    given: KafkaLogin | None = None,
) -> KafkaLogin:
    """The first of: the secret, the mapping's own access, what was given. `given` completes a secret that
    names no servers or mechanism.

    Raises EstateError when there is none, or it is not complete; RefusedError when a secret may not be read.
    Never names a value.
    """
    base = given or KafkaLogin(bootstrap_servers="")
    if secret_arn is not None:
        if mapping is not None and not base.bootstrap_servers:
            base = replace(
                base,
                bootstrap_servers=",".join(mapping.bootstrap_servers),
                cluster_arn=mapping.event_source_arn,
            )
        found = login_of(read_secret(access, secret_arn), origin=f"secret {secret_arn}", given=base)
    elif mapping is not None:
        found = _of_mapping(access, mapping, base)
    elif given is not None:
        found = given
    else:
        raise EstateError(
            "no credentials: name a secret by its ARN, or a mapping to use its own, or give them by hand on the command line"
        )
    return _with_servers(access, found).checked()


def _of_mapping(access: AwsAccess, mapping: EventSourceMapping, given: KafkaLogin) -> KafkaLogin:
    types = {entry.type: entry.uri for entry in mapping.source_access}
    origin = f"the access of mapping {mapping.uuid}"
    unsupported = sorted(kind for kind in types if _NOT_HERE in kind)
    if unsupported:
        raise EstateError(
            f"{origin} is {unsupported[0]}, which this test cannot do; give other credentials for the same brokers"
        )
    base = replace(given, bootstrap_servers=",".join(mapping.bootstrap_servers) or given.bootstrap_servers)
    base = replace(base, cluster_arn=mapping.event_source_arn, topic=mapping.topic)
    authority = types.get("SERVER_ROOT_CA_CERTIFICATE")
    if authority is not None:
        base = replace(
            base, authority=authority_of(read_secret(access, authority), origin=f"secret {authority}")
        )
    certificate = types.get("CLIENT_CERTIFICATE_TLS_AUTH")
    if certificate is not None:
        return login_of(
            read_secret(access, certificate), origin=f"{origin} (secret {certificate})", given=base
        )
    for kind, mechanism in _MECHANISMS.items():
        if kind not in types:
            continue
        if mechanism == "AWS_MSK_IAM":
            return replace(
                base,
                security_protocol="SASL_SSL",
                sasl_mechanism=mechanism,
                origin=f"{origin} (IAM, with your own AWS identity)",
            )
        wanted = replace(base, security_protocol="SASL_SSL", sasl_mechanism=mechanism)
        return login_of(
            read_secret(access, str(types[kind])), origin=f"{origin} (secret {types[kind]})", given=wanted
        )
    if mapping.event_source_arn is not None:
        # Lambda's own order where a mapping to MSK names no secret: IAM, TLS, plain text.
        brokers = get_msk_bootstrap_brokers(access, mapping.event_source_arn)
        offered = brokers.by_network.get("private", {})
        if "iam" in offered:
            return replace(
                base,
                security_protocol="SASL_SSL",
                sasl_mechanism="AWS_MSK_IAM",
                origin=f"{origin} (IAM, with your AWS identity)",
            )
        return replace(
            base, security_protocol="SSL" if "tls" in offered else "PLAINTEXT", origin=f"{origin} (no secret)"
        )
    return replace(
        base, security_protocol="SSL" if authority else "PLAINTEXT", origin=f"{origin} (no secret)"
    )


def _with_servers(access: AwsAccess, login: KafkaLogin) -> KafkaLogin:
    if login.bootstrap_servers or login.cluster_arn is None:
        return login
    way: Authentication
    if login.sasl_mechanism == "AWS_MSK_IAM":
        way = "iam"
    elif login.sasl_mechanism is not None:
        way = "scram"
    else:
        way = "tls" if login.uses_tls else "plaintext"
    return login.at(get_msk_bootstrap_brokers(access, login.cluster_arn).servers(way))
