"""Estates whose lineage was decided before their configs were written: every true edge is found, and no false one."""

import pytest

from mesh_assets.analysis.graph import Node
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.lineage.walk import walk_lineage
from mesh_assets_tests.lineage.generated import generate


def short(node: Node) -> str:
    return str(node).removeprefix("dataset ").removeprefix("topic ").removeprefix("connector ")


@pytest.mark.parametrize("seed", range(20))
def test_every_true_edge_is_found_and_no_false_one(seed: int) -> None:
    made = generate(seed)
    graph = cluster_graph(ClusterFacts(document=made.document))

    assert {
        (short(flow.source), short(flow.through), short(flow.target)) for flow in graph.flows
    } == made.flows
    assert {
        (edge.target.name, edge.source.name, edge.active)
        for edge in graph.edges
        if edge.target.kind == "application"
    } == made.readers
    written = {
        (short(one), short(two))
        for flow in graph.flows
        for one, two in ((flow.source, flow.through), (flow.through, flow.target))
    }
    alone = {
        (short(edge.source), short(edge.target))
        for edge in graph.edges
        if edge.purpose == "data" and edge.target.kind != "application"
    } - written
    assert alone == {(made.partly["outbox"], "outbox")}
    assert {node.node.name for node in graph.notes} == made.silent | set(made.partly)


@pytest.mark.parametrize("seed", range(3))
def test_a_walk_from_any_table_reaches_its_own_topics_alone(seed: int) -> None:
    made = generate(seed)
    graph = cluster_graph(ClusterFacts(document=made.document))

    for source in {flow.source for flow in graph.flows if flow.source.kind == "dataset"}:
        reached = walk_lineage(graph, source, direction="downstream", depth=2).distances
        assert {short(node) for node, steps in reached.items() if steps == 2} == {
            target for one, _, target in made.flows if one == short(source)
        }
