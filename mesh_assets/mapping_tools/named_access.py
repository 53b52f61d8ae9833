"""Which secrets and which brokers a call may name.

The tools present credentials to brokers, with the rights of whoever runs the server. A call that could name both
would send any secret of the account to any address, and a server that only reads would be enough for it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from mesh_assets.agent_tools.tool import ChoiceNeededError
from mesh_assets.answering.answers import BadArgumentError, shown
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.esm.arns import arn_in, msk_cluster_in
from mesh_assets.esm.aws_account import AwsAccount, call
from mesh_assets.esm.lookup import list_mappings
from mesh_assets.esm.mapping import KAFKA_CONFIGS, EventSourceMapping
from mesh_assets.esm.request_fields import SchemaRegistry, SourceAccess
from mesh_assets.platforms.listeners import broker_addresses

if TYPE_CHECKING:
    from mesh_assets.esm.service import MappingService

# Those that a mapping logs in with: neither the authority's certificate nor the schema registry's login.
_LOGINS = ("SASL_SCRAM_512_AUTH", "SASL_SCRAM_256_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "BASIC_AUTH")
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}")
_SUFFIX = "-" + "[A-Za-z0-9]" * 6
"""The suffix that Secrets Manager adds to a secret's name in its ARN."""


def check_login_secret(
    known: KnownEstate, account: AwsAccount, secret_arn: str | None, mapping: EventSourceMapping
) -> None:
    """Raises BadArgumentError for a secret that is neither the mapping's own login nor listed in the estate."""
    if secret_arn is not None:
        own = {access.uri for access in mapping.source_access if access.type in _LOGINS}
        _check(known, account, [secret_arn], own=own)


def check_request_secrets(
    known: KnownEstate,
    account: AwsAccount,
    accesses: Sequence[SourceAccess] | None,
    registry: SchemaRegistry | None = None,
    *,
    mapping: EventSourceMapping | None = None,
) -> None:
    """The same for the secrets in a request: `mapping` may use its own, each for what it is used for now.

    Anything that is not the ARN of a secret is left to the rules of requests, which report all faults at
    once.
    """
    own = {access.uri for access in mapping.source_access} if mapping is not None else set()
    _check(known, account, _secrets(accesses or ()), own=own)
    if registry is not None:
        kept = set() if mapping is None else _registry_secrets(mapping, registry.uri)
        _check(known, account, _secrets(registry.access_configurations), own=kept)


def check_brokers(
    known: KnownEstate,
    service: "MappingService",
    *,
    cluster_arn: str | None,
    bootstrap_servers: Sequence[str],
) -> None:
    """Raises BadArgumentError for brokers whose host neither the estate nor a mapping of the account knows,
    and for another account's MSK cluster that neither knows.

    The port may differ: Lambda often uses a different listener from discovery.
    """
    servers = [server.strip() for server in ",".join(bootstrap_servers).split(",") if server.strip()]
    hosts = {server: _host(server) for server in servers}
    wanted: set[str | None] = set(hosts.values())
    cluster = msk_cluster_in(cluster_arn or "")
    if cluster is not None and cluster.account != service.account.identity.account_id:
        wanted.add(cluster.cluster_arn)
    if not wanted - (seen := set(_of_estate(known))):
        return
    for mapping in list_mappings(service.account):
        seen |= set(_of_mapping(mapping))
    strangers = [server for server, host in hosts.items() if host not in seen]
    if cluster is not None and cluster.cluster_arn in wanted - seen:
        strangers.append(str(cluster_arn))
    if strangers:
        raise BadArgumentError(
            f"{', '.join(shown(one) for one in strangers)}: neither the estate nor an event source mapping of {service.account} knows "
            "these brokers, and a call must not choose whom the server connects to; add their cluster to the estate, or use "
            "`mesh-assets esm connection`"
        )


def check_one_source(event_source_arn: str | None, kafka_bootstrap_servers: Collection[str] | None) -> None:
    """Raises ChoiceNeededError when both are given: a mapping reads one source."""
    if event_source_arn and kafka_bootstrap_servers:
        raise two_sources(
            "event_source_arn and kafka_bootstrap_servers are both given, but a mapping reads one source; give only one of them",
            event_source_arn,
            kafka_bootstrap_servers,
        )


