"""What ACLs permit, as Kafka's own authorizer decides it, and which of them contradict each other or do nothing.

An ACL matches a resource by its exact name, by the beginning of the name (`prefixed`), or as one of all (`*`). A deny
wins over every allow; without either, nothing is allowed (unless `allow.everyone.if.no.acl.found` is set). Allowing
read, write, delete or alter allows describe as well, and alter_configs describe_configs; denying them denies nothing
else (https://kafka.apache.org/documentation/#security_authz; AclAuthorizer and StandardAuthorizer agree).

`unused_permissions` finds those that match nothing that exists.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal

from mesh_assets.inventory.access_records import Acl
from mesh_assets.inventory.records import Record

EVERYBODY, EVERYWHERE, ALL_NAMES = "User:*", "*", "*"
# An allowed operation → what else it allows.
_IMPLIES = {
    "read": ("describe",),
    "write": ("describe",),
    "delete": ("describe",),
    "alter": ("describe",),
    "alter_configs": ("describe_configs",),
}
_OPERATIONS = {
    "topic": ("read", "write", "create", "delete", "alter", "describe", "describe_configs", "alter_configs"),
    "group": ("read", "delete", "describe", "describe_configs", "alter_configs"),
}


class Permitted(Record, frozen=True, kw_only=True):
    """What a principal may do with one topic or group, from one host or everywhere (`*`). `denied`: what an ACL would
    allow, or allows from elsewhere, and another denies."""

    principal: str
    host: str
    operations: tuple[str, ...]
    denied: tuple[str, ...] = ()


class Conflict(Record, frozen=True, kw_only=True):
    """`overridden`: `other` denies all that `acl` allows, so it does nothing. `restricted`: `other` denies part of it.
    `redundant`: `other` allows the same and more. `matches_nothing`: it matches no topic or group of the
    inventory."""

    kind: Literal["overridden", "restricted", "redundant", "matches_nothing"]
    acl: Acl
    other: Acl | None = None


class Acls:
    """ACLs indexed by what they match, so that a question costs only as much as its answer."""

    def __init__(self, acls: Iterable[Acl]) -> None:
        self._by_resource: defaultdict[tuple[str, str, str], list[Acl]] = defaultdict(list)
        self._by_principal: defaultdict[tuple[str, str, str, str], list[Acl]] = defaultdict(list)
        self.all = tuple(acls)
        for acl in self.all:
            self._by_resource[acl.resource_type, acl.pattern, acl.resource].append(acl)
            self._by_principal[acl.principal, acl.resource_type, acl.pattern, acl.resource].append(acl)

    def about(self, kind: str, name: str) -> list[Acl]:
        """Those that concern one topic, group, … of that name."""
        return [
            acl
            for pattern, resource in _matching(name)
            for acl in self._by_resource.get((kind, pattern, resource), ())
        ]

    def permitted(self, kind: Literal["topic", "group"], name: str) -> tuple[Permitted, ...]:
        """What each principal that an ACL names may do there, by principal and host."""
        about = self.about(kind, name)
        subjects = sorted({(acl.principal, acl.host) for acl in about if acl.permission == "allow"})
        return tuple(_permitted(principal, host, about, _OPERATIONS[kind]) for principal, host in subjects)

    def conflicts(self) -> Iterator[Conflict]:
        """Denies that override allows, and allows that others contain, in the order of the ACLs."""
        denials: defaultdict[str, list[Acl]] = defaultdict(list)
        for acl in self.all:
            if acl.permission == "deny":
                denials[acl.principal].append(acl)
        for acl in self.all:
            if acl.permission != "allow":
                continue
            overriding = next(self._covering(acl, "deny"), None)
            if overriding is not None:
                yield Conflict(kind="overridden", acl=acl, other=overriding)
                continue
            restricting = next(
                (one for one in self._of_whom(acl.principal, denials) if _meet(acl, one)), None
            )
            if restricting is not None:
                yield Conflict(kind="restricted", acl=acl, other=restricting)
            containing = next(self._covering(acl, "allow"), None)
            if containing is not None:
                yield Conflict(kind="redundant", acl=acl, other=containing)

    @staticmethod
    def _of_whom(principal: str, by_principal: Mapping[str, list[Acl]]) -> Iterator[Acl]:
        """Those of the principal and of everybody; where the principal is everybody, all of them."""
        if principal == EVERYBODY:
            return chain.from_iterable(by_principal.values())
        return chain(by_principal.get(principal, ()), by_principal.get(EVERYBODY, ()))

    def _covering(self, acl: Acl, permission: str) -> Iterator[Acl]:
        """Those of `permission` that hold wherever `acl` does, other than itself."""
        names = list(_matching(acl.resource)) if acl.pattern == "literal" else list(_prefixes(acl.resource))
        if acl.pattern == "literal" and acl.resource == ALL_NAMES:
            names = [("literal", ALL_NAMES), ("prefixed", "")]
        for principal in dict.fromkeys((acl.principal, EVERYBODY)):
            for pattern, resource in names:
                for one in self._by_principal.get((principal, acl.resource_type, pattern, resource), ()):
                    if one is acl or one.permission != permission or one.host not in (acl.host, EVERYWHERE):
                        continue
                    if _includes(one.operation, acl.operation, permission):
                        yield one


def _permitted(principal: str, host: str, about: Sequence[Acl], operations: Sequence[str]) -> Permitted:
    def concerns(acl: Acl, permission: str) -> bool:
        return (
            acl.permission == permission
            and acl.principal in (principal, EVERYBODY)
            and acl.host in (host, EVERYWHERE)
        )

    allowed = {
        op
        for op in operations
        for acl in about
        if concerns(acl, "allow") and _includes(acl.operation, op, "allow")
    }
    denied = {
        op
        for op in operations
        for acl in about
        if concerns(acl, "deny") and _includes(acl.operation, op, "deny")
    }
    return Permitted(
        principal=principal,
        host=host,
        operations=tuple(op for op in operations if op in allowed - denied),
        denied=tuple(op for op in operations if op in allowed & denied),
    )


def _includes(operation: str, other: str, permission: str) -> bool:
    """Whether an ACL for `operation` also decides about `other`."""
    if operation in ("all", other):
        return True
    return permission == "allow" and other in _IMPLIES.get(operation, ())


def _matching(name: str) -> Iterator[tuple[str, str]]:
    """Pattern and resource of every ACL that matches exactly the name `name`."""
    yield "literal", name
    yield from _prefixes(name)


def _prefixes(name: str) -> Iterator[tuple[str, str]]:
    """Pattern and resource of every ACL that matches every name beginning with `name`."""
    yield "literal", ALL_NAMES
    for end in range(len(name) + 1):
        yield "prefixed", name[:end]


def _meet(allow: Acl, deny: Acl) -> bool:
    """Whether one allows something that the other denies."""
    return (
        allow.resource_type == deny.resource_type
        and (allow.principal == deny.principal or EVERYBODY in (allow.principal, deny.principal))
        and (allow.host == deny.host or EVERYWHERE in (allow.host, deny.host))
        and (allow.operation == "all" or _includes(deny.operation, allow.operation, "deny"))
        and _overlap(allow, deny)
    )


def _overlap(one: Acl, other: Acl) -> bool:
    if ("literal", ALL_NAMES) in ((one.pattern, one.resource), (other.pattern, other.resource)):
        return True
    if one.pattern == other.pattern == "literal":
        return one.resource == other.resource
    if one.pattern == other.pattern:
        return one.resource.startswith(other.resource) or other.resource.startswith(one.resource)
    literal, prefixed = (one, other) if one.pattern == "literal" else (other, one)
    return literal.resource.startswith(prefixed.resource)
