"""The brokers themselves: the list, their configs, the cluster's features, and the controller quorum.

One request per broker for its configs, and one each for the rest; none depends on the number of topics. If a
broker refuses or lacks one part, the other parts are unaffected.
"""

import asyncio
from collections.abc import Sequence

from confluent_kafka import KafkaError

from mesh_assets.inventory.broker_records import BrokerConfigs, Brokers, ClusterBroker
from mesh_assets.inventory.parts import Unread
from mesh_assets.platforms.kafka.values import BrokersReading
from mesh_assets.platforms.kafka.wire.broker_configs import read_broker_configs
from mesh_assets.platforms.kafka.wire.described_cluster import DESCRIBED_CLUSTER
from mesh_assets.platforms.kafka.wire.features import read_features
from mesh_assets.platforms.kafka.wire.forms import BrokerError, Connections
from mesh_assets.platforms.kafka.wire.parts import known, part, unread
from mesh_assets.platforms.kafka.wire.quorum import read_quorum
from mesh_assets.platforms.kafka.wire.topics import list_topics

DESCRIBE = "DESCRIBE on the cluster"
DESCRIBE_CONFIGS = "DESCRIBE_CONFIGS on the cluster"


async def read_brokers(connections: Connections) -> BrokersReading:
    """Raises BrokerError when not even the brokers could be listed."""
    brokers, named_controller = await _listed(connections)
    live = [broker.id for broker in brokers if not broker.fenced]
    if not live:
        raise BrokerError(KafkaError.BROKER_NOT_AVAILABLE, "it names no live broker")
    configs, features, quorum = await asyncio.gather(
        part(read_broker_configs(connections, live), right=DESCRIBE_CONFIGS),
        part(read_features(connections, live[0]), right=DESCRIBE),
        part(read_quorum(connections), right=DESCRIBE),
    )
    missing = unread(configs=configs, features=features, quorum=quorum)
    leads = known(quorum)
    controller = leads.leader if leads is not None else None
    if isinstance(quorum, Unread) and _has_zookeeper(known(configs)):
        controller = named_controller
    return BrokersReading(
        brokers=Brokers(
            brokers=tuple(brokers),
            controller=controller,
            configs=known(configs),
            features=known(features),
            quorum=leads,
            unknown={name: one.reason for name, one in missing.items()},
        ),
        unread=missing,
    )


async def _listed(connections: Connections) -> tuple[Sequence[ClusterBroker], int | None]:
    """The brokers, and the one that they name as their controller (with KRaft, any of them)."""
    if await connections.version(DESCRIBED_CLUSTER) is not None:
        described = await connections.ask(DESCRIBED_CLUSTER)
        if isinstance(described, BrokerError):
            raise described
        return described.brokers, described.controller
    listed = await list_topics(connections, ())
    brokers = [
        ClusterBroker(id=one.id, host=one.host, port=one.port, rack=one.rack) for one in listed.brokers
    ]
    return brokers, listed.controller


def _has_zookeeper(configs: BrokerConfigs | None) -> bool:
    """Brokers with ZooKeeper name their real controller, and they alone are configured with it."""
    entries = () if configs is None else configs.entries
    return any(entry.name == "zookeeper.connect" and entry.value for entry in entries)
