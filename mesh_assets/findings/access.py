"""Rules about ACLs: those that others override or contain, and those that match nothing."""

from collections import defaultdict
from collections.abc import Iterator

from mesh_assets.analysis.permissions import Acls
from mesh_assets.analysis.unused_permissions import KnownNames, is_matched, known_names
from mesh_assets.diff.access import acl_name
from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Found
from mesh_assets.inventory.access_records import Acl
from mesh_assets.inventory.sections import SectionName
from mesh_assets.inventory.wording import counted

_COMES_WITH_OTHERS = ("describe", "describe_configs")
"""What `kafka-acls.sh --producer` and `--consumer` allow besides write and read, which already include it."""
_SECTIONS: dict[str, SectionName] = {"topic": "topics", "group": "consumer_groups"}


def judge_acls(case: Case) -> Iterator[Found]:
    """ACLs that another makes useless. Those that are denied in part are intended exceptions."""
    for conflict in Acls(_acls(case)).conflicts():
        if conflict.other is None:
            continue
        name, other = acl_name(conflict.acl), acl_name(conflict.other)
        if conflict.kind == "overridden":
            sentence = f"{name}: does nothing, since another ACL denies all of it: {other}"
            yield Found("overridden_acl", "warning", name, sentence, {"overridden_by": other})
        elif conflict.kind == "redundant" and conflict.acl.operation not in _COMES_WITH_OTHERS:
            sentence = f"{name}: another ACL allows the same and more: {other}"
            yield Found("redundant_acl", "info", name, sentence, {"contained_in": other})


def judge_unused_permissions(case: Case) -> Iterator[Found]:
    """ACLs and principals that match nothing now and matched nothing for as long as the estate calls idle."""
    earlier = case.earlier
    if earlier is None or not case.is_read("access"):
        return
    now = {kind: names for kind, names in known_names(case.document).items() if case.is_read(_SECTIONS[kind])}
    then = {"topic": KnownNames(earlier.topics), "group": KnownNames(earlier.groups)}
    unmatched: defaultdict[str, list[Acl]] = defaultdict(list)
    used: set[str] = set()
    for acl in _acls(case):
        if acl.permission != "allow":
            continue
        if acl in earlier.acls and is_matched(acl, now) is False and not then[acl.resource_type].match(acl):
            unmatched[acl.principal].append(acl)
        else:
            used.add(acl.principal)
    for principal, acls in unmatched.items():
        if principal not in used:
            sentence = (
                f"{principal}: all its ACLs are on topics and groups that do not exist, and did not at "
                f"{minute(earlier.moment)} ({counted(len(acls), 'ACL')})"
            )
            yield Found("unused_principal", "info", principal, sentence, {"acls": len(acls)})
            continue
        for acl in acls:
            name = acl_name(acl)
            sentence = f"{name}: no such {acl.resource_type} exists, and none did at {minute(earlier.moment)}"
            yield Found("unmatched_acl", "info", name, sentence, {"principal": principal})


def _acls(case: Case) -> tuple[Acl, ...]:
    """Empty if they could not be read."""
    access = case.document.access
    return () if access is None else access.acls or ()
