"""The estate's cluster that a mapping reads, found only by its ARN or bootstrap servers."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from mesh_assets.errors import RefusedError
from mesh_assets.esm.arns import msk_cluster_in
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.connection.credentials import get_msk_bootstrap_brokers, msk_cluster_arn
from mesh_assets.esm.iam.wiring import Wiring
from mesh_assets.esm.surroundings import TopicLookup, UnknownClusterError
from mesh_assets.esm.value_format import FormatLookup
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.importing import importing
from mesh_assets.inventory.links import kafka_addresses
from mesh_assets.platforms.kafka import KafkaReader, ShareGroup, WireReader, client_properties
from mesh_assets.platforms.listeners import broker_addresses

if TYPE_CHECKING:
    from mesh_assets.platforms.http import Transport

ReaderFactory = Callable[[Cluster], KafkaReader]
ShareReader = Callable[[Cluster, str, str], ShareGroup]
"""A share group of the cluster, on one topic."""


def kafka_reader(cluster: Cluster) -> WireReader:
    """A reader with the estate's own connection.

    Raises EstateError or PlatformError when its settings cannot be resolved.
    """
    return WireReader(
        client_properties(cluster.kafka),
        cluster.kafka.timeout_seconds,
        on_confluent_cloud=cluster.on_confluent_cloud,
    )


def estate_share_group(cluster: Cluster, group: str, topic: str) -> ShareGroup:
    """Read with the estate's own connection. Raises EstateError for its settings, PlatformError."""
    with kafka_reader(cluster) as reader:
        return reader.share_group(group, topic)


def cluster_of(
    estate: Estate | None,
    account: AwsAccount,
    *,
    event_source_arn: str | None,
    bootstrap_servers: Collection[str],
) -> Cluster | None:
    """The estate's cluster with this ARN or one of these servers. None: the estate does not have it.

    For an MSK cluster that the estate names by servers, AWS is asked for all of its brokers; for a VPC connection,
    first for its cluster. Raises RefusedError when it refuses, PlatformError when it does not answer.
    """
    if estate is None:
        return None
    arn = event_source_arn
    if (
        arn is not None
        and (msk := msk_cluster_in(arn)) is not None
        and msk.by_vpc_connection
        and estate.clusters
    ):
        arn = msk_cluster_arn(account, arn)
    for cluster in estate.clusters.values():
        if arn is not None and cluster.kafka.cluster_arn == arn:
            return cluster
    named = [cluster for cluster in estate.clusters.values() if cluster.kafka.bootstrap_servers is not None]
    if not named:
        return None
    told = [*bootstrap_servers]
    if arn is not None:
        told += get_msk_bootstrap_brokers(account, arn).all_servers
    servers = set(kafka_addresses(",".join(told)))
    for cluster in named:
        if not servers.isdisjoint(kafka_addresses(",".join(broker_addresses(cluster.kafka)))):
            return cluster
    return None


def estate_topics(
    estate: Estate | None, account: AwsAccount, *, open_reader: ReaderFactory = kafka_reader
) -> TopicLookup:
    """A lookup of topics over the estate's own connection to their cluster."""

    def partitions(wiring: Wiring, bootstrap_servers: tuple[str, ...]) -> int | None:
        try:
            cluster = cluster_of(
                estate, account, event_source_arn=wiring.cluster_arn, bootstrap_servers=bootstrap_servers
            )
        except RefusedError as error:
            raise UnknownClusterError(str(error)) from error
        if cluster is None:
            raise UnknownClusterError("the estate has no cluster with these bootstrap servers")
        reader = open_reader(cluster)
        try:
            found = next((topic for topic in reader.metadata().topics if topic.name == wiring.topic), None)
        finally:
            reader.close()
        return None if found is None else len(found.partitions)

    return partitions


def estate_formats(
    estate: Estate | None, account: AwsAccount, *, transport: "Transport | None" = None
) -> FormatLookup:
    """A lookup of formats: that of the latest schema of the subject `TOPIC-value` in the estate's registry of the cluster."""

    def format_of(wiring: Wiring, bootstrap_servers: tuple[str, ...]) -> str | None:
        cluster = cluster_of(
            estate, account, event_source_arn=wiring.cluster_arn, bootstrap_servers=bootstrap_servers
        )
        if cluster is None or cluster.schema_registry is None:
            return None
        with importing:
            from mesh_assets.platforms.schema_registry.records import open_registry
            from mesh_assets.platforms.schema_registry.subjects import read_latest

        with open_registry(cluster.schema_registry, transport=transport) as service:
            schema = read_latest(service, f"{wiring.topic}-value")
        return None if schema is None else schema.schema_type

    return format_of
