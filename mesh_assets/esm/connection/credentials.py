"""Which credentials to use: a secret's, else a mapping's own, else those given by hand; never mixed unless asked."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from mesh_assets.errors import EstateError, RefusedError, UnexpectedAnswerError
from mesh_assets.esm.arns import msk_cluster_in
from mesh_assets.esm.aws_account import AwsAccount, call, for_code
from mesh_assets.esm.connection.login import KafkaLogin, Mechanism
from mesh_assets.esm.connection.secret import authority_of, login_of, read_secret
from mesh_assets.esm.errors import Auth
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.platforms.aws.records import MskBrokers, MskLogin, MskNetwork, read_msk_brokers

_MECHANISMS: dict[str, Mechanism] = {
    "BASIC_AUTH": "PLAIN",
    "SASL_SCRAM_256_AUTH": "SCRAM-SHA-256",
    "SASL_SCRAM_512_AUTH": "SCRAM-SHA-512",
    "IAM_AUTH": "AWS_MSK_IAM",
}
_UNSUPPORTED = "OAUTHBEARER"


def find_login(
    account: AwsAccount,
    *,
    secret_arn: str | None = None,
    mapping: EventSourceMapping | None = None,
    given: KafkaLogin | None = None,
    auth: Auth | None = None,
) -> KafkaLogin:
    """The first of: the secret, the mapping's own access, what was given by hand.

    `given`, then the mapping, completes a secret that names no servers, mechanism or authority; `auth` chooses
    between the logins of a secret that has two. Raises TwoLoginsError if nothing chooses, EstateError when there are no
    credentials, or they are incomplete or malformed; RefusedError when a secret is missing or may not be read, or an
    MSK cluster has no such brokers. No error contains a secret's value.
    """
    base = given or KafkaLogin(bootstrap_servers="")
    if secret_arn is not None:
        if mapping is not None:
            base = _beside(account, mapping, base)
        found = login_of(
            read_secret(account, secret_arn), origin=f"secret {secret_arn}", given=base, auth=auth
        )
    elif mapping is not None:
        found = _of_mapping(account, mapping, base)
    elif given is not None:
        found = given
    else:
        raise EstateError(
            "nothing to log in with: name a secret by its ARN, name a mapping to use its own, or give them on the command line"
        )
    return _with_servers(account, found).checked()


def _beside(account: AwsAccount, mapping: EventSourceMapping, given: KafkaLogin) -> KafkaLogin:
    """What completes a secret given with a mapping: the brokers, mechanism and authority that the mapping uses."""
    types = {entry.type: entry.uri for entry in mapping.source_access}
    mechanism = next((name for kind, name in _MECHANISMS.items() if kind in types), None)
    if given.authority is None:
        given = _trusting(account, types, given)
    if not given.bootstrap_servers and given.cluster_arn is None:
        servers = ",".join(mapping.bootstrap_servers)
        given = replace(given, bootstrap_servers=servers, cluster_arn=mapping.event_source_arn)
    return replace(given, sasl_mechanism=given.sasl_mechanism or mechanism)


def _trusting(account: AwsAccount, types: Mapping[str, str | None], login: KafkaLogin) -> KafkaLogin:
    """The login with the authority that the mapping trusts, if it names one."""
    arn = types.get("SERVER_ROOT_CA_CERTIFICATE")
    if arn is None:
        return login
    return replace(login, authority=authority_of(read_secret(account, arn), origin=f"secret {arn}"))


def _of_mapping(account: AwsAccount, mapping: EventSourceMapping, given: KafkaLogin) -> KafkaLogin:
    types = {entry.type: entry.uri for entry in mapping.source_access}
    origin = f"the access of mapping {mapping.uuid}"
    unsupported = sorted(kind for kind in types if _UNSUPPORTED in kind)
    if unsupported:
        raise EstateError(
            f"{origin} is {unsupported[0]}, which is not supported here; give other credentials for the same brokers"
        )
    base = replace(given, bootstrap_servers=",".join(mapping.bootstrap_servers) or given.bootstrap_servers)
    base = replace(base, cluster_arn=mapping.event_source_arn, topic=mapping.topic)
    base = _trusting(account, types, base)
    certificate = types.get("CLIENT_CERTIFICATE_TLS_AUTH")
    if certificate is not None:
        return login_of(
            read_secret(account, certificate), origin=f"{origin} (secret {certificate})", given=base
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
            read_secret(account, str(types[kind])), origin=f"{origin} (secret {types[kind]})", given=wanted
        )
    if mapping.event_source_arn is not None:
        # Lambda's own order for a mapping to MSK without a secret: IAM, TLS, plain text.
        brokers = get_msk_bootstrap_brokers(account, mapping.event_source_arn)
        offered = brokers.by_network.get(_network(mapping.event_source_arn), {})
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
        base, security_protocol="SSL" if base.authority else "PLAINTEXT", origin=f"{origin} (no secret)"
    )


def get_msk_bootstrap_brokers(account: AwsAccount, arn: str) -> MskBrokers:
    """The cluster's brokers for every login and network it offers; a VPC connection's ARN means its cluster.

    Raises RefusedError for an ARN that names no MSK cluster or connection of the account, PlatformError when AWS
    does not answer.
    """
    cluster_arn = msk_cluster_arn(account, arn)
    answer = call(
        account.client("kafka").get_bootstrap_brokers,
        action="kafka:GetBootstrapBrokers",
        resource=f"MSK cluster {cluster_arn}",
        translate=_missing(account, f"MSK cluster {cluster_arn}"),
        ClusterArn=cluster_arn,
    )
    return read_msk_brokers(cluster_arn, answer)


def _missing(account: AwsAccount, what: str) -> Callable[[Exception], Exception | None]:
    return for_code("NotFoundException", lambda: RefusedError(f"{account} has no {what}; correct the ARN"))


def msk_cluster_arn(account: AwsAccount, arn: str) -> str:
    """The ARN of the cluster that a cluster's or VPC connection's ARN means. AWS names brokers only by the cluster's, and
    a connection's has its own UUID, so AWS is asked for its cluster. Raises like `get_msk_bootstrap_brokers`.
    """
    named = msk_cluster_in(arn)
    if named is None:
        raise RefusedError(
            f"{arn!r} is not the ARN of an MSK cluster; expected arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID, or the ARN of a VPC "
            "connection to one"
        )
    if not named.by_vpc_connection:
        return arn
    answer = call(
        account.client("kafka").describe_vpc_connection,
        action="kafka:DescribeVpcConnection",
        resource=f"VPC connection {arn}",
        translate=_missing(account, f"VPC connection {arn}"),
        Arn=arn,
    )
    target: str | None = answer.get("TargetClusterArn")
    if not target:
        raise UnexpectedAnswerError(
            f"kafka:DescribeVpcConnection on {arn}: the answer does not name its cluster; name the cluster's own ARN"
        )
    return target


def _network(arn: str) -> MskNetwork:
    """Where Lambda's pollers reach the cluster: a VPC connection leads to listeners of their own."""
    named = msk_cluster_in(arn)
    return "multi_vpc" if named is not None and named.by_vpc_connection else "private"


def _with_servers(account: AwsAccount, login: KafkaLogin) -> KafkaLogin:
    if login.bootstrap_servers or login.cluster_arn is None:
        return login
    way: MskLogin
    if login.sasl_mechanism == "AWS_MSK_IAM":
        way = "iam"
    elif login.sasl_mechanism is not None:
        way = "scram"
    else:
        way = "tls" if login.uses_tls else "plaintext"
    brokers = get_msk_bootstrap_brokers(account, login.cluster_arn)
    return login.at(brokers.servers(way, network=_network(login.cluster_arn)))
