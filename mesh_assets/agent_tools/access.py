"""Tool: who may do what, how much, and who can log in by SCRAM."""

from typing import Annotated

from pydantic import Field

from mesh_assets.analysis.permissions import Acls, Conflict, Permitted
from mesh_assets.analysis.unused_permissions import conflicts_of, unused_principals
from mesh_assets.answering.answers import (
    About,
    Answer,
    BadArgumentError,
    ClusterName,
    CursorArgument,
    LimitArgument,
    SourceArgument,
    UnknownError,
    cut,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.inventory.access_records import Access, Acl

_SHOWN = 10


class AclRow(Answer):
    """`resource`: with `pattern` prefixed, how the names begin."""

    principal: str
    permission: str
    operation: str
    resource_type: str
    resource: str
    pattern: str
    host: str


class PermittedRow(Answer):
    """`denied`: what one ACL allows and another denies."""

    principal: str
    host: str
    operations: list[str]
    denied: list[str]


class QuotaRow(Answer):
    """`entity`: kind → name; null: the default of the kind."""

    entity: dict[str, str | None]
    limits: dict[str, float]


class AccessPage(Answer):
    """`total`: matching ACLs."""

    about: About
    total: int | None = None
    acls: list[AclRow] | None = None
    permitted: list[PermittedRow] | None = Field(
        default=None, description="For a topic or group: what each principal may do; a deny wins."
    )
    conflicts: list[str] | None = None
    unused_principals: list[str] | None = Field(
        default=None, description="Principals whose ACLs match no topic or group; null: this cannot be known."
    )
    quotas: list[QuotaRow] | None = None
    scram_users: dict[str, list[str]] | None = Field(default=None, description="User → mechanisms.")
    totals: dict[str, int] = Field(description="The full counts, where lists are cut.")
    unknown: dict[str, str] = Field(description="What could not be read → why.")
    next_cursor: str | None = None
    hint: str | None = None


def describe_access(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    principal: Annotated[
        str | None,
        Field(max_length=249, description="Only ACLs of principals that match, such as `User:app-*`."),
    ] = None,
    topic: Annotated[
        str | None, Field(max_length=249, description="Only ACLs that concern this topic.")
    ] = None,
    group: Annotated[
        str | None, Field(max_length=249, description="Only ACLs that concern this group.")
    ] = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
    source: SourceArgument = "latest",
) -> AccessPage:
    """Who may do what: ACLs, and for a topic or group what each principal may effectively do; ACLs that contradict each
    other or do nothing, client quotas, SCRAM users.
    """
    if topic is not None and group is not None:
        raise BadArgumentError("pass a topic or a group, not both")
    view = known.view(cluster, source, needs=("topics", "consumer_groups", "access"))
    document = view.document
    access = document.access
    if access is None:
        state = document.state("access")
        raise UnknownError(f"who may do what on {document.cluster.name} is unknown: {state.error}")
    acls = Acls(access.acls or ())
    about = acls.all
    permitted: tuple[Permitted, ...] | None = None
    if access.acls is None:
        pass  # then nothing is known to be permitted or forbidden
    elif topic is not None:
        about, permitted = tuple(acls.about("topic", topic)), acls.permitted("topic", topic)
    elif group is not None:
        about, permitted = tuple(acls.about("group", group)), acls.permitted("group", group)
    rows = sorted((acl for acl in about if matches(acl.principal, principal)), key=_place)
    shown = set(rows)
    found = conflicts_of(document)
    conflicts = None if found is None else [one for one in found if one.acl in shown]
    unused = unused_principals(document)
    if permitted is not None:
        permitted = tuple(one for one in permitted if matches(one.principal, principal))
    totals = {
        "permitted": permitted,
        "conflicts": conflicts,
        "unused_principals": unused,
        "quotas": access.quotas,
        "scram_users": access.scram_users,
    }
    page = build_page(
        AccessPage,
        "acls",
        rows,
        place=_place,
        row=_row,
        limit=limit,
        cursor=cursor,
        question=("access", document.cluster.name, principal, topic, group, source),
        version=view.version,
        narrow="principal, topic or group",
        about=view.about("access"),
        permitted=None if permitted is None else [_permitted(one) for one in permitted[:_SHOWN]],
        conflicts=None if conflicts is None else [cut(_sentence(one), 300) for one in conflicts[:_SHOWN]],
        unused_principals=None if unused is None else list(unused[:_SHOWN]),
        quotas=_quotas(access),
        scram_users=_scram_users(access),
        totals={name: len(ones) for name, ones in totals.items() if ones is not None},
        unknown={part: cut(reason, 300) for part, reason in access.unknown.items()},
    )
    return page if access.acls is not None else page.model_copy(update={"acls": None, "total": None})


def _place(acl: Acl) -> tuple[str, ...]:
    return (
        acl.principal,
        acl.resource_type,
        acl.resource,
        acl.pattern,
        acl.operation,
        acl.host,
        acl.permission,
    )


def _row(acl: Acl) -> AclRow:
    return AclRow(
        principal=acl.principal,
        permission=acl.permission,
        operation=acl.operation,
        resource_type=acl.resource_type,
        resource=acl.resource,
        pattern=acl.pattern,
        host=acl.host,
    )


def _permitted(one: Permitted) -> PermittedRow:
    return PermittedRow(
        principal=one.principal,
        host=one.host,
        operations=list(one.operations),
        denied=list(one.denied),
    )


def _quotas(access: Access) -> list[QuotaRow] | None:
    if access.quotas is None:
        return None
    return [QuotaRow(entity=one.entity, limits=one.limits) for one in access.quotas[:_SHOWN]]


def _scram_users(access: Access) -> dict[str, list[str]] | None:
    if access.scram_users is None:
        return None
    return {
        user.name: [credential.mechanism for credential in user.credentials]
        for user in access.scram_users[:_SHOWN]
    }


def _sentence(conflict: Conflict) -> str:
    other = "" if conflict.other is None else _said(conflict.other)
    match conflict.kind:
        case "overridden":
            return f"{_said(conflict.acl)} does nothing: {other} overrides it"
        case "restricted":
            return f"{_said(conflict.acl)} is restricted by {other}"
        case "redundant":
            return f"{_said(conflict.acl)} is not needed: {other} allows the same and more"
        case "matches_nothing":
            return f"{_said(conflict.acl)} matches no existing {conflict.acl.resource_type}"


def _said(acl: Acl) -> str:
    name = f"{acl.resource}…" if acl.pattern == "prefixed" else acl.resource
    host = "" if acl.host == "*" else f" from {acl.host}"
    return f"{acl.permission} {acl.principal} {acl.operation} on {acl.resource_type} {name}{host}"
