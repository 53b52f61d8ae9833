"""Confluent Cloud's own HTTP interfaces, opened by a Cloud key: managed connectors and the control plane."""

from mesh_assets.platforms.confluent_cloud.connect import ConfluentCloudConnectClient

__all__ = ["ConfluentCloudConnectClient"]
