"""Columns and rows of the tables of the sections `brokers` and `access`. Unknown things have no rows."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from mesh_assets.diff.access import quota_name
from mesh_assets.inventory.document import Document

Row = tuple[Any, ...]
_INTS = pa.list_(pa.int32())

COLUMNS: dict[str, list[tuple[str, pa.DataType]]] = {
    "brokers": [
        ("broker", pa.int32()),
        ("host", pa.string()),
        ("port", pa.int32()),
        ("rack", pa.string()),
        ("fenced", pa.bool_()),
        ("controller", pa.bool_()),
    ],
    "broker_configs": [
        ("config", pa.string()),
        ("value", pa.string()),
        ("source", pa.string()),
        ("sensitive", pa.bool_()),
        ("brokers", _INTS),
    ],
    "features": [
        ("feature", pa.string()),
        ("level", pa.int32()),
        ("minimum", pa.int32()),
        ("maximum", pa.int32()),
    ],
    "quorum_replicas": [
        ("id", pa.int32()),
        ("role", pa.string()),
        ("log_end_offset", pa.int64()),
        ("lag_records", pa.int64()),
        ("last_fetch", pa.timestamp("us", tz="UTC")),
        ("last_caught_up", pa.timestamp("us", tz="UTC")),
    ],
    "acls": [
        ("principal", pa.string()),
        ("permission", pa.string()),
        ("operation", pa.string()),
        ("resource_type", pa.string()),
        ("resource", pa.string()),
        ("pattern", pa.string()),
        ("host", pa.string()),
    ],
    "client_quotas": [
        ("entity", pa.string()),
        ("limit", pa.string()),
        ("value", pa.float64()),
    ],
    "scram_users": [
        ("scram_user", pa.string()),
        ("mechanism", pa.string()),
        ("iterations", pa.int32()),
    ],
}


def _brokers(document: Document) -> Iterator[Row]:
    if document.brokers is None:
        return
    controller = document.brokers.controller
    for one in document.brokers.brokers:
        is_controller = None if controller is None else one.id == controller
        yield one.id, one.host, one.port, one.rack, one.fenced, is_controller


def _broker_configs(document: Document) -> Iterator[Row]:
    """With the brokers named, even if a config is the same on all of them."""
    configs = None if document.brokers is None else document.brokers.configs
    if configs is not None:
        for entry in configs.entries:
            yield entry.name, entry.value, entry.source, entry.sensitive, entry.brokers or configs.brokers


def _features(document: Document) -> Iterator[Row]:
    features = None if document.brokers is None else document.brokers.features
    if features is not None:
        for one in features.features:
            yield one.name, one.level, one.minimum, one.maximum


def _quorum_replicas(document: Document) -> Iterator[Row]:
    quorum = None if document.brokers is None else document.brokers.quorum
    if quorum is not None:
        for role, replicas in (("voter", quorum.voters), ("observer", quorum.observers)):
            for one in replicas:
                name = "leader" if one.id == quorum.leader and role == "voter" else role
                yield one.id, name, one.log_end_offset, one.lag_records, one.last_fetch, one.last_caught_up


def _acls(document: Document) -> Iterator[Row]:
    for acl in () if document.access is None else document.access.acls or ():
        yield (
            acl.principal,
            acl.permission,
            acl.operation,
            acl.resource_type,
            acl.resource,
            acl.pattern,
            acl.host,
        )


def _client_quotas(document: Document) -> Iterator[Row]:
    for quota in () if document.access is None else document.access.quotas or ():
        for limit, value in quota.limits.items():
            yield quota_name(quota), limit, value


def _scram_users(document: Document) -> Iterator[Row]:
    for user in () if document.access is None else document.access.scram_users or ():
        for credential in user.credentials:
            yield user.name, credential.mechanism, credential.iterations


ROWS: dict[str, Callable[[Document], Iterable[Row]]] = {
    "brokers": _brokers,
    "broker_configs": _broker_configs,
    "features": _features,
    "quorum_replicas": _quorum_replicas,
    "acls": _acls,
    "client_quotas": _client_quotas,
    "scram_users": _scram_users,
}
