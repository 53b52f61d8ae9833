"""The cluster of the estate that a mapping reads: known by its ARN or its bootstrap servers, and by nothing
else."""

from collections.abc import Callable, Collection

from mesh_assets.errors import RefusedError
from mesh_assets.esm.arns import msk_cluster_in
from mesh_assets.esm.aws_account import AwsAccess, call
from mesh_assets.esm.iam.wiring import Wiring
from mesh_assets.esm.surroundings import TopicLookup, UnknownClusterError
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.platforms.kafka import ConfluentKafkaReader, KafkaReader, client_properties

ReaderFactory = Callable[[Cluster], KafkaReader]


def kafka_reader(cluster: Cluster) -> KafkaReader:
    """With the estate's own connection. Raises EstateError or PlatformError when its settings cannot be had."""
    return ConfluentKafkaReader(
        client_properties(cluster.kafka),
        cluster.kafka.timeout_seconds,
        on_confluent_cloud=cluster.on_confluent_cloud,
    )


def cluster_of(
    estate: Estate | None,
    access: AwsAccess,
    *,
    event_source_arn: str | None,
    bootstrap_servers: Collection[str],
) -> Cluster | None:
    """The estate's cluster with this ARN or one of these servers; for MSK also those that AWS names. None:
    the estate does not have it.

    Raises RefusedError when AWS may not be asked for an MSK cluster's servers, PlatformError when it does not
    answer.
    """
    if estate is None:
        return None
    msk = msk_cluster_in(event_source_arn or "")
    for cluster in estate.clusters.values():
        if msk is not None and cluster.kafka.cluster_arn == msk.cluster_arn:
            return cluster
    named = [cluster for cluster in estate.clusters.values() if cluster.kafka.bootstrap_servers is not None]
    if not named:
        return None
    servers = set(bootstrap_servers) if event_source_arn is None else msk_servers(access, event_source_arn)
    for cluster in named:
        own = {
            server.strip().rpartition("://")[2]
            for server in (cluster.kafka.bootstrap_servers or "").split(",")
        }
        if own & servers:
            return cluster
    return None


def msk_servers(access: AwsAccess, arn: str) -> set[str]:
    """Every bootstrap server of an MSK cluster, of all ways to authenticate."""
    answer = call(
        access.client("kafka").get_bootstrap_brokers,
        action="kafka:GetBootstrapBrokers",
        resource=f"cluster {arn}",
        ClusterArn=arn,
    )
    return {
        server.strip()
        for name, value in answer.items()
        if name.startswith("BootstrapBrokerString") and isinstance(value, str)
        for server in value.split(",")
    }


def estate_topics(
    estate: Estate | None, access: AwsAccess, *, open_reader: ReaderFactory = kafka_reader
) -> TopicLookup:
    """Looks a topic up with the estate's own connection to its cluster."""

    def partitions(wiring: Wiring, bootstrap_servers: tuple[str, ...]) -> int | None:
        try:
            cluster = cluster_of(
                estate, access, event_source_arn=wiring.cluster_arn, bootstrap_servers=bootstrap_servers
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
