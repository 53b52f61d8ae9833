"""Who may do what, how much, and who can log in by SCRAM: one request each, regardless of the number of
topics."""

import asyncio
from collections.abc import Sequence
from functools import partial
from math import isfinite
from sys import float_info, intern
from typing import TypeVar
from uuid import uuid4

from confluent_kafka import KafkaError

from mesh_assets.inventory.access_records import Access, Acl, ClientQuota, ScramCredential, ScramUser
from mesh_assets.platforms.kafka.values import AccessReading
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    Reader,
    Request,
    Writer,
)
from mesh_assets.platforms.kafka.wire.parts import known, part, unread
from mesh_assets.platforms.kafka.wire.topics import list_topics

Told = TypeVar("Told")

DESCRIBE = "DESCRIBE on the cluster"
DESCRIBE_CONFIGS = "DESCRIBE_CONFIGS on the cluster"

# Kafka's ResourceType, PatternType, AclOperation, AclPermissionType and ScramMechanism.
_ANY = 1
_RESOURCES = {2: "topic", 3: "group", 4: "cluster", 5: "transactional_id", 6: "delegation_token", 7: "user"}
_PATTERNS = {3: "literal", 4: "prefixed"}
_OPERATIONS = {
    2: "all",
    3: "read",
    4: "write",
    5: "create",
    6: "delete",
    7: "alter",
    8: "describe",
    9: "cluster_action",
    10: "describe_configs",
    11: "alter_configs",
    12: "idempotent_write",
    13: "create_tokens",
    14: "describe_tokens",
    15: "two_phase_commit",
}
_PERMISSIONS = {2: "deny", 3: "allow"}
_MECHANISMS = {1: "SCRAM-SHA-256", 2: "SCRAM-SHA-512"}


async def read_access(connections: Connections) -> AccessReading:
    acls, quotas, scram_users = await asyncio.gather(
        part(_acls(connections), right=DESCRIBE),
        part(_quotas(connections), right=DESCRIBE_CONFIGS),
        part(_scram_users(connections), right=DESCRIBE),
    )
    missing = unread(acls=acls, quotas=quotas, scram_users=scram_users)
    return AccessReading(
        access=Access(
            acls=known(acls),
            quotas=known(quotas),
            scram_users=known(scram_users),
            unknown={name: one.reason for name, one in missing.items()},
        ),
        unread=missing,
    )


async def _answer(
    connections: Connections, request: Request[Told | BrokerError], *, broker: int | None = None
) -> Told:
    told = await connections.ask(request, broker=broker)
    if isinstance(told, BrokerError):
        raise told
    return told


async def _acls(connections: Connections) -> tuple[Acl, ...]:
    return await _answer(connections, _ACLS)


async def _quotas(connections: Connections) -> tuple[ClientQuota, ...]:
    return await _answer(connections, _QUOTAS)


async def _scram_users(connections: Connections) -> tuple[ScramUser, ...]:
    """With ZooKeeper, only the controller knows them.

    A user who may not know them gets no answer to the question for all, and none to anything later on that connection (Kafka
    2.7 to 4.3); one who asks for a name is refused. So we ask for a made-up one first.
    """
    controller = None
    try:
        await _answer(connections, _scram_users_named([uuid4().hex]))
    except BrokerError as error:
        if error.code != KafkaError.NOT_CONTROLLER:
            raise
        controller = (await list_topics(connections, ())).controller
        await _answer(connections, _scram_users_named([uuid4().hex]), broker=controller)
    return await _answer(connections, _SCRAM_USERS, broker=controller)


# --- ACLs


def _write_acls(w: Writer, _version: int) -> None:
    w.int8(_ANY)  # kind of resource
    w.text(None)  # its name
    w.int8(_ANY)  # pattern
    w.text(None)  # principal
    w.text(None)  # host
    w.int8(_ANY)  # operation
    w.int8(_ANY)  # permission
    w.tags()


