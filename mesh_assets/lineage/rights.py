"""Rights as potential edges: who may write to a topic and who may read it, according to the cluster's ACLs.

They say nothing about what flows, so they are kept separate (`permitted`) and made only on request.
`analysis/permissions.py` decides what ACLs permit. Kafka does not reveal super users or
`allow.everyone.if.no.acl.found`, and ACLs do not show Confluent Cloud's role bindings; the right that a
reader also needs on its group is not checked here.
"""

from collections.abc import Collection, Iterator

from mesh_assets.analysis.graph import Edge, Node
from mesh_assets.analysis.permissions import EVERYWHERE, Acls
from mesh_assets.inventory.access_records import Acl
from mesh_assets.lineage.clusters import ClusterFacts


def principal_node(facts: ClusterFacts, name: str) -> Node:
    """`name`: as in ACLs, `User:billing`; `User:*` is everybody."""
    return Node(kind="principal", cluster=facts.name, name=name)


def principals_of(facts: ClusterFacts) -> tuple[str, ...]:
    """The principals that an ACL allows something on topics, sorted."""
    return tuple(sorted({acl.principal for acl in _of_topics(facts) if acl.permission == "allow"}))


def unknown_rights(facts: ClusterFacts) -> str | None:
    """Why the cluster's ACLs are not known; None if they are."""
    access = facts.document.access
    if access is not None and access.acls is not None:
        return None
    reason = facts.document.state("access").error if access is None else access.unknown.get("acls")
    return f"who may write and read the topics of {facts.name} is not known: {reason or 'its ACLs were not read'}"


def permitted_edges(
    facts: ClusterFacts,
    *,
    topics: Collection[str] | None = None,
    principals: Collection[str] | None = None,
) -> Iterator[Edge]:
    """From each principal to the topics that it may write, and from each topic to the principals that may read it.

    `topics`, `principals`: only for these; None: for all, which may be as many edges as topics times
    principals. A principal has no edges for what everybody may do: `User:*` has. None where the ACLs are not
    known: `unknown_rights` says why.
    """
    acls = Acls(_of_topics(facts))
    for topic in facts.document.topics:
        if topics is not None and topic.name not in topics:
            continue
        hosts: dict[tuple[str, str], list[str]] = {}
        for permitted in acls.permitted("topic", topic.name):
            if principals is None or permitted.principal in principals:
                for operation in ("write", "read"):
                    if operation in permitted.operations:
                        hosts.setdefault((permitted.principal, operation), []).append(permitted.host)
        about = acls.about("topic", topic.name) if hosts else []
        for (name, operation), from_hosts in hosts.items():
            who, what = principal_node(facts, name), facts.topic(topic.name)
            own = [acl for acl in about if acl.principal == name and acl.operation in (operation, "all")]
            by = f"ACLs: {', '.join(sorted({_in_words(acl) for acl in own if acl.permission == 'allow'}))}"
            if EVERYWHERE not in from_hosts:
                by += f"; only from {', '.join(from_hosts)}"
            source, target = (who, what) if operation == "write" else (what, who)
            yield Edge(source=source, target=target, known="permitted", by=by)


def _of_topics(facts: ClusterFacts) -> Iterator[Acl]:
    access = facts.document.access
    acls = () if access is None or access.acls is None else access.acls
    return (acl for acl in acls if acl.resource_type == "topic")


def _in_words(acl: Acl) -> str:
    beginning = "topics that begin with " if acl.pattern == "prefixed" else ""
    return f"{acl.operation} on {beginning}{acl.resource}"
