"""Tools: a connection to Kafka as a mapping makes it, whether the mapping exists or not."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from pydantic import Field

from mesh_assets.agent_tools.tool import ChoiceNeededError
from mesh_assets.answering.answers import Answer, BadArgumentError, Name, current_call
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.errors import AUTHS, Auth, TwoLoginsError
from mesh_assets.esm.mapping import EventSourceMapping, read_mapping
from mesh_assets.esm.request import ConnectionRequest
from mesh_assets.importing import importing
from mesh_assets.mapping_tools.mappings import OpenService
from mesh_assets.mapping_tools.named_access import (
    check_brokers,
    check_login_secret,
    check_one_source,
    check_request_secrets,
)
from mesh_assets.platforms.listeners import broker_addresses

if TYPE_CHECKING:
    from mesh_assets.esm.connection.login import KafkaLogin
    from mesh_assets.esm.service import MappingService

# This answer's name for the network that the estate file calls multi_vpc.
_NETWORKS = {"multi_vpc": "vpc_connectivity"}
SecretArn = Annotated[
    str | None,
    Field(
        max_length=2048,
        description="ARN of another secret, which the estate must list; the mapping's own by default.",
    ),
]
AuthArgument = Annotated[Auth | None, Field(description="Which login of a secret with two.")]


class BrokersAnswer(Answer):
    """By network and authentication, without those that the cluster does not offer."""

    cluster_arn: str
    brokers: dict[str, dict[str, str]]


class ConnectionAnswer(Answer):
    """`steps`: in the order a client takes them; those after a failure are skipped. Tried from this machine,
    not from Lambda's network. `event_source_arn` or `kafka_bootstrap_servers`: what a mapping names as its
    source. `endpoint`: the brokers that were asked."""

    ok: bool
    event_source_arn: str | None = None
    kafka_bootstrap_servers: list[str] | None = None
    endpoint: str
    login: str
    credentials: str
    steps: list[dict[str, Any]]


def get_msk_bootstrap_brokers(
    open_service: OpenService,
    /,
    event_source_arn: Annotated[
        Name, Field(max_length=2048, description="The ARN of the cluster, or of a VPC connection to it.")
    ],
) -> BrokersAnswer:
    """The bootstrap brokers of an MSK cluster, by network and authentication."""
    with importing:
        from mesh_assets.esm.connection.credentials import get_msk_bootstrap_brokers as ask

    found = ask(open_service().account, event_source_arn)
    brokers = {_NETWORKS.get(network, network): {**logins} for network, logins in found.by_network.items()}
    return BrokersAnswer(cluster_arn=found.cluster_arn, brokers=msgspec.to_builtins(brokers))


def test_kafka_connection(
    known: KnownEstate,
    open_service: OpenService,
    /,
    request: ConnectionRequest,
    secret_arn: SecretArn = None,
    auth: AuthArgument = None,
) -> ConnectionAnswer:
    """Tries the connection of a mapping, existing or planned, step by step (names, TCP, TLS, login,
    metadata, topic, rights) and says why a step failed."""
    with importing:
        from mesh_assets.esm.connection import check_connection

    check_one_source(request.event_source_arn, request.kafka_bootstrap_servers)
    service = open_service()
    mapping = _mapping(known, service, request)
    login = login_of_mapping(known, service.account, mapping, secret_arn, auth)
    report = check_connection(
        login,
        account=service.account,
        topic=request.kafka_topic or mapping.topic,
        group=request.kafka_consumer_group_id
        or (None if request.uuid is None else mapping.consumer_group_id),
        on_step=lambda _: current_call().go_on(),
    )
    steps = [msgspec.to_builtins(step) for step in report.steps]
    return ConnectionAnswer(
        ok=report.ok,
        event_source_arn=mapping.event_source_arn,
        kafka_bootstrap_servers=list(mapping.bootstrap_servers) or None,
        endpoint=report.endpoint,
        login=report.login,
        credentials=report.origin,
        steps=steps,
    )


def login_of_mapping(
    known: KnownEstate,
    account: AwsAccount,
    mapping: EventSourceMapping,
    secret_arn: str | None,
    auth: Auth | None,
) -> "KafkaLogin":
    """Raises BadArgumentError for a secret that may not be named, ChoiceNeededError for one with two logins."""
    with importing:
        from mesh_assets.esm.connection.credentials import find_login

    check_login_secret(known, account, secret_arn, mapping)
    try:
        return find_login(account, secret_arn=secret_arn, mapping=mapping, auth=auth)
    except TwoLoginsError as error:
        raise ChoiceNeededError(
            str(error),
            question=f"Secret {secret_arn} has a login by iam and one by sasl. Which one is meant?",
            options={one: {"auth": one} for one in AUTHS},
        ) from error


def _mapping(known: KnownEstate, service: "MappingService", request: ConnectionRequest) -> EventSourceMapping:
    """The mapping as it is or will be. Raises BadArgumentError if its brokers are not known or one of its
    secrets may not be named."""
    described = [request.cluster, request.event_source_arn, request.kafka_bootstrap_servers]
    if request.uuid is not None:
        if any(one is not None for one in (*described, request.source_access_configurations)):
            raise BadArgumentError(
                "uuid names a mapping that has its own source and access; leave out cluster, event_source_arn, "
                "kafka_bootstrap_servers and source_access_configurations"
            )
        return service.get(request.uuid)
    check_request_secrets(known, service.account, request.source_access_configurations)
    arn, servers = request.event_source_arn, request.kafka_bootstrap_servers or ()
    if request.cluster is not None:
        if arn or servers:
            raise BadArgumentError(
                "cluster already names the source; leave out event_source_arn and kafka_bootstrap_servers"
            )
        kafka = known.cluster(known.name(request.cluster)).kafka
        arn = kafka.cluster_arn
        servers = tuple(one.rpartition("://")[2] for one in broker_addresses(kafka))
    elif not arn and not servers:
        raise BadArgumentError(
            "say what to connect to: uuid, or, before there is a mapping, cluster, event_source_arn or kafka_bootstrap_servers"
        )
    else:
        check_brokers(known, service, cluster_arn=arn, bootstrap_servers=servers)
    return read_mapping(  # so that `find_login` sees what Lambda would
        {
            "UUID": "that does not exist yet",
            "FunctionArn": "none",
            "Topics": [request.kafka_topic] if request.kafka_topic else [],
            **(
                {"EventSourceArn": arn}
                if arn
                else {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": list(servers)}}}
            ),
            "SourceAccessConfigurations": [
                {"Type": entry.type, "URI": entry.uri} for entry in request.source_access_configurations or ()
            ],
        }
    )