def _read_acls(r: Reader, _version: int) -> tuple[Acl, ...] | BrokerError:
    r.throttle()
    code, said = r.int16(), r.nullable_text()
    acls: list[Acl] = []
    for _ in range(r.length()):
        kind, name, pattern = _word(_RESOURCES, r.int8()), intern(r.text()), _word(_PATTERNS, r.int8())
        for _ in range(r.length()):
            principal, host = intern(r.text()), intern(r.text())
            operation, permission = _word(_OPERATIONS, r.int8()), _word(_PERMISSIONS, r.int8())
            r.tags()
            acls.append(
                Acl(
                    principal=principal,
                    permission=permission,
                    operation=operation,
                    resource_type=kind,
                    resource=name,
                    pattern=pattern,
                    host=host,
                )
            )
        r.tags()
    r.tags()
    return BrokerError(code, said or "") if code else tuple(sorted(acls, key=acl_order))


def acl_order(acl: Acl) -> tuple[str, ...]:
    return (
        acl.resource_type,
        acl.resource,
        acl.pattern,
        acl.principal,
        acl.host,
        acl.operation,
        acl.permission,
    )


def _word(words: dict[int, str], number: int) -> str:
    return words.get(number) or f"unknown ({number})"


_ACLS: Request[tuple[Acl, ...] | BrokerError] = Request("DescribeAcls", 29, 1, 3, 2, _write_acls, _read_acls)

# --- quotas


def _write_quotas(w: Writer, _version: int) -> None:
    w.count(0)  # of every kind of client
    w.boolean(False)
    w.tags()


def _read_quotas(r: Reader, _version: int) -> tuple[ClientQuota, ...] | BrokerError:
    r.throttle()
    code, said = r.int16(), r.nullable_text()
    quotas: list[ClientQuota] = []
    # An error has a null instead of them.
    for _ in range(max(0, r.count()) if code else r.length()):
        entity: dict[str, str | None] = {}
        for _ in range(r.length()):
            kind, name = intern(r.text()), r.nullable_text()
            r.tags()
            entity[kind] = name
        limits: dict[str, float] = {}
        for _ in range(r.length()):
            key, value = intern(r.text()), r.float64()
            r.tags()
            # Kafka accepts Infinity and NaN, neither of which ever throttles. JSON has no word for them.
            limits[key] = value if isfinite(value) else float_info.max
        r.tags()
        quotas.append(ClientQuota(entity=dict(sorted(entity.items())), limits=dict(sorted(limits.items()))))
    r.tags()
    return BrokerError(code, said or "") if code else tuple(sorted(quotas, key=_quota_order))


def _quota_order(quota: ClientQuota) -> list[tuple[str, bool, str]]:
    return [(kind, name is not None, name or "") for kind, name in quota.entity.items()]


_QUOTAS: Request[tuple[ClientQuota, ...] | BrokerError] = Request(
    "DescribeClientQuotas", 48, 0, 1, 1, _write_quotas, _read_quotas
)

# --- users with SCRAM credentials


_NO_SUCH_USER = 91  # Kafka's RESOURCE_NOT_FOUND, which librdkafka has no name for


def _write_scram_users(names: Sequence[str] | None, w: Writer, _version: int) -> None:
    w.count(None if names is None else len(names))
    for name in names or ():
        w.text(name)
        w.tags()
    w.tags()


def _read_scram_users(r: Reader, _version: int) -> tuple[ScramUser, ...] | BrokerError:
    r.throttle()
    code, said = r.int16(), r.nullable_text()
    users: list[ScramUser] = []
    for _ in range(r.length()):
        name, failed, why = r.text(), r.int16(), r.nullable_text()
        credentials = []
        for _ in range(r.length()):
            mechanism, iterations = _word(_MECHANISMS, r.int8()), r.int32()
            r.tags()
            credentials.append(ScramCredential(mechanism=mechanism, iterations=iterations))
        r.tags()
        if failed == _NO_SUCH_USER:
            continue
        if failed and not code:
            code, said = failed, why
        users.append(
            ScramUser(name=name, credentials=tuple(sorted(credentials, key=lambda one: one.mechanism)))
        )
    r.tags()
    return BrokerError(code, said or "") if code else tuple(sorted(users, key=lambda user: user.name))


def _scram_users_named(names: Sequence[str] | None) -> Request[tuple[ScramUser, ...] | BrokerError]:
    """None: all of them."""
    write = partial(_write_scram_users, names)
    return Request("DescribeUserScramCredentials", 50, 0, 0, 0, write, _read_scram_users)


_SCRAM_USERS = _scram_users_named(None)
