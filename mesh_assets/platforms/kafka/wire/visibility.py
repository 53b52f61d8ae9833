"""Whether a list without groups means that there are none: brokers leave groups that the user may not describe out of their
lists without a word."""

from uuid import uuid4

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.errors import AUTHORIZATION
from mesh_assets.platforms.kafka.values import ClusterMetadata
from mesh_assets.platforms.kafka.wire.coordinators import Coordinators, Listing
from mesh_assets.platforms.kafka.wire.described_cluster import DESCRIBED_CLUSTER
from mesh_assets.platforms.kafka.wire.forms import BrokerError, Connections
from mesh_assets.platforms.kafka.wire.group_requests import Failure, describe_classic_groups
from mesh_assets.platforms.kafka.wire.topics import list_topics

_DESCRIBE = 8  # of Kafka's AclOperation


async def visible_groups(coordinators: Coordinators, seen: ClusterMetadata | None) -> Listing:
    """As `list_groups`. Raises RefusedError when the user sees no group and may not see others."""
    listing = await coordinators.list_groups(seen)
    if not listing.groups and await groups_may_be_hidden(coordinators.connections):
        raise coordinators.failed(
            Failure(KafkaError.GROUP_AUTHORIZATION_FAILED),
            doing="reading the consumer groups",
            right="DESCRIBE on the cluster or on the groups",
        )
    return listing


async def groups_may_be_hidden(connections: Connections) -> bool:
    """Whether the user may describe only groups of some names or of none, nor the cluster, which would list them all. For a
    made-up name, any broker answers that first. Raises BrokerError."""
    made_up = uuid4().hex
    told = (await connections.ask(describe_classic_groups([made_up])))[made_up]
    if not isinstance(told, Failure) or told.code not in AUTHORIZATION:
        return False
    operations = await _cluster_operations(connections)
    return operations is None or not operations >> _DESCRIBE & 1


async def _cluster_operations(connections: Connections) -> int | None:
    """A bit for each that the user may do with the cluster; None: not reported."""
    if await connections.version(DESCRIBED_CLUSTER) is None:
        return (await list_topics(connections, (), rights=True)).operations
    described = await connections.ask(DESCRIBED_CLUSTER)
    if isinstance(described, BrokerError):
        raise described
    return described.operations
