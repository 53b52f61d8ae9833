"""Confluent Cloud's own HTTP interfaces, opened by a Cloud key: managed connectors and the control plane."""

from mesh_assets.platforms.confluent_cloud.connect import ConfluentCloudConnectClient
from mesh_assets.platforms.confluent_cloud.control_plane import (
    CloudEnvironment,
    ControlPlaneClient,
    KafkaCluster,
    Organization,
    SchemaRegistryCluster,
)

__all__ = [
    "CloudEnvironment",
    "ConfluentCloudConnectClient",
    "ControlPlaneClient",
    "KafkaCluster",
    "Organization",
    "SchemaRegistryCluster",
]
