"""Reaching a mapping's cluster as Lambda would: whose credentials, which brokers, and which step fails.

Public: `get_msk_bootstrap_brokers`, `find_login` (a secret, else the mapping's, else by hand),
`check_connection`.
"""

from mesh_assets.esm.connection.check import check_connection
from mesh_assets.esm.connection.credentials import find_login, get_msk_bootstrap_brokers
from mesh_assets.esm.connection.login import KafkaLogin
from mesh_assets.esm.connection.steps import ConnectionReport, Step

__all__ = [
    "ConnectionReport",
    "KafkaLogin",
    "Step",
    "check_connection",
    "find_login",
    "get_msk_bootstrap_brokers",
]
