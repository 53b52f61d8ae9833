"""Kafka over its own protocol: settings, four bulk reads, errors."""

from mesh_assets.platforms.kafka.reader import (
    ConfluentKafkaReader,
    KafkaReader,
    ends_after,
    leading_partitions,
)
from mesh_assets.platforms.kafka.settings import ClientProperties, client_properties
from mesh_assets.platforms.kafka.values import (
    BrokerNode,
    ClusterMetadata,
    CommittedPartition,
    ConsumerGroup,
    GroupMember,
    GroupsReading,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    TopicConfigs,
    TopicMetadata,
    UnlistedGroups,
)

__all__ = [
    "BrokerNode",
    "ClientProperties",
    "ClusterMetadata",
    "CommittedPartition",
    "ConfluentKafkaReader",
    "ConsumerGroup",
    "GroupMember",
    "GroupsReading",
    "KafkaReader",
    "OffsetsReading",
    "PartitionMetadata",
    "PartitionOffsets",
    "TopicConfigs",
    "TopicMetadata",
    "UnlistedGroups",
    "client_properties",
    "ends_after",
    "leading_partitions",
]
