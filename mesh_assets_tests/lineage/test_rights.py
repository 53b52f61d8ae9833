"""Rights from ACLs are a separate kind of edge, only on request."""

import pytest
from msgspec.structs import replace

from mesh_assets.analysis.graph import Node
from mesh_assets.inventory.access_records import Access, Acl
from mesh_assets.inventory.document import Document
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.lineage.rights import permitted_edges, principals_of
from mesh_assets.lineage.walk import walk_lineage
from mesh_assets_tests.documents import a_document, a_group, a_topic, an_acl

TOPICS = tuple(map(a_topic, ("orders", "orders-v2", "users")))


def with_acls(*acls: Acl) -> ClusterFacts:
    document = a_document(topics=TOPICS, consumer_groups=(a_group("billing"),))
    return ClusterFacts(document=replace(document, access=Access(acls=acls)))


def permitted(*acls: Acl) -> set[str]:
    return {f"{edge.source.name} → {edge.target.name}" for edge in permitted_edges(with_acls(*acls))}


@pytest.mark.parametrize(
    ("acls", "edges"),
    [
        ((an_acl("User:a", "write"),), {"User:a → orders"}),
        ((an_acl("User:a", "read"),), {"orders → User:a"}),
        ((an_acl("User:a", "all"),), {"User:a → orders", "orders → User:a"}),
        ((an_acl("User:a", "describe"),), set()),
        ((an_acl("User:a", "read", resource_type="group"),), set()),
        (
            (an_acl("User:a", "read", pattern="prefixed"),),
            {"orders → User:a", "orders-v2 → User:a"},
        ),
        (
            (an_acl("User:a", "read", resource="*"),),
            {"orders → User:a", "orders-v2 → User:a", "users → User:a"},
        ),
        (
            (
                an_acl("User:a", "read", pattern="prefixed"),
                an_acl("User:a", "read", resource="orders-v2", permission="deny"),
            ),
            {"orders → User:a"},
        ),
        (
            (an_acl("User:a", "all"), an_acl("User:*", "write", resource="*", permission="deny")),
            {"orders → User:a"},
        ),
        ((an_acl("User:*", "read"), an_acl("User:a", "read", permission="deny")), {"orders → User:*"}),
        (
            (an_acl("User:a", "read"), an_acl("User:a", "read", permission="deny", host="10.0.0.1")),
            {"orders → User:a"},
        ),
    ],
)
def test_rights_that_acls_grant_and_no_denial_revokes_are_edges(
    acls: tuple[Acl, ...], edges: set[str]
) -> None:
    assert permitted(*acls) == edges


def test_an_edge_says_which_acls_permit_it_and_from_which_host() -> None:
    facts = with_acls(an_acl("User:a", "write", pattern="prefixed", host="10.0.0.1"))
    [edge] = permitted_edges(facts, topics=["orders-v2"])

    assert (edge.known, edge.by, edge.active) == (
        "permitted",
        "ACLs: write on topics that begin with orders; only from 10.0.0.1",
        None,
    )


def test_only_the_requested_principals_have_edges() -> None:
    facts = with_acls(an_acl("User:a", "read"), an_acl("User:b", "read"))

    assert [edge.target.name for edge in permitted_edges(facts, principals=["User:b"])] == ["User:b"]
    assert principals_of(facts) == ("User:a", "User:b")


def test_a_graph_has_rights_only_on_request() -> None:
    facts = with_acls(an_acl("User:a", "write"))

    assert "permitted" not in {edge.known for edge in estate_graph([facts]).edges}
    graph = estate_graph([facts], permitted=True)
    assert [edge.source.name for edge in graph.edges if edge.known == "permitted"] == ["User:a"]


def test_a_walk_follows_rights_from_their_own_node_and_no_further() -> None:
    facts = with_acls(an_acl("User:a", "write"), an_acl("User:a", "read", resource="users"))
    graph = estate_graph([facts], permitted=True)
    user = Node(kind="principal", cluster=facts.name, name="User:a")

    down = walk_lineage(graph, user, direction="downstream", depth=5)
    assert {node.name for node in down.distances} == {"User:a", "orders", "billing"}
    from_group = walk_lineage(
        graph, Node(kind="application", cluster=facts.name, name="billing"), direction="upstream", depth=5
    )
    assert user not in from_group.distances


@pytest.mark.parametrize(
    ("access", "reason"),
    [
        (
            Access(unknown={"acls": "the user may not describe the cluster"}),
            "the user may not describe the cluster",
        ),
        (None, "no version that has read this cluster so far knew the section"),
    ],
)
def test_unknown_acls_are_a_gap_and_not_a_graph_without_rights(access: Access | None, reason: str) -> None:
    document: Document = replace(a_document(topics=TOPICS), access=access)
    if access is None:
        document = replace(
            document, sections={name: state for name, state in document.sections.items() if name != "access"}
        )

    [gap] = estate_graph([ClusterFacts(document=document)], permitted=True).gaps
    assert reason in gap
    assert estate_graph([ClusterFacts(document=document)]).gaps == ()
