"""Kafka: settings, bulk reads over its own protocol, errors."""

from mesh_assets.platforms.kafka.reader import (
    KafkaReader,
    WireReader,
    ends_after,
    leading_partitions,
)
from mesh_assets.platforms.kafka.settings import ClientProperties, client_properties
from mesh_assets.platforms.kafka.values import (
    AccessReading,
    BrokerNode,
    BrokersReading,
    ClusterMetadata,
    CommittedPartition,
    ConsumerGroup,
    EndsReading,
    GroupsReading,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    TopicConfigs,
    TopicMetadata,
    TransactionsReading,
    UnlistedGroups,
    for_alike,
)
from mesh_assets.platforms.kafka.wire.named_groups import ShareGroup
from mesh_assets.platforms.kafka.wire.partition_columns import MISSING, CommitsReading, Committed, Edges

__all__ = [
    "MISSING",
    "AccessReading",
    "BrokerNode",
    "BrokersReading",
    "ClientProperties",
    "ClusterMetadata",
    "CommitsReading",
    "Committed",
    "CommittedPartition",
    "ConsumerGroup",
    "Edges",
    "EndsReading",
    "GroupsReading",
    "KafkaReader",
    "OffsetsReading",
    "PartitionMetadata",
    "PartitionOffsets",
    "ShareGroup",
    "TopicConfigs",
    "TopicMetadata",
    "TransactionsReading",
    "UnlistedGroups",
    "WireReader",
    "client_properties",
    "ends_after",
    "for_alike",
    "leading_partitions",
]
