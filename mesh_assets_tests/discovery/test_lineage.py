"""Lineage of the sandbox's first cluster, compared with what its generator recorded."""

from typing import Any

import pytest

from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.sandbox.estate.lineage import TrueFlow, TrueReader, true_flows, true_readers
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox


def test_every_true_edge_is_found_and_no_false_one(
    sandbox: Sandbox, first: tuple[Workplace, dict[str, Any]]
) -> None:
    graph = cluster_graph(ClusterFacts(document=first[0].latest()))
    true = true_flows(feeds=sandbox.folder.feeds, sinks=sandbox.folder.sinks)
    connectors = {flow.connector for flow in true}

    flows = {
        TrueFlow(source=flow.source.name, connector=flow.through.name, target=flow.target.name)
        for flow in graph.flows
        if flow.through.name in connectors
    }
    assert flows == true
    readers = true_readers()
    assert {
        TrueReader(group=edge.target.name, topic=edge.source.name, active=edge.active is True)
        for edge in graph.edges
        if edge.target.name in {reader.group for reader in readers}
    } == readers
    assert [note for note in graph.notes if note.node.name in connectors] == []
