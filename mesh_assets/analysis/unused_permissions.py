"""ACLs that match no existing topic or group.

Kafka does not say who uses an ACL: groups do not show their members' principals. So an ACL is called unused here if
nothing in the inventory matches it, and only where nothing that might match it can be missing: the section was read,
and everything the estate's patterns leave out has other names.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from mesh_assets.analysis.permissions import ALL_NAMES, Acls, Conflict
from mesh_assets.inventory.access_records import Acl
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SectionName, SectionScope


class KnownNames:
    """The names of all topics, or of all groups, in a document. `scope`: the patterns that left some out; None: nothing
    was left out."""

    def __init__(self, names: Iterable[str], *, scope: SectionScope | None = None) -> None:
        self._names = sorted(names)
        self._scope = scope

    def match(self, acl: Acl) -> bool:
        """Whether the ACL matches one of them."""
        if (acl.pattern, acl.resource) == ("literal", ALL_NAMES):
            return True
        at = bisect_left(self._names, acl.resource)
        if at == len(self._names):
            return False
        found = self._names[at]
        return found == acl.resource if acl.pattern == "literal" else found.startswith(acl.resource)

    def may_lack(self, acl: Acl) -> bool:
        """Whether the ACL may match something that was left out."""
        if self._scope is None:
            return False
        if acl.pattern == "literal":
            included = any(fnmatchcase(acl.resource, pattern) for pattern in self._scope.include)
            return not included or any(fnmatchcase(acl.resource, pattern) for pattern in self._scope.exclude)
        return "*" not in self._scope.include or any(
            _may_meet(acl.resource, pattern) for pattern in self._scope.exclude
        )


def _may_meet(prefix: str, pattern: str) -> bool:
    """Whether some name can begin with `prefix` and match `pattern`, a shell pattern."""
    fixed = pattern[: min((at for sign in "*?[" if (at := pattern.find(sign)) >= 0), default=len(pattern))]
    return fixed.startswith(prefix) or prefix.startswith(fixed)


def known_names(document: Document) -> dict[str, KnownNames]:
    """By kind of resource, for those whose names were read: `topic`, `group`."""
    found: dict[str, KnownNames] = {}
    sections: tuple[tuple[str, SectionName, Iterable[str], int], ...] = (
        ("topic", "topics", (topic.name for topic in document.topics), document.excluded_topics),
        (
            "group",
            "consumer_groups",
            (group.group_id for group in document.consumer_groups),
            document.excluded_consumer_groups,
        ),
    )
    for kind, section, names, excluded in sections:
        state = document.state(section)
        if state.collected_at is None or (excluded and state.scope is None):
            continue
        found[kind] = KnownNames(names, scope=state.scope if excluded else None)
    return found


def is_matched(acl: Acl, names: Mapping[str, KnownNames]) -> bool | None:
    """Whether the ACL matches anything that exists. None: unknown."""
    known = names.get(acl.resource_type)
    if known is None:
        return None
    return True if known.match(acl) else None if known.may_lack(acl) else False


def conflicts_of(document: Document) -> tuple[Conflict, ...] | None:
    """All of them; that an ACL matches nothing, only where that can be known. None: the ACLs are unknown."""
    if document.access is None or document.access.acls is None:
        return None
    acls, names = Acls(document.access.acls), known_names(document)
    unmatched = [
        Conflict(kind="matches_nothing", acl=acl)
        for acl in acls.all
        if acl.permission == "allow" and is_matched(acl, names) is False
    ]
    return (*acls.conflicts(), *unmatched)


def unused_principals(document: Document) -> tuple[str, ...] | None:
    """Principals all of whose ACLs allow something on topics and groups that do not exist. None: unknown, because the
    ACLs or the names of topics or groups are."""
    names = known_names(document)
    if document.access is None or document.access.acls is None or len(names) < 2:
        return None
    used: dict[str, bool] = {}
    for acl in document.access.acls:
        if acl.permission == "allow":
            used[acl.principal] = used.get(acl.principal, False) or is_matched(acl, names) is not False
    return tuple(sorted(principal for principal, is_used in used.items() if not is_used))
