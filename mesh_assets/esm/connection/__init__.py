"""Reaching a mapping's cluster as Lambda would: whose credentials, which brokers, and a test that says at
which step it fails.

Public: `get_msk_bootstrap_brokers`, `find_login` (secret, then mapping, then by hand),
`test_kafka_connection`.
"""

from mesh_assets.esm.connection.credentials import MskBrokers, find_login, get_msk_bootstrap_brokers
from mesh_assets.esm.connection.login import KafkaLogin
from mesh_assets.esm.connection.steps import ConnectionReport, Step
from mesh_assets.esm.connection.trying import test_kafka_connection

__all__ = [
    "ConnectionReport",
    "KafkaLogin",
    "MskBrokers",
    "Step",
    "find_login",
    "get_msk_bootstrap_brokers",
    "test_kafka_connection",
]
