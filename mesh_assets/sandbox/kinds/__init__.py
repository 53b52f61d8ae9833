"""The sandbox's servers. To add one, write its record and name it here, after those it needs."""

from mesh_assets.sandbox.kinds.aws import AWS
from mesh_assets.sandbox.kinds.brokers import BROKER, CLOUD_BROKER
from mesh_assets.sandbox.kinds.connect import CONNECT
from mesh_assets.sandbox.kinds.processes import CLOUD, FEED, LAMBDA
from mesh_assets.sandbox.kinds.registry import REGISTRY
from mesh_assets.sandbox.server import Server

SERVERS: tuple[Server, ...] = (BROKER, CLOUD_BROKER, REGISTRY, CLOUD, CONNECT, FEED, AWS, LAMBDA)

__all__ = ["SERVERS"]
