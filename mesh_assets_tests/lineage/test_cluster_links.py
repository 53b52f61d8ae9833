"""What a mirror topic copies: a topic of the estate, one of a cluster outside it, or something unknown."""

import pytest
from msgspec.structs import replace

from mesh_assets.analysis.graph import Edge, LineageGraph, Node
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets.inventory.document import ClusterIdentity
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import estate_graph
from mesh_assets.masking.configs import MASK
from mesh_assets_tests.documents import NEVER_READ, a_document, a_link, a_mirror, a_topic, some_links

HERE = a_document(topics=(a_topic("orders"),), cluster_links=some_links())
AFAR = replace(
    a_document(topics=(a_topic("orders"),)), cluster=ClusterIdentity(id="lkc-2", name="headquarters")
)
ORDERS = Node(kind="topic", cluster="warehouse", name="orders")
ORIGINAL = Node(kind="topic", cluster="headquarters", name="orders")
BY = "the cluster link dr: the mirror is ACTIVE, 3 records behind at 2026-11-23 16:40 UTC"


def graph(links: ClusterLinks, *, with_source: bool = True, servers: tuple[str, ...] = ()) -> LineageGraph:
    document = replace(HERE, cluster_links=links)
    there = [ClusterFacts(document=AFAR, bootstrap_servers=servers)] if with_source else []
    return estate_graph([ClusterFacts(document=document), *there])


def test_a_mirror_comes_from_the_topic_of_the_cluster_that_its_link_names() -> None:
    assert graph(some_links()).edges == (
        Edge(source=ORIGINAL, target=ORDERS, known="observed", by=BY, active=True),
    )


def test_a_link_that_hides_its_source_is_identified_by_its_addresses() -> None:
    links = some_links(links=(a_link(source_cluster_id=None),))
    assert [edge.source for edge in graph(links, servers=("other:1", "afar:9092")).edges] == [ORIGINAL]


@pytest.mark.parametrize("told", ["SASL_SSL://afar:9092", "AFAR:9092", "other:1, SSL://Afar:9092"])
def test_an_address_is_recognised_with_its_protocol_and_in_any_case(told: str) -> None:
    links = some_links(links=(a_link(source_cluster_id=None, config={"bootstrap.servers": told}),))
    assert [edge.source for edge in graph(links, servers=("afar:9092",)).edges] == [ORIGINAL]
    [edge] = graph(links, with_source=False).edges
    assert edge.source.namespace == "kafka://afar:9092"


def test_a_partly_hidden_address_is_unknown() -> None:
    links = some_links(links=(a_link(config={"bootstrap.servers": f"{MASK}:9092"}),))
    found = graph(links, with_source=False)
    assert (found.edges, len(found.notes)) == ((), 1)


def test_a_bidirectional_link_is_identified_by_its_other_end() -> None:
    links = some_links(links=(a_link(source_cluster_id=None, remote_cluster_id="lkc-2", config=None),))
    assert [edge.source for edge in graph(links).edges] == [ORIGINAL]


def test_a_source_outside_the_estate_is_a_dataset_by_its_address_or_a_note() -> None:
    outside = graph(some_links(), with_source=False)
    assert [edge.source for edge in outside.edges] == [
        Node(kind="dataset", namespace="kafka://afar:9092", name="orders")
    ]
    hidden = graph(some_links(links=(a_link(config=None),)), with_source=False)
    assert hidden.edges == ()
    assert [note.text for note in hidden.notes] == [
        "it mirrors orders of cluster lkc-2, by the link dr; that is not one of the clusters looked at, and its "
        "addresses are not known"
    ]
    [note] = graph(some_links(links=None), with_source=False).notes
    assert "of an unknown cluster" in note.text


@pytest.mark.parametrize(
    ("status", "active"), [("PAUSED", False), ("STOPPED", False), ("PENDING_MIRROR", None), ("FAILED", False)]
)
def test_an_edge_says_whether_anything_flows_along_it(status: str, active: bool | None) -> None:
    [edge] = graph(some_links(mirror_topics=(a_mirror(status=status, lag_records=None),))).edges
    assert edge.active is active
    ends = ", a topic of its own since" if status == "STOPPED" else ""
    assert edge.by == f"the cluster link dr: the mirror is {status}{ends}"


def test_unknown_mirrors_are_a_gap() -> None:
    assert graph(ClusterLinks(links=(), unknown={"mirror_topics": "refused"})).gaps == (
        "mirror topics of warehouse are not known: refused",
    )
    document = a_document(sections={"cluster_links": NEVER_READ})
    assert estate_graph([ClusterFacts(document=document)]).gaps == (
        "cluster links of warehouse are not current: connection refused; never read before",
    )
