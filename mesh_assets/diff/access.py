"""Changes to who may do what: ACLs and SCRAM users come and go, quotas also change. A part that is unknown in either
document gives no change."""

from collections.abc import Iterator

from mesh_assets.diff.fields import Fields, created, deleted, differing_fields, json_text, updated
from mesh_assets.inventory.access_records import Access, Acl, ClientQuota, ScramUser
from mesh_assets.inventory.changes import Change, Severity

_EVERYBODY = "User:*"
_LIMIT = "limit."


def acl_name(acl: Acl) -> str:
    """What identifies an ACL: it has no other values."""
    resource = f"{acl.resource}…" if acl.pattern == "prefixed" else acl.resource
    return f"{acl.permission} {acl.principal} {acl.operation} on {acl.resource_type} {acl.pattern} {resource} from {acl.host}"


def quota_name(quota: ClientQuota) -> str:
    """`user=alice, client-id=<default>`."""
    return ", ".join(
        f"{kind}={'<default>' if name is None else name}" for kind, name in sorted(quota.entity.items())
    )


def acl_fields(acl: Acl) -> Fields:
    return {
        "principal": acl.principal,
        "permission": acl.permission,
        "operation": acl.operation,
        "resource_type": acl.resource_type,
        "resource": acl.resource,
        "pattern": acl.pattern,
        "host": acl.host,
    }


def quota_fields(quota: ClientQuota) -> Fields:
    entity: Fields = {"entity": json_text(quota.entity)}
    return entity | {_LIMIT + key: json_text(value) for key, value in quota.limits.items()}


def scram_user_fields(user: ScramUser) -> Fields:
    return {one.mechanism: str(one.iterations) for one in user.credentials}


def diff_access(before: Access | None, after: Access | None) -> Iterator[Change]:
    if before is None or after is None:
        return
    if before.acls is not None and after.acls is not None:
        yield from _diff_acls(before.acls, after.acls)
    if before.quotas is not None and after.quotas is not None:
        yield from _diff_quotas(before.quotas, after.quotas)
    if before.scram_users is not None and after.scram_users is not None:
        yield from _diff_scram_users(before.scram_users, after.scram_users)


def _diff_acls(before: tuple[Acl, ...], after: tuple[Acl, ...]) -> Iterator[Change]:
    old, new = {acl_name(acl): acl for acl in before}, {acl_name(acl): acl for acl in after}
    for name in old.keys() - new.keys():
        yield deleted("acl", name, old[name], sentence=f"ACL removed: {_permits(old[name])}")
    for name in new.keys() - old.keys():
        acl = new[name]
        yield created(
            "acl", name, acl, sentence=f"ACL added: {_permits(acl)}", severity=_severity_of_new(acl)
        )


def _severity_of_new(acl: Acl) -> Severity:
    """A new ACL can lock somebody out, or let everybody in."""
    return "warning" if acl.permission == "deny" or acl.principal == _EVERYBODY else "info"


def _permits(acl: Acl) -> str:
    verb = "may not" if acl.permission == "deny" else "may"
    name = f"{acl.resource}…" if acl.pattern == "prefixed" else acl.resource
    host = "" if acl.host == "*" else f", only from {acl.host}"
    operation = "do everything" if acl.operation == "all" else acl.operation
    return f"{acl.principal} {verb} {operation} on {acl.resource_type} {name}{host}"


def _diff_quotas(before: tuple[ClientQuota, ...], after: tuple[ClientQuota, ...]) -> Iterator[Change]:
    old, new = (
        {quota_name(quota): quota for quota in before},
        {quota_name(quota): quota for quota in after},
    )
    for name in old.keys() - new.keys():
        yield deleted(
            "client_quota", name, old[name], sentence=f"Quota of {name} removed: {_limits(old[name])}"
        )
    for name in new.keys() - old.keys():
        yield created(
            "client_quota",
            name,
            new[name],
            sentence=f"Quota of {name} set: {_limits(new[name])}",
            severity="info",
        )
    for name in old.keys() & new.keys():
        for field, was, is_ in differing_fields(quota_fields(old[name]), quota_fields(new[name])):
            yield updated(
                "client_quota",
                name,
                field,
                before=was,
                after=is_,
                severity="info",
                sentence=f"Quota of {name}: {field.removeprefix(_LIMIT)} {was or 'none'} → {is_ or 'none'}",
            )


def _limits(quota: ClientQuota) -> str:
    return ", ".join(f"{key} {value:g}" for key, value in sorted(quota.limits.items())) or "nothing"


def _diff_scram_users(before: tuple[ScramUser, ...], after: tuple[ScramUser, ...]) -> Iterator[Change]:
    old, new = {user.name: user for user in before}, {user.name: user for user in after}
    for name in old.keys() - new.keys():
        yield deleted("scram_user", name, old[name], sentence=f"SCRAM user {name} removed")
    for name in new.keys() - old.keys():
        mechanisms = ", ".join(one.mechanism for one in new[name].credentials)
        yield created(
            "scram_user",
            name,
            new[name],
            sentence=f"SCRAM user {name} added: {mechanisms}",
            severity="info",
        )
    for name in old.keys() & new.keys():
        fields = differing_fields(scram_user_fields(old[name]), scram_user_fields(new[name]))
        for mechanism, was, is_ in fields:
            yield updated(
                "scram_user",
                name,
                mechanism,
                before=was,
                after=is_,
                severity="info",
                sentence=f"SCRAM user {name}: iterations of {mechanism} {was or 'none'} → {is_ or 'none'}",
            )