def two_sources(
    message: str, event_source_arn: str, kafka_bootstrap_servers: Collection[str]
) -> ChoiceNeededError:
    return ChoiceNeededError(
        message,
        question=f"Which source is meant: the MSK cluster {event_source_arn}, or the brokers {', '.join(kafka_bootstrap_servers)}?",
        options={
            "event_source_arn": {"kafka_bootstrap_servers": None},
            "kafka_bootstrap_servers": {"event_source_arn": None},
        },
    )


def _check(
    known: KnownEstate, account: AwsAccount, arns: Iterable[str], *, own: Collection[str | None]
) -> None:
    for arn in dict.fromkeys(arns):
        if arn in own:
            continue
        if not _is_secret(arn):
            raise BadArgumentError(
                "a secret is named by something other than its ARN (not shown: it could be the secret itself); give the whole ARN of "
                "the secret in Secrets Manager"
            )
        if not _listed(known, account, arn):
            raise BadArgumentError(
                f"secret {arn} is neither the mapping's own nor listed in the estate, so a call must not name it; use the mapping's own, "
                "or list its name or ARN under `esm: {secrets: […]}`"
            )


def _listed(known: KnownEstate, account: AwsAccount, arn: str) -> bool:
    """Part of an ARN can match a pattern and mean another secret, so AWS is asked which one it is."""
    estate = known.estate_if_any
    patterns = () if estate is None or estate.esm is None else estate.esm.secrets
    identity = account.identity
    here = f"arn:{identity.partition}:secretsmanager:{account.region}:{identity.account_id}:secret:"
    if not any(
        fnmatchcase(arn, pattern if pattern.startswith("arn:") else f"{here}{pattern}{_SUFFIX}")
        for pattern in patterns
    ):
        return False
    answer = call(
        account.client("secretsmanager").describe_secret,
        action="secretsmanager:DescribeSecret",
        resource=f"secret {arn}",
        SecretId=arn,
    )
    return bool(answer.get("ARN") == arn)


def _is_secret(uri: str) -> bool:
    arn = arn_in(uri)
    return arn is not None and arn.service == "secretsmanager" and arn.resource.startswith("secret:")


def _secrets(accesses: Iterable[SourceAccess]) -> list[str]:
    return [access.uri for access in accesses if access.uri is not None and _is_secret(access.uri)]


def _registry_secrets(mapping: EventSourceMapping, uri: str) -> set[str | None]:
    """The secret of the mapping's registry, provided that the registry stays at this address."""
    found: set[str | None] = set()
    for name in KAFKA_CONFIGS:
        registry = (mapping.configuration.get(name) or {}).get("SchemaRegistryConfig") or {}
        if registry.get("SchemaRegistryURI") == uri:
            found |= {access.get("URI") for access in registry.get("AccessConfigs") or ()}
    return found


def _host(server: str) -> str:
    """Raises BadArgumentError for anything that a Kafka client could read differently."""
    match = _ADDRESS.fullmatch(server)
    if match is None:
        raise BadArgumentError(f"{shown(server)} is not the address of a broker; expected host:port")
    return match["host"].casefold()


def _of_estate(known: KnownEstate) -> Iterator[str | None]:
    """The hosts and ARNs of the estate's clusters."""
    estate = known.estate_if_any
    for cluster in () if estate is None else estate.clusters.values():
        yield cluster.kafka.cluster_arn
        yield from _hosts(broker_addresses(cluster.kafka))


def _of_mapping(mapping: EventSourceMapping) -> Iterator[str | None]:
    cluster = msk_cluster_in(mapping.event_source_arn or "")
    yield None if cluster is None else cluster.cluster_arn
    yield from _hosts(mapping.bootstrap_servers)


def _hosts(servers: Iterable[str]) -> Iterator[str]:
    for server in servers:
        match = _ADDRESS.fullmatch(server.strip().rpartition("://")[2])
        if match is not None:
            yield match["host"].casefold()
